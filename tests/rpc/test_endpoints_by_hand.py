"""The RPCs with code of their own call the endpoints of the contract, with all fields of their requests."""

from __future__ import annotations

import json

from dockfleet.v1 import common_pb2, containers_pb2, exec_pb2, system_pb2
from google.protobuf.timestamp_pb2 import Timestamp

from tests.support import contract
from tests.support.fake_engine import FakeEngine, ResponseParser, frame
from tests.support.fake_log import ID, STATE, state
from tests.support.gateway import gateway_of, receive


async def hello(exchange: ResponseParser) -> None:
    """Become a session that writes a line and ends."""
    exchange.upgrade(frame(1, b"hello\n"))
    await exchange.drain()
    exchange.close()


def test_the_rpcs_written_by_hand_that_have_an_endpoint_are_those_below() -> None:
    """A new one needs a test."""
    by_hand = [
        method.name for method in contract.methods() if contract.endpoint(method) and contract.is_by_hand(method)
    ]

    archives = ["StatContainerArchive", "PutContainerArchive"]  # their rows are in the mirror's table
    assert by_hand == ["StreamLogs", "StreamStats", "AttachContainer", *archives, "StartExec", "StreamEvents"]


async def test_stream_logs_asks_with_every_parameter() -> None:
    """Times are decimal numbers of seconds, with all nanoseconds."""
    async with FakeEngine() as engine, gateway_of(engine.address) as client:
        engine.on(*STATE, json=state(running=False))
        engine.on(
            "GET",
            "/containers/{id}/logs",
            frames=[
                (1, b"2024-03-01T12:00:00.000000005Z other\n"),
                (2, b"2024-03-01T12:00:00.000000005Z hello\n"),
            ],
        )

        called = client.containers.StreamLogs(
            containers_pb2.StreamLogsRequest(
                host="h1",
                id="web",
                follow=False,
                stdout=False,
                stderr=True,
                since=Timestamp(seconds=1709294400, nanos=5),
                until=Timestamp(seconds=1709294460),
                timestamps=False,  # the gateway wants to know them all the same: they are where it stands
                tail=7,
                details=False,
            )
        )
        entries = [entry async for batch in called for entry in batch.batch.entries]
        request = await engine.request("GET", f"/containers/{ID}/logs")

    assert request.query == [
        ("follow", "false"),
        ("stdout", "true"),  # positions count both; what the client did not ask for is left out here
        ("stderr", "true"),
        ("timestamps", "true"),
        ("since", "1709294400.000000005"),
        ("until", "1709294460.000000000"),
        ("tail", "7"),
    ]
    assert entries == [
        containers_pb2.LogEntry(stream=common_pb2.STANDARD_STREAM_STDERR, data=b"hello"),
    ]


async def test_stream_logs_takes_both_outputs_with_times_by_default() -> None:
    """The Engine itself would refuse a request that names no output."""
    async with FakeEngine() as engine, gateway_of(engine.address) as client:
        engine.on(*STATE, json=state(running=False))
        engine.on("GET", "/containers/{id}/logs", frames=[])

        called = client.containers.StreamLogs(containers_pb2.StreamLogsRequest(host="h1", id="web"))
        batches = [batch async for batch in called]
        request = await engine.request("GET", f"/containers/{ID}/logs")

    assert [batch.end.reason for batch in batches] == [containers_pb2.LOG_END_REASON_COMPLETE]
    assert ("stdout", "true") in request.query
    assert ("stderr", "true") in request.query
    assert ("timestamps", "true") in request.query


async def test_stream_stats_asks_for_one_sample_or_for_all_of_the_container() -> None:
    """By its full id, so that a name that changes hands changes nothing."""
    async with FakeEngine() as engine, gateway_of(engine.address) as client:
        engine.on(*STATE, json=state())
        engine.on("GET", "/containers/{id}/stats", json={"read": "2026-05-01T10:00:00Z"})
        for fields in ({"stream": False, "one_shot": True}, {"stream": False}, {}):
            called = client.containers.StreamStats(containers_pb2.StreamStatsRequest(host="h1", id="web", **fields))
            await receive(called)
            called.cancel()
        asked = [request for request in engine.requests if request.path == f"/containers/{ID}/stats"]

    assert [sorted(request.query) for request in asked[:3]] == [
        [("one-shot", "true"), ("stream", "false")], [("stream", "false")], [("stream", "true")],
    ]  # fmt: skip


async def test_stream_events_asks_for_all_of_them_whatever_the_filters() -> None:
    """One subscription serves all calls; what each wants is chosen here."""
    now = {"SystemTime": "2026-05-01T10:00:00.000000000Z"}
    async with FakeEngine() as engine, gateway_of(engine.address) as client:
        engine.on("GET", "/info", json=now)
        engine.on("GET", "/events", chunks=[b'{"Type":"container","Action":"start","timeNano":1}\n'])
        called = client.system.StreamEvents(
            system_pb2.StreamEventsRequest(
                host="h1", since=Timestamp(seconds=0), filters={"type": common_pb2.StringList(items=["container"])}
            )
        )
        event = (await receive(called)).event
        called.cancel()
        asked = [sorted(request.query) for request in engine.requests if request.path == "/events"]

    assert (event.type, event.action) == ("container", "start")
    assert [("since", "0")] in asked
    assert not [query for query in asked if "filters" in dict(query)]


async def test_attach_asks_with_every_parameter_for_an_upgrade() -> None:
    """The connection becomes the container's own."""
    start = containers_pb2.AttachContainerStart(
        host="h1",
        id="web",
        logs=True,
        stream=True,
        attach_stdin=False,
        attach_stdout=True,
        attach_stderr=False,
        detach_keys="ctrl-p,ctrl-q",
    )
    state = {"Running": False, "ExitCode": 3}
    async with FakeEngine() as engine, gateway_of(engine.address) as client:
        engine.on("GET", "/containers/{id}/json", json={"Id": ID, "Config": {"Tty": False}, "State": state})
        engine.on("POST", "/containers/{id}/attach", hello)

        called = client.containers.AttachContainer(iter([containers_pb2.AttachContainerRequest(start=start)]))
        replies = [reply async for reply in called]
        request = await engine.request("POST", "/containers/web/attach")

    assert request.query == [
        ("logs", "true"),
        ("stream", "true"),
        ("stdin", "false"),
        ("stdout", "true"),
        ("stderr", "false"),
        ("detachKeys", "ctrl-p,ctrl-q"),
    ]
    assert (request.headers["connection"], request.headers["upgrade"], request.body) == ("Upgrade", "tcp", b"")
    assert replies == [
        containers_pb2.AttachContainerResponse(started=common_pb2.SessionStarted(tty=False)),
        containers_pb2.AttachContainerResponse(
            output=common_pb2.OutputChunk(stream=common_pb2.STANDARD_STREAM_STDOUT, data=b"hello\n")
        ),
        containers_pb2.AttachContainerResponse(end=common_pb2.SessionEnd(running=False, exit_code=3)),
    ]


async def test_start_exec_asks_with_a_body_for_an_upgrade() -> None:
    """What it starts with is JSON; afterwards the exec is inspected for its exit code."""
    start = exec_pb2.StartExecStart(
        host="h1", id=ID, detach=False, tty=False, console_size=common_pb2.TerminalSize(height=24, width=80)
    )
    async with FakeEngine() as engine:
        engine.api_version = "1.42"
        engine.on("POST", "/exec/{id}/start", hello)
        engine.on("GET", "/exec/{id}/json", json={"ID": ID, "OpenStdin": True, "Running": False, "ExitCode": 3})
        async with gateway_of(engine.address) as client:
            called = client.exec.StartExec(iter([exec_pb2.StartExecRequest(start=start)]))
            replies = [reply async for reply in called]
        request = await engine.request("POST", f"/exec/{ID}/start")

    assert json.loads(request.body) == {"Detach": False, "Tty": False, "ConsoleSize": [24, 80]}
    assert (request.headers["connection"], request.headers["upgrade"], request.query) == ("Upgrade", "tcp", [])
    assert replies == [
        exec_pb2.StartExecResponse(started=common_pb2.SessionStarted(exec_id=ID, tty=False)),
        exec_pb2.StartExecResponse(
            output=common_pb2.OutputChunk(stream=common_pb2.STANDARD_STREAM_STDOUT, data=b"hello\n")
        ),
        exec_pb2.StartExecResponse(end=common_pb2.SessionEnd(exit_code=3)),
    ]


async def test_start_exec_detached_asks_without_an_upgrade() -> None:
    """The engine responds at once, and the client does not read."""
    start = exec_pb2.StartExecStart(host="h1", id=ID, detach=True)
    async with FakeEngine() as engine, gateway_of(engine.address) as client:
        engine.on("POST", "/exec/{id}/start", status=200)

        replies = [reply async for reply in client.exec.StartExec(iter([exec_pb2.StartExecRequest(start=start)]))]
        request = await engine.request("POST", f"/exec/{ID}/start")

    assert json.loads(request.body) == {"Detach": True}
    assert "upgrade" not in request.headers
    assert replies == [exec_pb2.StartExecResponse(started=common_pb2.SessionStarted(exec_id=ID))]
