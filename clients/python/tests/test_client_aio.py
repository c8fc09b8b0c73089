"""The client for asyncio: the same promises, awaited."""

from __future__ import annotations

import asyncio
import gc
import io
import threading
from collections.abc import AsyncIterator
from typing import Any

import dockfleet
import dockfleet.aio
import grpc
import pytest
from dockfleet.fleet.v1.hosts_pb2 import ListHostsResponse
from dockfleet.v1 import containers_pb2 as containers
from dockfleet.v1 import images_pb2 as images
from dockfleet.v1.exec_pb2 import ExecResponse
from dockfleet.v1.system_pb2 import StreamEventsResponse

from clients.python.tests.scripted_gateway import Ended, Gateway, drained, fail
from clients.python.tests.test_client_resuming import calls, lines
from clients.python.tests.test_client_sessions import cat
from clients.python.tests.test_client_views import FIRST_RESPONSES


@pytest.fixture
async def aio_fleet(gateway: Gateway) -> AsyncIterator[dockfleet.aio.Fleet]:
    async with dockfleet.aio.connect(gateway.address) as fleet:
        yield fleet


async def test_a_view_fills_in_the_host(gateway: Gateway, aio_fleet: dockfleet.aio.Fleet) -> None:
    """Awaiting a call through `fleet.host("a")` returns the response of host a."""
    gateway.on("ListContainers", containers.ListContainersResponse(containers=[{"id": "c1"}]))

    answer = await aio_fleet.host("a").containers.rpc("ListContainers")(all=True)

    assert answer.containers[0].id == "c1"
    assert gateway.requests == [containers.ListContainersRequest(host="a", all=True)]


FAILING = {
    "InspectContainer": lambda host: host.containers.rpc("InspectContainer")(id="web"),
    "StreamLogs": lambda host: anext(host.logs("web")),
    "PutContainerArchive": lambda host: host.containers.rpc("PutContainerArchive")(b"x", id="web", path="/"),
    "LoadImages": lambda host: anext(host.images.rpc("LoadImages")(b"x")),
    "Exec": lambda host: host.execute("web", ["true"], stdin=b"x"),
    "AttachContainer": lambda host: anext(host.containers.rpc("AttachContainer")(id="web")),
    "WaitContainer": lambda host: host.containers.rpc("WaitContainer")(id="web"),
}


@pytest.mark.parametrize("rpc", FAILING)
async def test_every_shape_of_call_fails_with_a_dockfleet_error(
    gateway: Gateway, aio_fleet: dockfleet.aio.Fleet, rpc: str
) -> None:
    """As with the blocking client."""
    gateway.on(rpc, lambda request, context: fail(context, grpc.StatusCode.NOT_FOUND, "none", "UNKNOWN_HOST", host="x"))

    with pytest.raises(dockfleet.DockfleetError, match="x: UNKNOWN_HOST: none"):
        await FAILING[rpc](aio_fleet.host("x"))


async def test_logs_are_unbatched_and_end_their_call(gateway: Gateway, aio_fleet: dockfleet.aio.Fleet) -> None:
    """Closing the iterator ends the call on the gateway's side."""
    ended = Ended()
    gateway.on(
        "StreamLogs",
        ended.endless(containers.StreamLogsResponse(batch={"entries": [{"data": b"one"}, {"data": b"two"}]})),
    )

    entries = aio_fleet.host("a").logs("web", follow=True)
    assert [(await anext(entries)).data, (await anext(entries)).data] == [b"one", b"two"]
    entries.close()

    assert await asyncio.to_thread(ended.wait, 10)


async def test_a_cancelled_task_ends_its_call_and_stays_cancelled(
    gateway: Gateway, aio_fleet: dockfleet.aio.Fleet
) -> None:
    """A cancelled wait is not the end of the stream."""
    ended = Ended()
    gateway.on("StreamStats", ended.endless(containers.StreamStatsResponse()))
    first = asyncio.Event()

    async def follow() -> None:
        async with aio_fleet.host("a").containers.rpc("StreamStats")(id="web") as stats:
            async for _ in stats:
                first.set()

    task = asyncio.create_task(follow())
    await first.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    assert await asyncio.to_thread(ended.wait, 10)


async def test_a_stream_that_another_task_closes_ends(gateway: Gateway, aio_fleet: dockfleet.aio.Fleet) -> None:
    """Without an error and without a cancellation of the task."""
    gateway.on("StreamStats", Ended().endless(containers.StreamStatsResponse()))
    stats = aio_fleet.host("a").containers.rpc("StreamStats")(id="web")
    await anext(stats)

    asyncio.get_running_loop().call_later(0.05, stats.close)

    assert [each async for each in stats] == []


UNREAD = {
    "StreamLogs": lambda host: host.logs("web", follow=True),
    "StreamStats": lambda host: host.stats("web"),
    "StreamEvents": lambda host: host.system.rpc("StreamEvents")(),
    "Exec": lambda host: host.exec.open("web", cmd=["cat"], attach_stdin=True),
}


@pytest.mark.parametrize("rpc", UNREAD)
async def test_a_stream_that_nobody_reads_any_more_ends_its_call(
    gateway: Gateway, aio_fleet: dockfleet.aio.Fleet, rpc: str
) -> None:
    """Leaving a loop over it is enough: no name is left for the stream, as with the blocking client."""
    ended = Ended()
    gateway.on(rpc, ended.endless(FIRST_RESPONSES[rpc]))

    async for _ in UNREAD[rpc](aio_fleet.host("a")):
        break

    gc.collect()  # an exception may still have held it
    assert await asyncio.to_thread(ended.wait, 10)


async def test_a_log_continues_after_a_wait_that_was_cancelled(
    gateway: Gateway, aio_fleet: dockfleet.aio.Fleet
) -> None:
    """`asyncio.wait_for` ends a wait, not the log: it seems to be complete only when it is."""
    first = Ended().endless(lines(b"t1", b"1"))
    gateway.on("StreamLogs", calls(first, [lines(b"t2", b"2")]))
    entries = aio_fleet.host("a").logs("web", follow=True)
    assert (await anext(entries)).data == b"1"

    with pytest.raises(TimeoutError):
        await asyncio.wait_for(anext(entries), 0.05)

    assert [entry.data async for entry in entries] == [b"2"]
    assert [request.resume_token for request in gateway.requests] == [b"", b"t1"]


async def test_a_closed_fleet_refuses_every_call(aio_fleet: dockfleet.aio.Fleet) -> None:
    """With the same error for every kind, as the blocking client."""
    host = aio_fleet.host("a")
    await aio_fleet.close()

    with pytest.raises(ValueError, match="the fleet is closed"):
        await aio_fleet.hosts.list()
    with pytest.raises(ValueError, match="the fleet is closed"):
        await host.containers.put_archive(b"x", "web", "/")
    with pytest.raises(ValueError, match="the fleet is closed"):
        host.logs("web")


CALLS = {
    "a stream": lambda host: anext(host.containers.rpc("StreamStats")(id="web")),
    "a resuming stream": lambda host: anext(host.stats("web")),
    "a session": lambda host: anext(host.containers.rpc("AttachContainer")(id="web")),
    "a long call": lambda host: host.containers.wait("web"),
    "an upload": lambda host: host.containers.put_archive(b"x", "web", "/"),
}


@pytest.mark.parametrize("kind", CALLS)
async def test_closing_the_fleet_fails_its_calls(gateway: Gateway, aio_fleet: dockfleet.aio.Fleet, kind: str) -> None:
    """They neither seem complete nor cancel the task that waits, which nobody has cancelled."""
    begun = threading.Event()

    def behave(request: Any, context: grpc.ServicerContext) -> Any:
        ended = Ended()
        ended.watch(context)
        begun.set()
        ended.wait(30)
        return iter(())

    for rpc in ("StreamStats", "AttachContainer", "WaitContainer", "PutContainerArchive"):
        gateway.on(rpc, behave)
    call = asyncio.ensure_future(CALLS[kind](aio_fleet.host("a")))
    await asyncio.to_thread(begun.wait, 30)

    await aio_fleet.close()

    with pytest.raises(dockfleet.DockfleetError) as caught:
        await call
    assert caught.value.code is grpc.StatusCode.CANCELLED


LARGE = b"ab" + bytes(dockfleet.CHUNK + 1)


async def _pieces() -> AsyncIterator[bytes]:
    yield LARGE[:2]
    yield LARGE[2:]


@pytest.mark.parametrize(
    "source", [b"ab" + bytes(dockfleet.CHUNK + 1), io.BytesIO(b"ab" + bytes(dockfleet.CHUNK + 1)), _pieces()]
)
async def test_an_upload_takes_bytes_files_and_asynchronous_pieces(
    gateway: Gateway, aio_fleet: dockfleet.aio.Fleet, source: Any
) -> None:
    """Requests have at most 256 KiB of any source."""
    gateway.on("LoadImages", drained([images.LoadImagesResponse(progress={"status": "x"})]))

    reports = [each.progress.status async for each in aio_fleet.host("a").images.rpc("LoadImages")(source)]

    assert reports == ["x"]
    assert b"".join(frame.data for frame in gateway.requests[1:]) == LARGE
    assert max(len(frame.data) for frame in gateway.requests[1:]) == dockfleet.CHUNK


@pytest.mark.parametrize("rpc", ["PutContainerArchive", "LoadImages"])
async def test_a_source_that_fails_ends_the_upload_with_its_error(
    gateway: Gateway, aio_fleet: dockfleet.aio.Fleet, rpc: str
) -> None:
    """The caller gets the source's error, and the gateway sees a cancelled call."""
    ended = Ended()
    gateway.on(rpc, lambda requests, context: ended.watch(context) or drained([])(requests, context))
    host = aio_fleet.host("a")

    async def broken() -> AsyncIterator[bytes]:
        yield b"first"
        raise OSError("disk gone")

    with pytest.raises(OSError, match="disk gone"):
        await (
            host.containers.rpc("PutContainerArchive")(broken(), id="web", path="/")
            if rpc == "PutContainerArchive"
            else anext(host.images.rpc("LoadImages")(broken()))
        )
    assert await asyncio.to_thread(ended.wait, 10)


async def test_a_download_yields_the_bytes_alone(gateway: Gateway, aio_fleet: dockfleet.aio.Fleet) -> None:
    """As the blocking one does."""
    gateway.on("ExportContainer", [containers.ExportContainerResponse(data=part) for part in (b"", b"tar", b"ball")])

    archive = aio_fleet.host("a").containers.rpc("ExportContainer")(id="web")

    assert [part async for part in dockfleet.aio.download(archive)] == [b"tar", b"ball"]


async def test_a_command_is_executed_with_its_input(gateway: Gateway, aio_fleet: dockfleet.aio.Fleet) -> None:
    """The input goes up while the output comes down."""
    gateway.on("Exec", cat)
    text = bytes(range(256)) * 8_000

    result = await aio_fleet.host("a").execute("web", ["cat"], stdin=text)

    assert result == dockfleet.ExecResult(3, text, b"%d" % len(text))


async def test_a_session_is_a_conversation(gateway: Gateway, aio_fleet: dockfleet.aio.Fleet) -> None:
    """Input, output, resize, the end of input, and the exit code."""
    gateway.on("Exec", cat)

    async with aio_fleet.host("a").exec.rpc("Exec")(id="web", cmd=["cat"], attach_stdin=True) as session:
        await session.write(b"ping")
        assert (await anext(session)).data == b"ping"
        await session.resize(24, 80)
        assert (await anext(session)).data == b""  # the scripted process responds to every frame
        await session.close_stdin()
        assert [output.data async for output in session] == [b"4"]
        assert session.exit_code == 3
        with pytest.raises(BrokenPipeError):
            await session.write(b"late")


async def test_a_session_has_the_content_of_its_first_and_last_response(
    gateway: Gateway, aio_fleet: dockfleet.aio.Fleet
) -> None:
    """The id of the exec, whether there is a terminal, and whether the process outlives the session."""
    started, end = {"exec_id": "e1", "tty": True}, {"running": True, "unknown_reason": "the process still runs"}
    gateway.on("Exec", [ExecResponse(started=started), ExecResponse(heartbeat={}), ExecResponse(end=end)])

    async with aio_fleet.host("a").exec.rpc("Exec")(id="web", cmd=["sh"], tty=True) as session:
        assert (session.exec_id, session.tty, session.running) == ("", False, False)
        assert [output async for output in session] == []

    assert (session.exec_id, session.tty, session.running) == ("e1", True, True)
    assert (session.exit_code, session.unknown_reason) == (None, "the process still runs")


async def test_output_that_was_dropped_is_counted(gateway: Gateway, aio_fleet: dockfleet.aio.Fleet) -> None:
    """By sessions, and in the result of a command."""
    gateway.on(
        "Exec",
        [
            ExecResponse(started={}),
            ExecResponse(output={"data": b"a"}),
            ExecResponse(dropped={"bytes": 7}),
            ExecResponse(output={"data": b"b"}),
            ExecResponse(end={"exit_code": 0}),
        ],
    )

    async with aio_fleet.host("a").exec.rpc("Exec")(id="web", cmd=["yes"]) as session:
        assert [(output.data, session.dropped_bytes) async for output in session] == [(b"a", 0), (b"b", 7)]
    result = await aio_fleet.host("a").execute("web", ["yes"])

    assert dockfleet.ExecResult(0, b"ab", b"", dropped_bytes=7) == result


async def test_leaving_a_session_ends_its_call(gateway: Gateway, aio_fleet: dockfleet.aio.Fleet) -> None:
    """The gateway sees the call end at once."""
    ended = Ended()
    gateway.on("Exec", ended.endless(ExecResponse(started={})))

    async with aio_fleet.host("a").exec.rpc("Exec")(id="web", cmd=["cat"], attach_stdin=True) as session:
        await session.write(b"x")

    assert await asyncio.to_thread(ended.wait, 10)


async def test_many_followers_do_not_starve_short_calls(gateway: Gateway, aio_fleet: dockfleet.aio.Fleet) -> None:
    """Streams and calls that may last long have connections of their own."""
    gateway.on("ListHosts", ListHostsResponse())
    gateway.on("WaitContainer", containers.WaitContainerResponse())
    gateway.on("StreamStats", Ended().endless(containers.StreamStatsResponse()))

    async with aio_fleet.host("a").containers.rpc("StreamStats")(id="web") as stats:
        await anext(stats)
        await aio_fleet.host("a").containers.rpc("WaitContainer")(id="web")
        await aio_fleet.hosts.list()

    assert gateway.peers["WaitContainer"] == gateway.peers["StreamStats"]
    assert not gateway.peers["ListHosts"] & gateway.peers["StreamStats"]


@pytest.mark.parametrize("attempt", range(50))
async def test_a_failure_during_an_upload_is_that_of_the_gateway(
    gateway: Gateway, aio_fleet: dockfleet.aio.Fleet, attempt: int
) -> None:
    """gRPC loses the status when a write meets the end of the call (grpc/grpc#36066); this client does not."""
    for rpc in ("LoadImages", "PutContainerArchive"):
        gateway.on(rpc, lambda requests, context: fail(context, grpc.StatusCode.NOT_FOUND, "none", "UNKNOWN_HOST"))
    gateway.on("Exec", [ExecResponse(end={"exit_code": 0})])
    host = aio_fleet.host("x")
    large = bytes(20 * dockfleet.CHUNK)

    with pytest.raises(dockfleet.DockfleetError, match="UNKNOWN_HOST"):
        await anext(host.images.rpc("LoadImages")(large))
    with pytest.raises(dockfleet.DockfleetError, match="UNKNOWN_HOST"):
        await host.containers.rpc("PutContainerArchive")(large, id="web", path="/")
    assert (await host.execute("web", ["true"], stdin=large)).exit_code == 0


def test_a_fleet_belongs_to_the_event_loop_it_was_made_in(gateway: Gateway) -> None:
    """In a second `asyncio.run`, short and long calls fail with the reason."""
    gateway.on("ListContainers", containers.ListContainersResponse())
    made: list[dockfleet.aio.Fleet] = []

    async def first() -> None:
        made.append(dockfleet.aio.connect(gateway.address))
        await made[0].host("a").containers.list()

    async def second() -> None:
        host = made[0].host("a")
        with pytest.raises(RuntimeError, match="the fleet belongs to another event loop"):
            await host.containers.list()
        with pytest.raises(RuntimeError, match="the fleet belongs to another event loop"):
            host.logs("web")

    asyncio.run(first())
    asyncio.run(second())
    with pytest.raises(RuntimeError, match="no event loop runs"):
        dockfleet.aio.connect(gateway.address)


async def test_a_closed_fleet_ends_its_streams_with_the_same_error_in_both_clients(gateway: Gateway) -> None:
    """The text does not depend on the thread or the task that closes it."""
    ended = Ended()
    gateway.on("StreamEvents", ended.endless(StreamEventsResponse(heartbeat={})))
    text = "CANCELLED: the call was cancelled, such as by closing the fleet"

    async with dockfleet.aio.connect(gateway.address) as fleet:
        events = fleet.host("a").events()
        await events.wait_started()
    with pytest.raises(dockfleet.DockfleetError) as caught:
        await anext(events)
    assert str(caught.value) == text

    def blocking() -> None:
        with dockfleet.connect(gateway.address) as fleet:
            events = fleet.host("a").events()
            events.wait_started()
        with pytest.raises(dockfleet.DockfleetError) as caught:
            next(events)
        assert str(caught.value) == text

    await asyncio.to_thread(blocking)
