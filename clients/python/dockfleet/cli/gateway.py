"""The connection of commands to the gateway: the generated stubs, and failures as `DockfleetError`.

The stubs are imported when they are used: a command needs one or two of nine services.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import click

if TYPE_CHECKING:
    import grpc

    from dockfleet.fleet.v1.fleet_pb2_grpc import FleetServiceStub
    from dockfleet.fleet.v1.hosts_pb2_grpc import HostServiceStub
    from dockfleet.stream import Upload
    from dockfleet.v1.containers_pb2_grpc import ContainerServiceStub
    from dockfleet.v1.exec_pb2_grpc import ExecServiceStub
    from dockfleet.v1.images_pb2_grpc import ImageServiceStub
    from dockfleet.v1.networks_pb2_grpc import NetworkServiceStub
    from dockfleet.v1.system_pb2_grpc import SystemServiceStub
    from dockfleet.v1.volumes_pb2_grpc import VolumeServiceStub

T = TypeVar("T")


class Settings(NamedTuple):
    """The address of the gateway, and the certificates."""

    address: str
    tls: bool
    ca: str | None
    cert: str | None
    key: str | None
    server_name: str | None
    deadline: float | None = None
    """The seconds after which each call ends."""
    token: str | None = None
    """Sent with every call, for a proxy before the gateway."""


class Gateway:
    """A connection to a gateway.  Nothing is sent before the first call."""

    def __init__(self, settings: Settings) -> None:
        """Use *settings* at the first call."""
        self.settings = settings

    @cached_property
    def channel(self) -> grpc.Channel:
        """The connection.  Raises `click.UsageError` for a wrong address and for wrong files."""
        import grpc

        from dockfleet.target import CONNECTION, address, credentials

        _, tls, ca, cert, key, server_name, deadline, token = self.settings
        try:
            target, secure = address(self.settings.address), credentials(tls, ca, cert, key, token)
        except ValueError as error:
            raise click.UsageError(str(error)) from error
        options = list(CONNECTION.items())
        if server_name:
            options.append(("grpc.ssl_target_name_override", server_name))
        channel = grpc.secure_channel(target, secure, options) if secure else grpc.insecure_channel(target, options)
        if deadline is None:
            return channel
        from dockfleet.cli.deadline import Deadline

        return grpc.intercept_channel(channel, Deadline(deadline))

    @cached_property
    def fleet(self) -> FleetServiceStub:
        """Many hosts as one."""
        from dockfleet.fleet.v1.fleet_pb2_grpc import FleetServiceStub

        return FleetServiceStub(self.channel)

    @cached_property
    def hosts(self) -> HostServiceStub:
        """The hosts that the gateway knows."""
        from dockfleet.fleet.v1.hosts_pb2_grpc import HostServiceStub

        return HostServiceStub(self.channel)

    @cached_property
    def containers(self) -> ContainerServiceStub:
        """The containers of one host."""
        from dockfleet.v1.containers_pb2_grpc import ContainerServiceStub

        return ContainerServiceStub(self.channel)

    @cached_property
    def exec(self) -> ExecServiceStub:
        """Commands in the containers of one host."""
        from dockfleet.v1.exec_pb2_grpc import ExecServiceStub

        return ExecServiceStub(self.channel)

    @cached_property
    def images(self) -> ImageServiceStub:
        """The images of one host."""
        from dockfleet.v1.images_pb2_grpc import ImageServiceStub

        return ImageServiceStub(self.channel)

    @cached_property
    def networks(self) -> NetworkServiceStub:
        """The networks of one host."""
        from dockfleet.v1.networks_pb2_grpc import NetworkServiceStub

        return NetworkServiceStub(self.channel)

    @cached_property
    def system(self) -> SystemServiceStub:
        """One host itself."""
        from dockfleet.v1.system_pb2_grpc import SystemServiceStub

        return SystemServiceStub(self.channel)

    @cached_property
    def volumes(self) -> VolumeServiceStub:
        """The volumes of one host."""
        from dockfleet.v1.volumes_pb2_grpc import VolumeServiceStub

        return VolumeServiceStub(self.channel)

    def close(self) -> None:
        """End the connection and its calls."""
        if "channel" in self.__dict__:
            self.channel.close()


def call(rpc: Callable[..., T], request: Any, timeout: float | None = None) -> T:
    """Return the response of a call.  Raises `DockfleetError`."""
    import grpc

    from dockfleet.cli import sources

    try:
        response = rpc(request, timeout=timeout)
    except grpc.RpcError as error:
        from dockfleet.errors import DockfleetError

        raise DockfleetError.of(error) from error
    sources.warn(response)
    return response


def sent(rpc: Any, upload: Upload) -> Any:
    """Return the response of a call that uploads.  Raises `DockfleetError`, and `CommandError` for the source."""
    from dockfleet import stream

    with _source_failures():
        return stream.uploaded(rpc, upload)


def responses(rpc: Callable[..., Any], request: Any) -> Iterator[Any]:
    """Yield the responses of a stream; closing the iterator ends the call.  Raises `DockfleetError`.

    *request* is a message, or an `Upload`, whose source may raise `CommandError`.
    """
    from dockfleet.cli import sources
    from dockfleet.stream import Stream, Upload

    with _source_failures(), Stream[Any](rpc(request), request if isinstance(request, Upload) else None) as stream:
        for response in stream:
            sources.warn(response)
            yield response


@contextmanager
def _source_failures() -> Iterator[None]:
    """Report the files of an upload that cannot be read."""
    from dockfleet.cli.group import CommandError

    try:
        yield
    except OSError as error:
        raise CommandError(str(error)) from error
