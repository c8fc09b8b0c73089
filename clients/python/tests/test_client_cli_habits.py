"""The command line client where docker's users expect docker: exit codes, templates, names that are wrong."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from dockfleet.fleet.v1 import fleet_pb2 as pb
from dockfleet.fleet.v1 import hosts_pb2 as hosts
from dockfleet.v1 import common_pb2 as common
from dockfleet.v1 import containers_pb2 as containers

from clients.python.tests.scripted_gateway import Gateway

Run = Callable[..., Result]

WEB: dict[str, Any] = {"id": "f" * 64, "names": ["/web"], "labels": {"app": "shop"}, "size_rw_bytes": 5}


@pytest.fixture
def one_container(gateway: Gateway) -> Gateway:
    """Host a has a container; no other host is selected."""
    answer = pb.ListContainersResponse(answers=[{"host": "a", "response": {"containers": [WEB]}}])
    nothing = [pb.ListContainersResponse(summary={})]
    gateway.on(
        "fleet.ListContainers", lambda request, context: nothing if "x*" in request.hosts.names else [answer, *nothing]
    )
    gateway.on("fleet.FindContainers", [pb.FindContainersResponse(summary={})])
    inspected = containers.InspectContainerResponse(container={"name": "/web", "state": {"status": "running"}})
    gateway.on("InspectContainer", inspected)
    return gateway


UNKNOWN_NAMES = [  # the words, and what the error says
    (["pss"], "No such command 'pss'. Did you mean 'ps'?"),
    (["network", "creat"], "Did you mean 'create'?"),
    (["compose"], "No such command 'compose'.\n"),
    (["ps", "--formt", "x"], "--format"),
    (["ps", "--format", "{{.Nams}}"], "--format: there is no .Nams; did you mean .Names?"),
    (["inspect", "--format", "{{.State.Stat}}", "a/web"], "--format: there is no .Stat; did you mean .Status?"),
]


@pytest.mark.usefixtures("one_container")
@pytest.mark.parametrize(("words", "text"), UNKNOWN_NAMES, ids=lambda each: str(each)[:30])
def test_a_name_that_is_not_known_is_an_error_with_those_that_are_like_it(
    run: Run, words: list[str], text: str
) -> None:
    """Of commands, of options and of values in templates: what is not known is not shown as empty."""
    result = run(*words)

    assert text in result.stderr
    assert (result.stdout, result.exit_code) == ("", 2)


HEALTH = "{{if .State.Health}}{{.State.Health.Status}}{{else}}none{{end}}"
TABLE = 'table {{.Names}}\t{{.LocalVolumes}}\t{{.Label "app"}}'
TEMPLATES = [  # as docker's users write them
    (["inspect", "a/web"], HEALTH, "none\n"),
    (["ps"], '{{.Names}} {{.Label "app"}} {{.Label "none"}}', "web shop \n"),
    (["ps"], TABLE, "NAMES     LOCAL VOLUMES   app\nweb       0               shop\n"),
]


@pytest.mark.usefixtures("one_container")
@pytest.mark.parametrize(("words", "template", "output"), TEMPLATES, ids=lambda each: str(each)[:20])
def test_templates_know_labels_headers_and_what_is_absent(
    run: Run, words: list[str], template: str, output: str
) -> None:
    """A value that the contract has and the container has not is false in a template."""
    result = run(*words, "--format", template)

    assert (result.stdout, result.stderr) == (output, "")


@pytest.mark.parametrize(("words", "size"), [([], False), (["--format", "{{.Size}}"], True), (["-s"], True)])
def test_sizes_are_asked_for_when_they_are_shown(
    one_container: Gateway, run: Run, words: list[str], size: bool
) -> None:
    """They cost the engine time; a size that was not asked for would be shown as 0B."""
    run("ps", *words)

    assert one_container.requests[0].request.size is size


@pytest.mark.parametrize("words", [["run", "--nope", "busybox"], ["exec", "a/web"], ["attach"], ["start", "--nope"]])
def test_a_wrong_command_line_is_125_where_others_are_the_exit_code_of_a_process(run: Run, words: list[str]) -> None:
    """A process may end with 2 itself."""
    assert run(*words).exit_code == 125


@pytest.fixture
def dated(gateway: Gateway) -> Gateway:
    """Three containers on two hosts; host b has the newest one."""
    found = {
        "a": [{"id": "a2", "created_at": {"seconds": 20}, "labels": {"q": ""}}, {"id": "a1"}],
        "b": [{"id": "b3", "created_at": {"seconds": 30}, "labels": {"app": "shop"}}],
    }
    answers = [{"host": host, "response": {"containers": each}} for host, each in found.items()]
    gateway.on("fleet.ListContainers", [pb.ListContainersResponse(answers=answers), pb.ListContainersResponse()])
    return gateway


LATEST = [  # the words, the limit that the hosts get, and the ids that are shown
    (["-lq"], 1, ["b3"]),
    (["-ql"], 1, ["b3"]),
    (["-l", "-q"], 1, ["b3"]),
    (["-qn", "2"], 2, ["b3", "a2"]),
    (["-q", "-n", "-1"], 0, ["a2", "a1", "b3"]),
    (["-l", "q", "-q"], 0, ["a2"]),
    (["-q", "-n", "1", "-l", "app!=shop"], 0, ["a2"]),
]


@pytest.mark.parametrize(("words", "limit", "ids"), LATEST, ids=lambda each: str(each))
def test_the_latest_container_is_that_of_all_hosts(
    dated: Gateway, run: Run, words: list[str], limit: int, ids: list[str]
) -> None:
    """Docker's `-l` means it where no label follows; a label that the hosts cannot filter by is applied before."""
    result = run("ps", *words)

    assert (result.stdout.split(), result.stderr) == (ids, "")
    assert (dated.requests[0].request.limit, dated.requests[0].request.all) == (limit, limit > 0 or "!" in words[-1])


def test_what_is_gone_already_may_be_removed_with_force(one_container: Gateway, run: Run) -> None:
    """It is said, and is no failure; without -f it is one."""
    gone = {"code": 5, "reason": common.ERROR_REASON_NOT_FOUND, "host": "a", "message": "a: No such image: nope"}
    one_container.on(
        "fleet.RemoveImages",
        [pb.RemoveImagesResponse(results=[{"target": {"host": "a"}, "failure": gone, "last": True}])],
    )

    results = [run("rm", *force, "a/nope") for force in ([], ["-f"])]
    results += [run("rmi", *force, "-H", "a", "nope") for force in ([], ["-f"])]

    assert [result.exit_code for result in results] == [1, 0, 1, 0]
    assert ["nope" in result.stderr for result in results] == [True] * 4


def test_a_selection_of_nothing_is_said(one_container: Gateway, run: Run) -> None:
    """An empty list looks as if there were hosts without containers."""
    assert "no host was selected" in run("ps", "-H", "x*").stderr
    assert run("ps").stderr == ""
    assert run("stop", "-l", "app=nope", "--yes").stderr == "dockfleet: no container was selected\n"


def test_a_network_of_a_taken_name_is_refused_also_by_old_engines(gateway: Gateway, run: Run) -> None:
    """They create a second one unless they are asked not to; newer ones refuse the question."""
    known = [{"name": "old", "api_version": "1.41"}, {"name": "new", "api_version": "1.45"}, {"name": "down"}]
    gateway.on("ListHosts", hosts.ListHostsResponse(hosts=known))
    gateway.on("fleet.CreateNetworks", [pb.CreateNetworksResponse()])

    run("network", "create", "-H", "*", "front")

    asked = [request for request in gateway.requests if isinstance(request, pb.CreateNetworksRequest)]
    assert [(list(each.hosts.names), each.request.check_duplicate) for each in asked] == [
        (["old"], True),
        (["new", "down"], False),
    ]


def test_a_logout_of_what_is_not_logged_in_succeeds(run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """As with docker: scripts end with it."""
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))

    assert run("logout", "registry.example.org").exit_code == 0


def test_a_log_as_json_has_the_times(gateway: Gateway, run: Run) -> None:
    """They are not asked for where they are not shown."""
    entries = [{"stream": common.STANDARD_STREAM_STDOUT, "data": b"one", "time": {"seconds": 1714521600}}]
    gateway.on("StreamLogs", [containers.StreamLogsResponse(batch={"entries": entries})])

    [entry] = json.loads(run("logs", "--json", "a/web").stdout)["batch"]["entries"]
    run("logs", "a/web")

    assert (entry["text"], entry["time"]) == ("one", "2024-05-01T00:00:00Z")
    assert [request.timestamps for request in gateway.requests if request.HasField("timestamps")] == [False]


@pytest.mark.parametrize("words", [["-h"], ["ps", "-h"], ["network", "-h"], ["hosts", "ls", "-h"]], ids=" ".join)
def test_h_is_help_where_it_is_nothing_else(run: Run, words: list[str]) -> None:
    """With `run` and `create` it is the host name, as with docker."""
    helped, named = run(*words), run("run", "-h")

    assert (helped.stdout.startswith("Usage: "), helped.exit_code) == (True, 0)
    assert ("'-h' requires an argument" in named.stderr, named.exit_code) == (True, 125)


NEWER = {"active_count": 1, "total_count": 2, "reclaimable_bytes": 10, "total_size_bytes": 40}


def test_disk_use_of_newer_engines_is_their_own_count(gateway: Gateway, run: Run) -> None:
    """They list single things only on demand; older ones do not know that demand."""
    found = [hosts.Host(name="new", api_version="1.53"), hosts.Host(name="old", api_version="1.41")]
    gateway.on("ListHosts", hosts.ListHostsResponse(hosts=found))
    volume: dict[str, Any] = {"name": "data", "usage_data": {"ref_count": 1, "size_bytes": 7}}
    use = {"image_usage": NEWER, "volume_usage": {**NEWER, "items": [volume]}}
    gateway.on("fleet.GetDataUsage", [pb.GetDataUsageResponse(answers=[{"host": "new", "response": use}])])

    sums = run("df", "--format", "{{.Type}} {{.TotalCount}} {{.Active}} {{.Size}} {{.Reclaimable}}")
    gateway.requests.clear()
    volumes = run("df", "-v", "--format", "{{range .Volumes}}{{.Name}} {{.Links}} {{.Size}}{{end}}")

    assert sums.stdout.splitlines()[:3:2] == ["Images 2 1 40B 10B (25%)", "Local Volumes 2 1 40B 10B (25%)"]
    asked = [each for each in gateway.requests if isinstance(each, pb.GetDataUsageRequest)]
    assert [(list(each.hosts.names), each.request.verbose) for each in asked] == [(["new"], True), (["old"], False)]
    assert volumes.stdout == "data 1 7B\n"


def test_an_empty_address_is_none(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """As of a variable that is empty."""
    from dockfleet.cli import program

    monkeypatch.setattr(program, "DEFAULT_TARGET", "127.0.0.1:1")

    result = run("--address", "", "ps")

    assert (result.stderr.startswith("dockfleet: no gateway answers at 127.0.0.1:1 "), result.exit_code) == (True, 69)


COMPLETED = [  # the line in bash, and what comes after what bash takes for the last word
    ("dockfleet images shop:1", ["1.4", "1.5"]),
    ("dockfleet images --format '{{.A b}}' d", ["db:1"]),
]


@pytest.mark.parametrize(("line", "expected"), COMPLETED)
def test_bash_completes_names_with_a_colon(gateway: Gateway, tmp_path: Path, line: str, expected: list[str]) -> None:
    """It takes them for several words, and replaces only the last one."""
    tags = {"repo_tags": ["shop:1.4", "shop:1.5", "db:1"]}
    gateway.on("fleet.ListImages", [pb.ListImagesResponse(answers=[{"host": "a", "response": {"images": [tags]}}])])
    variables = {"COMP_LINE": line, "COMP_WORDBREAKS": " =:", "_DOCKFLEET_COMPLETE": "bash_complete"}
    more = {"XDG_CACHE_HOME": str(tmp_path), "DOCKFLEET_ADDRESS": f"127.0.0.1:{gateway.port}"}

    command = [sys.executable, "-m", "dockfleet.cli"]
    done = subprocess.run(command, env=os.environ | variables | more, capture_output=True, text=True, check=True)

    assert [item.removeprefix("plain,") for item in done.stdout.split()] == expected


def test_closed_standard_streams_are_empty(gateway: Gateway, one_container: Gateway) -> None:
    """A program can be started without them; then no file of gRPC may take their place."""
    command = [sys.executable, "-m", "dockfleet.cli", "--address", f"127.0.0.1:{gateway.port}", "ps", "-q"]

    done = subprocess.run(["sh", "-c", '"$@" <&- >&-', "sh", *command], capture_output=True, text=True)

    assert (done.stdout, done.stderr, done.returncode) == ("", "", 0)
