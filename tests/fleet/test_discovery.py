"""Where a service is reached: which address, which ports, and whether at all."""

from __future__ import annotations

from typing import Any

import pytest
from dockfleet.fleet.v1 import fleet_pb2 as pb
from dockfleet.fleet.v1 import selectors_pb2
from dockfleet.v1 import containers_pb2

from gateway.config.discovery import Discovery
from gateway.config.settings import HostSettings, Limits
from gateway.engine.errors import Unreachable
from gateway.engine.inventory.clock import EngineClock, Moment
from gateway.engine.inventory.details import Details
from gateway.engine.inventory.rows import ContainerRow
from gateway.fleet.dial import host_of
from gateway.fleet.discovery import Endpoints, Wanted, endpoints_of
from gateway.fleet.host import Host, HostRemoved
from gateway.fleet.registration.entries import finder
from gateway.telemetry.metrics import Metrics

ID = "c" * 64
LABELLED = {"dockfleet.address": "192.0.2.7"}


def host(address: str = "tcp://10.0.0.7:2376", **labels: str) -> Host:
    """A host at an address."""
    insecure = address.startswith("tcp://")
    settings = HostSettings(name="north", address=address, labels=labels, insecure=insecure)
    return host_of(settings, Limits(), Metrics())


def row(*ports: tuple[str, int, int, str], health: str = "none", name: str = "web-1", **more: Any) -> ContainerRow:
    """A container that runs; a port is its address on the host, in the container, on the host, and its protocol."""
    summary = containers_pb2.ContainerSummary(**{"id": ID, "names": [f"/{name}"], "state": "running"} | more)
    for ip, private, public, kind in ports:
        summary.ports.add(ip=ip, private_port=private, public_port=public, type=kind)
    details = Details(0, 0, 0, 0, health, 0, 0)
    return ContainerRow(summary, details, 0, EngineClock(), Moment(0, 0))


def places(host: Host, row: ContainerRow) -> list[tuple[str, int, int, str]]:
    """Where a container is reached: address and port, then port in the container and protocol."""
    return [(each.address, each.port, each.container_port, each.protocol) for each in endpoints_of(host, row)]


@pytest.mark.parametrize(
    ("address", "labels", "bound", "reached_at"),
    [
        ("tcp://10.0.0.7:2376", {}, "0.0.0.0", "10.0.0.7"),
        ("tcp://north.example.com:2376", {}, "0.0.0.0", "north.example.com"),
        ("tcp://[2001:db8::7]:2376", {}, "::", "2001:db8::7"),
        ("tcp://10.0.0.7:2376", {}, "", "10.0.0.7"),
        ("ssh://ops@lab.example.com:22", {}, "0.0.0.0", "lab.example.com"),
        ("unix:///var/run/docker.sock", {}, "0.0.0.0", "127.0.0.1"),
        # The label of the host is stronger than its engine's address.
        ("tcp://10.0.0.7:2376", LABELLED, "0.0.0.0", "192.0.2.7"),
        ("ssh://ops@lab.example.com", LABELLED, "0.0.0.0", "192.0.2.7"),
        ("unix:///var/run/docker.sock", LABELLED, "0.0.0.0", "192.0.2.7"),
        # A port that is bound to one address is reached there.
        ("tcp://10.0.0.7:2376", LABELLED, "10.9.9.9", "10.9.9.9"),
        ("tcp://10.0.0.7:2376", {}, "2001:db8::9", "2001:db8::9"),
        # A port on loopback is reached from that machine alone.
        ("unix:///var/run/docker.sock", {}, "127.0.0.1", "127.0.0.1"),
        ("unix:///var/run/docker.sock", {}, "::1", "::1"),
        ("tcp://127.0.0.1:2375", {}, "127.0.0.1", "127.0.0.1"),
        ("tcp://localhost:2375", {}, "127.0.0.1", "127.0.0.1"),
        ("tcp://10.0.0.7:2376", {}, "127.0.0.1", ""),
        ("tcp://10.0.0.7:2376", LABELLED, "127.0.0.1", ""),
        ("ssh://ops@lab.example.com", {}, "::1", ""),
    ],
)
def test_the_address_is_that_by_which_others_reach_the_port(
    address: str, labels: dict[str, str], bound: str, reached_at: str
) -> None:
    """Empty, when they cannot."""
    assert places(host(address, **labels), row((bound, 80, 8080, "tcp"))) == [(reached_at, 8080, 80, "tcp")]


def test_each_published_port_is_an_endpoint_of_its_own() -> None:
    """One that is published for IPv4 and IPv6 is one; one that is not published has no address."""
    found = places(
        host(),
        row(
            ("::", 80, 8080, "tcp"),
            ("0.0.0.0", 80, 8080, "tcp"),
            ("0.0.0.0", 80, 8081, "tcp"),
            ("0.0.0.0", 53, 53, "udp"),
            ("0.0.0.0", 53, 53, "tcp"),
            ("", 9000, 0, "tcp"),
        ),
    )

    assert sorted(found) == [
        ("", 0, 9000, "tcp"),
        ("10.0.0.7", 53, 53, "tcp"),
        ("10.0.0.7", 53, 53, "udp"),
        ("10.0.0.7", 8080, 80, "tcp"),
        ("10.0.0.7", 8081, 80, "tcp"),
    ]


@pytest.mark.parametrize(
    ("address", "there"),
    [
        ("tcp://10.0.0.7:2376", [("10.0.0.7", 32768, 80, "tcp"), ("10.0.0.7", 8053, 53, "udp")]),
        ("tcp://[2001:db8::7]:2376", [("2001:db8::7", 32769, 80, "tcp"), ("2001:db8::7", 8053, 53, "udp")]),
    ],
)
def test_a_port_that_has_another_number_for_ipv6_is_one_endpoint(address: str, there: list[Any]) -> None:
    """As Docker 20.10 publishes it: the number of the one family is refused at an address of the other."""
    ports = (("0.0.0.0", 80, 32768, "tcp"), ("::", 80, 32769, "tcp"), ("::", 53, 8053, "udp"))

    assert places(host(address), row(*ports)) == there


def test_a_container_without_ports_is_an_endpoint_by_its_own_addresses() -> None:
    """Containers of its networks reach it there."""
    networks = {"networks": {"shop": {"ip_address": "172.20.0.2"}, "none": {}}}
    [endpoint] = endpoints_of(host(), row(network_settings=networks))

    assert dict(endpoint.container_addresses) == {"shop": "172.20.0.2"}
    assert (endpoint.address, endpoint.port, endpoint.container_port) == ("", 0, 0)


@pytest.mark.parametrize("state", ["created", "restarting", "paused", "exited", "dead"])
def test_a_container_that_does_not_run_has_no_endpoints(state: str) -> None:
    """Whatever it publishes."""
    assert endpoints_of(host(), row(("0.0.0.0", 80, 8080, "tcp"), state=state)) == []


@pytest.mark.parametrize(
    ("labels", "service"),
    [
        ({"dockfleet.service": "shop", "com.docker.compose.service": "web"}, "shop"),
        ({"com.docker.compose.service": "web"}, "web"),
        ({"dockfleet.service": ""}, "web-1"),
        ({}, "web-1"),
    ],
)
def test_a_service_has_the_name_of_a_label_or_of_its_container(labels: dict[str, str], service: str) -> None:
    """In this order."""
    assert [each.service for each in endpoints_of(host(), row(labels=labels))] == [service]


@pytest.mark.parametrize(
    ("health", "as_such", "with_unhealthy"),
    [("none", 1, 1), ("healthy", 1, 1), ("starting", 0, 1), ("unhealthy", 0, 1)],
)
def test_only_healthy_endpoints_are_found_unless_others_are_wanted(
    health: str, as_such: int, with_unhealthy: int
) -> None:
    """A container without a health check counts as healthy."""
    everywhere = selectors_pb2.HostSelector(all=True)
    container = row(("0.0.0.0", 80, 8080, "tcp"), health=health)
    found = [
        len(Wanted(pb.DiscoverServicesRequest(hosts=everywhere, include_unhealthy=wanted)).find(host(), container))
        for wanted in (False, True)
    ]

    assert found == [as_such, with_unhealthy]


def test_changes_are_the_newest_of_each_endpoint() -> None:
    """A host that is down has none, and one that is up again has them all."""
    north, web = host(), row(("0.0.0.0", 80, 8080, "tcp"))
    endpoints = Endpoints(Wanted(pb.DiscoverServicesRequest(hosts=selectors_pb2.HostSelector(all=True))).find)
    endpoints.host_joined(north)

    def changes() -> list[bool]:
        found = [change.there for change in endpoints.changes.values()]
        endpoints.changes.clear()
        return found

    endpoints.container_put(north, web, later=False)
    assert changes() == [True]
    endpoints.container_put(north, web, later=True)
    assert changes() == []
    endpoints.host_down(north, Unreachable("gone"))
    assert changes() == [False]
    endpoints.container_put(north, web, later=True)
    assert changes() == []
    endpoints.host_up(north)
    endpoints.container_put(north, web, later=True)
    assert changes() == [True]
    endpoints.container_gone(north, ID)
    endpoints.container_put(north, web, later=True)
    assert changes() == [True]
    endpoints.host_left(north, HostRemoved(north.name))
    assert changes() == [False]


def test_only_what_others_reach_is_written_to_catalogs() -> None:
    """Ports that are published, not on another machine's loopback, of healthy containers."""
    find = finder(Discovery())
    ports = ("0.0.0.0", 80, 8080, "tcp"), ("127.0.0.1", 81, 8081, "tcp"), ("", 82, 0, "tcp")

    [entry] = find(host(), row(*ports)).values()

    assert (entry.address, entry.port, entry.container_port) == ("10.0.0.7", 8080, 80)
    assert entry.id == f"web-1/north/{ID[:12]}/80-tcp-8080"
    assert find(host(), row(*ports, health="unhealthy")) == {}


@pytest.mark.parametrize(
    ("settings", "labels", "count"),
    [
        ({"services": ["web*"]}, {}, 1),
        ({"services": ["shop"]}, {}, 0),
        ({"labels": ["app=shop", "tier"]}, {"app": "shop", "tier": "1"}, 1),
        ({"labels": ["app=shop", "tier"]}, {"app": "shop"}, 0),
        ({"labels": ["app=shop"]}, {"app": "other"}, 0),
    ],
)
def test_settings_say_which_endpoints_are_written(settings: dict[str, Any], labels: dict[str, str], count: int) -> None:
    """By the name of the service, and by labels of the container."""
    find = finder(Discovery(**settings))

    assert len(find(host(), row(("0.0.0.0", 80, 8080, "tcp"), labels=labels))) == count


def test_a_name_with_anything_in_it_stays_one_part_of_a_key() -> None:
    """Whoever creates containers cannot write beside the entries of services."""
    labels = {"dockfleet.service": "../hosts/\n\u00e4" + "x" * 200}

    [entry] = finder(Discovery())(host(), row(("0.0.0.0", 80, 8080, "tcp"), labels=labels)).values()

    assert entry.service == "..-hosts---" + "x" * 117


def test_an_invalid_address_or_port_is_not_published() -> None:
    """The engine is hostile; what is in its container's network is there all the same."""
    found = places(host(), row(("not-an-address", 80, 8080, "tcp"), ("0.0.0.0", 81, 70_000, "tcp")))

    assert found == [("", 8080, 80, "tcp"), ("", 0, 81, "tcp")]
