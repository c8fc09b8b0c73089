"""The command line client, as its user sees it."""

from __future__ import annotations

import json
import signal
import subprocess
import threading
from collections.abc import Callable
from typing import Any

import grpc
import pytest
from click.testing import CliRunner, Result
from dockfleet.commands import dockfleet
from dockfleet.fleet.v1 import hosts_pb2 as hosts
from dockfleet.v1 import containers_pb2 as containers

from clients.python.tests.scripted_gateway import Ended, Gateway, fail

Run = Callable[..., Result]


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
                {"name": "c", "state": hosts.HOST_STATE_CONNECTING},
            ]
        ),
    )
    gateway.on("ListContainers", list_containers)
    return gateway


@pytest.mark.usefixtures("fleet_of_three")
def test_hosts_are_a_table(run: Run) -> None:
    """One line per host, with its state and the reason why it is not up."""
    result = run("hosts")

    assert result.stdout.splitlines() == [
        "NAME   STATE        API    ADDRESS              LABELS                  MESSAGE",
        "a      up           1.47   unix:///run/a.sock   arch=arm64,site=north",
        "b      down" + " " * 61 + "no route to host",
        "c      connecting",
    ]
    assert result.exit_code == 0


@pytest.mark.usefixtures("fleet_of_three")
def test_hosts_are_json_for_programs(run: Run) -> None:
    """One object per line, with the names of proto JSON, also of empty fields."""
    found = [json.loads(line) for line in run("hosts", "--json").stdout.splitlines()]

    assert [(each["name"], each["state"], each["apiVersion"]) for each in found] == [
        ("a", "HOST_STATE_UP", "1.47"),
        ("b", "HOST_STATE_DOWN", ""),
        ("c", "HOST_STATE_CONNECTING", ""),
    ]


def test_a_state_that_a_newer_gateway_has_is_a_number(gateway: Gateway, run: Run) -> None:
    """This client has no name for it; the rest of the host and the other hosts are shown."""
    new, old = {"name": "a", "state": 77, "message": "moving"}, {"name": "b", "state": hosts.HOST_STATE_UP}
    gateway.on("ListHosts", hosts.ListHostsResponse(hosts=[new, old]))

    table, documents = run("hosts"), run("hosts", "--json")

    assert [line.split() for line in table.stdout.splitlines()[1:]] == [["a", "unknown", "(77)", "moving"], ["b", "up"]]
    assert [json.loads(line)["state"] for line in documents.stdout.splitlines()] == [77, "HOST_STATE_UP"]
    assert (table.stderr, table.exit_code, documents.exit_code) == ("", 0, 0)


@pytest.mark.usefixtures("fleet_of_three")
def test_a_host_that_is_down_does_not_hide_the_others_and_is_not_hidden(run: Run) -> None:
    """The others are listed, this one is named on standard error, and the exit code is 1."""
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
    """Each once, and no other; `-a` includes containers that are not running."""
    result = run("ps", "-a", "-H", "c", "-H", "a", "-H", "c")

    assert {(request.host, request.all) for request in fleet_of_three.requests} == {("a", True), ("c", True)}
    assert len(fleet_of_three.requests) == 2
    assert result.exit_code == 0


@pytest.mark.usefixtures("fleet_of_three")
def test_ps_is_json_for_programs(run: Run) -> None:
    """Each container is an object with its host and the Engine's names; failures are on standard error."""
    result = run("ps", "--json")

    found = [json.loads(line) for line in result.stdout.splitlines()]
    assert sorted((each["host"], each["Names"][0], each["Labels"] == {}) for each in found) == [
        ("a", "/db", True),
        ("a", "/web", True),
        ("c", "/db", True),
        ("c", "/web", True),
    ]
    assert "b: HOST_UNREACHABLE" in result.stderr
    assert result.exit_code == 1


def test_a_slow_host_does_not_delay_the_others(gateway: Gateway, command: list[str]) -> None:
    """The rows of a host are printed as soon as it responds."""
    asked, ended = threading.Event(), Ended()

    def list_containers(request: containers.ListContainersRequest, context: grpc.ServicerContext) -> Any:
        if request.host == "slow":
            ended.watch(context)
            asked.set()
            ended.wait(30)
        asked.wait(30)
        return containers.ListContainersResponse(containers=[{"id": "1", "names": ["/web"]}])

    gateway.on("ListContainers", list_containers)

    with subprocess.Popen([*command, "ps", "-H", "slow", "-H", "fast"], stdout=subprocess.PIPE, text=True) as program:
        assert program.stdout is not None
        lines = [program.stdout.readline(), program.stdout.readline()]
        program.send_signal(signal.SIGINT)
        assert program.wait(10) == 130

    assert lines[1].split() == ["fast", "1", "web"]
    assert ended.wait(10)


def test_names_cannot_control_the_terminal(gateway: Gateway, run: Run) -> None:
    """Control and direction characters of names and errors are printed as escapes."""
    evil = "a\x1b[2J\u202egpj"
    gateway.on("ListContainers", containers.ListContainersResponse(containers=[{"id": "1", "image": evil}]))
    gateway.on("StreamLogs", lambda request, context: fail(context, message="\x1b[31mno\nway", reason="INTERNAL"))

    assert "a\\x1b[2J\\u202egpj" in run("ps", "-H", "a").stdout
    assert run("logs", "a", "web").stderr == "dockfleet: INTERNAL: \\x1b[31mno\\nway\n"


NEEDS_A_GATEWAY = ("hosts", "ps", "ps -H a", "logs a web", "events", "events a", "stats", "stats a", "stats a web")


@pytest.mark.parametrize("words", NEEDS_A_GATEWAY)
def test_a_missing_gateway_is_one_line_with_a_remedy(words: str) -> None:
    """The line names the address and the option; nothing is on standard output."""
    result = CliRunner().invoke(dockfleet, ["--address", "127.0.0.1:1", *words.split()])

    (line,) = result.stderr.splitlines()
    assert line == "dockfleet: no gateway answers at 127.0.0.1:1 (Connection refused): is it running? see --address"
    assert (result.stdout, result.exit_code) == ("", 1)


def test_an_unknown_host_is_one_line_with_a_remedy(gateway: Gateway, run: Run) -> None:
    """The remedy follows from the reason."""
    gateway.on(
        "StreamLogs",
        lambda request, context: fail(context, grpc.StatusCode.NOT_FOUND, "no host 'x'", "UNKNOWN_HOST", host="x"),
    )

    assert run("logs", "x", "web").stderr == (
        "dockfleet: x: UNKNOWN_HOST: no host 'x' (`dockfleet hosts` lists the hosts)\n"
    )


def test_the_address_comes_from_the_environment(gateway: Gateway, monkeypatch: pytest.MonkeyPatch) -> None:
    """DOCKFLEET_ADDRESS stands for --address."""
    gateway.on("ListHosts", hosts.ListHostsResponse())
    monkeypatch.setenv("DOCKFLEET_ADDRESS", gateway.address)

    assert CliRunner().invoke(dockfleet, ["hosts"]).exit_code == 0
    assert len(gateway.requests) == 1


@pytest.mark.parametrize("arguments", [[], ["hosts"], ["ps"], ["logs"], ["events"], ["stats"], ["exec"], ["version"]])
def test_every_command_explains_itself(arguments: list[str]) -> None:
    """`--help` works everywhere and needs no gateway."""
    result = CliRunner().invoke(dockfleet, [*arguments, "--help"])

    assert result.exit_code == 0
    assert "Usage:" in result.stdout


def test_version_needs_no_gateway() -> None:
    """The command prints the version of the client."""
    assert CliRunner().invoke(dockfleet, ["version"]).stdout.startswith("dockfleet 0.")
