"""The commands that stream, as their user sees them: `logs` and `exec`."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

import grpc
import pytest
from click.testing import Result
from dockfleet.v1 import containers_pb2 as containers
from dockfleet.v1.common_pb2 import GAP_REASON_ROTATED, STANDARD_STREAM_STDERR, STANDARD_STREAM_STDOUT
from dockfleet.v1.exec_pb2 import ON_DISCONNECT_KEEP, ON_DISCONNECT_UNSPECIFIED, ExecRequest, ExecResponse

from clients.python.tests.scripted_gateway import Ended, Gateway, fail
from clients.python.tests.test_client_sessions import cat

Run = Callable[..., Result]


def test_logs_are_reproduced_byte_for_byte(gateway: Gateway, run: Run) -> None:
    """Standard output and standard error are separate; a partial line gets no line feed."""
    gateway.on(
        "StreamLogs",
        [
            containers.StreamLogsResponse(
                batch={
                    "entries": [
                        {"stream": STANDARD_STREAM_STDOUT, "data": b"one\xff"},
                        {"stream": STANDARD_STREAM_STDERR, "data": b"warn\r"},
                        {"stream": STANDARD_STREAM_STDOUT, "data": b"two ", "partial": True},
                    ]
                }
            ),
            containers.StreamLogsResponse(batch={"entries": [{"stream": STANDARD_STREAM_STDOUT, "data": b"halves"}]}),
            containers.StreamLogsResponse(
                batch={"entries": [{"stream": STANDARD_STREAM_STDOUT, "data": b"end", "partial": True}]}
            ),
        ],
    )

    result = run("logs", "-f", "-n", "3", "a/web")

    assert result.stdout_bytes == b"one\xff\ntwo halves\nend"
    assert result.stderr_bytes == b"warn\r\n"
    assert gateway.requests == [containers.StreamLogsRequest(host="a", id="web", follow=True, tail=3, timestamps=False)]
    assert result.exit_code == 0


def test_a_timestamp_is_before_each_line_but_not_before_its_parts(gateway: Gateway, run: Run) -> None:
    """`-t` prints nine digits, so that lines are aligned."""
    time = {"seconds": 1714521600, "nanos": 5}
    entries = [
        {"stream": STANDARD_STREAM_STDOUT, "data": b"two ", "partial": True, "time": time},
        {"stream": STANDARD_STREAM_STDERR, "data": b"warn", "time": time},
        {"stream": STANDARD_STREAM_STDOUT, "data": b"halves", "time": time},
    ]
    gateway.on("StreamLogs", [containers.StreamLogsResponse(batch={"entries": entries})])

    result = run("logs", "-t", "a/web")

    assert result.stdout == "2024-05-01T00:00:00.000000005Z two halves\n"
    assert result.stderr == "2024-05-01T00:00:00.000000005Z warn\n"
    assert not gateway.requests[0].HasField("timestamps")  # the default


MARKERS: dict[str, tuple[dict[str, Any], str]] = {
    "gap": (
        {"gap": {"after": {"seconds": 1}, "before": {"seconds": 2, "nanos": 5}, "reason": GAP_REASON_ROTATED}},
        "lines are missing after 1970-01-01T00:00:01.000000000Z and before 1970-01-01T00:00:02.000000005Z: "
        "the engine has removed old parts of the log",
    ),
    "unknown gap": ({"gap": {"count": 7}}, "7 lines are missing: the reason is not known"),
    "run": ({"restarted": {"start_time": {}}}, "web was started again at 1970-01-01T00:00:00.000000000Z"),
    "exit": ({"end": {"reason": containers.LOG_END_REASON_EXITED, "exit_code": 3}}, "web exited with code 3"),
    "exit without code": ({"end": {"reason": containers.LOG_END_REASON_EXITED}}, "web exited"),
    "removal": ({"end": {"reason": containers.LOG_END_REASON_REMOVED}}, "web was removed"),
    "restart": (
        {"end": {"reason": containers.LOG_END_REASON_RESTARTED}},
        "web was started again: --restarts continues with the new run",
    ),
    "no run": ({"end": {"reason": containers.LOG_END_REASON_NOT_RUNNING}}, "web is not running"),
    "until": ({"end": {"reason": containers.LOG_END_REASON_COMPLETE}}, ""),
    "reconnect": ({"reconnected": {}}, ""),
    "heartbeat": ({"heartbeat": {}}, ""),
}


@pytest.mark.parametrize("marker", MARKERS)
def test_a_followed_log_reports_its_records_on_standard_error(gateway: Gateway, run: Run, marker: str) -> None:
    """In one line each; a reconnect is not reported.  Missing lines are exit code 1."""
    fields, text = MARKERS[marker]
    line = containers.StreamLogsResponse(batch={"entries": [{"stream": STANDARD_STREAM_STDOUT, "data": b"x"}]})
    gateway.on("StreamLogs", [line, containers.StreamLogsResponse(**fields)])

    result = run("logs", "-f", "a/web")

    assert result.stdout == "x\n"
    assert result.stderr == (f"dockfleet: {text}\n" if text else "")
    assert result.exit_code == ("gap" in fields)


def test_a_log_that_is_not_followed_reports_no_end(gateway: Gateway, run: Run) -> None:
    """The user expects the end."""
    gateway.on("StreamLogs", [containers.StreamLogsResponse(end={"reason": containers.LOG_END_REASON_COMPLETE})])

    assert run("logs", "a/web").output == ""


@pytest.mark.parametrize(
    ("written", "seconds", "nanos"),
    [
        ("2024-05-01T00:00:00.000000005Z", 1714521600, 5),
        ("2024-05-01T02:00:00+02:00", 1714521600, 0),
        ("2024-05-01T02:00+02:00", 1714521600, 0),
        ("1714521600", 1714521600, 0),
        ("1714521600.000000005", 1714521600, 5),
    ],
)
def test_a_time_is_exact(gateway: Gateway, run: Run, written: str, seconds: int, nanos: int) -> None:
    """`--since` accepts what `-t` prints; nothing is rounded."""
    gateway.on("StreamLogs", [])

    run("logs", "--since", written, "--until", written, "a/web")

    (request,) = gateway.requests
    assert (request.since.seconds, request.since.nanos) == (seconds, nanos)
    assert request.until == request.since


def test_a_time_may_be_a_duration_before_now(gateway: Gateway, run: Run) -> None:
    """The parts are added."""
    gateway.on("StreamLogs", [])
    before = time.time_ns()

    run("logs", "--since", "1d2h30m0.5s", "--until", "0s", "a/web")

    (request,) = gateway.requests
    after = time.time_ns()
    ago = (26 * 3600 + 30 * 60) * 10**9 + 5 * 10**8
    assert before - ago <= request.since.ToNanoseconds() <= after - ago
    assert before <= request.until.ToNanoseconds() <= after


@pytest.mark.parametrize("written", ["soon", "2024-13-01", "1w", "-5m", "2024-05-01T00:00:00.0000000001Z", ""])
def test_a_wrong_time_is_refused_with_examples(gateway: Gateway, run: Run, written: str) -> None:
    """Before anything is sent."""
    gateway.on("StreamLogs", [])

    result = run("logs", "--since", written, "a/web")

    assert "is not a time: try 10m, " in result.stderr
    assert (result.exit_code, gateway.requests) == (2, [])


def test_restarts_are_followed(gateway: Gateway, run: Run) -> None:
    """`--restarts` sets both fields."""
    gateway.on("StreamLogs", [])

    run("logs", "--restarts", "-n", "0", "a/web")

    (request,) = gateway.requests
    assert (request.follow, request.follow_restarts, request.tail) == (True, True, 0)


def test_a_log_continues_after_a_restart_of_the_gateway(gateway: Gateway, command: list[str]) -> None:
    """The user sees all lines once, and no message."""
    first = containers.StreamLogsResponse(
        batch={"entries": [{"stream": STANDARD_STREAM_STDOUT, "data": b"1"}]}, resume_token=b"t1"
    )
    gateway.on("StreamLogs", Ended().endless(first))

    with subprocess.Popen([*command, "logs", "-f", "a/web"], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as it:
        assert it.stdout is not None
        assert it.stderr is not None
        assert it.stdout.readline() == b"1\n"
        gateway.stop()
        successor = Gateway(gateway.port)
        try:
            second = containers.StreamLogsResponse(
                batch={"entries": [{"stream": STANDARD_STREAM_STDOUT, "data": b"2"}]}
            )
            successor.on("StreamLogs", [second])
            assert (it.wait(30), it.stdout.read(), it.stderr.read()) == (0, b"2\n", b"")
        finally:
            successor.stop()

    assert [request.resume_token for request in successor.requests] == [b"t1"]


def test_a_log_into_a_closed_pipe_ends_silently(gateway: Gateway, command: list[str]) -> None:
    """As in `dockfleet logs … | head`: no traceback, and the call ends."""
    line = containers.StreamLogsResponse(batch={"entries": [{"stream": STANDARD_STREAM_STDOUT, "data": b"x" * 1000}]})
    ended = Ended()
    gateway.on("StreamLogs", ended.endless(*[line] * 10_000))

    with subprocess.Popen([*command, "logs", "a/web"], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as program:
        assert program.stdout is not None
        assert program.stderr is not None
        program.stdout.read(10)
        program.stdout.close()
        assert program.wait(10) == 141
        assert program.stderr.read() == b""

    assert ended.wait(10)


def test_an_interrupted_log_ends_silently(gateway: Gateway, command: list[str]) -> None:
    """Ctrl-C ends the call and the program, with exit code 130 and no traceback."""
    ended = Ended()
    gateway.on("StreamLogs", ended.endless(containers.StreamLogsResponse(batch={"entries": [{"data": b"x"}]})))

    with subprocess.Popen([*command, "logs", "-f", "a/web"], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as program:
        assert program.stdout is not None
        assert program.stderr is not None
        program.stdout.readline()
        program.send_signal(signal.SIGINT)
        assert program.wait(10) == 130
        assert program.stderr.read() == b""

    assert ended.wait(10)


def test_exec_transfers_input_and_outputs_and_returns_the_exit_code(gateway: Gateway, command: list[str]) -> None:
    """With `-i`, standard input is sent to its end, and both outputs are reproduced byte for byte."""
    gateway.on("Exec", cat)
    text = bytes(range(256)) * 2000

    result = subprocess.run([*command, "exec", "-i", "a/web", "cat"], input=text, capture_output=True, timeout=30)

    assert (result.returncode, result.stdout, result.stderr) == (3, text, b"%d" % len(text))
    assert gateway.requests[0].start.attach_stdin
    assert gateway.requests[-1].HasField("close_stdin")


@pytest.mark.parametrize("keep", [True, False])
def test_keep_lets_a_command_outlive_its_client(gateway: Gateway, run: Run, keep: bool) -> None:
    """`--keep` sets `on_disconnect`; without it, the default of the gateway is to kill the command."""
    gateway.on("Exec", lambda requests, context: next(requests) and [ExecResponse(end={"exit_code": 0})])

    run("exec", *(["--keep"] if keep else []), "a/web", "sleep", "9")

    assert gateway.requests[0].start.on_disconnect == (ON_DISCONNECT_KEEP if keep else ON_DISCONNECT_UNSPECIFIED)


def test_exec_leaves_the_commands_options_to_the_command(gateway: Gateway, run: Run) -> None:
    """Everything after the container is the command with its options."""

    def behave(requests: Iterator[ExecRequest], context: grpc.ServicerContext) -> Iterator[ExecResponse]:
        next(requests)
        yield ExecResponse(output={"data": b"ok"})
        yield ExecResponse(end={"exit_code": 0})

    gateway.on("Exec", behave)

    result = run("exec", "-e", "A=1", "-u", "www", "-w", "/srv", "a/web", "ls", "-l", "-t", "--help")

    start = gateway.requests[0].start
    assert list(start.cmd) == ["ls", "-l", "-t", "--help"]
    assert (list(start.env), start.user, start.working_dir, start.tty) == (["A=1"], "www", "/srv", False)
    assert (result.stdout, result.exit_code) == ("ok", 0)


def test_a_command_that_could_not_be_run_exits_with_125(gateway: Gateway, run: Run) -> None:
    """A script can distinguish a failure of dockfleet from one of the command."""
    gateway.on(
        "Exec",
        lambda requests, context: fail(context, grpc.StatusCode.NOT_FOUND, "no such container", "NOT_FOUND", host="a"),
    )

    result = run("exec", "a/web", "true")

    assert result.stderr == "dockfleet: a: NOT_FOUND: no such container\n"
    assert result.exit_code == 125


def test_an_unknown_exit_code_is_255(gateway: Gateway, run: Run) -> None:
    """The command ran, but neither success nor failure is known."""
    gateway.on("Exec", [ExecResponse(end={"unknown_reason": "the container was removed"})])

    result = run("exec", "a/web", "true")

    assert result.stderr == "dockfleet: the exit code is not known: the container was removed\n"
    assert result.exit_code == 255


@pytest.mark.skipif(sys.platform == "win32", reason="there are no pseudo terminals")
def test_a_terminal_is_raw_sized_and_restored(gateway: Gateway, command: list[str]) -> None:
    """With `-it`, every key is sent at once, also Ctrl-C, and so is a new size of the window."""
    import fcntl
    import pty
    import struct
    import termios

    gateway.on("Exec", cat)
    controller, terminal = pty.openpty()
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 30, 100, 0, 0))
    before = termios.tcgetattr(terminal)
    program = subprocess.Popen(
        [*command, "exec", "-it", "a/web", "sh"], stdin=terminal, stdout=terminal, stderr=terminal
    )
    try:
        _until(lambda: termios.tcgetattr(terminal)[3] != before[3])
        os.write(controller, b"\x03")
        assert os.read(controller, 100) == b"\x03"
        fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 50, 132, 0, 0))
        program.send_signal(signal.SIGWINCH)
        _until(lambda: any(request.HasField("resize") for request in gateway.requests))
        gateway.stop()
        assert program.wait(10) == 255
        assert termios.tcgetattr(terminal) == before
    finally:
        program.kill()
        program.wait()
        os.close(controller)
        os.close(terminal)

    size = gateway.requests[0].start.console_size
    resize = next(request.resize for request in gateway.requests if request.HasField("resize"))
    assert ((size.height, size.width), (resize.height, resize.width)) == ((30, 100), (50, 132))
    assert [request.stdin for request in gateway.requests if request.HasField("stdin")] == [b"\x03"]


def test_a_terminal_is_refused_where_there_is_none(command: list[str]) -> None:
    """`-it` in a pipe is an error that says what to do."""
    result = subprocess.run([*command, "exec", "-it", "a/web", "sh"], input=b"", capture_output=True, timeout=30)

    assert b"leave out -t" in result.stderr
    assert result.returncode == 125


def _until(holds: Callable[[], bool], seconds: float = 10) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.01)
