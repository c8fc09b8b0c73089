"""Which containers a `ContainerSelector` selects."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from dockfleet.fleet.v1 import selectors_pb2 as pb

from gateway.engine.errors import InvalidField
from gateway.engine.inventory.contents import Contents
from gateway.engine.inventory.images import familiar, resolved
from gateway.engine.inventory.matching import MOST_PATTERNS, at_most, check, check_names, meeting, naming
from gateway.engine.inventory.rows import ContainerRow

STATES = frozenset(("created", "running", "paused", "restarting", "removing", "exited", "dead"))

_MOST_PORT = 65_535
_ID_LENGTH = 64


def check_containers(selector: pb.ContainerSelector, path: str) -> None:
    """Raise `InvalidField` for a malformed selector; *path* is its place in the request."""
    says = bool(selector.names or selector.labels or selector.images or selector.states or selector.published_ports)
    if selector.all and says:
        raise InvalidField(f"{path}.all", "must be false where other fields are set")
    if not says and not selector.all:
        raise InvalidField(path, "must select containers, or have `all`")
    check(selector.labels, f"{path}.labels")
    check_names(selector.names, f"{path}.names", "an id, the beginning of one, or a name")
    at_most(selector.images, MOST_PATTERNS, f"{path}.images")
    for index, image in enumerate(selector.images):
        if not image:
            raise InvalidField(f"{path}.images[{index}]", "must be a reference or an id of an image")
    for index, state in enumerate(selector.states):
        if state not in STATES:
            raise InvalidField(f"{path}.states[{index}]", f"must be one of {', '.join(sorted(STATES))}")
    for index, port in enumerate(selector.published_ports):
        if not 1 <= port <= _MOST_PORT:
            raise InvalidField(f"{path}.published_ports[{index}]", f"must be a port from 1 to {_MOST_PORT}")


def selected_by(selector: pb.ContainerSelector, path: str, contents: Contents) -> Callable[[ContainerRow], bool]:
    """Return the predicate of *selector* for containers.  It is valid for the present images.

    Raises `InvalidField` for a malformed selector, whose place in the request is *path*.
    """
    check_containers(selector, path)
    is_named, meets = _naming(selector.names, contents), meeting(selector.labels)
    names, labels = bool(selector.names), bool(selector.labels)
    states, ports = frozenset(selector.states), frozenset(selector.published_ports)
    images = {found.id for name in selector.images if (found := resolved(contents.images, name)) is not None}
    images |= {familiar(name) for name in selector.images}

    def selects(row: ContainerRow) -> bool:
        return (
            (not states or row.state in states)
            and (not names or is_named(row))
            and (not labels or meets(row.labels))
            and (not images or row.image_id in images or familiar(row.image) in images)
            and (not ports or any(port.public in ports for port in row.ports if port.public))
        )

    return selects


def _naming(names: Iterable[str], contents: Contents) -> Callable[[ContainerRow], bool]:
    """Return the predicate of containers that *names* mean: ids, beginnings of ids, names or patterns."""
    wanted = {name.removeprefix("/") for name in names}
    lengths = sorted({len(name) for name in wanted if len(name) <= _ID_LENGTH}, reverse=True)
    patterns = [name for name in wanted if "*" in name]
    fits_pattern = naming(patterns)

    def is_named(row: ContainerRow) -> bool:
        # A name is resolved only for a row that it may match: the name of one container may begin another's id.
        name = row.name
        if name in wanted and (found := contents.container(name)) is not None and found.id == row.id:
            return True
        for length in lengths:
            begin = row.id[:length]
            if begin in wanted:
                found = contents.container(begin)
                if found is None:  # it begins several ids, and a shorter one begins them too
                    break
                if found.id == row.id:
                    return True
        return bool(patterns) and fits_pattern(name)

    return is_named
