"""The commands that read many hosts as one, and those that place and copy, as their user sees them."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any

import grpc
import pytest
from click.testing import Result
from dockfleet.fleet.v1 import fleet_pb2 as pb
from dockfleet.fleet.v1 import hosts_pb2 as hosts
from dockfleet.v1 import common_pb2 as common
from dockfleet.v1 import containers_pb2 as containers
from dockfleet.v1 import system_pb2 as system
from google.protobuf.timestamp_pb2 import Timestamp

from clients.python.tests.scripted_gateway import Ended, Gateway, fail

Run = Callable[..., Result]

DOWN: dict[str, Any] = {"reason": common.ERROR_REASON_HOST_UNREACHABLE, "message": "no route to host", "host": "b"}
EVENT: dict[str, Any] = {
    "type": "container",
    "action": "start",
    "actor": {"id": "c1", "attributes": {"name": "web\x1b[2J", "image": "nginx"}},
    "time_nano": 1714521600_000000005,
}
LINE = "2024-05-01T00:00:00.000000005Z a container start c1 (image=nginx, name=web\\x1b[2J)"


def broken_after(*answers: list[Any]) -> Callable[[Any, grpc.ServicerContext], Iterator[Any]]:
    """Answer call after call; each but the last one breaks then."""
    left = list(answers)

    def behave(request: Any, context: grpc.ServicerContext) -> Iterator[Any]:
        yield from left.pop(0)
        if left:
            fail(context)

    return behave


def events(*records: dict[str, Any], token: bytes = b"") -> pb.StreamEventsResponse:
    return pb.StreamEventsResponse(records=[pb.EventRecord(**record) for record in records], resume_token=token)


def test_events_are_one_call_for_all_that_is_selected(gateway: Gateway, run: Run) -> None:
    """Filters of one name are one list."""
    gateway.on("fleet.StreamEvents", [events({"host": "a", "event": EVENT})])

    result = run(
        *[
            "events",
            "-f",
            "event=die",
            "--filter",
            "event=oom",
            "-l",
            "app=shop",
            "-H",
            "a*",
            "--since",
            "5",
            "--until",
            "9",
        ]
    )

    filters = {"event": common.StringList(items=["die", "oom"]), "label": common.StringList(items=["app=shop"])}
    inner = system.StreamEventsRequest(since={"seconds": 5}, until={"seconds": 9}, filters=filters)
    assert gateway.requests == [pb.StreamEventsRequest(hosts={"names": ["a*"]}, request=inner)]
    assert (result.stdout, result.stderr, result.exit_code) == (f"{LINE}\n", "", 0)


def test_missing_events_and_hosts_are_reported(gateway: Gateway, run: Run) -> None:
    """On standard error, and the exit code is 1; events that the gateway found later are marked."""
    gap = {"host": "a", "gap": {"reason": common.GAP_REASON_ENGINE_RESTARTED, "after": {"seconds": 1}}}
    found = {"host": "a", "event": {**EVENT, "synthetic": True}}
    gateway.on("fleet.StreamEvents", [events(gap, found, {"host": "b", "failure": DOWN})])

    result = run("events")

    assert result.stdout == LINE.replace(" a container", " a (found) container") + "\n"
    assert result.stderr.splitlines() == [
        "dockfleet: a: events are missing after 1970-01-01T00:00:01.000000000Z: the engine was restarted",
        "b: HOST_UNREACHABLE: no route to host",
    ]
    assert result.exit_code == 1


def test_events_continue_after_a_failure_with_their_token(gateway: Gateway, run: Run) -> None:
    """Silently; where the stream begins is not said again."""
    answer = [events({"host": "a", "event": EVENT}, token=b"t1")]
    gateway.on("fleet.StreamEvents", broken_after(answer, answer))

    result = run("events", "--since", "5")

    assert (result.stdout, result.stderr) == (f"{LINE}\n" * 2, "")
    assert [(each.resume_token, each.request.since.seconds) for each in gateway.requests] == [(b"", 5), (b"t1", 0)]


def test_a_failure_that_lasts_is_named_once_while_it_is_tried_again(gateway: Gateway, run: Run) -> None:
    """A user would take silence for a stream without events."""
    record = {"host": "a", "event": EVENT}
    gateway.on("fleet.StreamEvents", broken_after([events(record, token=b"t1")], [], [], [], [], [events(record)]))

    result = run("events")

    assert (result.stdout, result.exit_code) == (f"{LINE}\n" * 2, 0)
    [line] = result.stderr.splitlines()
    assert line.startswith("dockfleet: HOST_UNREACHABLE: ")
    assert line.endswith("; it is tried again")


@pytest.mark.parametrize(
    ("options", "line"),
    [(["--format", "{{.Host}} {{.Actor.Attributes.image}} {{.Action}}"], "a nginx start"), (["--json"], None)],
)
def test_events_are_formatted(gateway: Gateway, run: Run, options: list[str], line: str | None) -> None:
    """As a template says, or as JSON with Docker's names."""
    gateway.on("fleet.StreamEvents", [events({"host": "a", "event": EVENT})])

    output = run("events", *options).stdout

    if line:
        assert output == f"{line}\n"
    else:
        assert (json.loads(output)["host"], json.loads(output)["event"]["Action"]) == ("a", "start")


def test_interrupted_events_end_silently(gateway: Gateway, command: list[str]) -> None:
    """Ctrl-C ends the call and the program."""
    ended = Ended()
    gateway.on("fleet.StreamEvents", ended.endless(events({"host": "a", "event": EVENT})))

    with subprocess.Popen([*command, "events"], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as program:
        assert program.stdout is not None
        assert program.stderr is not None
        program.stdout.readline()
        program.send_signal(signal.SIGINT)
        assert program.wait(10) == 130
        assert program.stderr.read() == b""

    assert ended.wait(10)


def lines(host: str, name: str, *texts: bytes, **more: Any) -> pb.LogRecord:
    entries = [{"stream": common.STANDARD_STREAM_STDOUT, "data": text, **more} for text in texts]
    return pb.LogRecord(host=host, container_id=f"{host}{name}", container_name=name, batch={"entries": entries})


def test_logs_of_several_containers_are_one_call_and_have_a_prefix(gateway: Gateway, run: Run) -> None:
    """Only whole lines have one."""
    half = lines("b", "shop", b"ha", partial=True)
    gateway.on(
        "fleet.StreamLogs",
        [pb.StreamLogsResponse(records=[lines("a", "web", b"1", b"2"), half, lines("b", "shop", b"lf")])],
    )

    result = run("logs", "-f", "-n", "5", "-l", "app=shop", "-H", "edge*")

    assert result.stdout == "a/web | 1\na/web | 2\nb/shop | half\n"
    (request,) = gateway.requests
    assert (list(request.hosts.names), request.containers.labels[0].key) == (["edge*"], "app")
    assert (request.request.follow, request.request.tail) == (True, 5)
    assert result.exit_code == 0


def test_a_prefix_has_a_colour_where_it_is_wanted(gateway: Gateway, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not in a pipe; never of its own accord with NO_COLOR."""
    gateway.on("fleet.StreamLogs", [pb.StreamLogsResponse(records=[lines("a", "web", b"1")])])
    monkeypatch.setenv("NO_COLOR", "1")

    assert run("logs", "-l", "x", "--colour", "always").stdout.startswith("\x1b[")
    assert run("logs", "-l", "x").stdout == "a/web | 1\n"
    assert run("logs", "-l", "x", "--no-prefix").stdout == "1\n"


def test_merged_logs_report_what_is_missing(gateway: Gateway, run: Run) -> None:
    """With the container, or the host; the exit code is 1."""
    named = {"host": "a", "container_id": "1", "container_name": "web"}
    gateway.on(
        "fleet.StreamLogs",
        [
            pb.StreamLogsResponse(
                records=[
                    pb.LogRecord(**named, gap={"count": 7}),
                    pb.LogRecord(**named, end={"reason": containers.LOG_END_REASON_EXITED, "exit_code": 3}),
                    pb.LogRecord(host="b", stalled={"failure": DOWN}),
                    pb.LogRecord(host="b", failure=DOWN),
                ]
            )
        ],
    )

    result = run("logs", "-f", "web*")

    assert result.stderr.splitlines() == [
        "dockfleet: a/web: 7 lines are missing: the reason is not known",
        "dockfleet: a/web exited with code 3",
        "b: HOST_UNREACHABLE: no route to host",
        "dockfleet: b does not respond: its lines come late",
        "b: HOST_UNREACHABLE: no route to host",
    ]
    assert result.exit_code == 1


SUMMARY = {
    "memory_bytes": 5 << 20,
    "memory_limit_bytes": 2 << 30,
    "memory_percent": 0.25,
    "network_rx_bytes_per_second": 1234.0,
    "block_write_bytes_per_second": 1234000.0,
    "pids": 3,
}
ROW = [
    "a",
    "cccccccccccc",
    "web",
    "7.50%",
    "5MiB",
    "/",
    "2GiB",
    "0.25%",
    "1.234kB",
    "/",
    "0B",
    "0B",
    "/",
    "1.234MB",
    "3",
]


def sample(cpu: float, host: str = "a") -> pb.StatsRecord:
    stats = {"id": "c" * 64, "summary": {**SUMMARY, "cpu_percent": cpu}}
    return pb.StatsRecord(host=host, container_id="c" * 64, container_name="web", stats=stats)


def stats(*records: pb.StatsRecord) -> pb.StreamStatsResponse:
    return pb.StreamStatsResponse(records=records)


def test_stats_are_one_call_and_a_line_per_sample(gateway: Gateway, run: Run) -> None:
    """The first sample of a container is skipped, because it has no rates."""
    gateway.on("fleet.StreamStats", [stats(sample(1)), stats(sample(7.5)), stats(sample(7.5))])

    result = run("stats", "-l", "app=shop")

    assert [line.split() for line in result.stdout.splitlines()[1:]] == [ROW, ROW]
    assert len(gateway.requests) == 1
    assert result.exit_code == 0


def test_stats_without_a_stream_are_one_sample_of_each(gateway: Gateway, run: Run) -> None:
    """Of the containers that run when it begins; a host that fails is named."""
    found = {"host": "a", "containers": [{"id": "c" * 64, "names": ["/web"]}]}
    summary = {"failures": [{"host": "b", "failure": DOWN}]}
    gateway.on("fleet.FindContainers", [pb.FindContainersResponse(answers=[found], summary=summary)])
    ended = Ended()
    gateway.on("fleet.StreamStats", ended.endless(stats(sample(1)), stats(sample(7.5), sample(9))))

    result = run("stats", "--no-stream")

    assert [line.split() for line in result.stdout.splitlines()[1:]] == [ROW]
    assert gateway.requests[0].containers.states == ["running"]
    assert result.stderr == "b: HOST_UNREACHABLE: no route to host\n"
    assert ended.wait(10)


def test_stats_are_json_for_programs(gateway: Gateway, run: Run) -> None:
    """Each sample is an object with its host and its container."""
    gateway.on("fleet.StreamStats", [stats(sample(1), sample(7.5))])

    (one,) = map(json.loads, run("stats", "--json").stdout.splitlines())

    assert (one["host"], one["containerName"], one["stats"]["summary"]["cpuPercent"]) == ("a", "web", 7.5)


@pytest.mark.skipif(sys.platform == "win32", reason="there are no pseudo terminals")
@pytest.mark.parametrize("words", [["stats"], ["hosts", "--watch"]], ids=" ".join)
def test_a_dumb_terminal_gets_lines(gateway: Gateway, command: list[str], words: list[str]) -> None:
    """It has no screen to draw on: the user would see nothing until the end."""
    import pty

    gateway.on("fleet.StreamStats", [stats(sample(1)), stats(sample(7.5))])
    gateway.on("WatchHosts", [hosts.WatchHostsResponse(hosts=[{"name": "a", "message": "7.50%"}])])
    controller, terminal = pty.openpty()
    try:
        with subprocess.Popen([*command, *words], stdout=terminal, stderr=terminal, env={**os.environ, "TERM": "dumb"}):
            pass
        text = os.read(controller, 100_000).decode()
    finally:
        os.close(controller)
        os.close(terminal)

    assert ("\x1b" in text, text.count("7.50%")) == (False, 1)


@pytest.mark.skipif(sys.platform == "win32", reason="there are no pseudo terminals")
@pytest.mark.parametrize("words", [["stats", "--no-stream"], ["stats"], ["hosts", "--watch"], ["ps"]], ids=" ".join)
def test_the_last_view_is_not_wider_than_the_terminal(gateway: Gateway, command: list[str], words: list[str]) -> None:
    """Also with names that are wider, and after the end of a full screen."""
    import pty

    name = "a-name-that-is-much-longer-than-a-narrow-terminal-has-room-for"
    long = sample(7.5)
    long.container_name = name
    found: dict[str, Any] = {"id": "c" * 64, "names": [f"/{name}"]}
    gateway.on("fleet.FindContainers", [pb.FindContainersResponse(answers=[{"host": "a", "containers": [found]}])])
    gateway.on("fleet.StreamStats", [stats(sample(1)), stats(long)])
    listed = {"host": "a", "response": {"containers": [found]}}
    gateway.on("fleet.ListContainers", [pb.ListContainersResponse(answers=[listed])])
    gateway.on("WatchHosts", [hosts.WatchHostsResponse(hosts=[{"name": "a", "address": f"unix:///run/{name}"}])])
    controller, terminal = pty.openpty()
    try:
        variables = {**os.environ, "TERM": "xterm", "COLUMNS": "72", "LINES": "20"}
        with subprocess.Popen([*command, *words], stdout=terminal, stderr=terminal, env=variables) as it:
            assert it.wait(60) == 0
        left = os.read(controller, 100_000).decode().rpartition("\x1b[?1049l")[2]
    finally:
        os.close(controller)
        os.close(terminal)

    lines = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", left).splitlines()
    assert [len(line) <= 72 for line in lines] == [True, True]
    assert "…" in lines[1]


@pytest.mark.skipif(sys.platform == "win32", reason="there are no pseudo terminals")
def test_stats_on_a_terminal_are_a_full_screen(gateway: Gateway, command: list[str]) -> None:
    """The first screen is back at the end, with the last samples below what was there."""
    import pty

    gateway.on("fleet.StreamStats", [stats(sample(1)), stats(sample(7.5))])
    controller, terminal = pty.openpty()
    try:
        with subprocess.Popen(
            [*command, "stats"], stdout=terminal, stderr=terminal, env={**os.environ, "TERM": "xterm"}
        ) as it:
            assert it.wait(20) == 0
        text = os.read(controller, 100_000).decode()
    finally:
        os.close(controller)
        os.close(terminal)

    drawn, back, rest = text.partition("\x1b[?1049l")
    assert "\x1b[?1049h" in drawn
    assert back
    assert "7.50%" in rest


def test_a_container_runs_on_the_host_that_fits_best(gateway: Gateway, run: Run) -> None:
    """The gateway chooses; --why says the reason."""
    placed = {"host": "b", "explanation": "b has the least in use", "candidates": [{"host": "b", "in_use": 2}]}
    inner = [
        containers.RunContainerResponse(created={"id": "c1", "warnings": ["careful"]}),
        containers.RunContainerResponse(started={}),
        containers.RunContainerResponse(output={"stream": common.STANDARD_STREAM_STDERR, "data": b"hi"}),
        containers.RunContainerResponse(end={"exit_code": 3}),
    ]
    gateway.on(
        "fleet.RunContainer",
        [pb.RunContainerResponse(placed=placed), *(pb.RunContainerResponse(response=each) for each in inner)],
    )

    result = run(
        *("run", "--host-label", "site=north", "--strategy", "binpack", "--by", "memory", "--why", "--rm"),
        *("-e", "A=1", "-p", "127.0.0.1:8080:80", "-m", "64m", "-v", "/srv:/srv:ro", "-l", "app=shop"),
        *("--entrypoint", "/a b", "img", "ls", "-l", "--rm"),
    )

    (request,) = gateway.requests
    assert request.placement == pb.Placement(
        strategy=pb.PLACEMENT_STRATEGY_BINPACK, resource=pb.PLACEMENT_RESOURCE_MEMORY
    )
    spec = request.request.config
    assert (list(spec.cmd), list(spec.entrypoint.items), list(spec.env)) == (
        ["ls", "-l", "--rm"],
        ["/a b"],
        ["A=1"],
    )
    assert (spec.labels, spec.host_config.auto_remove) == ({"app": "shop"}, True)
    assert (spec.host_config.memory_bytes, list(spec.host_config.binds)) == (64 << 20, ["/srv:/srv:ro"])
    (binding,) = spec.host_config.port_bindings["80/tcp"].items
    assert (binding.host_ip, binding.host_port) == ("127.0.0.1", "8080")
    assert result.stderr == (
        "dockfleet: b has the least in use\ndockfleet:   b: in use 2\ndockfleet: warning: careful\nhi"
    )
    assert result.exit_code == 3


def test_a_container_that_is_detached_prints_its_id(gateway: Gateway, run: Run) -> None:
    """With -H, it runs there, and the gateway chooses nothing."""
    gateway.on("RunContainer", [containers.RunContainerResponse(created={"id": "c1"})])

    result = run("run", "-d", "-H", "a", "img")

    assert (gateway.requests[0].host, gateway.requests[0].detach) == ("a", True)
    assert (result.stdout, result.exit_code) == ("c1\n", 0)


def test_a_container_runs_everywhere(gateway: Gateway, run: Run) -> None:
    """A line for each host; one that failed is named."""
    created: dict[str, Any] = {"created": {"id": "c1"}}
    started: dict[str, Any] = {"started": {}}
    gateway.on(
        "fleet.RunContainers",
        [
            pb.RunContainersResponse(
                results=[
                    {"target": {"host": "a"}, "response": created},
                    {"target": {"host": "a"}, "response": started, "last": True},
                    {"target": {"host": "b"}, "failure": DOWN, "last": True},
                ]
            )
        ],
    )

    result = run("run", "--everywhere", "-H", "*", "--name", "agent", "img")

    assert (result.stdout, result.stderr) == ("a c1\n", "b: HOST_UNREACHABLE: no route to host\n")
    assert result.exit_code == 1


def test_a_container_that_does_not_start_has_the_exit_code_of_docker(gateway: Gateway, run: Run) -> None:
    """127: there is no such command; 125: nothing was run."""
    message = 'exec: "nope": executable file not found in $PATH'
    gateway.on("RunContainer", lambda request, context: fail(context, message=message, reason="START_FAILED", host="a"))
    assert run("run", "-H", "a", "img", "nope").exit_code == 127

    gateway.on("RunContainer", lambda request, context: fail(context, message="no", reason="UNKNOWN_HOST"))
    assert run("run", "-H", "a", "img").exit_code == 125


def test_an_image_is_copied_to_the_hosts_that_are_selected(gateway: Gateway, run: Run) -> None:
    """Each is reported; where there is no terminal, progress is a line per host."""
    gateway.on(
        "fleet.CopyImage",
        [
            pb.CopyImageResponse(results=[{"host": "b", "progress": {"sent_bytes": 1, "total_bytes": 5}}]),
            pb.CopyImageResponse(
                results=[
                    {"host": "b", "copied": {"image_id": f"sha256:{'1' * 64}", "sent_bytes": 2_140_000}},
                    {"host": "c", "present": {"image_id": f"sha256:{'1' * 64}"}},
                    {"host": "d", "failure": DOWN},
                ]
            ),
        ],
    )

    result = run("copy-image", "a", "shop:1", "--host-label", "site=north")

    assert result.stdout == "b: copied 111111111111 (2.14MB)\nc: had 111111111111\n"
    assert "d: HOST_UNREACHABLE: no route to host\n" in result.stderr
    assert (gateway.requests[0].host, gateway.requests[0].image) == ("a", "shop:1")
    assert result.exit_code == 1


def test_services_are_found_with_their_endpoints(gateway: Gateway, run: Run) -> None:
    """One that is not published has none."""
    shop: dict[str, Any] = {"service": "shop", "host": "a", "container_name": "shop-1", "health": "healthy"}
    found = [
        {**shop, "address": "10.0.0.7", "port": 8080, "container_port": 80, "protocol": "tcp"},
        {**shop, "container_port": 81, "protocol": "tcp", "container_addresses": {"net": "172.18.0.2"}},
    ]
    gateway.on("fleet.DiscoverServices", pb.DiscoverServicesResponse(endpoints=found))

    result = run("discover", "shop", "-p", "80")

    assert [line.split() for line in result.stdout.splitlines()[1:]] == [
        ["shop", "a", "shop-1", "10.0.0.7:8080", "80/tcp", "healthy"],
        ["shop", "a", "shop-1", "-", "81/tcp", "healthy", "net=172.18.0.2"],
    ]
    assert (list(gateway.requests[0].services), gateway.requests[0].container_port) == (["shop"], 80)


def test_a_source_of_hosts_that_may_have_more_is_named_in_one_line(gateway: Gateway, run: Run) -> None:
    """The output stays as it is, and the exit code too."""
    never = hosts.HostSource(name="etcd", message="connection refused")
    typo = hosts.HostSource(name="directory", up=True, last_success_time=Timestamp(seconds=1))
    for place in ("h2.yaml", "h3.yaml"):
        typo.refused_entries.add(place=place, message="addres is unknown")
    away = hosts.HostSource(name="consul", message="timed out", last_success_time=Timestamp(seconds=1714521600))
    summary = pb.FanOutSummary(selected=1, answered=1, incomplete_sources=[never, typo, away])
    gateway.on("fleet.ListContainers", [pb.ListContainersResponse(summary=summary)])

    result = run("ps", "-q")

    assert (result.exit_code, result.stdout) == (0, "")
    texts = [
        "etcd has not answered yet, so its hosts are missing: connection refused",
        "directory has an invalid entry, h2.yaml: addres is unknown (and 1 more: see `dockfleet hosts sources`)",
        "consul has not answered since 2024-05-01T00:00:00Z; its hosts stay: timed out",
    ]
    assert result.stderr.splitlines() == [f"dockfleet: warning: the source of hosts {text}" for text in texts]


def test_the_list_of_hosts_names_each_invalid_entry(gateway: Gateway, run: Run) -> None:
    """On standard error: the list is of hosts."""
    typo = hosts.HostSource(name="directory", up=True, last_success_time=Timestamp(seconds=1))
    for place in ("h2.yaml", "h3.yaml"):
        typo.refused_entries.add(place=place, message="addres is unknown")
    fine = hosts.HostSource(name="calls", up=True, last_success_time=Timestamp(seconds=1))
    gateway.on("ListHosts", hosts.ListHostsResponse(sources=[fine, typo]))

    result = run("hosts", "-q")

    assert result.stderr.splitlines() == [
        f"dockfleet: warning: the source of hosts directory has an invalid entry, {place}: addres is unknown"
        for place in ("h2.yaml", "h3.yaml")
    ]
