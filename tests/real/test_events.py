"""Events of real engines: against what a second subscriber, straight at the engine, gets to hear."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import random
import signal
import statistics
import subprocess
import time
from collections.abc import AsyncIterator, Callable
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import grpc
import pytest
from dockfleet.v1 import common_pb2, system_pb2

from gateway.settings import HostSettings
from tests.conftest import Client, gateway_of
from tests.real.support import IMAGE, Containers, Fleet, execute, until

if TYPE_CHECKING:
    from engines import PrivateEngine

FAULTS = int(os.environ.get("DOCKFLEET_FAULTS", "8"))
SEED = int(os.environ.get("DOCKFLEET_SEED", "0")) or random.randrange(1 << 30)

Key = tuple[int, str, str, str]  # time, type, action, id


class Direct:
    """A subscriber of an engine's own, as careful as one can be: all that it hears, it hears once."""

    def __init__(self, engine: PrivateEngine) -> None:
        self._engine = engine
        self.heard: dict[Key, None] = {}

    async def listen(self) -> None:
        """Listen for ever, through all breaks."""
        while True:
            with contextlib.suppress(OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, ValueError):
                await self._listen()
            await asyncio.sleep(0.05)

    async def _listen(self) -> None:
        reader, writer = await asyncio.open_unix_connection(self._engine.socket, limit=1 << 22)
        try:
            writer.write(b"GET /events?since=0 HTTP/1.1\r\nHost: docker\r\n\r\n")
            await reader.readuntil(b"\r\n\r\n")
            rest = b""
            while size := int(await reader.readuntil(b"\r\n"), 16):
                *lines, rest = (rest + (await reader.readexactly(size + 2))[:-2]).split(b"\n")
                for line in lines:
                    event = json.loads(line)
                    self.heard[event["timeNano"], event["Type"], event["Action"], event["Actor"]["ID"]] = None
        finally:
            writer.close()


class Watcher:
    """A client that watches through the gateway and resumes by token when its call ends."""

    def __init__(self, client: Client, host: str) -> None:
        self._client = client
        self._host = host
        self.messages: list[Any] = []
        self.calls = 0

    async def watch(self) -> None:
        """Watch for ever."""
        while True:
            token = self.messages[-1].resume_token if self.messages else b""
            call = self._client.system.StreamEvents(system_pb2.StreamEventsRequest(host=self._host, resume_token=token))
            self.calls += 1
            with contextlib.suppress(grpc.aio.AioRpcError):
                async for message in call:
                    self.messages.append(message)
            await asyncio.sleep(0.05)

    @property
    def heard(self) -> list[Key]:
        """What the engine told."""
        return [key(message.event) for message in self.messages if message.HasField("event") and not message.synthetic]

    @property
    def gaps(self) -> list[Any]:
        """The gaps."""
        return [message.gap for message in self.messages if message.HasField("gap")]


def key(event: Any) -> Key:
    """Return what tells an event from all others."""
    return event.time_nano, event.type, event.action, event.actor.id


@contextlib.asynccontextmanager
async def busy(engine: PrivateEngine) -> AsyncIterator[None]:
    """Let things happen on an engine, as long as it answers, until the end of the block."""
    ended = False

    def work() -> None:
        number = 0
        while not ended:
            number += 1
            with contextlib.suppress(Exception):  # the engine may be away at any moment
                engine.request("POST", "/volumes/create", {"Name": f"v{number}"}, timeout=10)
                engine.request("DELETE", f"/volumes/v{number}", timeout=10)
                if number % 10 == 0:
                    run_once(engine)
            time.sleep(0.02)

    thread = asyncio.create_task(asyncio.to_thread(work))
    try:
        yield
    finally:
        ended = True
        await thread


def run_once(engine: PrivateEngine) -> None:
    """Run a container that ends at once, and remove it."""
    config = {"Image": IMAGE, "Cmd": ["true"], "HostConfig": {"NetworkMode": "none"}}
    id = json.loads(engine.request("POST", "/containers/create", config, timeout=20)[1])["Id"]
    engine.request("POST", f"/containers/{id}/start", timeout=20)
    engine.request("DELETE", f"/containers/{id}?force=true", timeout=20)


async def kill(engine: PrivateEngine) -> None:
    """SIGKILL the daemon, and start it again."""
    await asyncio.to_thread(engine.kill)
    await asyncio.to_thread(engine.start)


async def restart(engine: PrivateEngine) -> None:
    """Restart the daemon as a service manager does."""
    await asyncio.to_thread(engine.restart)


async def freeze(engine: PrivateEngine) -> None:
    """SIGSTOP the daemon for two seconds."""
    engine.pause()
    await asyncio.sleep(2)
    engine.resume()


async def cut(engine: PrivateEngine) -> None:
    """Cut all TCP connections to the daemon."""
    command = ("ss", "-K", "dport", "=", f":{engine.tcp_port}")
    await asyncio.to_thread(subprocess.run, command, check=True, capture_output=True)


@pytest.mark.timeout(120 + 30 * FAULTS)
async def test_histories_are_equal_or_a_gap_is_named(start_engine: Callable[..., PrivateEngine]) -> None:
    """Whatever breaks: nothing comes twice, and what is missing was missed by the engine's restart, which is told."""
    print(f"DOCKFLEET_SEED={SEED} DOCKFLEET_FAULTS={FAULTS}")
    chance = random.Random(SEED)
    engine = start_engine("events", tcp_port=0)
    faults = [kill, restart, freeze, *[chance.choice([cut, cut, cut, freeze, kill]) for _ in range(FAULTS - 3)]]
    chance.shuffle(faults)
    direct = Direct(engine)
    async with gateway_of(HostSettings(name="h", address=engine.tcp_address or ""), probe_seconds=1) as client:
        watcher = Watcher(client, "h")
        tasks = [asyncio.create_task(direct.listen()), asyncio.create_task(watcher.watch())]
        await until(lambda: settled(client, "h"))
        async with busy(engine):
            for fault in faults:
                await asyncio.sleep(chance.uniform(0.3, 2))
                await fault(engine)
            await asyncio.sleep(2)

        async def all_heard() -> bool:
            return bool(direct.heard) and set(list(direct.heard)[-3:]) <= set(watcher.heard)

        await until(all_heard, 60)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    told = watcher.heard
    begin = told[0][0]
    missing = [event for event in direct.heard if event[0] >= begin and event not in set(told)]
    unnamed = [event for event in missing if not any(inside(event[0], gap) for gap in watcher.gaps)]
    restarts = sum(fault in (kill, restart) for fault in faults)
    print(
        f"{len(direct.heard)} events, {len(told)} told in {watcher.calls} calls, {len(missing)} missing, "
        f"{len(watcher.gaps)} gaps, {sum(message.synthetic for message in watcher.messages)} synthetic, "
        f"{restarts} restarts, {[fault.__name__ for fault in faults]}"
    )
    assert len(told) == len(set(told)), "an event came twice"
    assert unnamed == []
    # Of two restarts with no moment between them to listen, there is one gap.
    assert {gap.reason for gap in watcher.gaps} == {common_pb2.GAP_REASON_ENGINE_RESTARTED}
    assert 0 < len(watcher.gaps) <= restarts
    assert watcher.calls == 1, "the breaks were not healed within the call"


async def settled(client: Client, host: str) -> bool:
    """Tell whether the gateway listens to a host."""
    return bool(client.hosts_of_gateway[host].engine.open_streams)


def inside(time: int, gap: Any) -> bool:
    """Tell whether a time is in a gap."""
    after, before = gap.after.ToNanoseconds(), gap.before.ToNanoseconds()
    return after <= time and (not before or time <= before)


async def test_a_restart_is_told_with_what_it_has_changed(start_engine: Callable[..., PrivateEngine]) -> None:
    """A container that died with its daemon, unseen, is told as dead behind the gap."""
    engine = start_engine("restarted")
    config = {"Image": IMAGE, "Cmd": ["sleep", "1000"], "HostConfig": {"NetworkMode": "none"}}
    async with gateway_of(engine.address) as client:
        call = client.system.StreamEvents(system_pb2.StreamEventsRequest(host="h1"))
        await call.initial_metadata()
        id = json.loads(engine.request("POST", "/containers/create?name=sleeper", config)[1])["Id"]
        engine.request("POST", f"/containers/{id}/start")
        while (await call.read()).event.action != "start":
            pass
        await asyncio.sleep(1)  # until the gateway knows what there is: of this nothing tells
        pids = engine.request("GET", f"/containers/{id}/json")[1]
        engine.kill()
        os.kill(json.loads(pids)["State"]["Pid"], signal.SIGKILL)  # dies while nobody looks
        await asyncio.to_thread(engine.start)

        gap = None
        async with asyncio.timeout(30):
            while not (message := await call.read()).synthetic:
                gap = message.gap if message.HasField("gap") else gap

    assert gap is not None
    assert gap.reason == common_pb2.GAP_REASON_ENGINE_RESTARTED
    assert (message.event.type, message.event.action, message.event.actor.id) == ("container", "die", id)
    assert message.event.actor.attributes["name"] == "sleeper"
    assert message.event.actor.attributes["image"] == IMAGE


FILTERS: list[dict[str, list[str]]] = [
    {},
    {"type": ["volume"]},
    {"type": ["container", "network"]},
    {"event": ["create"]},
    {"event": ["exec_create"]},
    {"event": ["exec_start: true"]},
    {"event": ["exec_start: true "]},
    {"event": ["die", "exec_die"]},
    {"container": ["evt-"]},
    {"container": ["evt-one", "nobody"]},
    {"container": ["vt-one"]},
    {"image": [IMAGE]},
    {"image": [IMAGE.partition(":")[0]]},
    {"image": [f"docker.io/{IMAGE}"]},
    {"image": ["other"]},
    {"label": ["colour"]},
    {"label": ["colour=red"]},
    {"label": ["colour=red", "colour=blue"]},
    {"label": ["colour=red", "size"]},
    {"volume": ["evt"]},
    {"network": ["none"]},
    {"scope": ["local"]},
    {"scope": ["swarm"]},
    {"daemon": ["evt"]},
    {"type": ["container"], "event": ["start"], "label": ["colour=red"]},
]


async def test_filters_are_those_of_the_engine(
    client: Client, host: str, fleet: Fleet, containers: Containers, private: None
) -> None:
    """Of the same history, gateway and engine choose the same events."""
    engine = fleet.engines[host]
    own = dict([containers.label.split("=")])
    for name, labels in (("one", {"colour": "red", "size": "s"}), ("two", {"colour": "blue"})):
        container = await containers.start("sleep", "1000", name=f"evt-{name}", labels=labels | own)
        await execute(client, host, container, "true")
    engine.request("POST", "/volumes/create", {"Name": "evt-volume"})
    engine.request("DELETE", "/volumes/evt-volume")
    await containers.remove_all()
    end = time.time_ns()

    whole = ask(engine, {}, end)
    assert len(whole) > 20
    for wanted in FILTERS:
        request = system_pb2.StreamEventsRequest(
            host=host, filters={name: common_pb2.StringList(items=values) for name, values in wanted.items()}
        )
        request.since.FromNanoseconds(whole[0][0])
        request.until.FromNanoseconds(end)
        told = [key(message.event) async for message in client.system.StreamEvents(request)]
        assert told == ask(engine, wanted, end), wanted


def ask(engine: PrivateEngine, wanted: dict[str, list[str]], end: int) -> list[Key]:
    """Return what the engine itself tells of its past."""
    until = f"{end // 10**9}.{end % 10**9:09d}"
    lines = engine.request("GET", f"/events?since=0&until={until}&filters={quote(json.dumps(wanted))}")[1].splitlines()
    events = [json.loads(line) for line in lines]
    return [(event["timeNano"], event["Type"], event["Action"], event["Actor"]["ID"]) for event in events]


async def test_any_number_of_watchers_is_one_for_the_engine(start_engine: Callable[..., PrivateEngine]) -> None:
    """Fifty watchers, one listener; and each hears all."""
    engine = start_engine("shared")
    async with gateway_of(engine.address) as client:
        calls = [client.system.StreamEvents(system_pb2.StreamEventsRequest(host="h1")) for _ in range(50)]
        for call in calls:
            await call.initial_metadata()
        engine.request("POST", "/volumes/create", {"Name": "seen"})
        heard = [(await call.read()).event.actor.id for call in calls]
        info = json.loads(engine.request("GET", "/info")[1])

    assert heard == ["seen"] * 50
    assert info["NEventsListener"] == 1


async def test_a_stalled_watcher_slows_no_engine(start_engine: Callable[..., PrivateEngine]) -> None:
    """An engine whose subscriber stalls takes 100 ms more for all that makes events; watchers are no subscribers."""
    engine = start_engine("unhurt")
    name = "x" * 200

    def make(count: int) -> list[float]:
        seconds = []
        for number in range(count):
            begin = time.perf_counter()
            engine.request("POST", "/volumes/create", {"Name": f"{name}{number}"})
            engine.request("DELETE", f"/volumes/{name}{number}")
            seconds.append((time.perf_counter() - begin) / 2)
        return seconds

    async with gateway_of(engine.address) as client:
        stalled = client.system.StreamEvents(system_pb2.StreamEventsRequest(host="h1"))
        await stalled.initial_metadata()
        seconds = await asyncio.to_thread(make, 1500)
        stalled.cancel()

    print(
        f"p50 of a call: {statistics.median(seconds[:100]):.4f} s at first, {statistics.median(seconds[-500:]):.4f} s"
    )
    assert statistics.median(seconds[-500:]) < 0.05
