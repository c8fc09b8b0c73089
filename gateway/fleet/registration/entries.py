"""The entries of endpoints in catalogs."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass

from dockfleet.fleet.v1 import fleet_pb2 as pb
from dockfleet.fleet.v1 import selectors_pb2

from gateway.config.discovery import Discovery
from gateway.engine.inventory.rows import ContainerRow
from gateway.fleet.discovery import Wanted, endpoints_of
from gateway.fleet.host import Host

_OTHER = re.compile(r"[^A-Za-z0-9._-]")  # labels can contain characters that are special in a key
_LONGEST = 128


@dataclass(frozen=True, slots=True)
class Entry:
    """One endpoint, with an address and a port that others can reach."""

    service: str
    address: str
    port: int
    protocol: str
    host: str
    container: str
    container_id: str
    container_port: int

    @property
    def id(self) -> str:
        """The unique id, safe as a part of an etcd key and as an id of Consul."""
        port = f"{self.container_port}-{self.protocol}-{self.port}"
        return f"{self.service}/{self.host}/{self.container_id[:12]}/{port}"

    def document(self) -> dict[str, str | int]:
        """Return it as JSON."""
        return asdict(self)


def finder(settings: Discovery) -> Callable[[Host, ContainerRow], Mapping[str, Entry]]:
    """Return the function that finds the entries of a container, by id.  Only running, healthy containers have
    entries.
    """
    request = pb.DiscoverServicesRequest(
        hosts=hosts_of(settings), services=settings.services, labels=_requirements(settings.labels)
    )
    wanted = Wanted(request)

    def find(host: Host, row: ContainerRow) -> Mapping[str, Entry]:
        found = (_entry(each) for each in endpoints_of(host, row) if each.address and wanted.fits(each))
        return {entry.id: entry for entry in found}

    return find


def hosts_of(settings: Discovery) -> selectors_pb2.HostSelector:
    """Return the selector of the hosts whose endpoints are written."""
    return selectors_pb2.HostSelector(names=settings.hosts, labels=_requirements(settings.host_labels))


def _requirements(texts: Iterable[str]) -> list[selectors_pb2.LabelRequirement]:
    """Return `key=value` and `key` as requirements."""
    parts = (text.partition("=") for text in texts)
    return [
        selectors_pb2.LabelRequirement(key=key, operator=selectors_pb2.LABEL_OPERATOR_EQUAL, values=[value])
        if equal
        else selectors_pb2.LabelRequirement(key=key, operator=selectors_pb2.LABEL_OPERATOR_EXISTS)
        for key, equal, value in parts
    ]


def _entry(endpoint: pb.ServiceEndpoint) -> Entry:
    service = endpoint.service or endpoint.container_id[:12]
    return Entry(
        service=_OTHER.sub("-", service[:_LONGEST]),
        address=endpoint.address,
        port=endpoint.port,
        protocol=endpoint.protocol,
        host=endpoint.host,
        container=endpoint.container_name,
        container_id=endpoint.container_id,
        container_port=endpoint.container_port,
    )
