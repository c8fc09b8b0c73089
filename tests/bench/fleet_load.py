"""Calls to many hosts at a steady rate, whatever becomes of them: the client of the cases of `fleets`.

New calls do not wait for old ones, so that a host that hangs cannot slow down the load on the others.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from typing import Any

import grpc
from dockfleet.fleet.v1 import hosts_pb2, hosts_pb2_grpc
from dockfleet.v1 import containers_pb2, containers_pb2_grpc

_DEADLINE_SECONDS = 5.0  # of a call


class FleetLoad:
    """A client of a gateway in front of many hosts."""

    def __init__(self, address: str) -> None:
        self._loop = asyncio.new_event_loop()
        self._loop.run_until_complete(self._connect(address))

    async def _connect(self, address: str) -> None:
        channel = grpc.aio.insecure_channel(address)
        self._containers = containers_pb2_grpc.ContainerServiceStub(channel)
        self._hosts = hosts_pb2_grpc.HostServiceStub(channel)

    def run(self, command: dict[str, Any]) -> dict[str, Any]:
        """`load`: call for so many *seconds*, *per_second* in all.  `until`: wait until *hosts* are in *state*."""
        work = self._load(command) if command["case"] == "load" else self._until(command)
        return self._loop.run_until_complete(work)

    async def _load(self, command: dict[str, Any]) -> dict[str, Any]:
        hosts, pause = command["hosts"], 1 / command["per_second"]
        latencies: dict[str, list[float]] = {host: [] for host in hosts}
        refused: dict[str, list[float]] = {host: [] for host in hosts}  # seconds to a failure
        ends: dict[str, Counter[str]] = {host: Counter() for host in hosts}
        calls = []
        began = time.perf_counter()
        for number in range(int(command["seconds"] * command["per_second"])):
            await asyncio.sleep(max(began + number * pause - time.perf_counter(), 0))
            host = hosts[number % len(hosts)]
            calls.append(asyncio.create_task(self._call(host, latencies[host], refused[host], ends[host])))
        await asyncio.gather(*calls)
        return {"latencies": latencies, "refused": refused, "ends": ends}

    async def _call(self, host: str, latencies: list[float], refused: list[float], ends: Counter[str]) -> None:
        began = time.perf_counter()
        try:
            await self._containers.ListContainers(
                containers_pb2.ListContainersRequest(host=host), timeout=_DEADLINE_SECONDS
            )
        except grpc.aio.AioRpcError as error:
            refused.append(time.perf_counter() - began)
            ends[error.code().name] += 1
        else:
            latencies.append(time.perf_counter() - began)
            ends["OK"] += 1

    async def _until(self, command: dict[str, Any]) -> dict[str, Any]:
        began, state = time.perf_counter(), hosts_pb2.HostState.Value(f"HOST_STATE_{command['state']}")
        wanted = set(command["hosts"])
        while True:
            listed = (await self._hosts.ListHosts(hosts_pb2.ListHostsRequest())).hosts
            since = {host.name: host.state_time.ToNanoseconds() / 1e9 for host in listed if host.state == state}
            if wanted <= since.keys():
                return {"since": max(since[name] for name in wanted)}
            if time.perf_counter() - began > command["seconds"]:
                raise TimeoutError(f"{sorted(wanted)} are not {command['state']} after {command['seconds']} s")
            await asyncio.sleep(0.02)
