"""Endpoints in Consul: instances of services, registered with one agent.

The gateway itself is an instance of the service `dockfleet-gateway` with a TTL check.  The checks of its endpoints are
aliases of that: so one request keeps all of them alive, and they are critical together when the gateway is gone.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

from gateway.config.discovery import ConsulCatalog
from gateway.engine.errors import TransportError
from gateway.engine.transport.http import Request
from gateway.engine.transport.pool import Limits, Pool
from gateway.fleet.dial import server_at
from gateway.fleet.registration.catalog import CatalogError
from gateway.fleet.registration.entries import Entry

_ANSWER_SECONDS = 5.0
_GATEWAYS = "dockfleet-gateway"
_LONGER_SECONDS = 600.0  # an alias check of a missing service passes, so the gateway's instance must be removed last


class Consul:
    """A catalog in Consul."""

    name = "consul"

    def __init__(self, settings: ConsulCatalog, gateway: str, absence_timeout_seconds: float) -> None:
        """Ask nothing yet.  *gateway* is an id that no other gateway has."""
        self._settings = settings
        self._gateway = f"{_GATEWAYS}-{gateway}"
        self._absence_timeout_seconds = absence_timeout_seconds
        self._pool: Pool | None = None
        self._valid_until = 0.0  # in the loop's time: when Consul may begin to deregister

    async def begin(self) -> None:
        """Register the gateway."""
        check = {
            "CheckID": self._gateway,
            "Name": "The gateway is alive",
            "TTL": f"{self._absence_timeout_seconds:g}s",
            "Status": "passing",
            "DeregisterCriticalServiceAfter": f"{self._absence_timeout_seconds + _LONGER_SECONDS:g}s",
        }
        await self._alive("service/register", {"ID": self._gateway, "Name": _GATEWAYS, "Check": check})

    async def keep(self) -> None:
        """Pass the TTL check."""
        if asyncio.get_running_loop().time() > self._valid_until:
            raise CatalogError(f"{self._settings.address}: there was no sign of life in time", lost=True)
        await self._alive(f"check/pass/{self._gateway}")

    async def write(self, put: Sequence[Entry], delete: Sequence[Entry]) -> Mapping[str, str]:
        """Register and deregister, each by a request."""
        requests = [self._ask("service/register", self._instance(entry)) for entry in put]
        requests += [self._ask(f"service/deregister/{quote(self._id(entry), safe='')}") for entry in delete]
        refused = {}
        results = await asyncio.gather(*requests, return_exceptions=True)
        for entry, result in zip((*put, *delete), results, strict=True):
            if isinstance(result, _Refused):
                refused[entry.id] = str(result)
            elif result is not None:
                raise result
        return refused

    async def close(self) -> None:
        """Close all connections."""
        pool, self._pool = self._pool, None
        if pool is not None:
            pool.close()

    def _id(self, entry: Entry) -> str:
        return f"{self._gateway}/{entry.id}".replace("/", ":")

    def _instance(self, entry: Entry) -> dict[str, Any]:
        check = {
            "CheckID": self._id(entry),
            "Name": "The gateway that has registered it is alive",
            "AliasService": self._gateway,
            "Status": "passing",
            "DeregisterCriticalServiceAfter": f"{self._absence_timeout_seconds:g}s",  # Consul makes it a minute
        }
        meta = {"host": entry.host, "container": entry.container, "container_id": entry.container_id}
        return {
            "ID": self._id(entry),
            "Name": entry.service,
            "Address": entry.address,
            "Port": entry.port,
            "Tags": [entry.protocol],
            "Meta": meta | {"container_port": str(entry.container_port)},
            "Check": check,
        }

    async def _alive(self, path: str, document: Any = None) -> None:
        """Send a request that counts as a keepalive.  Raises `CatalogError`; if it is refused, all entries are lost."""
        asked = asyncio.get_running_loop().time()
        try:
            await self._ask(path, document)
        except _Refused as refused:
            raise CatalogError(str(refused), lost=True) from None
        self._valid_until = asked + self._absence_timeout_seconds

    async def _ask(self, path: str, document: Any = None) -> None:
        """Send a request to the agent.  Raises `CatalogError`."""
        settings = self._settings
        try:
            if self._pool is None:
                self._pool = Pool(server_at(settings.address, settings.tls), Limits())
            headers = {"X-Consul-Token": settings.token_file.read_text().strip()} if settings.token_file else {}
            deadline = asyncio.get_running_loop().time() + _ANSWER_SECONDS
            request = Request("PUT", f"/v1/agent/{path}", headers, document=document)
            response = await self._pool.fetch(request, deadline, repeat=True)
        except (TransportError, OSError, ValueError) as error:
            raise CatalogError(f"{settings.address}: {error}") from error
        gone = response.status == 404 and path.startswith("service/deregister/")
        if response.status != 200 and not gone:
            words = response.body[:200].decode(errors="replace")
            raise _Refused(f"{settings.address}: Consul answers {response.status}: {words}")


class _Refused(CatalogError):
    """Consul responds with an error."""
