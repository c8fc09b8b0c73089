"""The blocking client of a gateway and its fleet."""

from __future__ import annotations

from collections.abc import Sequence
from types import TracebackType
from typing import Self

import grpc

from dockfleet.calls import STUBS, Services, check_timeout
from dockfleet.channels import Options, SplitChannel, options
from dockfleet.errors import DockfleetError
from dockfleet.fleet.v1.hosts_pb2 import Host, ListHostsRequest
from dockfleet.host import HostView
from dockfleet.target import DEFAULT_TARGET, PathLike, address, credentials


def connect(
    target: str = DEFAULT_TARGET,
    *,
    tls: bool = False,
    tls_ca: PathLike | None = None,
    tls_cert: PathLike | None = None,
    tls_key: PathLike | None = None,
    channel_options: Options = (),
) -> Fleet:
    """Return the fleet of the gateway at *target*.  Nothing is sent before the first call.

    Arguments:

    - *target*: `host:port`, `host` for port 50051, or another gRPC name such as `unix:/run/dockfleet.sock`;
    - *tls*: whether to use TLS and trust the public authorities; each of the next three also turns TLS on;
    - *tls_ca*: the PEM file of the authorities to trust;
    - *tls_cert*, *tls_key*: the PEM files of this client's certificate and its private key, always together;
    - *channel_options*: options of gRPC, which replace those of this package.

    Raises `OSError` for a file that cannot be read, and `ValueError` for a wrong file or target.
    """
    target, secure = address(target), credentials(tls, tls_ca, tls_cert, tls_key)
    settings = options(channel_options)

    def dial() -> grpc.Channel:
        if secure is None:
            return grpc.insecure_channel(target, settings)
        return grpc.secure_channel(target, secure, settings)

    return Fleet(SplitChannel(dial, blocking=True))


class Fleet(Services):
    """All hosts of a gateway.

    The attributes are the stubs of the contract's services, as gRPC generates them; they raise `grpc.RpcError`.
    Everything else raises `DockfleetError`.  Threads may share a fleet.
    """

    def __init__(self, channel: SplitChannel[grpc.Channel]) -> None:
        """Use *channel*, which closes with the fleet."""
        self._channel = channel
        for name, stub in STUBS.items():
            setattr(self, name, stub(channel))

    def host(self, name: str) -> HostView:
        """Return the view of the host called *name*.  Nothing is sent; an unknown host fails the first call."""
        return HostView(self, name)

    def list_hosts(self, *, timeout: float | None = None) -> Sequence[Host]:
        """Return all hosts of the gateway in the order of their names, also those that are down."""
        try:
            return self.hosts.ListHosts(ListHostsRequest(), timeout=check_timeout(timeout)).hosts
        except grpc.RpcError as error:
            raise DockfleetError.of(error) from error

    def close(self) -> None:
        """End all connections and their calls."""
        self._channel.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
