"""Verbs that change containers of many hosts: what they choose, what they ask, what they report."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest
from click.testing import Result
from dockfleet.fleet.v1 import fleet_pb2 as pb
from dockfleet.v1 import common_pb2 as common
from dockfleet.v1 import containers_pb2 as containers

from clients.python.tests.scripted_gateway import Gateway

Run = Callable[..., Result]

FLEET = {"a": {"web": "a1" * 32, "db": "a2" * 32}, "b": {"web": "b1" * 32}}
STOPPED = containers.StopContainerResponse()


@pytest.fixture
def two_hosts(gateway: Gateway) -> Gateway:
    """Host a has the containers web and db, b has web; every stop works."""

    def find(request: pb.FindContainersRequest, context: Any) -> list[pb.FindContainersResponse]:
        wanted = request.containers.names
        everywhere = request.hosts.all or "*" in request.hosts.names
        chosen = list(FLEET) if everywhere else list(request.hosts.names)
        answers = [
            {
                "host": host,
                "containers": [
                    {"id": id, "names": [f"/{name}"]}
                    for name, id in FLEET[host].items()
                    if not wanted or any(text in (name, "*") or id.startswith(text) for text in wanted)
                ],
            }
            for host in chosen
            if host in FLEET
        ]
        return [pb.FindContainersResponse(answers=answers, summary={})]

    gateway.on("fleet.FindContainers", find)
    gateway.on("fleet.StopContainers", results)
    return gateway


def results(request: Any, context: Any) -> list[Any]:
    """The result of each target of a batch."""
    targets = [
        {"host": host, "container_id": id, "container_name": name}
        for host, names in FLEET.items()
        for name, id in names.items()
        if id in request.containers.names and host in request.hosts.names
    ]
    outcome: dict[str, Any] = {"skipped": {"reason": pb.SKIP_REASON_DRY_RUN}} if request.batch.dry_run else {}
    outcome = outcome or {"response": STOPPED}
    return [pb.StopContainersResponse(results=[{"target": target, "last": True, **outcome} for target in targets])]


def stopped(gateway: Gateway) -> list[tuple[list[str], list[str]]]:
    """The hosts and the ids of the batches that were asked for."""
    found = [request for request in gateway.requests if isinstance(request, pb.StopContainersRequest)]
    return [(list(request.hosts.names), list(request.containers.names)) for request in found]


def test_a_container_is_named_with_its_host(two_hosts: Gateway, run: Run) -> None:
    """What was written is printed, as docker does."""
    result = run("stop", "-t", "3", "-s", "INT", "a/web")

    assert (result.stdout, result.stderr, result.exit_code) == ("a/web\n", "", 0)
    assert two_hosts.requests[-1] == pb.StopContainersRequest(
        hosts={"names": ["a"]},
        containers={"names": [FLEET["a"]["web"]]},
        batch={},
        request={"signal": "INT", "timeout_seconds": 3},
    )


def test_a_name_that_is_unique_in_the_fleet_needs_no_host(two_hosts: Gateway, run: Run) -> None:
    """Nor does the beginning of an id."""
    assert run("stop", "db").stdout == "db\n"
    assert run("stop", "b1b1").stdout == "b1b1\n"
    assert stopped(two_hosts) == [(["a"], [FLEET["a"]["db"]]), (["b"], [FLEET["b"]["web"]])]


def test_a_name_that_is_not_unique_is_refused_with_the_choices(two_hosts: Gateway, run: Run) -> None:
    """Nothing is changed."""
    result = run("stop", "web")

    assert result.stderr == (
        "dockfleet: web is not unique in the fleet: a/web, b/web; write one of them, or -H '*' for all\n"
    )
    assert (result.exit_code, stopped(two_hosts)) == (1, [])


def test_a_name_that_nothing_has_is_reported_and_the_others_are_changed(two_hosts: Gateway, run: Run) -> None:
    """As docker does; the exit code tells that one was missing."""
    result = run("stop", "nope", "a/web")

    assert result.stderr == "dockfleet: there is no container nope (`dockfleet find` looks for containers)\n"
    assert (result.stdout, result.exit_code, stopped(two_hosts)) == ("a/web\n", 1, [(["a"], [FLEET["a"]["web"]])])


def test_a_pattern_that_nothing_fits_changes_nothing_and_says_so(two_hosts: Gateway, run: Run) -> None:
    """It is no failure."""
    result = run("stop", "--yes", "zz*")

    assert result.stderr == "dockfleet: no container was selected\n"
    assert (result.exit_code, stopped(two_hosts)) == (0, [])


def test_a_batch_that_nobody_can_be_asked_about_needs_yes(two_hosts: Gateway, run: Run) -> None:
    """Nothing is changed without it."""
    refused = run("stop", "-l", "app=shop")
    done = run("stop", "-l", "app=shop", "--yes")

    assert refused.stderr == "dockfleet: stop a/db, a/web, b/web? --yes is needed without a terminal\n"
    assert (refused.stdout, refused.exit_code) == ("", 1)
    assert sorted(done.stdout.split()) == ["a/db", "a/web", "b/web"]
    assert done.exit_code == 0
    assert len(stopped(two_hosts)) == 1


@pytest.mark.skipif(sys.platform == "win32", reason="there are no pseudo terminals")
@pytest.mark.parametrize(("answer", "batches"), [(b"y\n", 1), (b"n\n", 0)])
def test_a_batch_is_shown_before_it_is_asked_for(
    two_hosts: Gateway, command: list[str], answer: bytes, batches: int
) -> None:
    """On a terminal."""
    import pty

    controller, terminal = pty.openpty()
    try:
        os.write(controller, answer)
        program = subprocess.run(
            [*command, "stop", "*/web"], stdin=terminal, capture_output=True, text=True, timeout=30
        )
    finally:
        os.close(controller)
        os.close(terminal)

    assert program.stderr.startswith("  a/web\n  b/web\nStop 2? [y/N]: ")
    assert ("nothing was changed" in program.stderr) == (batches == 0)
    assert (program.returncode, len(stopped(two_hosts))) == (1 - batches, batches)


def test_a_dry_run_changes_nothing_and_needs_no_yes(two_hosts: Gateway, run: Run) -> None:
    """It lists what would be changed."""
    result = run("stop", "-H", "*", "web", "--dry-run")

    assert result.stdout == "would stop a/web\nwould stop b/web\n"
    assert two_hosts.requests[-1].batch.dry_run
    assert result.exit_code == 0


@pytest.mark.usefixtures("two_hosts")
def test_what_failed_and_what_was_skipped_is_named(gateway: Gateway, run: Run) -> None:
    """With its host; the exit code is 1."""
    web = {"host": "a", "container_id": "a1" * 32, "container_name": "web"}
    failure = {"host": "a", "reason": common.ERROR_REASON_CONFLICT, "message": "it is paused"}
    answer = pb.StopContainersResponse(
        results=[
            {"target": web, "failure": failure, "last": True},
            {"target": {**web, "container_name": "db"}, "skipped": {"reason": pb.SKIP_REASON_TOO_MANY_FAILURES}},
        ]
    )
    gateway.on("fleet.StopContainers", [answer])

    result = run("stop", "-y", "--max-failures", "1", "--parallelism", "2", "--group-size", "3", "-H", "a", "--all")

    assert gateway.requests[-1].batch == pb.BatchOptions(max_failures=1, parallelism=2, group_size=3)
    assert result.stderr == (
        "a/web: CONFLICT: it is paused\ndockfleet: a/db was skipped: there were too many failures\n"
    )
    assert (result.stdout, result.exit_code) == ("", 1)


def test_all_containers_are_never_meant_by_leaving_out_a_word(gateway: Gateway, run: Run) -> None:
    """-H alone chooses hosts, not containers."""
    for words in (["stop"], ["rm", "-f", "-H", "a"]):
        result = run(*words)
        assert "which containers?" in result.stderr
        assert result.exit_code == 2
    assert gateway.requests == []


OTHERS = [
    (["start"], "Start", {}),
    (["restart", "-t", "0"], "Restart", {"timeout_seconds": 0}),
    (["kill", "-s", "HUP"], "Kill", {"signal": "HUP"}),
    (["pause"], "Pause", {}),
    (["unpause"], "Unpause", {}),
    (["rm", "-f", "-v"], "Remove", {"force": True, "remove_volumes": True}),
]


@pytest.mark.parametrize(("words", "name", "fields"), OTHERS, ids=[each[1] for each in OTHERS])
def test_each_verb_is_one_batch(
    two_hosts: Gateway, run: Run, words: list[str], name: str, fields: dict[str, Any]
) -> None:
    """Of exactly the containers that were named."""
    two_hosts.on(f"fleet.{name}Containers", [])

    result = run(*words, "a/web", "a/db")

    assert two_hosts.requests[-1] == getattr(pb, f"{name}ContainersRequest")(
        hosts={"names": ["a"]},
        containers={"names": [FLEET["a"]["db"], FLEET["a"]["web"]]},
        batch={},
        request=fields,
    )
    assert result.exit_code == 0


def test_a_dry_run_never_runs_or_pulls(gateway: Gateway, run: Run) -> None:
    """Where a command has no dry run, the option is refused."""
    skipped = {"target": {"host": "a"}, "skipped": {"reason": pb.SKIP_REASON_DRY_RUN}, "last": True}
    gateway.on("fleet.PullImages", [pb.PullImagesResponse(results=[skipped])])
    gateway.on("fleet.RunContainers", [pb.RunContainersResponse(results=[skipped])])

    assert run("run", "-H", "a", "--dry-run", "img").exit_code == 125
    assert run("run", "-H", "a", "--dry-run", "--everywhere", "img").stdout == "would run it on a\n"
    assert run("pull", "-H", "a", "--dry-run", "img").stdout.startswith("would pull it on a\n")
    assert [request.batch.dry_run for request in gateway.requests] == [True, True]
