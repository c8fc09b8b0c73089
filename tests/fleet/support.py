"""What the tests of hosts ask a gateway."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import grpc
from dockfleet.fleet.v1 import hosts_pb2
from dockfleet.v1 import containers_pb2

from tests.support.gateway import Client

UP, DOWN, INCOMPATIBLE = hosts_pb2.HOST_STATE_UP, hosts_pb2.HOST_STATE_DOWN, hosts_pb2.HOST_STATE_INCOMPATIBLE
DEGRADED, DRAINING = hosts_pb2.HOST_STATE_DEGRADED, hosts_pb2.HOST_STATE_DRAINING


async def state_of(client: Client, name: str, *states: int) -> hosts_pb2.Host:
    """Return a host once it is in one of *states*."""
    return await host_when(client, name, lambda host: host.state in states)


async def host_when(client: Client, name: str, condition: Callable[[hosts_pb2.Host], Any]) -> hosts_pb2.Host:
    """Return a host once *condition* is true of it."""
    while True:
        host = (await client.hosts.GetHost(hosts_pb2.GetHostRequest(host=name))).host
        if condition(host):
            return host
        await asyncio.sleep(0.02)


def list_of(client: Client, host: str) -> grpc.aio.UnaryUnaryCall[Any, containers_pb2.ListContainersResponse]:
    """Ask for the containers of *host*."""
    return client.containers.ListContainers(containers_pb2.ListContainersRequest(host=host))
