"""A real gateway in the test's own loop, a real channel to it, and what a failed call's client sees."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from typing import Any

import grpc
from dockfleet.fleet.v1 import hosts_pb2_grpc
from dockfleet.v1 import (
    containers_pb2_grpc,
    distribution_pb2_grpc,
    exec_pb2_grpc,
    images_pb2_grpc,
    networks_pb2_grpc,
    system_pb2_grpc,
    volumes_pb2_grpc,
)
from google.protobuf.message import Message
from google.rpc.error_details_pb2 import BadRequest, ErrorInfo, ResourceInfo, RetryInfo
from google.rpc.status_pb2 import Status

from gateway.config.settings import HostSettings, Settings
from gateway.fleet.hosts import Hosts
from gateway.server import running


@dataclass
class Client:
    """A client of a gateway: its channel, the stubs of all services, and the gateway's own hosts."""

    channel: grpc.aio.Channel
    port: int
    metrics_address: tuple[str, int] | None
    hosts_of_gateway: Hosts

    def __post_init__(self) -> None:
        self.containers = containers_pb2_grpc.ContainerServiceStub(self.channel)
        self.distribution = distribution_pb2_grpc.DistributionServiceStub(self.channel)
        self.exec = exec_pb2_grpc.ExecServiceStub(self.channel)
        self.hosts = hosts_pb2_grpc.HostServiceStub(self.channel)
        self.images = images_pb2_grpc.ImageServiceStub(self.channel)
        self.networks = networks_pb2_grpc.NetworkServiceStub(self.channel)
        self.system = system_pb2_grpc.SystemServiceStub(self.channel)
        self.volumes = volumes_pb2_grpc.VolumeServiceStub(self.channel)


OpenGateway = Callable[..., AbstractAsyncContextManager[Client]]


@asynccontextmanager
async def gateway_of(*hosts: HostSettings | str, **keys: Any) -> AsyncIterator[Client]:
    """Run a gateway on a port of its own; a host given as an address is called h1, h2 …; *keys* are `Settings`."""
    settings = Settings(
        hosts=tuple(
            HostSettings(name=f"h{number}", address=host) if isinstance(host, str) else host
            for number, host in enumerate(hosts, 1)
        ),
        **{"listen": "127.0.0.1:0", "metrics_listen": None, "drain_timeout_seconds": 0, "shutdown_timeout_seconds": 1}
        | keys,
    )
    async with (
        running(settings) as gateway,
        grpc.aio.insecure_channel(f"127.0.0.1:{gateway.port}", [("grpc.use_local_subchannel_pool", 1)]) as channel,
    ):
        yield Client(channel, gateway.port, gateway.metrics_address, gateway.hosts)


@dataclass
class Failed:
    """A failed call as its client sees it."""

    code: grpc.StatusCode
    message: str
    reason: str
    metadata: dict[str, str]
    details: list[Message]


def failed(error: grpc.aio.AioRpcError) -> Failed:
    """Read the status and its details out of *error*."""
    info, others = ErrorInfo(), []
    for key, value in error.trailing_metadata() or ():
        if key == "grpc-status-details-bin":
            for packed in Status.FromString(value).details:
                for kind in (ErrorInfo, BadRequest, RetryInfo, ResourceInfo):
                    if packed.Is(kind.DESCRIPTOR):
                        detail = kind()
                        packed.Unpack(detail)
                        if isinstance(detail, ErrorInfo):
                            info = detail
                        else:
                            others.append(detail)
    return Failed(error.code(), error.details() or "", info.reason, dict(info.metadata), others)
