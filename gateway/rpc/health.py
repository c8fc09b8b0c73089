"""The standard health service: of the gateway, of its services, and of each host.

grpcio's own servicer cannot remove a name, and the health of a host must end when the host leaves the fleet.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Iterable
from typing import Any

from grpc_health.v1 import health_pb2 as pb
from grpc_health.v1 import health_pb2_grpc

from gateway.engine.errors import CallError
from gateway.fleet.host import Host
from gateway.fleet.state import State

NAME = "grpc.health.v1.Health"
_SERVING, _NOT_SERVING = pb.HealthCheckResponse.SERVING, pb.HealthCheckResponse.NOT_SERVING


class UnknownService(CallError):
    """The health of this name is not known."""

    status, reason, about_host = "NOT_FOUND", "NOT_FOUND", False


class HealthReporter(health_pb2_grpc.HealthServicer):
    """The statuses of the gateway (""), of services by name, and of hosts as `host/NAME`.

    `asked_at` is the `time.monotonic()` of the last health check.
    """

    def __init__(self) -> None:
        self.asked_at: float | None = None
        self._statuses: dict[str, pb.HealthCheckResponse.ServingStatus] = {}
        self._changed = asyncio.Event()  # replaced whenever it is set
        self._draining = False
        self._closed = False

    def serve(self, services: Iterable[str]) -> None:
        """Report the gateway and *services* as SERVING."""
        for name in ("", *services):
            self._set(name, _SERVING)

    def host_added(self, host: Host) -> None:
        """Do nothing: a host has no status before its first probe."""

    def host_changed(self, host: Host) -> None:
        """Report whether *host* takes new work."""
        serves = host.state in (State.UP, State.DEGRADED)
        self._set(f"host/{host.name}", _SERVING if serves else _NOT_SERVING)

    def host_removed(self, host: Host) -> None:
        """Remove *host*; its watchers receive SERVICE_UNKNOWN."""
        self._statuses.pop(f"host/{host.name}", None)
        self._wake()

    def drain(self) -> None:
        """Report NOT_SERVING for every name from now on."""
        self._draining = True
        self._statuses = dict.fromkeys(self._statuses, _NOT_SERVING)
        self._wake()

    def close(self) -> None:
        """End the Watch streams after their clients have received the last change."""
        self._closed = True
        self._wake()

    async def Check(self, request: pb.HealthCheckRequest, context: Any) -> pb.HealthCheckResponse:
        """Return the status of a name.  Raises `UnknownService`."""
        self.asked_at = time.monotonic()
        status = self._statuses.get(request.service)
        if status is None:
            raise UnknownService(f"there is no service {request.service!r}")
        return pb.HealthCheckResponse(status=status)

    async def List(self, request: pb.HealthListRequest, context: Any) -> pb.HealthListResponse:
        """Return the status of every name."""
        statuses = {name: pb.HealthCheckResponse(status=status) for name, status in self._statuses.items()}
        return pb.HealthListResponse(statuses=statuses)

    async def Watch(self, request: pb.HealthCheckRequest, context: Any) -> AsyncGenerator[pb.HealthCheckResponse, None]:
        """Stream the status of a name: what it is now, and whenever it changes."""
        last = None
        while True:
            status = self._statuses.get(request.service, pb.HealthCheckResponse.SERVICE_UNKNOWN)
            if status != last:
                last = status
                yield pb.HealthCheckResponse(status=status)  # meanwhile it may have changed again
            elif self._closed:
                return
            else:
                await self._changed.wait()

    def _set(self, name: str, status: pb.HealthCheckResponse.ServingStatus) -> None:
        if not self._draining:
            self._statuses[name] = status
            self._wake()

    def _wake(self) -> None:
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()
