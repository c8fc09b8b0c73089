"""A real gateway in a process of its own, and what it is asked about its hosts."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import Self
from urllib.request import urlopen

import grpc
from dockfleet.v1.container_config_pb2 import ContainerSpec, HostConfig
from dockfleet.v1.containers_pb2 import CreateContainerRequest, StartContainerRequest, TopContainerRequest
from dockfleet.v1.containers_pb2_grpc import ContainerServiceStub

from clients.conformance.programs import ROOT
from deploy.private_engines.service import free_port

SECONDS = 30.0  # within which something must happen
STREAMS = ("StreamLogs", "Exec")


class RealGateway:
    """A gateway, always at the same address."""

    def __init__(self, directory: Path, hosts: Mapping[str, str]) -> None:
        """Serve *hosts*, addresses by name; keep everything in *directory*."""
        self.address = f"127.0.0.1:{free_port()}"
        self._pages = f"127.0.0.1:{free_port()}"
        self._hosts = hosts
        self._directory = directory

    async def start(self) -> None:
        """Start it, and wait until it serves."""
        configuration = {
            "listen": self.address,
            "metrics_listen": self._pages,
            "state_directory": str(self._directory / "state"),
            "drain_timeout_seconds": 0,
            "shutdown_timeout_seconds": 1,
            "hosts": [{"name": name, "address": address} for name, address in self._hosts.items()],
        }
        file = self._directory / "config.json"
        file.write_text(json.dumps(configuration))
        environment = {key: value for key, value in os.environ.items() if not key.startswith("DOCKFLEET_")}
        with (self._directory / "gateway.log").open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "gateway", "--config", str(file)),
                cwd=ROOT,
                env=environment,
                stdout=log,
                stderr=log,
            )
        async with grpc.aio.insecure_channel(self.address) as channel:
            await asyncio.wait_for(channel.channel_ready(), SECONDS)

    async def stop(self, *, kill: bool = False) -> None:
        """End it with SIGTERM, or with SIGKILL."""
        if kill:
            self._process.kill()
        else:
            self._process.terminate()
        await self._process.wait()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def writers(self, image: str, command: Sequence[str]) -> str:
        """Start a container on each host that runs *command*; return their name."""
        name = "dockfleet-writer"
        spec = ContainerSpec(image=image, cmd=command, host_config=HostConfig(network_mode="none"))
        async with grpc.aio.insecure_channel(self.address) as channel:
            containers = ContainerServiceStub(channel)
            for host in self._hosts:
                await containers.CreateContainer(CreateContainerRequest(host=host, name=name, config=spec))
                await containers.StartContainer(StartContainerRequest(host=host, id=name))
        return name

    async def begins(self, host: str, container: str, command: str) -> bool:
        """Wait until a process runs in a container; return False if it does not."""

        async def runs() -> bool:
            return command in await self._processes(host, container)

        return await _within(runs)

    async def left(self, host: str, container: str, command: str) -> str:
        """Wait until no client has a stream, and the process has ended; return what is left."""

        async def ended() -> bool:
            return command not in await self._processes(host, container)

        if not await _within(ended):
            return f"the process `{command}` still runs"
        return "" if await _within(self._no_streams) else "the gateway still has a stream"

    async def _processes(self, host: str, container: str) -> list[str]:
        async with grpc.aio.insecure_channel(self.address) as channel:
            answer = await ContainerServiceStub(channel).TopContainer(TopContainerRequest(host=host, id=container))
        return [row.items[-1] for row in answer.processes]

    async def _no_streams(self) -> bool:
        text = await asyncio.to_thread(lambda: urlopen(f"http://{self._pages}/metrics").read().decode())
        counts = dict.fromkeys(("started", "handled"), 0.0)
        for line in text.splitlines():
            for name in counts:
                if line.startswith(f"grpc_server_{name}_total{{") and any(f'"{each}"' in line for each in STREAMS):
                    counts[name] += float(line.rpartition(" ")[2])
        return counts["started"] == counts["handled"]


async def _within(condition: Callable[[], Awaitable[bool]]) -> bool:
    """Return whether *condition* holds within a time."""
    deadline = asyncio.get_running_loop().time() + SECONDS
    while not await condition():
        if asyncio.get_running_loop().time() > deadline:
            return False
        await asyncio.sleep(0.1)
    return True
