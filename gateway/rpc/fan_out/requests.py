"""The requests of calls to many hosts: which hosts they select, and the request for each of them."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any

from dockfleet.v1.containers_pb2 import ListContainersRequest

from gateway.engine.errors import InvalidField
from gateway.fleet.host import Host
from gateway.fleet.selector import select_some
from gateway.rpc.backend import Backend

_ANY = ListContainersRequest(all=True)


def chosen_hosts(request: Any, backend: Backend) -> list[Host]:
    """Return the hosts that *request* selects.  Raises `InvalidField`, `UnknownHost` and `NoHostKnownYet`."""
    if not request.HasField("hosts"):
        raise InvalidField("hosts", "must select hosts; `all: true` selects every host")
    return select_some(backend.hosts, request.hosts, "hosts")


async def settled(hosts: Iterable[Host]) -> None:
    """Wait briefly until the inventories show the changes that were made through this gateway."""
    inventories = [host.inventory for host in hosts if not host.inventory.shows_changes("container", _ANY)]
    await asyncio.gather(*(inventory.settled("container", _ANY) for inventory in inventories))


def unaddressed(request: Any, *fields: str) -> Any:
    """Return a copy of the request of one host.  Raises `InvalidField` when one of its address *fields* is set."""
    for name in fields:
        if getattr(request.request, name):
            raise InvalidField(f"request.{name}", "must be empty: the selectors choose what the call is about")
    asked = type(request.request)()
    asked.CopyFrom(request.request)
    return asked


def addressed(asked: Any, host: Host, id: str = "") -> Any:
    """Return a copy of *asked* for *host*, and for the container *id* there."""
    one = type(asked)()
    one.CopyFrom(asked)
    one.host = host.name
    if id:
        one.id = id
    return one


def within_request(error: InvalidField) -> InvalidField:
    """Return *error*, about the request of one host, with its field's path in the whole request."""
    return InvalidField(f"request.{error.field}", error.remedy)
