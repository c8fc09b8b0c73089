"""Extremes in what the gateway reads by itself: inspections, samples, events and times of logs.  Never a defect."""

from __future__ import annotations

import asyncio
import copy
import json
from collections.abc import Iterator
from typing import Any

import grpc
import pytest
from dockfleet.v1 import containers_pb2, exec_pb2, system_pb2
from google.protobuf.timestamp_pb2 import Timestamp

from tests.support import upstream
from tests.support.fake_engine import FakeEngine, ResponseParser, frame
from tests.support.fixtures import client_fixture, engine_fixture
from tests.support.gateway import Client, failed, gateway_of
from tests.support.upstream import CONTAINER, EXEC, writes

# As an engine would write them: some are no values of Python's.
EXTREMES = (
    *("null", "true", "-1", "0.5", "18446744073709551616", "1" + "0" * 300, "9" * 5000, "1e400", "-1e400", "NaN"),
    *('"text"', '""', '"9999-12-31T23:59:59.999999999-05:00"', '"9999-12-31T23:59:59.999999999Z"'),
    *('"10000-01-01T00:00:00Z"', "[]", "[1]", "{}", '{"a":1}', '[{"a":[]}]', '{"a":' * 500 + "1" + "}" * 500),
)
TIME = "2024-03-01T12:00:00.123456789Z"
INSPECTED: dict[str, Any] = {
    "Id": CONTAINER,
    "State": {"Running": False, "Status": "exited", "StartedAt": TIME, "FinishedAt": TIME, "ExitCode": 3},
    "Config": {"Tty": False},
    "HostConfig": {"LogConfig": {"Type": "json-file", "Config": {"max-size": "1m"}}},
}
EXECUTED = {"ID": EXEC, "Running": False, "ExitCode": 3, "OpenStdin": False}
SAMPLE = {
    "id": CONTAINER,
    "read": TIME,
    "preread": TIME,
    "cpu_stats": {"cpu_usage": {"total_usage": 1}, "system_cpu_usage": 2, "online_cpus": 1},
    "precpu_stats": {"cpu_usage": {"total_usage": 1}, "system_cpu_usage": 2},
    "memory_stats": {"usage": 3, "limit": 4, "stats": {"inactive_file": 1}},
    "networks": {"eth0": {"rx_bytes": 1, "tx_bytes": 2}},
    "blkio_stats": {"io_service_bytes_recursive": [{"op": "Read", "value": 5}]},
    "pids_stats": {"current": 1},
    "num_procs": 0,
}
EVENT = {
    "Type": "container",
    "Action": "die",
    "Actor": {"ID": CONTAINER, "Attributes": {"name": "web", "exitCode": "1"}},
    "scope": "local",
    "time": 1709294400,
    "timeNano": 1709294400123456789,
}


def places(document: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Every place in a document, from the whole to its leaves."""
    yield path
    if isinstance(document, dict | list):
        for key, item in document.items() if isinstance(document, dict) else enumerate(document):
            yield from places(item, (*path, key))


def spoilt(document: Any, path: tuple[Any, ...]) -> list[bytes]:
    """The document with each extreme in one place."""
    mark = "the extreme goes here"
    document = copy.deepcopy(document)
    if path:
        where = document
        for key in path[:-1]:
            where = where[key]
        where[path[-1]] = mark
    else:
        document = mark
    return [json.dumps(document).replace(f'"{mark}"', extreme).encode() for extreme in EXTREMES]


def script(engine: FakeEngine) -> None:
    """Have a container and an exec that have ended."""
    engine.on("POST", "/containers/{id}/attach", writes(frame(1, b"hello")))
    engine.on("POST", "/exec/{id}/start", writes(frame(1, b"hello")))
    engine.on("GET", "/containers/{id}/logs", frames=[(1, TIME.encode() + b" hello")])
    for path in ("/containers/json", "/images/json", "/networks"):
        engine.on("GET", path, json=[])
    engine.on("GET", "/volumes", json={"Volumes": []})


engine = engine_fixture(script, scope="module")
client = client_fixture(reconnect_timeout_seconds=0.1, scope="module")


async def ending(call: Any) -> tuple[list[Any], str]:
    """The messages of a call, and the reason of its failure."""
    messages, failure = await upstream.ending(call)
    return messages, "" if failure is None else failure.reason


def attach(client: Client, container: str = CONTAINER) -> Any:
    """Attach to a container."""
    start = containers_pb2.AttachContainerStart(host="h1", id=container, stream=True, attach_stdout=True)
    return client.containers.AttachContainer(iter([containers_pb2.AttachContainerRequest(start=start)]))


def logs(client: Client, container: str = CONTAINER) -> Any:
    """Read a log."""
    return client.containers.StreamLogs(containers_pb2.StreamLogsRequest(host="h1", id=container))


def follow(client: Client, container: str = CONTAINER) -> Any:
    """Follow a log."""
    return client.containers.StreamLogs(containers_pb2.StreamLogsRequest(host="h1", id=container, follow=True))


def stats(client: Client, container: str = CONTAINER) -> Any:
    """Read one sample."""
    request = containers_pb2.StreamStatsRequest(host="h1", id=container, stream=False, one_shot=True)
    return client.containers.StreamStats(request)


READERS = (attach, logs, follow, stats)  # of the state of a container, by themselves


@pytest.mark.parametrize("path", [*places(INSPECTED)], ids=str)
async def test_no_inspection_of_a_container_is_a_defect(
    path: tuple[Any, ...], engine: FakeEngine, client: Client
) -> None:
    """The calls that read it by themselves end as they would, or by a reason that the contract lists."""
    containers = {f"{number:064x}": body for number, body in enumerate(spoilt(INSPECTED, path))}

    async def inspect(exchange: ResponseParser) -> None:
        container = exchange.request.path.split("/")[2]
        await exchange.answer(body=containers[container].replace(CONTAINER.encode(), container.encode()))

    async def check(container: str) -> None:
        ends = await asyncio.gather(*(ending(read(client, container)) for read in READERS))
        assert "INTERNAL" not in {reason for _, reason in ends}, containers[container][:300]

    engine.on("GET", "/containers/{id}/stats", json=SAMPLE)
    engine.on("GET", "/containers/{id}/json", inspect)
    await asyncio.gather(*map(check, containers))


@pytest.mark.parametrize("path", [(), ("ID",), ("OpenStdin",)], ids=str)
async def test_no_inspection_of_an_exec_is_a_defect(path: tuple[Any, ...], engine: FakeEngine, client: Client) -> None:
    """Its output arrives, and its end has the exit code, or why there is none."""
    for body in spoilt(EXECUTED, path):
        engine.on("GET", "/exec/{id}/json", body=body)
        begin = exec_pb2.StartExecStart(host="h1", id=EXEC)
        messages, reason = await ending(client.exec.StartExec(iter([exec_pb2.StartExecRequest(start=begin)])))

        assert reason != "INTERNAL", body[:300]
        assert reason or messages[-1].HasField("end")


@pytest.mark.parametrize("code", ["9223372036854775808", "1e400", "NaN", "-9223372036854775809"])
async def test_an_exit_code_beyond_64_bits_is_not_known(code: str, engine: FakeEngine, client: Client) -> None:
    """The end of an attach has no exit code; a wait fails with a bad answer."""
    body = json.dumps(INSPECTED).replace('"ExitCode": 3', f'"ExitCode": {code}').encode()
    engine.on("GET", "/containers/{id}/json", body=body)
    engine.on("POST", "/containers/{id}/wait", body=b'{"StatusCode":%s}' % code.encode())

    messages, reason = await ending(attach(client))
    with pytest.raises(grpc.aio.AioRpcError) as waiting:
        await client.containers.WaitContainer(containers_pb2.WaitContainerRequest(host="h1", id="web"))

    if code == "NaN":  # which is no JSON
        assert reason == "BAD_ENGINE_RESPONSE"
    else:
        assert not messages[-1].end.HasField("exit_code")
        assert messages[-1].end.unknown_reason == "the engine does not tell it"
    assert failed(waiting.value).reason == "BAD_ENGINE_RESPONSE"


@pytest.mark.parametrize("path", [*places(SAMPLE)], ids=str)
async def test_no_sample_is_a_defect(path: tuple[Any, ...], engine: FakeEngine, client: Client) -> None:
    """One sample, and a stream of them, arrive without what does not fit."""
    running = {**INSPECTED, "State": {**INSPECTED["State"], "Running": True}}
    engine.on("GET", "/containers/{id}/json", json=running)
    for body in spoilt(SAMPLE, path):
        engine.on("GET", "/containers/{id}/stats", body=body)
        _, reason = await ending(stats(client))

        assert reason in ("", "BAD_ENGINE_RESPONSE", "CONNECTION_LOST"), body[:300]


@pytest.mark.parametrize("path", [path for path in places(EVENT) if path], ids=str)
async def test_no_event_is_a_defect(path: tuple[Any, ...]) -> None:
    """The events before and after it arrive."""
    before, after = ({**EVENT, "Action": action} for action in ("start", "stop"))
    among = [body for body in spoilt(EVENT, path) if b"NaN" not in body]  # that is no JSON
    lines = b"\n".join([json.dumps(before).encode(), *among, json.dumps(after).encode()]) + b"\n"

    async def events(exchange: ResponseParser) -> None:
        past = "until" in dict(exchange.request.query)
        await exchange.answer(chunks=[lines], hold=not past)

    async with FakeEngine() as engine:
        engine.on("GET", "/events", events)
        engine.on("GET", "/info", json={"SystemTime": TIME})
        for list_ in ("/containers/json", "/images/json", "/networks"):
            engine.on("GET", list_, json=[])
        engine.on("GET", "/volumes", json={"Volumes": []})
        async with gateway_of(engine.address, health_check_interval_seconds=3600) as client:
            since, until = Timestamp(seconds=0), Timestamp(seconds=1709294400, nanos=200_000_000)
            call = client.system.StreamEvents(system_pb2.StreamEventsRequest(host="h1", since=since, until=until))
            messages, reason = await ending(call)

    assert {"start", "stop"} <= {message.event.action for message in messages}
    assert reason == ""


@pytest.mark.parametrize("stamp", ["9999-12-31T23:59:59.999999999Z", "9999-12-31T23:59:59.999999999-05:00", "0", ""])
async def test_no_time_of_a_log_is_a_defect(stamp: str, engine: FakeEngine, client: Client) -> None:
    """The call ends as it would, or says that the log is torn."""
    engine.on("GET", "/containers/{id}/json", json=INSPECTED)
    engine.on("GET", "/containers/{id}/logs", frames=[(1, stamp.encode() + b" hello\n")])

    for read in (logs, follow):
        _, reason = await ending(read(client))
        assert reason in ("", "BAD_ENGINE_RESPONSE", "GAP"), stamp
