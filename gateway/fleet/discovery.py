"""Service discovery: the endpoints of running containers, with addresses and health."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from typing import Generic, NamedTuple, TypeAlias, TypeVar
from urllib.parse import urlsplit

from dockfleet.fleet.v1 import fleet_pb2 as pb
from dockfleet.fleet.v1 import selectors_pb2

from gateway.engine.errors import CallError, InvalidField
from gateway.engine.inventory.matching import check, check_names, meeting, naming
from gateway.engine.inventory.rows import ContainerRow, Port
from gateway.fleet.host import Host
from gateway.fleet.selector import check_hosts

SERVICE_LABELS = ("dockfleet.service", "com.docker.compose.service")
ADDRESS_LABEL = "dockfleet.address"  # of a host
_LOCAL = "127.0.0.1"
_ANY_4, _ANY_6 = "0.0.0.0", "::"  # what a port is bound to that is published on all addresses
_MOST_PORT = 65_535


class Key(NamedTuple):
    """The identity of an endpoint."""

    host: str
    container_id: str
    container_port: int
    protocol: str
    port: int


def key_of(endpoint: pb.ServiceEndpoint) -> Key:
    """Return the key of *endpoint*."""
    return Key(endpoint.host, endpoint.container_id, endpoint.container_port, endpoint.protocol, endpoint.port)


def endpoints_of(host: Host, row: ContainerRow) -> list[pb.ServiceEndpoint]:
    """Return the endpoints of a container: one for each port, or one without a port; none unless it runs."""
    if row.state != "running":
        return []
    common = pb.ServiceEndpoint(
        service=next((row.labels[label] for label in SERVICE_LABELS if row.labels.get(label)), row.name),
        host=host.name,
        container_id=row.id,
        container_name=row.name,
        container_addresses={name: address for name, address in row.addresses.items() if address},
        health=row.health or "none",
        labels=dict(row.labels),
    )
    found: dict[Key, pb.ServiceEndpoint] = {}
    for port in _of_one_family(host, row.ports):
        endpoint = pb.ServiceEndpoint()
        endpoint.CopyFrom(common)
        endpoint.container_port, endpoint.protocol = port.private, port.type
        if 0 < port.public <= _MOST_PORT:
            endpoint.address, endpoint.port = _address(host, port), port.public
        found.setdefault(key_of(endpoint), endpoint)
    return list(found.values()) or [common]


def _of_one_family(host: Host, ports: Iterable[Port]) -> Iterator[Port]:
    """Yield *ports* without those that the address of *host* does not lead to.

    An engine publishes a port for IPv4 and for IPv6, and 20.10 chooses another number for each.
    """
    fits, other = (_ANY_6, _ANY_4) if ":" in _reached_at(host) else (_ANY_4, _ANY_6)
    both = {(port.private, port.type) for port in ports if port.ip == fits}
    return (port for port in ports if port.ip != other or (port.private, port.type) not in both)


def _reached_at(host: Host) -> str:
    return host.labels.get(ADDRESS_LABEL) or urlsplit(host.engine.endpoint.url).hostname or _LOCAL


def _address(host: Host, port: Port) -> str:
    """Return the address of a published port; "" when it cannot be reached from another machine."""
    url = urlsplit(host.engine.endpoint.url)
    try:
        bound = ipaddress.ip_address(port.ip) if port.ip else None
    except ValueError:  # an engine can say anything
        return ""
    if bound is None or bound.is_unspecified:
        return _reached_at(host)
    if bound.is_loopback:
        return port.ip if url.scheme == "unix" or _is_loopback(url.hostname or "") else ""
    return port.ip


def _is_loopback(name: str) -> bool:
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return name == "localhost"


class Wanted:
    """The selection of endpoints of a request."""

    def __init__(self, request: pb.DiscoverServicesRequest, path: str = "") -> None:
        """Raises `InvalidField`; *path* is the place of the request in another."""
        if not request.HasField("hosts"):
            raise InvalidField(f"{path}hosts", "must select hosts; `all: true` selects every host")
        check_hosts(request.hosts, f"{path}hosts")
        check_names(request.services, f"{path}services", "the name of a service, or a pattern with `*`")
        check(request.labels, f"{path}labels")
        if request.HasField("container_port") and not 1 <= request.container_port <= _MOST_PORT:
            raise InvalidField(f"{path}container_port", f"must be a port from 1 to {_MOST_PORT}")
        self.hosts: selectors_pb2.HostSelector = request.hosts
        self._request = request
        self._is_named = naming(request.services or ("*",))
        self._meets = meeting(request.labels)

    def fits(self, endpoint: pb.ServiceEndpoint) -> bool:
        """Return whether the request selects *endpoint*."""
        request = self._request
        return (
            self._is_named(endpoint.service)
            and (request.include_unhealthy or endpoint.health in ("none", "healthy"))
            and (not request.HasField("container_port") or endpoint.container_port == request.container_port)
            and self._meets(endpoint.labels)
        )

    def find(self, host: Host, row: ContainerRow) -> dict[Key, pb.ServiceEndpoint]:
        """Return the selected endpoints of a container."""
        return {key_of(endpoint): endpoint for endpoint in endpoints_of(host, row) if self.fits(endpoint)}


K = TypeVar("K", bound=Hashable)
E = TypeVar("E")


class Change(NamedTuple, Generic[E]):
    """A new or changed endpoint, or a removed one as it was."""

    endpoint: E
    there: bool


class Endpoints(Generic[K, E]):
    """The endpoints of many hosts, kept up to date: a `Listener` of members.

    `changes` are those since they were taken last, the newest of each endpoint.
    """

    def __init__(self, find: Callable[[Host, ContainerRow], Mapping[K, E]]) -> None:
        """*find* returns the endpoints of a container, in the form in which they are kept."""
        self.changes: dict[K, Change[E]] = {}
        self.failures: dict[Host, CallError] = {}
        self.complete = False  # whether all hosts were reported
        self.changed: Callable[[], None] = lambda: None
        self._find = find
        self._known: dict[Host, dict[str, Mapping[K, E]]] = {}

    def host_joined(self, host: Host) -> None:
        """Wait for its containers."""
        self._known[host] = {}

    def host_up(self, host: Host) -> None:
        """Take all its containers, for they may have been forgotten while it was down."""
        if self.failures.pop(host, None) is not None:
            self._look(host)

    def host_down(self, host: Host, failure: CallError) -> None:
        """Forget its endpoints: nobody knows whether they are there."""
        self.failures[host] = failure
        for id in list(self._known[host]):
            self.container_gone(host, id)

    def host_changed(self, host: Host) -> None:
        """Look whether it has another address."""
        self._look(host)

    def host_left(self, host: Host, why: CallError) -> None:
        """Forget its endpoints."""
        self.failures.pop(host, None)
        for id in list(self._known[host]):
            self.container_gone(host, id)
        del self._known[host]

    def container_put(self, host: Host, row: ContainerRow, *, later: bool) -> None:
        """Take its endpoints in place of those it had."""
        if host not in self.failures:
            self._replace(host, row.id, self._find(host, row))

    def container_gone(self, host: Host, id: str) -> None:
        """Forget its endpoints."""
        self._replace(host, id, {})

    def reported(self) -> None:
        """Note that all hosts were reported."""
        self.complete = True
        self.changed()

    def _look(self, host: Host) -> None:
        for row in host.inventory.containers():
            self.container_put(host, row, later=True)

    def _replace(self, host: Host, id: str, new: Mapping[K, E]) -> None:
        containers = self._known[host]
        old = containers.get(id, {})
        for key, endpoint in old.items():
            if key not in new:
                self.changes[key] = Change(endpoint, there=False)
        for key, endpoint in new.items():
            if old.get(key) != endpoint:
                self.changes[key] = Change(endpoint, there=True)
        if new:
            containers[id] = new
        else:
            containers.pop(id, None)
        self.changed()


Place: TypeAlias = tuple[str, str, str, int]


def place_of(endpoint: pb.ServiceEndpoint) -> Place:
    """Return the place of *endpoint* in a response: they are by service, host, container and port."""
    return endpoint.service, endpoint.host, endpoint.container_name, endpoint.container_port
