"""A real gateway in the test's own loop, a real channel to it, and what a failed call's client sees."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from typing import Any, TypeVar, cast

import grpc
from dockfleet.fleet.v1 import fleet_pb2_grpc, hosts_pb2_grpc
from dockfleet.v1 import (
    containers_pb2_grpc,
    distribution_pb2_grpc,
    exec_pb2_grpc,
    images_pb2_grpc,
    networks_pb2_grpc,
    system_pb2_grpc,
    volumes_pb2_grpc,
)
from google.protobuf.any_pb2 import Any as AnyMessage
from google.protobuf.message import Message
from google.rpc.error_details_pb2 import BadRequest, ErrorInfo, ResourceInfo, RetryInfo
from google.rpc.status_pb2 import Status

from gateway.config.settings import HostSettings, Settings
from gateway.fleet.registry import HostRegistry
from gateway.server import Running, running
from gateway.telemetry.metrics import Metrics

T = TypeVar("T")
M = TypeVar("M", bound=Message)


@dataclass
class Client:
    """A client of a gateway: its channel, the stubs of all services, and the gateway, if it is in this process."""

    channel: grpc.aio.Channel
    gateway: Running | None = None

    def __post_init__(self) -> None:
        self.containers = containers_pb2_grpc.ContainerServiceStub(self.channel)
        self.distribution = distribution_pb2_grpc.DistributionServiceStub(self.channel)
        self.exec = exec_pb2_grpc.ExecServiceStub(self.channel)
        self.fleet = fleet_pb2_grpc.FleetServiceStub(self.channel)
        self.hosts = hosts_pb2_grpc.HostServiceStub(self.channel)
        self.images = images_pb2_grpc.ImageServiceStub(self.channel)
        self.networks = networks_pb2_grpc.NetworkServiceStub(self.channel)
        self.system = system_pb2_grpc.SystemServiceStub(self.channel)
        self.volumes = volumes_pb2_grpc.VolumeServiceStub(self.channel)

    def unary(self, path: str) -> Any:
        """Return the unary method at *path*, which takes and gives bytes."""
        return self.channel.unary_unary(path)

    @property
    def port(self) -> int:
        """The port that the gateway listens on."""
        return self._running.port

    @property
    def metrics_address(self) -> tuple[str, int] | None:
        """Where the gateway serves its pages, if it does."""
        return self._running.metrics_address

    @property
    def hosts_of_gateway(self) -> HostRegistry:
        """The gateway's own hosts."""
        return self._running.hosts

    @property
    def metrics(self) -> Metrics:
        """The gateway's own metrics."""
        return self._running.metrics

    @property
    def _running(self) -> Running:
        assert self.gateway is not None
        return self.gateway


_RUNNING: list[Client] = []
_HANDLED: Counter[tuple[str, str]] = Counter()  # by gateways that are gone


def handled(client: Client) -> dict[tuple[str, str], float]:
    """Return how often RPCs have ended at the gateway of *client*, by full name and status."""
    return {
        (f"{sample.labels['grpc_service']}.{sample.labels['grpc_method']}", sample.labels["grpc_code"]): sample.value
        for metric in client.metrics.rpcs.handled.collect()
        for sample in metric.samples
        if sample.name.endswith("_total") and sample.value
    }


def handled_by_all() -> Counter[tuple[str, str]]:
    """Return the same of all gateways that this process has had."""
    return sum((Counter(handled(client)) for client in _RUNNING), Counter(_HANDLED))


OpenGateway = Callable[..., AbstractAsyncContextManager[Client]]


@asynccontextmanager
async def gateway_of(*hosts: HostSettings | str, **keys: Any) -> AsyncIterator[Client]:
    """Run a gateway on a port of its own; a host given as an address is called h1, h2 …; *keys* are `Settings`.

    Without `inventory=True`, nothing but calls and probes asks the hosts: many tests look at all that is asked.
    """
    settings = Settings(
        hosts=tuple(
            HostSettings(name=f"h{number}", address=host) if isinstance(host, str) else host
            for number, host in enumerate(hosts, 1)
        ),
        **{"listen": "127.0.0.1:0", "metrics_listen": None, "drain_timeout_seconds": 0, "shutdown_timeout_seconds": 1}
        | {"inventory": False}
        | keys,
    )
    async with (
        running(settings) as gateway,
        grpc.aio.insecure_channel(f"127.0.0.1:{gateway.port}", [("grpc.use_local_subchannel_pool", 1)]) as channel,
    ):
        client = Client(channel, gateway)
        _RUNNING.append(client)
        try:
            yield client
        finally:
            _RUNNING.remove(client)
    _HANDLED.update(handled(client))


async def receive(call: grpc.aio.UnaryStreamCall[Any, T] | grpc.aio.StreamStreamCall[Any, T]) -> T:
    """Return the next message of *call*, which has not ended."""
    message: Any = await call.read()
    assert message is not grpc.aio.EOF
    return cast(T, message)


@dataclass
class Failed:
    """A failed call as its client sees it."""

    code: grpc.StatusCode
    message: str
    reason: str
    metadata: dict[str, str]
    details: list[Message]

    def detail(self, kind: type[M]) -> M:
        """Return the only detail of a kind."""
        [found] = [detail for detail in self.details if isinstance(detail, kind)]
        return found


def failed(error: grpc.aio.AioRpcError) -> Failed:
    """Read the status and its details out of *error*."""
    info = ErrorInfo()
    others: list[Message] = []
    for key, value in error.trailing_metadata() or ():
        if key == "grpc-status-details-bin" and isinstance(value, bytes):
            for packed in Status.FromString(value).details:
                detail = unpacked(packed)
                if isinstance(detail, ErrorInfo):
                    info = detail
                else:
                    others.append(detail)
    return Failed(error.code(), error.details() or "", info.reason, dict(info.metadata), others)


def unpacked(packed: AnyMessage) -> Message:
    """Return the detail of a status that is in *packed*."""
    for kind in (ErrorInfo, BadRequest, RetryInfo, ResourceInfo):
        if packed.TypeName() == kind.DESCRIPTOR.full_name:
            detail = kind()
            packed.Unpack(detail)
            return detail
    raise AssertionError(f"the contract has no such detail: {packed.type_url}")
