"""Events of real engines, and which of them watchers get.  (Whole histories: see `test_faults`.)"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import statistics
import time
from collections.abc import Callable
from typing import TYPE_CHECKING
from urllib.parse import quote

from dockfleet.v1 import common_pb2, system_pb2

from tests.real.support import IMAGE, Containers, Fleet, execute
from tests.support.event_checker import Key, key
from tests.support.gateway import Client, gateway_of, receive

if TYPE_CHECKING:
    from deploy.private_engines.engine import PrivateEngine


async def test_changes_during_a_restart_become_events(start_engine: Callable[..., PrivateEngine]) -> None:
    """A container that died with its daemon has a synthetic event after the gap."""
    engine = start_engine("restarted")
    config = {"Image": IMAGE, "Cmd": ["sleep", "1000"], "HostConfig": {"NetworkMode": "none"}}
    async with gateway_of(engine.address, inventory=True, health_check_interval_seconds=1) as client:
        call = client.system.StreamEvents(system_pb2.StreamEventsRequest(host="h1"))
        await call.initial_metadata()
        id = json.loads(engine.request("POST", "/containers/create?name=sleeper", config)[1])["Id"]
        engine.request("POST", f"/containers/{id}/start")
        while (await receive(call)).event.action != "start":
            pass
        await asyncio.sleep(1)  # until the gateway has read the lists: nothing signals this
        pids = engine.request("GET", f"/containers/{id}/json")[1]
        engine.kill()
        os.kill(json.loads(pids)["State"]["Pid"], signal.SIGKILL)  # it dies while the gateway does not watch
        await asyncio.to_thread(engine.start)

        gap = None
        async with asyncio.timeout(30):
            while not (message := await receive(call)).event.synthetic:
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
        messages = [message async for message in client.system.StreamEvents(request)]
        sent = [key(message.event) for message in messages if not message.HasField("heartbeat")]
        # An engine remembers two events of one moment in another order than it sends them.
        assert sorted(sent) == sorted(ask(engine, wanted, end)), wanted


def ask(engine: PrivateEngine, wanted: dict[str, list[str]], end: int) -> list[Key]:
    """Return the events that the engine itself remembers."""
    until = f"{end // 10**9}.{end % 10**9:09d}"
    lines = engine.request("GET", f"/events?since=0&until={until}&filters={quote(json.dumps(wanted))}")[1].splitlines()
    events = [json.loads(line) for line in lines]
    return [(event["timeNano"], event["Type"], event["Action"], event["Actor"]["ID"]) for event in events]


async def test_any_number_of_watchers_is_one_for_the_engine(start_engine: Callable[..., PrivateEngine]) -> None:
    """Fifty watchers are one subscriber, and each gets all events."""
    engine = start_engine("shared")
    async with gateway_of(engine.address) as client:
        calls = [client.system.StreamEvents(system_pb2.StreamEventsRequest(host="h1")) for _ in range(50)]
        for call in calls:
            await call.initial_metadata()
        engine.request("POST", "/volumes/create", {"Name": "seen"})
        assert all([(await receive(call)).HasField("heartbeat") for call in calls])  # no event yet
        heard = [(await receive(call)).event.actor.id for call in calls]
        info = json.loads(engine.request("GET", "/info")[1])

    assert heard == ["seen"] * 50
    assert info["NEventsListener"] == 1


async def test_a_stalled_watcher_slows_no_engine(start_engine: Callable[..., PrivateEngine]) -> None:
    """A stalled subscriber costs an engine 100 ms for each event; a stalled watcher does not stall it."""
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
