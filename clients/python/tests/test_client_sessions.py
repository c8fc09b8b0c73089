"""Sessions: input up and output down, at the same time."""

from __future__ import annotations

import io
import threading
import time
from collections.abc import Iterator
from typing import Any

import dockfleet
import grpc
import pytest
from dockfleet.session import WAITING_WRITES
from dockfleet.v1 import containers_pb2 as containers
from dockfleet.v1.common_pb2 import SLOW_READER_DROP, STANDARD_STREAM_STDERR, STANDARD_STREAM_STDOUT, OutputChunk
from dockfleet.v1.exec_pb2 import ExecRequest, ExecResponse, ExecStart

from clients.python.tests.scripted_gateway import Ended, Gateway, fail


def cat(requests: Iterator[ExecRequest], context: grpc.ServicerContext) -> Iterator[ExecResponse]:
    """A process that writes what it reads, and counts the bytes on standard error when its input ends."""
    start = next(requests).start
    yield ExecResponse(started={"exec_id": "e1", "tty": start.tty})
    total = 0
    for request in requests:
        if request.HasField("close_stdin"):
            break
        total += len(request.stdin)
        yield ExecResponse(output=OutputChunk(stream=STANDARD_STREAM_STDOUT, data=request.stdin))
    yield ExecResponse(output=OutputChunk(stream=STANDARD_STREAM_STDERR, data=b"%d" % total))
    yield ExecResponse(end={"exit_code": 3})


def test_a_command_is_executed_and_its_result_returned(gateway: Gateway, fleet: dockfleet.Fleet) -> None:
    """`execute` returns both outputs and the exit code; without `stdin` the process is not given one."""
    gateway.on(
        "Exec",
        [
            ExecResponse(started={}),
            ExecResponse(output={"stream": STANDARD_STREAM_STDERR, "data": b"warn"}),
            ExecResponse(output={"stream": STANDARD_STREAM_STDOUT, "data": b"a"}),
            ExecResponse(output={"stream": STANDARD_STREAM_STDOUT, "data": b"b"}),
            ExecResponse(end={"exit_code": 0}),
        ],
    )

    result = fleet.host("a").execute("web", ["ls", "-l"], user="1000")

    assert dockfleet.ExecResult(0, b"ab", b"warn") == result


def test_executing_with_input_sends_it_and_its_end(gateway: Gateway, fleet: dockfleet.Fleet) -> None:
    """The input may be larger than any buffer on the way: it goes up while the output comes down."""
    gateway.on("Exec", cat)
    text = bytes(range(256)) * 40_000  # 10 MB

    result = fleet.host("a").execute("web", ["cat"], stdin=io.BytesIO(text), deadline=60)

    assert ExecStart(host="a", id="web", cmd=["cat"], attach_stdin=True) == gateway.requests[0].start
    assert gateway.requests[-1].HasField("close_stdin")
    assert dockfleet.ExecResult(3, text, b"%d" % len(text)) == result


def test_an_exit_code_that_is_not_known_is_none(gateway: Gateway, fleet: dockfleet.Fleet) -> None:
    """It is not zero: the reason says why it is missing."""
    gateway.on("Exec", [ExecResponse(started={}), ExecResponse(end={"unknown_reason": "the container was removed"})])

    result = fleet.host("a").execute("web", ["true"])

    assert (result.exit_code, result.unknown_reason) == (None, "the container was removed")


def test_a_session_is_a_conversation(gateway: Gateway, fleet: dockfleet.Fleet) -> None:
    """A program reads each output before it writes the next input; the exit code is known after the end."""
    gateway.on("Exec", cat)

    with fleet.host("a").exec.rpc("Exec")(id="web", cmd=["cat"], attach_stdin=True) as session:
        output = iter(session)
        session.write(b"ping")
        assert next(output).data == b"ping"
        session.write(b"pong")
        assert next(output).data == b"pong"
        assert session.exit_code is None
        session.close_stdin()
        session.close_stdin()
        assert [(each.stream, each.data) for each in output] == [(STANDARD_STREAM_STDERR, b"8")]
        assert session.exit_code == 3

    assert [each.WhichOneof("frame") for each in gateway.requests] == ["start", "stdin", "stdin", "close_stdin"]


def test_a_session_is_its_own_iterator(gateway: Gateway, fleet: dockfleet.Fleet) -> None:
    """As with asyncio: each output is asked for by `next`, and the end is the end of the iteration."""
    gateway.on("Exec", [ExecResponse(output={"data": b"1"}), ExecResponse(end={"exit_code": 0})])

    with fleet.host("a").exec.open("web", cmd=["echo", "1"]) as session:
        assert next(session).data == b"1"
        assert next(session, None) is None

    assert session.exit_code == 0


def test_a_session_knows_its_exec_and_its_terminal(gateway: Gateway, fleet: dockfleet.Fleet) -> None:
    """From the first response on, for `ResizeExec` and `InspectExec`, also after the end."""
    gateway.on("Exec", cat)

    with fleet.host("a").exec.rpc("Exec")(id="web", cmd=["sh"], tty=True, attach_stdin=True) as session:
        assert (session.exec_id, session.tty, session.running) == ("", False, False)
        session.write(b"x")
        assert next(iter(session)).data == b"x"
        assert (session.exec_id, session.tty, session.running) == ("e1", True, False)
        session.close_stdin()
        list(session)

    assert (session.exec_id, session.tty, session.running) == ("e1", True, False)


def test_a_process_may_outlive_its_session(gateway: Gateway, fleet: dockfleet.Fleet) -> None:
    """After the detach keys, `running` is true, there is no exit code, and the reason says why."""
    end = {"running": True, "unknown_reason": "the process still runs"}
    gateway.on(
        "AttachContainer",
        [
            containers.AttachContainerResponse(started={"tty": True}),
            containers.AttachContainerResponse(heartbeat={"idle": {"seconds": 15}}),
            containers.AttachContainerResponse(end=end),
        ],
    )

    with fleet.host("a").containers.rpc("AttachContainer")(id="web", stream=True) as session:
        assert list(session) == []

    assert (session.exec_id, session.tty) == ("", True)
    assert (session.ended, session.running) == (True, True)
    assert (session.exit_code, session.unknown_reason) == (None, "the process still runs")


def test_a_session_resizes_its_terminal(gateway: Gateway, fleet: dockfleet.Fleet) -> None:
    """Rows and columns go up among the input, in the order of the calls."""
    gateway.on("Exec", cat)

    with fleet.host("a").exec.rpc("Exec")(
        id="web", cmd=["sh"], tty=True, console_size={"height": 24, "width": 80}
    ) as session:
        session.resize(50, 132)
        session.close_stdin()
        list(session)

    start, resize, _ = gateway.requests
    assert (start.start.tty, start.start.console_size.height, start.start.console_size.width) == (True, 24, 80)
    assert (resize.resize.height, resize.resize.width) == (50, 132)


def test_leaving_a_session_ends_its_call_and_its_thread(gateway: Gateway, fleet: dockfleet.Fleet) -> None:
    """The gateway sees the call end, and gRPC's thread that waits for input ends with it."""
    ended = Ended()
    gateway.on("Exec", ended.endless(ExecResponse(output={"data": b"$ "})))
    before = threading.active_count()

    with fleet.host("a").exec.rpc("Exec")(id="web", cmd=["cat"], attach_stdin=True) as session:
        next(iter(session))

    assert ended.wait(10)
    assert _soon(lambda: threading.active_count() <= before + 1)  # one more in the gateway's pool


def test_writing_to_a_session_that_has_ended_is_a_broken_pipe(gateway: Gateway, fleet: dockfleet.Fleet) -> None:
    """As with a process of this machine."""
    gateway.on("Exec", [ExecResponse(end={"exit_code": 0})])

    with fleet.host("a").exec.rpc("Exec")(id="web", cmd=["true"], attach_stdin=True) as session:
        list(session)
        with pytest.raises(BrokenPipeError):
            _write_forever(session)


def test_a_writer_waits_for_a_process_that_does_not_read(gateway: Gateway, fleet: dockfleet.Fleet) -> None:
    """The memory of a session is bounded, and a writer that waits is released when the session ends."""
    ended = Ended()
    gateway.on("Exec", ended.endless(ExecResponse(started={})))
    broken = threading.Event()
    written = []

    with fleet.host("a").exec.rpc("Exec")(id="web", cmd=["sleep"], attach_stdin=True) as session:

        def write() -> None:
            try:
                for _ in range(1000):
                    session.write(bytes(dockfleet.CHUNK))
                    written.append(1)
            except BrokenPipeError:
                broken.set()

        threading.Thread(target=write, daemon=True).start()
        assert _soon(lambda: len(written) >= WAITING_WRITES)
        time.sleep(0.3)
        assert len(written) < WAITING_WRITES + 20  # gRPC's own windows take some

    assert broken.wait(10)


def test_attach_is_a_session_too(gateway: Gateway, fleet: dockfleet.Fleet) -> None:
    """Every RPC with the frames of a session is one; `end` has the container's exit code."""
    gateway.on(
        "AttachContainer",
        [
            containers.AttachContainerResponse(started={"tty": False}),
            containers.AttachContainerResponse(output={"data": b"hello"}),
            containers.AttachContainerResponse(end={"exit_code": 7}),
        ],
    )

    with fleet.host("a").containers.rpc("AttachContainer")(id="web", stream=True, attach_stdout=True) as session:
        assert [output.data for output in session] == [b"hello"]

    assert session.exit_code == 7


def test_output_that_was_dropped_is_counted(gateway: Gateway, fleet: dockfleet.Fleet) -> None:
    """A slow reader knows how many bytes are missing, and between which chunks."""
    gateway.on(
        "AttachContainer",
        [
            containers.AttachContainerResponse(started={}),
            containers.AttachContainerResponse(output={"data": b"a"}),
            containers.AttachContainerResponse(dropped={"bytes": 5}),
            containers.AttachContainerResponse(dropped={"bytes": 2}),
            containers.AttachContainerResponse(output={"data": b"b"}),
            containers.AttachContainerResponse(end={"exit_code": 0}),
        ],
    )

    with fleet.host("a").containers.rpc("AttachContainer")(id="web", stream=True, attach_stdout=True) as session:
        assert [(output.data, session.dropped_bytes) for output in session] == [(b"a", 0), (b"b", 7)]

    assert (session.exit_code, session.ended) == (0, True)


def test_a_result_has_the_number_of_missing_bytes(gateway: Gateway, fleet: dockfleet.Fleet) -> None:
    """Only when the caller allows to drop output."""
    gateway.on(
        "Exec",
        [
            ExecResponse(started={}),
            ExecResponse(dropped={"bytes": 7}),
            ExecResponse(output={"data": b"end"}),
            ExecResponse(end={"exit_code": 0}),
        ],
    )

    result = fleet.host("a").execute("web", ["yes"], slow_reader=SLOW_READER_DROP)

    assert dockfleet.ExecResult(0, b"end", b"", dropped_bytes=7) == result


def test_a_session_that_breaks_has_not_ended(gateway: Gateway, fleet: dockfleet.Fleet) -> None:
    """Without its last response, the exit code is not known."""
    gateway.on("Exec", [ExecResponse(started={}), ExecResponse(dropped={"bytes": 1})])

    with fleet.host("a").exec.rpc("Exec")(id="web", cmd=["true"]) as session:
        assert list(session) == []

    assert (session.ended, session.exit_code) == (False, None)


def test_a_session_that_breaks_raises(gateway: Gateway, fleet: dockfleet.Fleet) -> None:
    """A session ends with an `end` or an error, never silently."""

    def behave(requests: Any, context: grpc.ServicerContext) -> Any:
        yield ExecResponse(started={})
        fail(context, grpc.StatusCode.ABORTED, "the connection broke", "OUTCOME_UNKNOWN", host="a")

    gateway.on("Exec", behave)

    with pytest.raises(dockfleet.DockfleetError, match="a: OUTCOME_UNKNOWN"):
        fleet.host("a").execute("web", ["make"])


def _write_forever(session: dockfleet.Session) -> None:
    while True:
        session.write(b"x")


def _soon(holds: Any, seconds: float = 10) -> bool:
    deadline = time.monotonic() + seconds
    while not holds() and time.monotonic() < deadline:
        time.sleep(0.01)
    return bool(holds())
