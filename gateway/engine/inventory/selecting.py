"""Which containers a `ContainerSelector` selects."""

from __future__ import annotations

from collections.abc import Callable

from dockfleet.fleet.v1 import selectors_pb2 as pb

from gateway.engine.errors import InvalidField
from gateway.engine.inventory.contents import Contents
from gateway.engine.inventory.images import familiar, resolved
from gateway.engine.inventory.matching import check, matches, meets
from gateway.engine.inventory.rows import ContainerRow

STATES = frozenset(("created", "running", "paused", "restarting", "removing", "exited", "dead"))


def selected_by(selector: pb.ContainerSelector, path: str, contents: Contents) -> Callable[[ContainerRow], bool]:
    """Return what tells whether *selector* selects a container.  It holds for the images there are now.

    Raises `InvalidField` for a malformed selector, whose place in the request is *path*.
    """
    says = bool(selector.names or selector.labels or selector.images or selector.states or selector.published_ports)
    if selector.all and says:
        raise InvalidField(f"{path}.all", "must be false where other fields are set")
    if not says and not selector.all:
        raise InvalidField(path, "must say which containers, or have `all`")
    check(selector.labels, f"{path}.labels")
    for index, state in enumerate(selector.states):
        if state not in STATES:
            raise InvalidField(f"{path}.states[{index}]", f"must be one of {', '.join(sorted(STATES))}")
    named = {row.id for name in selector.names if (row := contents.container(name)) is not None}
    patterns = [name.removeprefix("/") for name in selector.names if "*" in name]
    names, labels = bool(selector.names), list(selector.labels)
    states, ports = frozenset(selector.states), frozenset(selector.published_ports)
    images = {found.id for name in selector.images if (found := resolved(contents.images, name)) is not None}
    images |= {familiar(name) for name in selector.images}

    def selects(row: ContainerRow) -> bool:
        return (
            (not states or row.state in states)
            and (not names or row.id in named or any(matches(row.name, pattern) for pattern in patterns))
            and (not labels or meets(row.labels, labels))
            and (not images or row.image_id in images or familiar(row.image) in images)
            and (not ports or any(port.public in ports for port in row.ports if port.public))
        )

    return selects
