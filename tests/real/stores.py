"""What tests of etcd and Consul ask of them, by ways other than the gateway's own, and of a gateway."""

from __future__ import annotations

import base64
import itertools
import json
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

from dockfleet.fleet.v1 import hosts_pb2 as pb

from deploy.private_engines.stores import Etcd
from tests.real.support import until
from tests.support.gateway import Client, gateway_of

_PREFIXES = itertools.count(1)


class Keys:
    """The keys of one fleet in an etcd, by its JSON gateway."""

    def __init__(self, etcd: Etcd) -> None:
        self.etcd = etcd
        self.prefix = f"/fleet-{next(_PREFIXES)}/"
        self.headers: dict[str, str] = {}

    def put(self, key: str, value: Any, *, lease: str = "0") -> str:
        """Write a key; a value that is no text as JSON.  Return the revision."""
        text = value if isinstance(value, str) else json.dumps(value)
        body = {"key": encoded(self.prefix + key), "value": encoded(text), "lease": lease}
        return str(self.call("kv/put", body)["header"]["revision"])

    def delete(self, key: str) -> None:
        """Delete a key."""
        self.call("kv/deleterange", {"key": encoded(self.prefix + key)})

    def get(self, key: str) -> str | None:
        """The value of a key."""
        found = self.call("kv/range", {"key": encoded(self.prefix + key)}).get("kvs", [])
        return base64.b64decode(found[0].get("value", "")).decode() if found else None

    def lease(self, seconds: int) -> str:
        """A lease that ends by itself."""
        return str(self.call("lease/grant", {"TTL": seconds})["ID"])

    def call(self, path: str, body: dict[str, Any]) -> Any:
        """Call an RPC of etcd."""
        return self.etcd.request("POST", f"/v3/{path}", body, self.headers)


def encoded(text: str) -> str:
    """A text as etcd's JSON has it."""
    return base64.b64encode(text.encode()).decode()


def gateway(*hosts: Any, **sources: Any) -> AbstractAsyncContextManager[Client]:
    """A gateway with such *sources*; an absence is not believed while a test runs, where it does not say so."""
    return gateway_of(
        *hosts,
        health_check_interval_seconds=3600,
        sources={"absence_timeout_seconds": 3600, "poll_interval_seconds": 0.05} | sources,
    )


async def fleet_of(client: Client) -> dict[str, str]:
    """The addresses of the hosts by name."""
    return {host.name: host.address for host in (await client.hosts.ListHosts(pb.ListHostsRequest())).hosts}


class Fleet:
    """A client's view of the fleet, as WatchHosts gives it."""

    def __init__(self, client: Client) -> None:
        self._stream = client.hosts.WatchHosts(pb.WatchHostsRequest())
        self.hosts: dict[str, pb.Host] = {}

    async def until(self, condition: Callable[[dict[str, pb.Host]], bool]) -> dict[str, pb.Host]:
        """Follow the hosts until *condition* holds of them."""
        while not condition(self.hosts):
            response = await self._stream.read()
            self.hosts |= {host.name: host for host in response.hosts}
            for name in response.removed_names:
                self.hosts.pop(name)
        return self.hosts

    async def until_named(self, *names: str) -> dict[str, pb.Host]:
        """Follow the hosts until there are those of these names, and no others."""
        return await self.until(lambda hosts: hosts.keys() == set(names))


async def source(client: Client, name: str) -> pb.HostSource:
    """What the gateway says of a source."""
    return next(each for each in (await client.hosts.ListHosts(pb.ListHostsRequest())).sources if each.name == name)


async def until_source(client: Client, name: str, *, up: bool) -> pb.HostSource:
    """Wait until a source answers, or does not."""

    async def is_so() -> bool:
        return (await source(client, name)).up is up

    await until(is_so)
    return await source(client, name)
