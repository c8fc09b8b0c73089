"""Hosts in the DNS: the SRV records of one name."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from gateway.config.hosts import host_found
from gateway.config.problems import ConfigError
from gateway.config.settings import HostSettings
from gateway.config.sources import Dns
from gateway.fleet.sources.feed import Feed, Refused
from gateway.fleet.sources.pieces import in_pieces

if TYPE_CHECKING:
    from dns.asyncresolver import Resolver

_LEAST_SECONDS, _MOST_SECONDS = 5.0, 60.0  # between two queries, whatever the TTL of the records
_ANSWER_SECONDS = 5.0


class DnsHosts:
    """The targets of the SRV records of a name, each at `tcp://` its name and port.

    A host has the name of its target, without what that has in common with the name of the records: the record of
    `_docker._tcp.example.com` with the target `north.example.com` is the host `north`.
    """

    def __init__(self, settings: Dns, feed: Feed) -> None:
        """Ask nothing yet."""
        self._settings = settings
        self._feed = feed
        self._name = settings.name.rstrip(".").lower() + "."  # no search domain is tried
        labels = self._name.rstrip(".").split(".")
        self._domain = "." + ".".join(label for label in labels if not label.startswith("_"))

    async def run(self) -> None:
        """Publish the hosts, and again when their records have been valid for as long as they say."""
        # Imported here: only some gateways ask the DNS, and all would have to wait for it.
        import dns.exception
        import dns.resolver

        from gateway.fleet.sources.dns_queries import ClosingBackend, answered

        broken, backend = False, ClosingBackend()
        while True:
            seconds = _LEAST_SECONDS
            try:
                query = self._resolver().resolve(self._name, "SRV", lifetime=_ANSWER_SECONDS, backend=backend)
                answer = await answered(query)
            except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer):
                self._feed.publish([], after_break=True)  # correct perhaps, or the zone is being edited
            except (dns.exception.DNSException, OSError) as error:
                self._feed.fail(f"{self._settings.name}: {error}")
                broken = True
            else:
                hosts, refused = await self._hosts(answer)
                self._feed.publish(hosts, refused, after_break=broken)
                broken = False
                seconds = min(max(float(answer.rrset.ttl if answer.rrset else 0), _LEAST_SECONDS), _MOST_SECONDS)
            await self._feed.rest(seconds * random.uniform(0.9, 1.0))

    def _resolver(self) -> Resolver:
        """Return what asks the configured servers, else those of the machine."""
        import dns.asyncresolver
        import dns.nameserver

        if not self._settings.servers:
            return dns.asyncresolver.Resolver()
        resolver = dns.asyncresolver.Resolver(configure=False)
        places = [urlsplit(f"//{server}") for server in self._settings.servers]
        resolver.nameservers = [
            dns.nameserver.Do53Nameserver(place.hostname or "", place.port or 53) for place in places
        ]
        return resolver

    async def _hosts(self, records: Any) -> tuple[list[HostSettings], list[Refused]]:
        hosts: list[HostSettings] = []
        refused: list[Refused] = []
        async for target, port in in_pieces(sorted(_targets(records))):
            name = target.removesuffix(self._domain)
            host = {"name": name, "address": f"tcp://{target}:{port}"}
            try:
                hosts.append(host_found(host, self._settings, "sources.dns"))
            except ConfigError as error:
                refused.append(Refused(f"{target}:{port}", str(error)))
        return hosts, refused


def _targets(records: Any) -> Iterator[tuple[str, int]]:
    """Yield the targets of SRV records with their ports; the root as a target says that there is none."""
    for record in records:
        target = record.target.to_text(omit_final_dot=True).lower()
        if target not in ("", "."):
            yield target, record.port
