"""The gateway as the commands see it: the generated stubs, and failures as `DockfleetError`.

The stubs are imported when they are used: a command needs one or two of nine services.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import click

if TYPE_CHECKING:
    import grpc

    from dockfleet.fleet.v1.fleet_pb2_grpc import FleetServiceStub
    from dockfleet.fleet.v1.hosts_pb2_grpc import HostServiceStub
    from dockfleet.v1.containers_pb2_grpc import ContainerServiceStub
    from dockfleet.v1.exec_pb2_grpc import ExecServiceStub
    from dockfleet.v1.images_pb2_grpc import ImageServiceStub
    from dockfleet.v1.networks_pb2_grpc import NetworkServiceStub
    from dockfleet.v1.system_pb2_grpc import SystemServiceStub
    from dockfleet.v1.volumes_pb2_grpc import VolumeServiceStub

T = TypeVar("T")


class Settings(NamedTuple):
    """Where the gateway is, and what proves who is who."""

    address: str
    tls: bool
    ca: str | None
    cert: str | None
    key: str | None
    server_name: str | None


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

        _, tls, ca, cert, key, server_name = self.settings
        try:
            target, secure = address(self.settings.address), credentials(tls, ca, cert, key)
        except ValueError as error:
            raise click.UsageError(str(error)) from error
        options = list(CONNECTION.items())
        if server_name:
            options.append(("grpc.ssl_target_name_override", server_name))
        return grpc.secure_channel(target, secure, options) if secure else grpc.insecure_channel(target, options)

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


class Upload(Iterator[Any]):
    """The requests of an upload.  gRPC reads them on a thread of its own.

    When their source fails, the call is cancelled, so that the gateway never takes a part for the whole.
    """

    def __init__(self, requests: Iterator[Any]) -> None:
        """Send *requests*."""
        self.failure: Exception | None = None
        self._requests = requests
        self._call: Any = None
        self._started = threading.Event()

    def started(self, call: Any) -> None:
        """Set the call of this upload."""
        self._call = call
        self._started.set()

    def __next__(self) -> Any:
        try:
            return next(self._requests)
        except StopIteration:
            raise
        except Exception as error:  # the source may raise anything
            self.failure = error
            self._started.wait()
            self._call.cancel()
            raise StopIteration from error

    def raise_failure(self) -> None:
        """Raise `CommandError` when the source has failed."""
        from dockfleet.cli.group import CommandError

        if self.failure is not None:
            raise CommandError(str(self.failure)) from self.failure


def call(rpc: Callable[..., T], request: Any, timeout: float | None = None) -> T:
    """Return the response of a call.  Raises `DockfleetError`."""
    import grpc

    try:
        return rpc(request, timeout=timeout)
    except grpc.RpcError as error:
        from dockfleet.errors import DockfleetError

        raise DockfleetError.of(error) from error


def sent(rpc: Any, upload: Upload) -> Any:
    """Return the response of a call that uploads.  Raises `DockfleetError`, and `CommandError` for the source."""
    import grpc

    from dockfleet.errors import DockfleetError

    future = rpc.future(upload)
    upload.started(future)
    try:
        return future.result()
    except (grpc.RpcError, grpc.FutureCancelledError) as error:
        upload.raise_failure()
        raise DockfleetError.of(future) from error
    finally:
        future.cancel()  # has no effect after the end


def responses(rpc: Callable[..., Any], request: Any) -> Iterator[Any]:
    """Yield the responses of a stream; closing the iterator ends the call.  Raises `DockfleetError`.

    *request* is a message, the requests of a session, or an `Upload`, whose source may raise `CommandError`.
    """
    import grpc

    started = rpc(request)
    if isinstance(request, Upload):
        request.started(started)
    try:
        yield from started
    except grpc.RpcError as error:
        if isinstance(request, Upload):
            request.raise_failure()
        from dockfleet.errors import DockfleetError

        raise DockfleetError.of(error) from error
    finally:
        started.cancel()  # has no effect after the end
