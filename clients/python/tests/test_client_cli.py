"""The command line client, as its user sees it: the program, and which hosts and containers there are."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from itertools import takewhile
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner, Result
from dockfleet.cli.group import LazyGroup
from dockfleet.cli.program import dockfleet
from dockfleet.cli.verbs import SECTIONS
from dockfleet.fleet.v1 import fleet_pb2 as pb
from dockfleet.fleet.v1 import hosts_pb2 as hosts
from dockfleet.fleet.v1 import selectors_pb2 as selectors
from dockfleet.v1 import common_pb2 as common

from clients.python.tests.scripted_gateway import Gateway, fail

Run = Callable[..., Result]

WEB: dict[str, Any] = {
    "id": "f" * 64,
    "names": ["/web"],
    "image": "nginx:1",
    "command": "nginx -g 'daemon off;' -c /etc/nginx.conf",
    "state": "running",
    "status": "Up 2 hours",
    "ports": [
        {"ip": "0.0.0.0", "private_port": 80, "public_port": 8080, "type": "tcp"},
        {"private_port": 443, "type": "tcp"},
        {"private_port": 444, "type": "tcp"},
    ],
    "labels": {"app": "shop"},
}
DB: dict[str, Any] = {"id": "0" * 64, "names": ["/web/db", "/db"], "image": "postgres", "status": "Up 3 hours"}
DOWN = {"code": 14, "reason": common.ERROR_REASON_HOST_UNREACHABLE, "message": "no route to host", "host": "b"}


@pytest.fixture
def three_hosts(gateway: Gateway) -> Gateway:
    """Host a is up, b is down and its containers are old, c is not known."""
    gateway.on(
        "ListHosts",
        hosts.ListHostsResponse(
            hosts=[
                {
                    "name": "a",
                    "address": "unix:///run/a.sock",
                    "state": hosts.HOST_STATE_UP,
                    "api_version": "1.47",
                    "engine_version": "27.1",
                    "labels": {"site": "north", "arch": "arm64"},
                },
                {"name": "b", "state": hosts.HOST_STATE_DOWN, "message": "no route to host"},
                {"name": "c", "state": hosts.HOST_STATE_CONNECTING},
            ]
        ),
    )
    down = {"host": "b", "failure": DOWN}
    gateway.on(
        "fleet.ListContainers",
        [
            pb.ListContainersResponse(answers=[{"host": "b", "response": {"containers": [DB]}, "failure": DOWN}]),
            pb.ListContainersResponse(answers=[{"host": "a", "response": {"containers": [WEB]}}]),
            pb.ListContainersResponse(summary={"selected": 3, "answered": 1, "failures": [down]}),
        ],
    )
    return gateway


@pytest.mark.usefixtures("three_hosts")
def test_hosts_are_a_table(run: Run) -> None:
    """One line per host, with its state and the reason why it is not up."""
    result = run("hosts")

    assert [line.split() for line in result.stdout.splitlines()] == [
        ["NAME", "STATE", "SINCE", "VERSION", "API", "ADDRESS", "LABELS", "MESSAGE"],
        ["a", "up", "27.1", "1.47", "unix:///run/a.sock", "arch=arm64,site=north"],
        ["b", "down", "no", "route", "to", "host"],
        ["c", "connecting"],
    ]
    assert result.exit_code == 0


@pytest.mark.usefixtures("three_hosts")
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


def test_hosts_are_changed_by_calls(gateway: Gateway, run: Run, tmp_path: Path) -> None:
    """The content of the files is sent, never their names."""
    host = {"name": "n", "state": hosts.HOST_STATE_UP}
    for rpc in ("AddHost", "UpdateHost", "DrainHost", "UndrainHost", "ProbeHost"):
        gateway.on(rpc, getattr(hosts, f"{rpc}Response")(host=host))
    gateway.on("RemoveHost", hosts.RemoveHostResponse())
    (tmp_path / "ca").write_text("PEM")

    done = [
        run("hosts", "add", "n", "tcp://10.0.0.9:2376", "-l", "site=north", "--tls-ca", str(tmp_path / "ca")),
        run("hosts", "update", "n", "ssh://ops@n", "--ssh-jump", "ops@jump:22"),
        run("hosts", "drain", "n"),
        run("hosts", "undrain", "n"),
        run("hosts", "probe", "--timeout", "1.5", "n"),
        run("hosts", "rm", "--yes", "n"),
    ]

    assert [result.exit_code for result in done] == [0] * 6
    assert gateway.requests == [
        hosts.AddHostRequest(
            spec={"name": "n", "address": "tcp://10.0.0.9:2376", "labels": {"site": "north"}, "tls": {"ca": "PEM"}}
        ),
        hosts.UpdateHostRequest(spec={"name": "n", "address": "ssh://ops@n", "ssh": {"jump_host": "ops@jump:22"}}),
        hosts.DrainHostRequest(host="n"),
        hosts.UndrainHostRequest(host="n"),
        hosts.ProbeHostRequest(host="n", host_timeout={"seconds": 1, "nanos": 500_000_000}),
        hosts.RemoveHostRequest(host="n"),
    ]


def test_watched_hosts_are_a_line_per_change(gateway: Gateway, run: Run) -> None:
    """A host that is gone is one, too."""
    first = {"hosts": [{"name": "a", "state": hosts.HOST_STATE_UP}], "synced": True}
    then = {"hosts": [{"name": "a", "state": hosts.HOST_STATE_DOWN, "message": "no route"}], "removed_names": ["b"]}
    gateway.on("WatchHosts", [hosts.WatchHostsResponse(**first), hosts.WatchHostsResponse(**then)])

    assert run("hosts", "--watch").stdout.splitlines() == ["a up", "a down no route", "b was removed"]


SOURCES = hosts.ListHostsResponse(
    hosts=[{"name": "a", "state": hosts.HOST_STATE_UP, "ignored_sources": ["etcd", "dns"]}],
    sources=[
        {"name": "configuration", "up": True, "hosts": 1, "last_success_time": {"seconds": 1}},
        {
            "name": "directory",
            "up": True,
            "last_success_time": {"seconds": 1},
            "refused_entries": [{"place": "b.yaml:1:1", "message": "no address"}],
        },
        {"name": "etcd", "message": "refused", "last_success_time": {"seconds": 1}},
        {"name": "dns", "message": "timeout"},
    ],
)


def test_a_list_of_hosts_names_the_entries_without_effect(gateway: Gateway, run: Run) -> None:
    """The host is that of another source."""
    gateway.on("ListHosts", SOURCES)

    assert run("hosts", "--format", "{{.Name}}: {{.Message}}").stdout == "a: its entry in etcd, dns has no effect\n"


def test_the_sources_of_hosts_are_a_table(gateway: Gateway, run: Run) -> None:
    """Scripts see by the exit code that something is wrong with one."""
    gateway.on("ListHosts", SOURCES)

    result = run("hosts", "sources")
    shown = run("hosts", "sources", "--format", "{{.Name}} {{.State}} {{.Hosts}} {{.Refused}} {{.Message}}")

    assert result.stdout.split("\n")[0].split() == ["NAME", "STATE", "LAST", "ANSWER", "HOSTS", "REFUSED", "MESSAGE"]
    assert result.stdout.splitlines()[4].split() == ["dns", "down", "never", "0", "0", "timeout"]
    assert shown.stdout.splitlines()[:2] == ["configuration up 1 0 ", "directory up 0 1 "]
    assert "b.yaml:1:1" in result.stderr
    assert result.exit_code == 1


@pytest.mark.usefixtures("three_hosts")
def test_a_host_that_is_down_does_not_hide_the_others_and_is_not_hidden(run: Run) -> None:
    """Its containers are shown as they were known last, it is named on standard error, and the exit code is 1."""
    result = run("ps")

    head, *rows = result.stdout.splitlines()
    assert head.split() == ["HOST", "CONTAINER", "ID", "IMAGE", "COMMAND", "CREATED", "STATUS", "PORTS", "NAMES"]
    assert [row.split() for row in rows] == [
        f'a {"f" * 12} nginx:1 "nginx -g \'daemon of…" N/A Up 2 hours 443-444/tcp, 0.0.0.0:8080->80/tcp web'.split(),
        f'b {"0" * 12} postgres "" N/A Up 3 hours db'.split(),
    ]
    assert result.stderr == "b: HOST_UNREACHABLE: no route to host\n"
    assert result.exit_code == 1


def test_ps_is_one_call_for_the_hosts_and_labels_that_are_selected(three_hosts: Gateway, run: Run) -> None:
    """Labels that docker's filter can say are filters; the others are compared here."""
    result = run(
        *("ps", "-a", "-H", "a*", "--host-label", "site in (north, south)", "-l", "app=shop", "-l", "!old", "-q"),
        *("--filter", "status=running"),
    )

    (request,) = three_hosts.requests
    assert request == pb.ListContainersRequest(
        hosts={
            "names": ["a*"],
            "labels": [{"key": "site", "operator": selectors.LABEL_OPERATOR_IN, "values": ["north", "south"]}],
        },
        request={
            "all": True,
            "filters": {
                "status": common.StringList(items=["running"]),
                "label": common.StringList(items=["app=shop"]),
            },
        },
    )
    assert result.stdout.split() == ["f" * 12]


@pytest.mark.usefixtures("three_hosts")
def test_ps_is_json_for_programs(run: Run) -> None:
    """Each container is an object with its host and the Engine's names; failures are on standard error."""
    result = run("ps", "--json")

    found = [json.loads(line) for line in result.stdout.splitlines()]
    assert [(each["host"], each["Names"][0], each["Labels"]) for each in found] == [
        ("a", "/web", {"app": "shop"}),
        ("b", "/web/db", {}),
    ]
    assert result.exit_code == 1


@pytest.mark.usefixtures("three_hosts")
@pytest.mark.parametrize(
    ("template", "lines"),
    [
        ("{{.Host}}/{{.Names}}", ["a/web", "b/db"]),
        ('{{if eq .State "running"}}{{upper .Names}}{{end}}', ["WEB", ""]),
        ("table {{.Names}}\\t{{.Image}}", ["NAMES     IMAGE", "web       nginx:1", "db        postgres"]),
    ],
)
def test_a_format_is_a_go_template(run: Run, template: str, lines: list[str]) -> None:
    """With the names and the functions that docker's own have; `table` aligns the columns."""
    assert run("ps", "--format", template).stdout.splitlines() == lines


@pytest.mark.usefixtures("three_hosts")
def test_a_format_may_be_json(run: Run) -> None:
    """One object per container, with the names of docker's templates."""
    assert json.loads(run("ps", "--format", "json").stdout.splitlines()[0])["Names"] == "web"


@pytest.mark.usefixtures("three_hosts")
def test_a_wrong_format_is_a_usage_error(run: Run) -> None:
    """It says what is wrong with it."""
    result = run("ps", "--format", "{{.ID")

    assert "--format: " in result.stderr
    assert result.exit_code == 2


WRONG_LABELS = {"a b": 3, "=x": 1, "a in x": 3, "!a=b": 3, "": 1}


@pytest.mark.parametrize("label", WRONG_LABELS)
def test_a_wrong_label_is_refused_with_its_position(gateway: Gateway, run: Run, label: str) -> None:
    """Before anything is sent."""
    result = run("ps", "-l", label)

    assert f"--label {label!r} is wrong at character {WRONG_LABELS[label]}: try key, " in result.stderr
    assert (result.exit_code, gateway.requests) == (2, [])


def test_find_says_where_a_container_is(gateway: Gateway, run: Run) -> None:
    """A name that nothing has is named, and the exit code is 1."""
    answer = {"host": "a", "containers": [WEB]}
    gateway.on(
        "fleet.FindContainers", [pb.FindContainersResponse(answers=[answer], summary={"unmatched_names": ["x"]})]
    )

    result = run("find", "web", "x", "--port", "8080", "--state", "running", "--image", "nginx")

    assert gateway.requests == [
        pb.FindContainersRequest(
            hosts={"all": True},
            containers={
                "names": ["web", "x"],
                "images": ["nginx"],
                "states": ["running"],
                "published_ports": [8080],
            },
        )
    ]
    assert result.stdout.splitlines()[1].split()[:3] == ["a", "f" * 12, "nginx:1"]
    assert (result.stderr, result.exit_code) == ("dockfleet: there is no container x\n", 1)


def test_names_cannot_control_the_terminal(gateway: Gateway, run: Run) -> None:
    """Control and direction characters of names and errors are printed as escapes."""
    evil = "a\x1b[2J\u202egpj"
    response = {"containers": [{"id": "1", "image": evil}]}
    gateway.on("fleet.ListContainers", [pb.ListContainersResponse(answers=[{"host": "a", "response": response}])])
    gateway.on("StreamLogs", lambda request, context: fail(context, message="\x1b[31mno\nway", reason="INTERNAL"))

    assert "a\\x1b[2J\\u202egpj" in run("ps").stdout
    assert run("logs", "a/web").stderr == "dockfleet: INTERNAL: \\x1b[31mno\\nway\n"


NEEDS_A_GATEWAY = (
    "hosts",
    "ps",
    "find x",
    "logs a/web",
    "logs web",
    "events",
    "stats",
    "stop web",
    "discover",
    "version",
)


@pytest.mark.parametrize("words", NEEDS_A_GATEWAY)
def test_a_missing_gateway_is_one_line_with_a_remedy(words: str) -> None:
    """The line names the address and the option; the exit code is one that nothing else has."""
    result = CliRunner().invoke(dockfleet, ["--address", "127.0.0.1:1", *words.split()])

    (line,) = result.stderr.splitlines()
    assert line == "dockfleet: no gateway answers at 127.0.0.1:1 (Connection refused): is it running? see --address"
    assert result.exit_code == 69


def test_an_unknown_host_is_one_line_with_a_remedy(gateway: Gateway, run: Run) -> None:
    """The remedy follows from the reason."""
    gateway.on(
        "StreamLogs", lambda request, context: fail(context, message="no host 'x'", reason="UNKNOWN_HOST", host="x")
    )

    assert (
        run("logs", "x/web").stderr == "dockfleet: x: UNKNOWN_HOST: no host 'x' (`dockfleet hosts` lists the hosts)\n"
    )


def test_the_address_comes_from_the_environment_or_a_profile(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The environment wins over the profile, and an option over both."""
    gateway.on("ListHosts", hosts.ListHostsResponse())
    monkeypatch.delenv("DOCKFLEET_ADDRESS", raising=False)
    file = tmp_path / "dockfleet/profiles.toml"
    file.parent.mkdir()
    file.write_text(f'[profiles.lab]\naddress = "{gateway.address}"\n[profiles.away]\naddress = "127.0.0.1:1"\n')
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))

    assert CliRunner().invoke(dockfleet, ["--profile", "lab", "hosts"]).exit_code == 0
    assert CliRunner().invoke(dockfleet, ["--profile", "away", "hosts"]).exit_code == 69
    monkeypatch.setenv("DOCKFLEET_ADDRESS", gateway.address)
    assert CliRunner().invoke(dockfleet, ["--profile", "away", "hosts"]).exit_code == 0
    unknown = CliRunner().invoke(dockfleet, ["--profile", "nope", "hosts"])
    assert (unknown.exit_code, "there are: away, lab" in unknown.stderr) == (2, True)


def commands(group: LazyGroup | Any, *path: str) -> list[tuple[str, ...]]:
    """The words of all commands of a group."""
    found: list[tuple[str, ...]] = [path]
    for name in group.list_commands(None) if hasattr(group, "list_commands") else ():
        found += commands(group.get_command(None, name), *path, name)
    return found


@pytest.mark.parametrize("words", commands(dockfleet), ids=" ".join)
def test_every_command_explains_itself(words: tuple[str, ...]) -> None:
    """`--help` works everywhere and needs no gateway."""
    result = CliRunner().invoke(dockfleet, [*words, "--help"])

    assert result.exit_code == 0
    assert "Usage:" in result.stdout


MAIN = (
    "run create exec attach start stop restart kill rm inspect logs ps stats events cp images pull push build rmi save "
    "load login"
)


@pytest.mark.parametrize("words", commands(dockfleet), ids=" ".join)
def test_the_examples_are_command_lines_that_exist(words: tuple[str, ...]) -> None:
    """Each names a command and options that there are; the main commands have examples."""
    shown = CliRunner().invoke(dockfleet, [*words, "--help"]).stdout
    examples = re.findall(r"^ +dockfleet (.+?)(?:  .*)?$", shown.partition("Examples:")[2], re.MULTILINE)

    for example in examples:
        context, command = click.Context(dockfleet), dockfleet
        arguments = list(takewhile(lambda word: word not in ("|", ">", "<"), shlex.split(example)))
        while isinstance(command, click.Group) and arguments and not arguments[0].startswith("-"):
            _, found, arguments = command.resolve_command(context, arguments)
            assert found is not None
            command = found
        with suppress(click.BadParameter):  # files that are not there
            command.make_context(example, arguments)
    assert examples or " ".join(words) not in MAIN.split()


def test_the_summaries_are_those_of_the_commands() -> None:
    """The list of commands is written without them; it says what their own help says first."""
    for section in SECTIONS.values():
        for name, verb in section.items():
            command = dockfleet.get_command(None, name)
            assert command is not None
            assert command.name == name
            own = " ".join((command.help or "").split())
            assert own.startswith(verb.summary.removesuffix(".")), name


NEEDED = {"": ["gateway", "group", "program", "verbs"]}
NEEDED["st"] = sorted([*NEEDED[""], "bash", "profiles"])
NEEDED["run --memory-s"] = sorted([*NEEDED["st"], "batches", "completion", "mounts", "run", "scope", "spec", "values"])
SLOW = {"grpc", "google.protobuf", "rich", "gotpl", "tarfile", "json", "shutil", "csv", "asyncio", "logging"}
WATCHED = f"""
import sys
from importlib.abc import MetaPathFinder
class Watch(MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name in {SLOW} or name.startswith("dockfleet.cli."):
            print(name.removeprefix("dockfleet.cli."), file=sys.stderr)
sys.meta_path.insert(0, Watch())
sys.argv = ["dockfleet", "--help"]
from dockfleet.cli import main
main()
"""


@pytest.mark.parametrize("words", NEEDED)
def test_the_help_and_the_completion_of_words_import_what_they_need(words: str) -> None:
    """A user waits for both at each use; the import of gRPC alone costs more than all of them."""
    line = {"_DOCKFLEET_COMPLETE": "bash_complete", "COMP_LINE": f"dockfleet {words}"} if words else {}

    done = subprocess.run([sys.executable, "-c", WATCHED], env=os.environ | line, capture_output=True, text=True)

    assert sorted(done.stderr.split()) == NEEDED[words]
    assert {"": "stop", "st": "stop", "run --memory-s": "--memory-swap"}[words] in done.stdout


def test_no_command_imports_what_its_completion_does_not_need() -> None:
    """Completion and `--help` of a command import its module: that must not cost more than the start itself."""
    modules = sorted({verb.where.partition(":")[0] for section in SECTIONS.values() for verb in section.values()})
    program = (
        f"import sys, importlib\nfor name in {modules}: importlib.import_module(f'dockfleet.cli.{{name}}')\n"
        "print(sorted({'grpc', 'google.protobuf', 'rich', 'gotpl', 'tarfile'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60)

    assert done.stdout == "[]\n"


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("logs w", ["web"]),
        ("stop a/", ["a/web"]),
        ("ps -H ", ["a", "b", "c"]),
        ("ps --host b", ["b"]),
        ("hosts drain c", ["c"]),
        ("network connect n", ["net"]),
        ("network rm n", ["net"]),
        ("volume inspect v", ["vol"]),
    ],
)
def test_names_are_completed(
    three_hosts: Gateway, tmp_path: Path, command: list[str], words: str, found: list[str]
) -> None:
    """The second time without the gateway."""
    answer = {"host": "a", "containers": [WEB]}
    three_hosts.on("fleet.FindContainers", [pb.FindContainersResponse(answers=[answer])])
    for kind in ("network", "volume"):
        found_here = {"host": "a", "response": {f"{kind}s": [{"name": kind[:3]}]}}
        response = getattr(pb, f"List{kind.capitalize()}sResponse")(answers=[found_here])
        three_hosts.on(f"fleet.List{kind.capitalize()}s", [response])
    variables = {
        "_DOCKFLEET_COMPLETE": "bash_complete",
        "COMP_WORDS": f"dockfleet {words}",
        "COMP_CWORD": str(len(f"dockfleet {words}".split(" ")) - 1),
        "XDG_CACHE_HOME": str(tmp_path),
        "DOCKFLEET_ADDRESS": three_hosts.address,
    }

    for _ in range(2):
        done = subprocess.run(command[:3], env=os.environ | variables, capture_output=True, text=True, timeout=60)
        assert [line.partition(",")[2] for line in done.stdout.splitlines()] == found
    assert len(three_hosts.requests) == 1


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_each_shell_has_a_completion_script(shell: str) -> None:
    """It calls the program with the variable that turns completion on."""
    assert "_DOCKFLEET_COMPLETE" in CliRunner().invoke(dockfleet, ["completion", shell]).stdout


def test_version_needs_no_gateway_for_the_client_alone() -> None:
    """It names the library that matters for connections."""
    assert "grpcio" in CliRunner().invoke(dockfleet, ["--address", "127.0.0.1:1", "version", "--client"]).stdout
