"""The command line client: docker's options, and what they are in the requests."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from click.testing import Result
from dockfleet.fleet.v1 import fleet_pb2 as pb
from dockfleet.fleet.v1 import hosts_pb2 as hosts
from dockfleet.v1 import common_pb2 as common
from dockfleet.v1 import containers_pb2 as containers
from dockfleet.v1 import images_pb2 as images
from dockfleet.v1 import networks_pb2 as networks

from clients.python.tests.scripted_gateway import Gateway

Run = Callable[..., Result]


@pytest.fixture
def created(gateway: Gateway, run: Run) -> Callable[..., containers.CreateContainerRequest]:
    """Create a container with the given words, and return the request."""
    gateway.on("CreateContainer", containers.CreateContainerResponse(id="c1"))

    def created(*words: str) -> containers.CreateContainerRequest:
        gateway.requests.clear()
        assert run("create", "-H", "a", *words).stdout == "c1\n"
        request: containers.CreateContainerRequest
        [request] = gateway.requests
        return request

    return created


FLAGS = [  # the words, whether --read-only and --init are set, and the command
    (["--read-only=true", "--init=TRUE", "img"], True, True, []),
    (["--read-only", "--init=1", "img", "sh", "--rm=true"], True, True, ["sh", "--rm=true"]),
    (["--read-only=false", "--init=false", "img", "--", "-x=0"], None, False, ["--", "-x=0"]),
    (["-itw", "--init=0", "-e", "-t=0", "img"], None, None, []),
    (["-ei=1", "-it=false", "img"], None, None, []),
]


@pytest.mark.parametrize(("words", "read_only", "init", "cmd"), FLAGS, ids=lambda each: str(each)[:30])
def test_a_flag_may_have_a_value_as_with_docker(
    created: Callable[..., Any], words: list[str], read_only: bool | None, init: bool | None, cmd: list[str]
) -> None:
    """A word of the command, or a value of another option, is no flag."""
    config = created(*words).config
    host = config.host_config

    assert (host.readonly_rootfs or None, host.init if host.HasField("init") else None) == (read_only, init)
    assert list(config.cmd) == cmd


def test_less_usual_options_are_in_the_request(created: Callable[..., Any]) -> None:
    """Each where the Engine has it."""
    config = created(
        *("--mac-address", "02:42:ac:11:00:99", "--network", "front", "--link-local-ip", "169.254.1.1"),
        *("--health-start-interval", "2s", "--blkio-weight-device", "/dev/sda:200", "--cpu-rt-period", "5"),
        *("--cpu-rt-runtime", "4", "--kernel-memory", "1k", "img"),
    ).config

    assert config.mac_address == "02:42:ac:11:00:99"
    [(name, endpoint)] = config.networking_config.endpoints_config.items()
    assert (name, list(endpoint.ipam_config.link_local_ips)) == ("front", ["169.254.1.1"])
    assert config.healthcheck.start_interval.seconds == 2
    [weight] = config.host_config.blkio_weight_device
    assert (weight.path, weight.weight) == ("/dev/sda", 200)
    host = config.host_config
    assert (host.cpu_realtime_period_microseconds, host.cpu_realtime_runtime_microseconds) == (5, 4)
    assert host.kernel_memory_bytes == 1024


def test_flags_in_one_word_have_their_own_values(created: Callable[..., Any]) -> None:
    """The value belongs to the last flag; after an option with a value it is part of that value."""
    config = created("-it=false", "-ei=1", "-a", "STDERR", "img").config

    assert (config.open_stdin, config.tty, list(config.env)) == (True, False, ["i=1"])
    assert (config.attach_stdin, config.attach_stdout, config.attach_stderr) == (False, False, True)


def test_an_argument_with_an_equals_sign_is_no_flag(gateway: Gateway, run: Run) -> None:
    """Also where it looks like a flag without its hyphen."""
    tagged = pb.TagImagesResponse(results=[{"target": {"host": "a"}, "last": True}])
    gateway.on("fleet.TagImages", [tagged])
    gateway.on("TagImage", images.TagImageResponse())

    run("tag", "-H", "a", "y=true", "y=0")

    assert "y=true" in str(gateway.requests[-1])


def test_a_network_of_settings_is_created_and_used(gateway: Gateway, run: Run) -> None:
    """As docker's options --config-only and --config-from say; flags may be false."""
    gateway.on("fleet.CreateNetworks", [pb.CreateNetworksResponse()])
    gateway.on("ListHosts", hosts.ListHostsResponse(hosts=[{"name": "a", "api_version": "1.47"}]))

    run("network", "create", "-H", "a", "--config-only", "settings")
    run("network", "create", "-H", "a", "--config-from", "settings", "--scope", "local", "--ipv4=false", "front")

    asked = [each.request for each in gateway.requests if isinstance(each, pb.CreateNetworksRequest)]
    assert [each.config_only for each in asked] == [True, False]
    assert asked[1].config_from == networks.ConfigReference(network="settings")
    assert (asked[1].scope, asked[1].enable_ipv4, asked[1].HasField("enable_ipv4")) == ("local", False, True)


STATES = {"exited": "start it first", "paused": "unpause it first", "restarting": "wait until it runs"}


@pytest.mark.parametrize(("state", "remedy"), STATES.items())
def test_only_to_a_container_that_runs_can_be_attached(gateway: Gateway, run: Run, state: str, remedy: str) -> None:
    """The Engine would wait until somebody starts it."""
    inspected = containers.InspectContainerResponse(container={"state": {"status": state}})
    gateway.on("InspectContainer", inspected)

    result = run("attach", "a/web")

    assert result.stderr.startswith(f"dockfleet: cannot attach to web: its state is {state}: {remedy}")
    assert (result.exit_code, len(gateway.requests)) == (125, 1)


def test_events_as_a_json_object_have_the_names_of_docker(gateway: Gateway, run: Run) -> None:
    """Those of a template are others."""
    event: dict[str, Any] = {"type": "image", "action": "tag", "scope": "local", "time_nano": 5_000_000_001}
    event["actor"] = {"id": "i1", "attributes": {"name": "x:1"}}
    gateway.on("fleet.StreamEvents", [pb.StreamEventsResponse(records=[{"host": "a", "event": event}])])

    documents = [json.loads(run("events", "--format", each).stdout) for each in ("json", "{{json .}}")]

    assert documents[0] == documents[1]
    assert documents[0] == {
        "Host": "a",
        "Type": "image",
        "Action": "tag",
        "Actor": {"ID": "i1", "Attributes": {"name": "x:1"}},
        "id": "i1",
        "status": "tag",
        "scope": "local",
        "time": 5,
        "timeNano": 5_000_000_001,
    }
    assert run("events", "--format", "{{.ID}} {{.TimeNano}}").stdout == "i1 5000000001\n"


def test_a_prune_that_failed_everywhere_shows_no_space(gateway: Gateway, run: Run) -> None:
    """`0B` would say that nothing was unused."""
    failure = {"reason": common.ERROR_REASON_INVALID_REQUEST, "message": "invalid filter 'x'", "host": "a"}
    gateway.on(
        "fleet.PruneContainers",
        [pb.PruneContainersResponse(results=[{"target": {"host": "a"}, "failure": failure, "last": True}])],
    )

    result = run("container", "prune", "-H", "a", "-f", "--filter", "x=1")

    assert (result.stdout, result.exit_code) == ("", 1)
    assert "invalid filter" in result.stderr


def test_a_filter_that_volumes_do_not_have_prunes_nothing(gateway: Gateway, run: Run) -> None:
    """Otherwise the containers are gone before the failure."""
    result = run("system", "prune", "-H", "a", "-f", "--volumes", "--filter", "until=24h")

    assert ("--filter until does not go with --volumes" in result.stderr, result.exit_code) == (True, 2)
    assert gateway.requests == []
