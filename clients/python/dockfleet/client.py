"""The blocking client: a fleet of hosts behind one gateway."""

from __future__ import annotations

from collections.abc import Sequence
from types import TracebackType
from typing import Self

import grpc

from dockfleet.calls import STUBS, Services
from dockfleet.channels import Options, PathLike, Security, SplitChannel, options
from dockfleet.errors import DockfleetError
from dockfleet.fleet.v1.hosts_pb2 import Host, ListHostsRequest
from dockfleet.host import HostView

DEFAULT_TARGET = "127.0.0.1:50051"


def connect(
    target: str = DEFAULT_TARGET,
    *,
    tls: bool = False,
    tls_ca: PathLike | None = None,
    tls_cert: PathLike | None = None,
    tls_key: PathLike | None = None,
    token: str | None = None,
    channel_options: Options = (),
) -> Fleet:
    """Return the fleet behind the gateway at *target*.  Nothing is sent before the first call.

    Arguments: *target*, `host:port` or another gRPC name such as `unix:/run/dockfleet.sock`; *tls*, whether to
    use TLS with the public authorities, implied by the next three; *tls_ca*, *tls_cert*, *tls_key*, the paths of
    PEM files: whom to trust, and who we are; *token*, a bearer token, sent over TLS or to this machine only;
    *channel_options*, gRPC's own, in place of this package's.  Raises `OSError` for a file that can not be read.
    """
    credentials = Security(target, tls, tls_ca, tls_cert, tls_key, token).credentials()
    settings = options(channel_options)

    def dial() -> grpc.Channel:
        if credentials is None:
            return grpc.insecure_channel(target, settings)
        return grpc.secure_channel(target, credentials, settings)

    return Fleet(SplitChannel(dial, blocking=True))


class Fleet(Services):
    """All hosts of a gateway.

    The attributes are the stubs of the contract, one for each service, as gRPC's own code generator makes them;
    they raise `grpc.RpcError`.  Everything else raises `DockfleetError`.  Threads may share a fleet.
    """

    def __init__(self, channel: SplitChannel[grpc.Channel]) -> None:
        """Speak over *channel*, which closes with the fleet."""
        self._channel = channel
        for name, stub in STUBS.items():
            setattr(self, name, stub(channel))

    def host(self, name: str) -> HostView:
        """Return the view of the host called *name*.  Nothing is sent; whether it exists shows with the first call."""
        return HostView(self, name)

    def list_hosts(self, *, timeout: float | None = None) -> Sequence[Host]:
        """Return all hosts that the gateway knows, reachable or not, by name."""
        try:
            return self.hosts.ListHosts(ListHostsRequest(), timeout=timeout).hosts
        except grpc.RpcError as error:
            raise DockfleetError.of(error) from error

    def close(self) -> None:
        """End all connections and the calls on them."""
        self._channel.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
