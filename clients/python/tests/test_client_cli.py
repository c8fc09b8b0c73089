"""The command line client, as its user sees it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

import grpc
import pytest
from click.testing import CliRunner, Result
from clients.python.tests.scripted_gateway import Ended, Gateway, fail
from clients.python.tests.test_client_sessions import cat

from dockfleet.commands import dockfleet
from dockfleet.v1 import containers_pb2 as containers
from dockfleet.v1 import hosts_pb2 as hosts
from dockfleet.v1.common_pb2 import STREAM_STDERR, STREAM_STDOUT
from dockfleet.v1.exec_pb2 import ExecRequest, ExecResponse

Run = Callable[..., Result]
PROGRAM = [sys.executable, "-c", "from dockfleet.cli import main; main()"]


@pytest.fixture
def run(gateway: Gateway) -> Run:
    """Run the client in this process, against the scripted gateway."""
    return lambda *arguments: CliRunner().invoke(dockfleet, ["--address", gateway.address, *arguments])


@pytest.fixture
def command(gateway: Gateway) -> list[str]:
    """The client as a program of its own."""
    return [*PROGRAM, "--address", gateway.address]


@pytest.fixture
def fleet_of_three(gateway: Gateway) -> Gateway:
    """Hosts a and c answer, b does not."""

    def list_containers(request: containers.ListContainersRequest, context: grpc.ServicerContext) -> Any:
        if request.host == "b":
            fail(context, message="connect: no route to host", host="b")
        return containers.ListContainersResponse(
            containers=[
                {"id": "f" * 64, "names": ["/web"], "image": "nginx:1", "state": "running", "status": "Up 2 hours"},
                {"id": "0" * 64, "names": ["/db", "/web/db"], "image": "postgres", "status": "Up 3 hours"},
            ]
        )

    gateway.on(
        "ListHosts",
        hosts.ListHostsResponse(
            hosts=[
                {
                    "name": "a",
                    "address": "unix:///run/a.sock",
                    "state": hosts.HOST_STATE_UP,
                    "api_version": "1.47",
                    "labels": {"site": "north", "arch": "arm64"},
                },
                {"name": "b", "state": hosts.HOST_STATE_DOWN, "message": "no route to host"},
                {"name": "c"},
            ]
        ),
    )
    gateway.on("ListContainers", list_containers)
    return gateway


@pytest.mark.usefixtures("fleet_of_three")
def test_hosts_are_a_table(run: Run) -> None:
    """One line for each host, with its state, and why it is not up."""
    result = run("hosts")

    assert result.stdout.splitlines() == [
        "NAME   STATE     API    ADDRESS              LABELS                  MESSAGE",
        "a      up        1.47   unix:///run/a.sock   arch=arm64,site=north",
        "b      down" + " " * 58 + "no route to host",
        "c      unknown",
    ]
    assert result.exit_code == 0


@pytest.mark.usefixtures("fleet_of_three")
def test_hosts_are_json_for_programs(run: Run) -> None:
    """One object on each line, with the contract's names, and with what is empty."""
    found = [json.loads(line) for line in run("hosts", "--json").stdout.splitlines()]

    assert [(each["name"], each["state"], each["api_version"]) for each in found] == [
        ("a", "HOST_STATE_UP", "1.47"),
        ("b", "HOST_STATE_DOWN", ""),
        ("c", "HOST_STATE_UNSPECIFIED", ""),
    ]


@pytest.mark.usefixtures("fleet_of_three")
def test_a_dead_host_does_not_hide_the_others_and_is_not_hidden(run: Run) -> None:
    """The living ones are listed, the dead one is named on standard error, and the exit code is 1."""
    result = run("ps")

    head, *rows = result.stdout.splitlines()
    assert head == "HOST   CONTAINER ID   IMAGE                          STATUS                     NAME"
    assert sorted(rows) == [
        "a      000000000000   postgres                       Up 3 hours                 db,web/db",
        "a      ffffffffffff   nginx:1                        Up 2 hours                 web",
        "c      000000000000   postgres                       Up 3 hours                 db,web/db",
        "c      ffffffffffff   nginx:1                        Up 2 hours                 web",
    ]
    assert result.stderr == "b: HOST_UNREACHABLE: connect: no route to host\n"
    assert result.exit_code == 1


def test_ps_asks_the_hosts_that_are_named(fleet_of_three: Gateway, run: Run) -> None:
    """Each once, and nobody else; `-a` asks for those that do not run, too."""
    result = run("ps", "-a", "-H", "c", "-H", "a", "-H", "c")

    assert {(request.host, request.all) for request in fleet_of_three.requests} == {("a", True), ("c", True)}
    assert len(fleet_of_three.requests) == 2
    assert result.exit_code == 0


@pytest.mark.usefixtures("fleet_of_three")
def test_ps_is_json_for_programs(run: Run) -> None:
    """Each container is an object with its host; the failures stay on standard error."""
    result = run("ps", "--json")

    found = [json.loads(line) for line in result.stdout.splitlines()]
    assert sorted((each["host"], each["names"][0], each["labels"] == {}) for each in found) == [
        ("a", "/db", True),
        ("a", "/web", True),
        ("c", "/db", True),
        ("c", "/web", True),
    ]
    assert "b: HOST_UNREACHABLE" in result.stderr
    assert result.exit_code == 1


def test_a_slow_host_does_not_delay_the_others(gateway: Gateway, command: list[str]) -> None:
    """Each host's rows are shown as soon as they are there."""
    ended = Ended()

    def list_containers(request: containers.ListContainersRequest, context: grpc.ServicerContext) -> Any:
        if request.host == "slow":
            ended.watch(context)
            ended.wait(30)
        return containers.ListContainersResponse(containers=[{"id": "1", "names": ["/web"]}])

    gateway.on("ListContainers", list_containers)

    with subprocess.Popen([*command, "ps", "-H", "slow", "-H", "fast"], stdout=subprocess.PIPE, text=True) as program:
        assert program.stdout is not None
        lines = [program.stdout.readline(), program.stdout.readline()]
        program.send_signal(signal.SIGINT)
        assert program.wait(10) == 130

    assert lines[1].split() == ["fast", "1", "web"]
    assert ended.wait(10)


def test_names_can_not_command_the_terminal(gateway: Gateway, run: Run) -> None:
    """Control and direction characters from a container, or from an error, are shown as escapes."""
    evil = "a\x1b[2J\u202egpj"
    gateway.on("ListContainers", containers.ListContainersResponse(containers=[{"id": "1", "image": evil}]))
    gateway.on("StreamLogs", lambda request, context: fail(context, message="\x1b[31mno\nway", reason="INTERNAL"))

    assert "a\\x1b[2J\\u202egpj" in run("ps", "-H", "a").stdout
    assert run("logs", "a", "web").stderr == "dockfleet: INTERNAL: \\x1b[31mno\\nway\n"


def test_logs_are_reproduced_byte_for_byte(gateway: Gateway, run: Run) -> None:
    """Standard output and standard error stay apart; a partial line gets no line feed."""
    gateway.on(
        "StreamLogs",
        [
            containers.StreamLogsResponse(
                entries=[
                    {"stream": STREAM_STDOUT, "data": b"one\xff"},
                    {"stream": STREAM_STDERR, "data": b"warn\r"},
                    {"stream": STREAM_STDOUT, "data": b"two ", "partial": True},
                ]
            ),
            containers.StreamLogsResponse(entries=[{"stream": STREAM_STDOUT, "data": b"halves"}]),
            containers.StreamLogsResponse(entries=[{"stream": STREAM_STDOUT, "data": b"end", "partial": True}]),
        ],
    )

    result = run("logs", "-f", "-n", "3", "a", "web")

    assert result.stdout_bytes == b"one\xff\ntwo halves\nend"
    assert result.stderr_bytes == b"warn\r\n"
    assert gateway.requests == [containers.StreamLogsRequest(host="a", id="web", follow=True, tail=3, timestamps=False)]


def test_a_timestamp_begins_each_line_and_no_part_of_one(gateway: Gateway, run: Run) -> None:
    """`-t` writes nine digits, so that the lines stay aligned."""
    time = {"seconds": 1714521600, "nanos": 5}
    entries = [
        {"stream": STREAM_STDOUT, "data": b"two ", "partial": True, "time": time},
        {"stream": STREAM_STDERR, "data": b"warn", "time": time},
        {"stream": STREAM_STDOUT, "data": b"halves", "time": time},
    ]
    gateway.on("StreamLogs", [containers.StreamLogsResponse(entries=entries)])

    result = run("logs", "-t", "a", "web")

    assert result.stdout == "2024-05-01T00:00:00.000000005Z two halves\n"
    assert result.stderr == "2024-05-01T00:00:00.000000005Z warn\n"
    assert gateway.requests[0].timestamps


def test_a_log_that_nobody_reads_any_more_ends_quietly(gateway: Gateway, command: list[str]) -> None:
    """As in `dockfleet logs … | head`: no traceback, and the call ends."""
    line = containers.StreamLogsResponse(entries=[{"stream": STREAM_STDOUT, "data": b"x" * 1000}])
    ended = Ended()
    gateway.on("StreamLogs", ended.endless(*[line] * 10_000))

    with subprocess.Popen([*command, "logs", "a", "web"], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as program:
        assert program.stdout is not None
        assert program.stderr is not None
        program.stdout.read(10)
        program.stdout.close()
        assert program.wait(10) == 141
        assert program.stderr.read() == b""

    assert ended.wait(10)


def test_an_interrupted_log_ends_quietly(gateway: Gateway, command: list[str]) -> None:
    """Ctrl-C ends the call and the program, with exit code 130 and no traceback."""
    ended = Ended()
    gateway.on("StreamLogs", ended.endless(containers.StreamLogsResponse(entries=[{"data": b"x"}])))

    with subprocess.Popen(
        [*command, "logs", "-f", "a", "web"], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as program:
        assert program.stdout is not None
        assert program.stderr is not None
        program.stdout.readline()
        program.send_signal(signal.SIGINT)
        assert program.wait(10) == 130
        assert program.stderr.read() == b""

    assert ended.wait(10)


def test_exec_hands_input_and_outputs_on_and_returns_the_exit_code(gateway: Gateway, command: list[str]) -> None:
    """With `-i`, standard input goes up to its end, and both outputs come down byte for byte."""
    gateway.on("Exec", cat)
    text = bytes(range(256)) * 2000

    result = subprocess.run([*command, "exec", "-i", "a", "web", "cat"], input=text, capture_output=True, timeout=30)

    assert (result.returncode, result.stdout, result.stderr) == (3, text, b"%d" % len(text))
    assert gateway.requests[0].start.attach_stdin
    assert gateway.requests[-1].HasField("close_stdin")


def test_exec_leaves_the_commands_options_to_the_command(gateway: Gateway, run: Run) -> None:
    """What follows the container is the command, options and all."""

    def behave(requests: Iterator[ExecRequest], context: grpc.ServicerContext) -> Iterator[ExecResponse]:
        next(requests)
        yield ExecResponse(output={"data": b"ok"})
        yield ExecResponse(exit={"exit_code": 0})

    gateway.on("Exec", behave)

    result = run("exec", "-e", "A=1", "-u", "www", "-w", "/srv", "a", "web", "ls", "-l", "-t", "--help")

    start = gateway.requests[0].start
    assert list(start.cmd) == ["ls", "-l", "-t", "--help"]
    assert (list(start.env), start.user, start.working_dir, start.tty) == (["A=1"], "www", "/srv", False)
    assert (result.stdout, result.exit_code) == ("ok", 0)


def test_a_command_that_could_not_be_run_exits_with_125(gateway: Gateway, run: Run) -> None:
    """So that a script can tell our failure from the command's."""
    gateway.on(
        "Exec",
        lambda requests, context: fail(context, grpc.StatusCode.NOT_FOUND, "no such container", "NOT_FOUND", host="a"),
    )

    result = run("exec", "a", "web", "true")

    assert result.stderr == "dockfleet: a: NOT_FOUND: no such container\n"
    assert result.exit_code == 125


def test_an_exit_code_that_is_not_known_is_said_to_be_so(gateway: Gateway, run: Run) -> None:
    """It is neither success nor the command's failure."""
    gateway.on("Exec", [ExecResponse(exit={"unknown_reason": "the container was removed"})])

    result = run("exec", "a", "web", "true")

    assert result.stderr == "dockfleet: the exit code is not known: the container was removed\n"
    assert result.exit_code == 125


@pytest.mark.skipif(sys.platform == "win32", reason="there are no pseudo terminals")
def test_a_terminal_is_raw_sized_and_restored(gateway: Gateway, command: list[str]) -> None:
    """With `-it`, keys go up as they are pressed, Ctrl-C too, and a changed window is told."""
    import fcntl
    import pty
    import struct
    import termios

    gateway.on("Exec", cat)
    controller, terminal = pty.openpty()
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 30, 100, 0, 0))
    before = termios.tcgetattr(terminal)
    program = subprocess.Popen(
        [*command, "exec", "-it", "a", "web", "sh"], stdin=terminal, stdout=terminal, stderr=terminal
    )
    try:
        _until(lambda: termios.tcgetattr(terminal)[3] != before[3])
        os.write(controller, b"\x03")
        assert os.read(controller, 100) == b"\x03"
        fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 50, 132, 0, 0))
        program.send_signal(signal.SIGWINCH)
        _until(lambda: any(request.HasField("resize") for request in gateway.requests))
        gateway.stop()
        assert program.wait(10) == 125
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


def test_a_terminal_is_not_asked_for_where_there_is_none(command: list[str]) -> None:
    """`-it` in a pipe is refused with what to do instead."""
    result = subprocess.run([*command, "exec", "-it", "a", "web", "sh"], input=b"", capture_output=True, timeout=30)

    assert b"leave -t away" in result.stderr
    assert result.returncode == 2


@pytest.mark.parametrize("arguments", [["hosts"], ["ps"], ["ps", "-H", "a"], ["logs", "a", "web"]])
def test_a_gateway_that_is_not_there_is_one_line_with_a_remedy(arguments: list[str]) -> None:
    """The user learns where it was looked for, and how to start one."""
    result = CliRunner().invoke(dockfleet, ["--address", "127.0.0.1:1", *arguments])

    (line,) = result.stderr.splitlines()
    assert line.startswith("dockfleet: no gateway answers at 127.0.0.1:1 (Connection refused)")
    assert "is it running? try `make serve`" in line
    assert result.exit_code == 1


def test_an_unknown_host_is_one_line_with_a_remedy(gateway: Gateway, run: Run) -> None:
    """The remedy follows from the reason."""
    gateway.on(
        "StreamLogs",
        lambda request, context: fail(context, grpc.StatusCode.NOT_FOUND, "no host 'x'", "UNKNOWN_HOST", host="x"),
    )

    assert run("logs", "x", "web").stderr == (
        "dockfleet: x: UNKNOWN_HOST: no host 'x' (`dockfleet hosts` lists those there are)\n"
    )


def test_the_address_comes_from_the_environment(gateway: Gateway, monkeypatch: pytest.MonkeyPatch) -> None:
    """DOCKFLEET_ADDRESS stands for --address, and DOCKFLEET_TOKEN for a token."""
    gateway.on("ListHosts", hosts.ListHostsResponse())
    monkeypatch.setenv("DOCKFLEET_ADDRESS", gateway.address)
    monkeypatch.setenv("DOCKFLEET_TOKEN", "s3cret")

    assert CliRunner().invoke(dockfleet, ["hosts"]).exit_code == 0
    assert gateway.metadata[0]["authorization"] == "Bearer s3cret"


@pytest.mark.parametrize("arguments", [[], ["hosts"], ["ps"], ["logs"], ["exec"], ["version"]])
def test_every_command_explains_itself(arguments: list[str]) -> None:
    """`--help` works everywhere and needs no gateway."""
    result = CliRunner().invoke(dockfleet, [*arguments, "--help"])

    assert result.exit_code == 0
    assert "Usage:" in result.stdout


def test_version_needs_no_gateway() -> None:
    """The version of the client is known without asking anybody."""
    assert CliRunner().invoke(dockfleet, ["version"]).stdout.startswith("dockfleet 0.")


def _until(holds: Callable[[], bool], seconds: float = 10) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.01)
