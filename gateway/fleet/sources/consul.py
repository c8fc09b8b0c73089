"""Hosts in Consul: the instances of one service, asked by blocking queries."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Iterable
from typing import Any
from urllib.parse import quote, urlencode

from gateway.config.hosts import host_found
from gateway.config.problems import ConfigError
from gateway.config.settings import HostSettings
from gateway.config.sources import Consul
from gateway.engine.codec.json import NotEngineJson
from gateway.engine.codec.pieces import documents
from gateway.engine.errors import TransportError
from gateway.engine.transport.http import Request, Response
from gateway.engine.transport.pool import Limits, Pool
from gateway.fleet.dial import server_at
from gateway.fleet.sources.feed import Feed, Refused
from gateway.fleet.sources.pieces import in_pieces

_WAIT_SECONDS = 60.0  # an index from before the loss of a server's data blocks for this long
_SLACK = 17 / 16  # Consul lengthens a wait by up to a sixteenth
_ANSWER_SECONDS = 5.0
_SILENT_SECONDS = 5.0  # without an answer, after which Consul must prove that it answers
_LEAST_SECONDS = 0.1  # between two requests, however often instances change
_PAUSES = (0.2, 0.5, 1.0, 2.0, 5.0)  # seconds between attempts; the last one repeats
_NAME, _ADDRESS = "dockfleet_name", "dockfleet_address"  # of an instance's metadata


class ConsulError(Exception):
    """Consul does not respond, or responds with an error."""


class ConsulHosts:
    """The instances of a service.  Their checks do not matter, because the gateway probes hosts itself.

    An instance is the host with the name of its node, at `tcp://` its address and port.  Its metadata are the labels,
    but for `dockfleet_name` and `dockfleet_address`, which say another name and another address.
    """

    def __init__(self, settings: Consul, feed: Feed) -> None:
        """Ask nothing yet."""
        self._settings = settings
        self._feed = feed
        self._index = 0  # of the last answer
        self._broken = False  # since the last answer
        self._known: dict[str, HostSettings] = {}  # by id of the instance: the last valid host

    async def run(self) -> None:
        """Publish the hosts whenever instances come, change or go."""
        failures = 0
        while True:
            pool: Pool | None = None
            try:
                pool = Pool(server_at(self._settings.address, self._settings.tls), Limits())
                while True:
                    await self._take(await self._ask(pool))
                    failures = 0
                    await self._feed.rest(_LEAST_SECONDS if self._index else 1.0)
            except (ConsulError, TransportError, OSError, UnicodeDecodeError) as error:
                self._feed.fail(f"{self._settings.address}: {error}")
                self._index, self._broken = 0, True
            finally:
                if pool is not None:
                    pool.close()
            pause = _PAUSES[min(failures, len(_PAUSES) - 1)]
            failures += 1
            await asyncio.sleep(pause * random.uniform(0.5, 1.0))  # all gateways lose it in the same moment

    async def _ask(self, pool: Pool) -> Response:
        """Return the next answer: when something changes.  Raises `ConsulError` and `TransportError`."""
        settings = self._settings
        wanted = {"index": self._index, "wait": f"{_WAIT_SECONDS:g}s", "tag": settings.tag, "dc": settings.datacenter}
        query = urlencode({key: value for key, value in wanted.items() if value is not None})
        path = f"/v1/health/service/{quote(settings.service, safe='')}?{query}"
        seconds = (_WAIT_SECONDS * _SLACK if self._index else 0) + _ANSWER_SECONDS
        answer = asyncio.ensure_future(self._get(pool, path, seconds))
        try:
            while not (await asyncio.wait((answer,), timeout=_SILENT_SECONDS))[0]:
                await self._get(pool, "/v1/status/leader", _ANSWER_SECONDS)  # its kernel keeps a connection alive
        finally:
            answer.cancel()
            await asyncio.gather(answer, return_exceptions=True)
        response = answer.result()
        if response.headers.get("x-consul-knownleader") == "false":
            raise ConsulError("Consul has no leader")
        return response

    async def _get(self, pool: Pool, path: str, seconds: float) -> Response:
        """Return an answer.  Raises `ConsulError` and `TransportError`."""
        token_file = self._settings.token_file
        headers = {"X-Consul-Token": token_file.read_text().strip()} if token_file else {}
        request = Request("GET", path, headers)
        response = await pool.fetch(request, asyncio.get_running_loop().time() + seconds)
        if response.status != 200:
            words = response.body[:200].decode(errors="replace")
            raise ConsulError(f"Consul answers {response.status}: {words}")
        return response

    async def _take(self, response: Response) -> None:
        """Publish the hosts in an answer.  Raises `ConsulError` when it is no answer of Consul."""
        try:
            index = int(response.headers.get("x-consul-index", ""))
            instances = await self._instances(response)
        except (ValueError, LookupError, TypeError, AttributeError, NotEngineJson) as error:
            raise ConsulError(f"the answer is not one of Consul: {error}") from error
        # An index that decreases shows that the server was wiped or restored.
        forgot = index < self._index
        self._index = max(index, 0)
        hosts, refused = await self._hosts(instances)
        self._feed.publish(hosts, refused, after_break=self._broken or forgot, steady=True)
        self._broken = False

    async def _instances(self, response: Response) -> list[_Instance]:
        """Return the instances in an answer, which is read in pieces: it can have millions of values."""
        found: list[_Instance] = []
        async for some in in_pieces(documents(response.body)):
            found += map(_Instance, some)
            if len(found) > self._feed.most_hosts:
                raise ConsulError(f"the service has more than {self._feed.most_hosts} instances: see sources.max_hosts")
        return found

    async def _hosts(self, instances: Iterable[_Instance]) -> tuple[list[HostSettings], list[Refused]]:
        known, self._known = self._known, {}
        refused = []
        async for instance in in_pieces(instances):
            try:
                self._known[instance.id] = instance.host(self._settings)
            except ConfigError as error:
                refused.append(Refused(instance.id, str(error)))
                if instance.id in known:
                    self._known[instance.id] = known[instance.id]
        return list(self._known.values()), refused


class _Instance:
    """One instance of the service, as Consul shows it."""

    def __init__(self, shown: Any) -> None:
        """Raises `LookupError`, `TypeError` and `AttributeError` for what Consul does not send."""
        node, service = shown["Node"], shown["Service"]
        self.id = f"{node['Node']}/{service['ID']}"
        self._meta = {key: _text(value) for key, value in (service.get("Meta") or {}).items()}
        self._name = self._meta.pop(_NAME, "") or _text(node["Node"])
        place = _text(service.get("Address") or node["Address"])
        place = f"[{place}]" if ":" in place else place
        self._address = self._meta.pop(_ADDRESS, "") or f"tcp://{place}:{service['Port']}"

    def host(self, settings: Consul) -> HostSettings:
        """Return the host.  Raises `ConfigError`."""
        host = {"name": self._name.lower(), "address": self._address, "labels": self._meta}
        return host_found(host, settings, "sources.consul")


def _text(value: Any) -> str:
    """Return *value*.  Raises `TypeError` when it is no text."""
    if not isinstance(value, str):
        raise TypeError("a value should be text")
    return value
