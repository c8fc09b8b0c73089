"""Answers of an engine with an extreme value in each of their fields, for the RPCs of the mirror's table and others."""

from __future__ import annotations

import asyncio
import json
import random
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import grpc
from dockfleet.v1 import container_config_pb2, containers_pb2, exec_pb2, system_pb2
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp

from tests.rpc.rows import archives, configurations, containers, execs, images, networks, system, transfers, volumes
from tests.support import contract
from tests.support.fake_engine import FakeEngine, frame
from tests.support.fake_log import ID, state
from tests.support.gateway import failed
from tests.support.upstream import CONTAINER, EXEC, writes

_TABLES = (configurations, containers, archives, execs, images, networks, system, transfers, volumes)
_METHODS = {contract.name_of(method): method for method in contract.methods()}
_CALL_SECONDS = 1  # some wait for what will never be true
_DEEP = '{"a":' * 900 + "1" + "}" * 900
_EXTREMES = (  # as they are written in JSON
    *("null", "true", "0", "-1", '""', "[]", "{}", "[null]", '{"":null}', "[{}]", "[[]]"),
    *("9223372036854775807", "9223372036854775808", "-9223372036854775809", "18446744073709551616", "4294967296"),
    *("1" + "0" * 300, "-1" + "0" * 300, "1e308", "1e400", "-0.0", "0.1", "NaN", "Infinity"),
    *('"0001-01-01T00:00:00Z"', '"9999-12-31T23:59:59.999999999Z"', '"9999-12-31T23:59:59-23:59"'),
    *('"0001-01-01T00:00:01+23:59"', '"2026-02-30T00:00:00Z"', '"10000-01-01T00:00:00Z"', '"2026-01-01T00:00:00.Z"'),
    *('"\\ud800"', '"\\u0000"', '"\\u202e\\u001b[2J"', '"' + "x" * 20_000 + '"', _DEEP, "[" * 900 + "]" * 900),
)
_HOLE = "hole-3f1c"
_COUNTERS = {"usage": 4096, "limit": 8192, "stats": {"inactive_file": 1024}}
_CPU = {"cpu_usage": {"total_usage": 200, "percpu_usage": [100, 100]}, "system_cpu_usage": 4000, "online_cpus": 2}
_STATS = {
    "read": "2026-09-21T12:00:01Z",
    "preread": "2026-09-21T12:00:00Z",
    "id": ID,
    "name": "/web",
    "num_procs": 0,
    "pids_stats": {"current": 3, "limit": 100},
    "cpu_stats": _CPU,
    "precpu_stats": _CPU | {"system_cpu_usage": 3000, "cpu_usage": {"total_usage": 100}},
    "memory_stats": _COUNTERS,
    "networks": {"eth0": {"rx_bytes": 1, "tx_bytes": 2}},
    "blkio_stats": {"io_service_bytes_recursive": [{"major": 8, "minor": 0, "op": "read", "value": 4096}]},
}
_EVENT = {
    "Type": "container",
    "Action": "die",
    "Actor": {"ID": ID, "Attributes": {"name": "web", "exitCode": "3"}},
    "scope": "local",
    "time": 1_790_000_000,
    "timeNano": 1_790_000_000_000_000_000,
}
_RUN = container_config_pb2.ContainerSpec(image="busybox", cmd=["true"])


@dataclass(frozen=True)
class Case:
    """An RPC, its request without a host, and which question of it gets *document* for an answer."""

    rpc: str
    request: Message
    asked: str
    document: Any


_BY_HAND = (  # what the mirror's table does not have
    Case("ContainerService.StreamLogs", containers_pb2.StreamLogsRequest(id=ID), "GET /containers/{id}/json", None),
    Case(
        "ContainerService.StreamLogs",
        containers_pb2.StreamLogsRequest(id=ID, follow=True),
        "GET /containers/{id}/json",
        state(running=False),
    ),
    Case(
        "ContainerService.StreamStats",
        containers_pb2.StreamStatsRequest(id=ID, stream=False, one_shot=True),
        "GET /containers/{id}/stats",
        _STATS,
    ),
    Case(
        "ContainerService.RunContainer",
        containers_pb2.RunContainerRequest(config=_RUN),
        "POST /containers/create",
        {"Id": CONTAINER, "Warnings": ["no swap"]},
    ),
    Case(
        "ContainerService.RunContainer",
        containers_pb2.RunContainerRequest(config=_RUN),
        "POST /containers/{id}/wait",
        {"StatusCode": 7, "Error": {"Message": "so"}},
    ),
    Case(
        "ContainerService.AttachContainer",
        containers_pb2.AttachContainerStart(id=ID),
        "GET /containers/{id}/json",
        state(running=False),
    ),
    Case("ExecService.Exec", exec_pb2.ExecStart(id=ID, cmd=["cat"]), "POST /containers/{id}/exec", {"Id": EXEC}),
    Case(
        "ExecService.Exec",
        exec_pb2.ExecStart(id=ID, cmd=["cat"]),
        "GET /exec/{id}/json",
        {"ID": EXEC, "Running": False, "ExitCode": 3},
    ),
    *(
        Case("SystemService.StreamEvents", system_pb2.StreamEventsRequest(since=since, until=until), *answer)
        for since, until in ((Timestamp(seconds=1), Timestamp(seconds=1_790_000_001)),)
        for answer in (("GET /events", _EVENT), ("GET /info", {"SystemTime": "2026-09-21T12:00:00Z"}))
    ),
)


def cases(most: int) -> list[tuple[Case, bytes, str]]:
    """Return about *most* answers: their case, the JSON with one extreme value, and where that is.

    Half of them are for RPCs by hand, the same number for each case.  Values of the right kind come first: what is no
    number at all where one should be is noticed more often than a number that is too large.
    """
    mirrored = [
        Case(row.rpc, row.request, row.asked, row.answer["json"])
        for table in _TABLES
        for row in table.ROWS
        if "json" in row.answer and isinstance(row.expected, Message)
    ]
    chosen = []
    for part in (_BY_HAND, mirrored):
        for case in part:
            answers = list(_answers(case))
            random.Random(1).shuffle(answers)
            answers.sort(key=lambda answer: not answer.kin)
            chosen += [(case, answer.text, answer.where) for answer in answers[: most // 2 // len(part) + 1]]
    return chosen


async def provoke(engines: Mapping[str, FakeEngine], channel: grpc.aio.Channel, most: int) -> dict[str, Any]:
    """Let *engines*, by host, give about so many of the answers; return how many calls were defects.

    A call is one when its status has the reason INTERNAL, or none, which makes it grpc's own.
    """
    defects, endless, answers = Counter[str](), Counter[str](), cases(most)
    left = iter(answers)

    async def ask(host: str, engine: FakeEngine) -> None:
        for case, answer, where in left:
            behave(engine)
            verb, path = case.asked.split(" ")
            engine.on(verb, path, body=answer)
            request = type(case.request)()
            request.CopyFrom(case.request)
            request.host = host  # type: ignore[attr-defined]
            try:
                async with asyncio.timeout(_CALL_SECONDS):
                    await contract.call(channel, _METHODS[case.rpc], request)
            except TimeoutError:
                endless[f"{case.rpc} {where}"] += 1
            except grpc.aio.AioRpcError as error:
                if failed(error).reason in ("INTERNAL", ""):
                    defects[f"{case.rpc} {where}"] += 1

    await asyncio.gather(*(ask(*pair) for pair in engines.items()))
    return {
        "defects": defects.total(),
        "defective": list(defects)[:40],
        "endless": endless.total(),
        "endlessly": list(endless)[:10],
        "calls": len(answers),
    }


def behave(engine: FakeEngine) -> None:
    """Let *engine* answer well what the RPCs by hand ask besides."""
    engine.on("GET", "/containers/{id}/json", json=state(running=False))
    engine.on("GET", "/containers/{id}/logs", frames=[(1, b"2026-09-21T12:00:00.000000001Z a line\n")])
    engine.on("GET", "/containers/{id}/stats", json=_STATS)
    engine.on("POST", "/containers/create", status=201, json={"Id": CONTAINER})
    engine.on("POST", "/containers/{id}/attach", writes(frame(1, b"hello\n")))
    engine.on("POST", "/containers/{id}/start", status=204)
    engine.on("POST", "/containers/{id}/wait", lines=[{"StatusCode": 7}])
    engine.on("DELETE", "/containers/{id}", status=204)
    engine.on("POST", "/containers/{id}/exec", status=201, json={"Id": EXEC})
    engine.on("POST", "/exec/{id}/start", writes(frame(1, b"out")))
    engine.on("GET", "/exec/{id}/json", json={"ID": EXEC, "Running": False, "ExitCode": 3})
    engine.on("GET", "/events", lines=[_EVENT])
    engine.on("GET", "/info", json={"SystemTime": "2026-09-21T12:00:00Z"})
    for path in ("/containers/json", "/images/json", "/networks"):
        engine.on("GET", path, json=[])
    engine.on("GET", "/volumes", json={"Volumes": []})


@dataclass(frozen=True)
class _Answer:
    """JSON with one extreme value, where that is, and whether it is of the kind of what was there."""

    text: bytes
    where: str
    kin: bool


def _answers(case: Case) -> Iterator[_Answer]:
    for where, replaced, document in _with_holes(case.document):
        before, _, after = json.dumps(document).partition(f'"{_HOLE}"')
        for extreme in _EXTREMES:
            kin = _kind(extreme) == _kind(json.dumps(replaced))
            yield _Answer(f"{before}{extreme}{after}".encode(), f"{where} = {extreme[:40]}", kin)


def _kind(text: str) -> str:
    """Return what the value is whose JSON is *text*."""
    if re.match(r'"\d+-\d\d-\d\d', text):
        return "time"
    return {'"': "text", "{": "object", "[": "array", "t": "boolean", "f": "boolean", "n": "null"}.get(
        text[0], "number"
    )


def _with_holes(document: Any, path: str = "") -> Iterator[tuple[str, Any, Any]]:
    """Yield each value's path, the value, and *document* with the hole in its place."""
    yield path, document, _HOLE
    if isinstance(document, dict):
        for key, value in document.items():
            for where, replaced, part in _with_holes(value, f"{path}.{key}"):
                yield where, replaced, document | {key: part}
    elif isinstance(document, list) and document:
        for where, replaced, part in _with_holes(document[0], f"{path}[0]"):
            yield where, replaced, [part, *document[1:]]
