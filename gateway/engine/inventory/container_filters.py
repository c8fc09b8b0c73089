"""The filters of ListContainers, with the rules of the Engine (moby, daemon/list.go)."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence

from dockfleet.v1 import containers_pb2 as pb

from gateway.engine.errors import NoSuchObject
from gateway.engine.inventory import images
from gateway.engine.inventory.contents import Contents
from gateway.engine.inventory.filters import Filters
from gateway.engine.inventory.rows import ContainerRow
from gateway.engine.inventory.selecting import STATES

_KEYS = frozenset(
    ("ancestor", "before", "expose", "exited", "health", "id", "is-task", "isolation", "label", "name", "network")
) | frozenset(("publish", "since", "status", "volume"))
_HEALTH = frozenset(("none", "starting", "healthy", "unhealthy"))
_PORTS = re.compile(r"([0-9]{1,5})(?:-([0-9]{1,5}))?")
_MOST_PORTS = 65_535
_PROTOCOLS = frozenset(("tcp", "udp", "sctp"))

Test = Callable[[ContainerRow], bool]


def listed_containers(request: pb.ListContainersRequest, contents: Contents) -> Sequence[ContainerRow] | None:
    """Return the containers that *request* lists, in order; None where only the engine can tell.

    Raises `InvalidField` for a wrong filter, and `NoSuchObject` for a container that one names and that is not there.
    """
    if not request.filters and request.limit <= 0 and not request.size:
        everything = contents.newest_first
        return everything if request.all else [row for row in everything if row.runs]
    filters = Filters(request.filters, _KEYS)
    tests = list(_tests(filters, contents))
    if request.size or _only_the_engine_knows(filters, contents):
        return None
    every = request.all or bool(filters["status"]) or request.limit > 0
    rows = [
        row
        for row in _between(filters, contents, _candidates(filters, contents))
        if (every or row.runs) and all(test(row) for test in tests)
    ]
    return rows[: request.limit] if request.limit > 0 else rows


def _only_the_engine_knows(filters: Filters, contents: Contents) -> bool:
    """Return whether the rows do not have the data that the request needs."""
    if "is-task" in filters or filters.are_costly(len(contents.containers) + len(contents.images)):  # tasks are swarm's
        return True
    if len(filters["before"]) > 1 or len(filters["since"]) > 1:  # the engine uses one of several values at random
        return True
    if "ancestor" in filters and contents.has_containerd_images:  # containerd's image store has other parents
        return True
    return ("health" in filters or "exited" in filters) and contents.unworded > 0


def _candidates(filters: Filters, contents: Contents) -> Sequence[ContainerRow]:
    """Return the containers that the filters `id` and `name` preselect; all other filters apply to these."""
    rows = contents.newest_first
    if not filters["name"] and not filters["id"]:
        return rows
    by_id = set()
    for value in filters["id"]:
        fitting = [row.id for row in rows if value and row.id.startswith(value)]
        by_id |= set(fitting) if len(fitting) == 1 else set()
    if filters["name"]:
        among = [row for row in rows if row.id in by_id] if filters["id"] else rows
        by_id |= {row.id for row in among if any(_named(filters, name) for name in row.names)}
    return [row for row in rows if row.id in by_id]


def _named(filters: Filters, name: str) -> bool:
    return filters.match("name", name) or filters.match("name", name.removeprefix("/"))


def _between(filters: Filters, contents: Contents, rows: Sequence[ContainerRow]) -> Sequence[ContainerRow]:
    """Return the *rows* after the container of the filter `before`, and before that of `since`."""
    before = _position(filters, "before", contents, rows)
    if before is not None:
        rows = rows[before + 1 :]
    since = _position(filters, "since", contents, rows)
    return rows if since is None else rows[:since]


def _position(filters: Filters, key: str, contents: Contents, rows: Sequence[ContainerRow]) -> int | None:
    """Return the index in *rows* of the container that the filter *key* names; None without the filter.

    It is the number of *rows* if the container is not among them.  Raises `NoSuchObject`.
    """
    if not filters[key]:
        return None
    id = _id_of(filters[key][0], contents)
    return next((index for index, row in enumerate(rows) if row.id == id), len(rows))


def _id_of(reference: str, contents: Contents) -> str:
    """Return the id of the container with this id or name.  Raises `NoSuchObject`."""
    if reference in contents.containers:
        return reference
    name = f"/{reference.removeprefix('/')}"
    found = [row.id for row in contents.newest_first if name in row.names]
    if len(found) != 1:
        raise NoSuchObject("container", reference)
    return found[0]


def _tests(filters: Filters, contents: Contents) -> Iterator[Test]:
    """Yield the predicates that a container must pass.  Raises `InvalidField`."""
    states, health = filters.words("status", STATES), filters.words("health", _HEALTH)
    exited = filters.integers("exited")
    published, exposed = (list(_ports(filters, key)) for key in ("publish", "expose"))
    if filters["name"]:
        yield lambda row: _named(filters, f"/{row.name}" if row.name else "")
    if filters["id"]:
        yield lambda row: filters.match("id", row.id)
    if filters["label"]:
        yield lambda row: filters.labels(row.labels)
    if exited:
        yield lambda row: row.exit_code in exited and not row.runs and row.started_ns > 0
    if states:
        yield lambda row: row.state in states
    if health:
        yield lambda row: row.health in health
    if "volume" in filters:
        yield lambda row: any(value in _volumes(row) for value in filters["volume"])
    if "ancestor" in filters:
        family = frozenset(_family(filters, contents))
        yield lambda row: row.image_id in family
    if "network" in filters:
        yield lambda row: any(_has_network(row, value) for value in filters["network"])
    if published or exposed:
        yield lambda row: any(
            _is_among(port.public, port.type, published) or _is_among(port.private, port.type, exposed)
            for port in row.ports
        )


def _volumes(row: ContainerRow) -> set[str]:
    """Return the names, sources and destinations of a container's mounts."""
    if not row.mounts:
        return set()
    mounts = row.summary().mounts
    return {mount.name or mount.source for mount in mounts} | {mount.destination for mount in mounts} - {""}


def _has_network(row: ContainerRow, value: str) -> bool:
    return any(value == of.name or of.id.startswith(value) for of in row.networks)


def _family(filters: Filters, contents: Contents) -> Iterator[str]:
    """Yield the ids of the images that `ancestor` names, and of those that were built on them."""
    below = images.children(contents.images)
    found = [images.resolved(contents.images, value) for value in filters["ancestor"]]
    ids, seen = [row.id for row in found if row is not None], set[str]()
    while ids:
        id = ids.pop()
        if id not in seen:
            seen.add(id)
            ids += below.get(id, ())
            yield id


def _ports(filters: Filters, key: str) -> Iterator[tuple[range, str]]:
    """Yield the ports that the values of a key name: `80`, `80/udp`, `8000-8010/tcp`.  Raises `InvalidField`."""
    for value in filters[key]:
        ports, _, rest = value.partition("/")
        found = _PORTS.fullmatch(ports)
        first, last = (int(found[1]), int(found[2] or found[1])) if found else (1, 0)
        protocol = rest or "tcp"
        if protocol not in _PROTOCOLS or not first <= last <= _MOST_PORTS:
            raise filters.refuse(key, value, "must be ports, such as 8080, 53/udp or 8000-8010/tcp")
        yield range(first, last + 1), protocol


def _is_among(port: int, protocol: str, ports: Iterable[tuple[range, str]]) -> bool:
    return any(port in some and protocol == of for some, of in ports)
