"""The commands for many hosts, as their user sees them: `events` and `stats`."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any

import grpc
import pytest
from click.testing import Result
from dockfleet.fleet.v1 import hosts_pb2 as hosts
from dockfleet.v1 import common_pb2 as common
from dockfleet.v1 import containers_pb2 as containers
from dockfleet.v1 import system_pb2 as system

from clients.python.tests.scripted_gateway import Ended, Gateway, fail
from clients.python.tests.test_client_resuming import calls

Run = Callable[..., Result]

STARTED = system.StreamEventsResponse(
    event={
        "type": "container",
        "action": "start",
        "actor": {"id": "c1", "attributes": {"name": "web\x1b[2J", "image": "nginx"}},
        "time_nano": 1714521600000000005,
    },
    resume_token=b"t1",
)
LINE = "2024-05-01T00:00:00.000000005Z a container start c1 (image=nginx, name=web\\x1b[2J)"


def by_host(**answers: list[Any]) -> Callable[[Any, grpc.ServicerContext], Iterator[Any]]:
    """Return the *answers* of each host; the other hosts are unreachable."""

    def behave(request: Any, context: grpc.ServicerContext) -> Iterator[Any]:
        if request.host not in answers:
            fail(context, message="no route to host", host=request.host)
        yield from answers[request.host]

    return behave


@pytest.fixture
def two_hosts(gateway: Gateway) -> Gateway:
    """Hosts a and b."""
    gateway.on("ListHosts", hosts.ListHostsResponse(hosts=[{"name": "a"}, {"name": "b"}]))
    return gateway


def test_events_of_all_hosts_are_a_line_each(two_hosts: Gateway, run: Run) -> None:
    """Time, host, event and object; names cannot control the terminal."""
    two_hosts.on("StreamEvents", by_host(a=[STARTED], b=[]))

    result = run("events")

    assert result.stdout == f"{LINE}\n"
    assert sorted(request.host for request in two_hosts.requests[1:]) == ["a", "b"]
    assert (result.stderr, result.exit_code) == ("", 0)


def test_the_options_of_events_are_in_the_request(gateway: Gateway, run: Run) -> None:
    """One request per host; filters of one name are one list."""
    gateway.on("StreamEvents", [])

    run(
        "events",
        "-f",
        "event=die",
        "--filter",
        "event=oom",
        "-f",
        "label=a=b",
        "--since",
        "5",
        "--until",
        "9",
        "b",
        "b",
    )

    filters = {"event": common.StringList(items=["die", "oom"]), "label": common.StringList(items=["a=b"])}
    expected = system.StreamEventsRequest(host="b", since={"seconds": 5}, until={"seconds": 9}, filters=filters)
    assert gateway.requests == [expected]


def test_a_wrong_filter_is_refused(run: Run) -> None:
    """With an example."""
    result = run("events", "-f", "container")

    assert "'container' is not a filter: try type=container" in result.stderr
    assert result.exit_code == 2


def test_missing_events_are_reported_and_synthetic_ones_are_marked(gateway: Gateway, run: Run) -> None:
    """The gap is on standard error, and the exit code is 1."""
    found = system.StreamEventsResponse(event=STARTED.event)
    found.event.synthetic = True
    gap = system.StreamEventsResponse(gap={"reason": common.GAP_REASON_ENGINE_RESTARTED, "after": {"seconds": 1}})
    gateway.on("StreamEvents", [gap, found])

    result = run("events", "a")

    assert result.stdout == LINE.replace(" a container", " a (found) container") + "\n"
    assert result.stderr == (
        "dockfleet: a: events are missing after 1970-01-01T00:00:01.000000000Z: the engine was restarted\n"
    )
    assert result.exit_code == 1


def test_events_are_json_for_programs(gateway: Gateway, run: Run) -> None:
    """Each is an object with its host, and gaps are too."""
    gap = system.StreamEventsResponse(gap={"reason": common.GAP_REASON_OVERRUN})
    gateway.on("StreamEvents", [STARTED, gap])

    one, two = map(json.loads, run("events", "--json", "a").stdout.splitlines())

    assert (one["host"], one["event"]["Action"], one["event"]["synthetic"]) == ("a", "start", False)
    assert (two["gap"]["reason"], "event" in two) == ("GAP_REASON_OVERRUN", False)


@pytest.mark.usefixtures("two_hosts")
def test_a_host_that_fails_does_not_end_the_events_of_the_others(gateway: Gateway, run: Run) -> None:
    """It is named on standard error, and the exit code is 1."""
    gateway.on("StreamEvents", by_host(a=[STARTED]))

    result = run("events")

    assert result.stdout == f"{LINE}\n"
    assert result.stderr == "b: HOST_UNREACHABLE: no route to host\n"
    assert result.exit_code == 1


def test_events_continue_after_a_failure(gateway: Gateway, run: Run) -> None:
    """With their token, silently."""
    gateway.on("StreamEvents", calls([STARTED], [STARTED]))

    result = run("events", "a")

    assert result.stdout == f"{LINE}\n" * 2
    assert [request.resume_token for request in gateway.requests] == [b"", b"t1"]
    assert result.stderr == ""


def test_interrupted_events_end_silently(gateway: Gateway, command: list[str]) -> None:
    """Ctrl-C ends all calls and the program."""
    ended = Ended()
    gateway.on("StreamEvents", ended.endless(STARTED))

    with subprocess.Popen([*command, "events", "a"], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as program:
        assert program.stdout is not None
        assert program.stderr is not None
        program.stdout.readline()
        program.send_signal(signal.SIGINT)
        assert program.wait(10) == 130
        assert program.stderr.read() == b""

    assert ended.wait(10)


def test_events_into_a_closed_pipe_end_silently(gateway: Gateway, command: list[str]) -> None:
    """Also when more events wait than the program reads ahead."""
    ended = Ended()
    gateway.on("StreamEvents", ended.endless(*[STARTED] * 10_000))

    with subprocess.Popen([*command, "events", "a"], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as program:
        assert program.stdout is not None
        assert program.stderr is not None
        program.stdout.read(10)
        program.stdout.close()
        assert program.wait(10) == 141
        assert program.stderr.read() == b""

    assert ended.wait(10)


def sample(cpu: float, rate: float = 1234.0) -> containers.StreamStatsResponse:
    return containers.StreamStatsResponse(
        stats={
            "id": "c" * 64,
            "name": "/web",
            "summary": {
                "cpu_percent": cpu,
                "memory_bytes": 5 << 20,
                "memory_limit_bytes": 2 << 30,
                "memory_percent": 0.25,
                "network_rx_bytes_per_second": rate,
                "block_write_bytes_per_second": rate * 1000,
                "pids": 3,
            },
        },
    )


STOPPED = containers.StreamStatsResponse(not_running={})
HEAD = (
    "HOST   CONTAINER ID   NAME   CPU %   MEM USAGE / LIMIT       MEM %   NET RX/s / TX/s     DISK R/s / W/s      PIDS"
)
ROW = "a      cccccccccccc   web    7.50%   5MiB / 2GiB             0.25%   1.234kB / 0B        0B / 1.234MB        3"
UNKNOWN_ROW = "a      cccccccccccc   web    --   -- / --   --   -- / --   -- / --   --"


def test_stats_are_a_line_per_sample(gateway: Gateway, run: Run) -> None:
    """The first sample is skipped, because it has no rates; a stopped container has no values."""
    gateway.on("StreamStats", [sample(1, 0), sample(7.5), STOPPED, sample(1, 0), sample(7.5)])

    result = run("stats", "a", "web")

    head, *rows = result.stdout.splitlines()
    assert [line.split() for line in (head, *rows)] == [
        HEAD.split(),
        ROW.split(),
        UNKNOWN_ROW.split(),
        ROW.split(),
    ]
    assert gateway.requests == [containers.StreamStatsRequest(host="a", id="web")]
    assert result.exit_code == 0


def test_stats_of_all_hosts_are_those_of_running_containers(two_hosts: Gateway, run: Run) -> None:
    """With `--no-stream` there is one sample of each; a host that fails is named."""
    ended = Ended()

    def list_containers(request: containers.ListContainersRequest, context: grpc.ServicerContext) -> Any:
        assert not request.all
        if request.host == "b":
            fail(context, message="no route to host", host="b")
        return containers.ListContainersResponse(containers=[{"id": "c" * 64, "names": ["/web"]}])

    two_hosts.on("ListContainers", list_containers)
    two_hosts.on("StreamStats", ended.endless(sample(1, 0), sample(7.5), sample(9)))

    result = run("stats", "--no-stream")

    assert [line.split() for line in result.stdout.splitlines()] == [HEAD.split(), ROW.split()]
    assert two_hosts.requests[-1] == containers.StreamStatsRequest(host="a", id="c" * 64)
    assert result.stderr == "b: HOST_UNREACHABLE: no route to host\n"
    assert result.exit_code == 1
    assert ended.wait(10)


def test_stats_are_json_for_programs(gateway: Gateway, run: Run) -> None:
    """Each sample is an object with its host and its container."""
    gateway.on("StreamStats", [sample(1, 0), sample(7.5), STOPPED])

    one, two = map(json.loads, run("stats", "--json", "a", "web").stdout.splitlines())

    assert (one["host"], one["container"], one["stats"]["summary"]["cpuPercent"]) == ("a", "web", 7.5)
    assert (two["notRunning"], "stats" in two) == ({}, False)


def test_a_missing_container_is_named(gateway: Gateway, run: Run) -> None:
    """The others are shown."""

    def behave(request: containers.StreamStatsRequest, context: grpc.ServicerContext) -> Iterator[Any]:
        if request.id == "nope":
            fail(context, grpc.StatusCode.NOT_FOUND, "No such container: nope", "NOT_FOUND", host="a")
        yield from (sample(1, 0), sample(7.5))

    gateway.on("StreamStats", behave)

    result = run("stats", "--no-stream", "a", "web", "nope")

    assert ROW.split() in [line.split() for line in result.stdout.splitlines()]
    assert result.stderr == "a: NOT_FOUND: No such container: nope\n"
    assert result.exit_code == 1


@pytest.mark.skipif(sys.platform == "win32", reason="there are no pseudo terminals")
def test_on_a_terminal_the_table_is_updated(gateway: Gateway, command: list[str]) -> None:
    """It is drawn from the top each time; the last sample stays."""
    import pty

    gateway.on("StreamStats", [sample(1, 0), sample(7.5)])
    controller, terminal = pty.openpty()
    try:
        with subprocess.Popen([*command, "stats", "a", "web"], stdout=terminal, stderr=terminal) as program:
            assert program.wait(10) == 0
        text = os.read(controller, 100_000).decode()
    finally:
        os.close(controller)
        os.close(terminal)

    screens = text.split("\x1b[H")[1:]
    assert all(screen.startswith("HOST ") and screen.endswith("\x1b[J") for screen in screens)
    assert "--" in screens[0]
    assert "7.50%" in screens[-1]
