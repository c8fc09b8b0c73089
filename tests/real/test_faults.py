"""Logs and events during faults: daemons killed and stopped, connections cut, the gateway replaced.

By default a few faults; `DOCKFLEET_FAULTS=50` makes it 50, with daemons that stand still for 30 s among them.
`DOCKFLEET_SEED` repeats a run: the seed stands in the report of a test that failed.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import subprocess
import sys
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import grpc
import pytest
from dockfleet.v1 import containers_pb2_grpc, system_pb2_grpc

from deploy.private_engines.engine import PrivateEngine
from deploy.private_engines.service import free_port
from tests.real.support import IMAGE, until
from tests.support import event_checker
from tests.support.contract import ROOT
from tests.support.event_checker import Direct, Watcher, busy
from tests.support.log_checker import WRITER, History, Line, follow, verify

FAULTS = int(os.environ.get("DOCKFLEET_FAULTS", "8"))
SEED = int(os.environ.get("DOCKFLEET_SEED", "0")) or random.SystemRandom().randrange(1, 1 << 32)
LONG = FAULTS > 20
STANDSTILLS = (30.0,) if LONG else (2.0, 3.0, 5.0)  # seconds


@dataclass
class Gateway:
    """A gateway in a process of its own, always on the same port."""

    hosts: dict[str, str]
    key: Path
    port: int
    process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        """Start it, in place of one that was killed."""
        hosts = [part for name, address in self.hosts.items() for part in ("--host", f"{name}={address}")]
        command = [sys.executable, "-m", "gateway", "--listen", f"127.0.0.1:{self.port}", "--metrics-listen", "off"]
        # The gateway refuses variables that it does not know, and those that steer this test are such.
        environment = {key: value for key, value in os.environ.items() if not key.startswith("DOCKFLEET_")}
        with (self.key.parent / "gateway.log").open("ab") as log:
            self.process = await asyncio.create_subprocess_exec(
                *command, "--resume-key", str(self.key), *hosts, cwd=ROOT, env=environment, stdout=log, stderr=log
            )

    async def kill(self) -> None:
        """SIGKILL it."""
        assert self.process is not None
        self.process.kill()
        await self.process.wait()


@dataclass
class Stage:
    """Engines with writing containers, a gateway, and clients that follow each of the containers."""

    engines: dict[str, PrivateEngine]
    gateway: Gateway
    histories: dict[tuple[str, str], History] = field(default_factory=dict)  # by host and container
    rotated: set[str] = field(default_factory=set)
    followers: list[asyncio.Task[None]] = field(default_factory=list)
    watchers: dict[str, Watcher] = field(default_factory=dict)  # by host
    direct: dict[str, Direct] = field(default_factory=dict)  # by host
    faults: list[str] = field(default_factory=list)

    async def news(self, host: str) -> None:
        """Wait until all clients of a host get lines again."""
        waiting = {key: len(history.lines) for key, history in self.histories.items() if key[0] == host}
        heard = len(self.watchers[host].messages)

        async def all_got_some() -> bool:
            for task in self.followers:
                if task.done():
                    await task
            got_lines = all(len(self.histories[key].lines) > before for key, before in waiting.items())
            return got_lines and len(self.watchers[host].messages) > heard

        try:
            await until(all_got_some, 90)
        except AssertionError as error:
            silent = [str(key) for key, before in waiting.items() if len(self.histories[key].lines) == before]
            silent += ["events"] * (len(self.watchers[host].messages) == heard)
            raise AssertionError(f"DOCKFLEET_SEED={SEED}: no news of {silent} after {self.faults}") from error


# The faults.  Each ends when what it broke works again.


async def kill_daemon(stage: Stage, host: str, chance: random.Random) -> None:
    """SIGKILL, and a new daemon."""
    await asyncio.to_thread(stage.engines[host].kill)
    await asyncio.sleep(chance.uniform(0, 1))
    await asyncio.to_thread(stage.engines[host].start)


async def restart_daemon(stage: Stage, host: str, chance: random.Random) -> None:
    """SIGTERM, and a new daemon."""
    await asyncio.to_thread(stage.engines[host].restart)


async def stop_daemon(stage: Stage, host: str, chance: random.Random) -> None:
    """SIGSTOP, and SIGCONT after a while."""
    stage.engines[host].pause()
    await asyncio.sleep(chance.choice(STANDSTILLS))
    stage.engines[host].resume()


async def cut_connections(stage: Stage, host: str, chance: random.Random) -> None:
    """All connections to the daemon are reset."""
    port = stage.engines[host].tcp_port
    await asyncio.to_thread(
        subprocess.run, ["ss", "-K", "dst", "127.0.0.1", "dport", "=", str(port)], capture_output=True
    )


async def replace_gateway(stage: Stage, host: str, chance: random.Random) -> None:
    """The gateway is killed, and another takes its place."""
    await stage.gateway.kill()
    await stage.gateway.start()


Fault = Callable[[Stage, str, random.Random], Awaitable[None]]
KINDS: tuple[Fault, ...] = (kill_daemon, restart_daemon, stop_daemon, cut_connections, replace_gateway)


def schedule(chance: random.Random) -> list[tuple[Fault, str]]:
    """All kinds of faults on both hosts, equally often, in an order that the seed decides."""
    each = [(kind, host) for kind in KINDS for host in ("plain", "lasting")]
    chance.shuffle(each)
    drawn = [each[number % len(each)] for number in range(FAULTS)]
    chance.shuffle(drawn)
    return drawn


@pytest.mark.timeout(180 if not LONG else 3600)
async def test_nothing_is_lost_and_nothing_comes_twice_whatever_breaks(
    start_engine: Callable[..., PrivateEngine], tmp_path: Path
) -> None:
    """Clients get all lines and events of the engines over all faults; what an engine has lost is a gap."""
    print(f"DOCKFLEET_SEED={SEED}")
    chance = random.Random(SEED)
    async with staged(start_engine, tmp_path) as stage:
        for kind, host in schedule(chance):
            stage.faults.append(f"{kind.__name__} on {host}")
            await kind(stage, host, chance)
            await stage.news(host)
            await asyncio.sleep(chance.uniform(0, 1))
        wrong = [problem for host in stage.watchers for problem in await verified_events(stage, host)]
        wrong += [problem for key in stage.histories for problem in await verified(stage, *key)]
        for (host, _), history in stage.histories.items():
            print(host, len(history.lines), "lines", history.calls, "calls", history.codes[-3:], summary(history))
        for host, watcher in stage.watchers.items():
            print(host, len(stage.direct[host].heard), "events", watcher.summary)
        print(len(stage.faults), "faults:", Counter(what.partition(" on ")[0] for what in stage.faults))
        assert not wrong, f"DOCKFLEET_SEED={SEED}: {wrong[:5]} after {stage.faults}"


def summary(history: History) -> dict[str, int]:
    """How often each marker came."""
    return {name: history.count(name) for name in ("reconnected", "restarted", "gap", "end")}


async def verified_events(stage: Stage, host: str) -> list[str]:
    """Wait until a host's watcher has heard what the direct subscriber has, and return what is wrong with the rest."""
    watcher, direct = stage.watchers[host], stage.direct[host]
    last = list(direct.heard)[-3:]

    async def reached() -> bool:
        return set(last) <= set(watcher.heard[-100:])

    with suppress(AssertionError):
        await until(reached, 20)
    return [f"{host}: events: {problem}" for problem in event_checker.verify(watcher, direct)]


async def verified(stage: Stage, host: str, container: str) -> list[str]:
    """End a container's writing, let its clients read to the end, and return what is wrong with what they have."""
    history = stage.histories[host, container]
    engine = stage.engines[host]
    await asyncio.to_thread(engine.request, "POST", f"/containers/{container}/stop?t=3")
    log = await asyncio.to_thread(truth, engine, container)

    async def reached() -> bool:
        return history.lines[-1:] == log[-1:]

    with suppress(AssertionError):  # the verification has a better message
        await until(reached, 20)
    return [f"{host}: {problem}" for problem in verify(history, log, whole=container not in stage.rotated)]


def truth(engine: PrivateEngine, container: str) -> list[Line]:
    """All that the engine has of a container's log."""
    status, body = engine.request("GET", f"/containers/{container}/logs?stdout=1&stderr=1")
    assert status == 200
    lines: list[bytearray] = []  # each where its first part stands
    begun: dict[int, bytearray] = {}
    start = 0
    while start < len(body):
        stream, end = body[start], start + 8 + int.from_bytes(body[start + 4 : start + 8], "big")
        if stream not in begun:
            begun[stream] = bytearray()
            lines.append(begun[stream])
        begun[stream] += body[start + 8 : end]
        if begun[stream].endswith(b"\n"):
            del begun[stream]
        start = end
    found = [Line.of(bytes(line[:-1])) for line in lines]
    return found if found[0].run else found[1:]


@asynccontextmanager
async def staged(start_engine: Callable[..., PrivateEngine], directory: Path) -> AsyncIterator[Stage]:
    """Two engines, one with live-restore; three writing containers; their clients."""
    plain, lasting = await asyncio.gather(
        asyncio.to_thread(start_engine, "plain", tcp_port=0),
        asyncio.to_thread(start_engine, "lasting", tcp_port=0, settings={"live-restore": True}),
    )
    key = directory / "resume.key"
    key.write_bytes(os.urandom(32))
    hosts = {engine.name: engine.tcp_address or "" for engine in (plain, lasting)}
    stage = Stage({"plain": plain, "lasting": lasting}, Gateway(hosts, key, free_port()))
    async with AsyncExitStack() as stack:
        await stage.gateway.start()
        stack.push_async_callback(stage.gateway.kill)
        options = [("grpc.max_reconnect_backoff_ms", 200), ("grpc.initial_reconnect_backoff_ms", 50)]
        channel = await stack.enter_async_context(grpc.aio.insecure_channel(f"127.0.0.1:{stage.gateway.port}", options))
        containers = containers_pb2_grpc.ContainerServiceStub(channel)
        system = system_pb2_grpc.SystemServiceStub(channel)
        for engine in (plain, lasting):
            watcher = stage.watchers[engine.name] = Watcher(engine.name)
            direct = stage.direct[engine.name] = Direct(engine.socket)
            stage.followers += [
                asyncio.create_task(direct.listen()),
                asyncio.create_task(watcher.watch(lambda: system)),
            ]
            await stack.enter_async_context(busy(engine))
        for engine, rotating in ((plain, False), (plain, True), (lasting, False)):
            container = write(engine, rotating=rotating)
            if rotating:
                stage.rotated.add(container)
            history = stage.histories[engine.name, container] = History()
            stage.followers.append(asyncio.create_task(follow(lambda: containers, history, engine.name, container)))
        try:
            yield stage
        finally:
            for task in stage.followers:
                task.cancel()
            await asyncio.gather(*stage.followers, return_exceptions=True)


def write(engine: PrivateEngine, *, rotating: bool) -> str:
    """Start a container that writes, and is started again whenever it has ended."""
    logs = {"max-size": "100k", "max-file": "3"} if rotating else {}
    config = {
        "Image": IMAGE,
        "Cmd": ["sh", "-c", WRITER],
        "HostConfig": {
            "NetworkMode": "none",
            "RestartPolicy": {"Name": "always"},
            "LogConfig": {"Type": "json-file", "Config": logs},
        },
    }
    status, body = engine.request("POST", "/containers/create", config)
    assert status == 201, body
    container = str(json.loads(body)["Id"])
    assert engine.request("POST", f"/containers/{container}/start")[0] == 204
    return container
