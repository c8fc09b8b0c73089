"""Which hosts a `HostSelector` selects."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Protocol

from dockfleet.fleet.v1 import selectors_pb2 as pb

from gateway.engine.errors import InvalidField
from gateway.fleet.host import Host
from gateway.fleet.registry import UnknownHost

_COMPARE: Mapping[int, Callable[[str | None, Sequence[str]], bool]] = {
    pb.LABEL_OPERATOR_EQUAL: lambda value, values: value == values[0],
    pb.LABEL_OPERATOR_NOT_EQUAL: lambda value, values: value != values[0],
    pb.LABEL_OPERATOR_IN: lambda value, values: value in values,
    pb.LABEL_OPERATOR_NOT_IN: lambda value, values: value not in values,
    pb.LABEL_OPERATOR_EXISTS: lambda value, values: value is not None,
    pb.LABEL_OPERATOR_NOT_EXISTS: lambda value, values: value is None,
}
_ONE = (pb.LABEL_OPERATOR_EQUAL, pb.LABEL_OPERATOR_NOT_EQUAL)
_NONE = (pb.LABEL_OPERATOR_EXISTS, pb.LABEL_OPERATOR_NOT_EXISTS)


def select(hosts: Iterable[Host], selector: pb.HostSelector, path: str = "selector") -> list[Host]:
    """Return the *hosts* that *selector* selects, in their order.

    Raises `InvalidField` for a malformed selector, whose place in the request is *path*, and `UnknownHost` for a name
    that no host has.
    """
    hosts = list(hosts)
    if selector.all and (selector.names or selector.labels):
        raise InvalidField(f"{path}.all", "must be false where `names` or `labels` are set")
    if not (selector.all or selector.names or selector.labels):
        raise InvalidField(path, "must have `names` or `labels`, or `all`")
    for index, requirement in enumerate(selector.labels):
        check(requirement, f"{path}.labels[{index}]")
    known = {host.name for host in hosts}
    for name in selector.names:
        if "*" not in name and name not in known:
            raise UnknownHost(name)
    return [host for host in hosts if fits(host, selector)]


def fits(host: Host, selector: pb.HostSelector) -> bool:
    """Tell whether *selector*, which is not malformed, selects *host*."""
    names = selector.names or ("*",)
    return any(matches(host.name, name) for name in names) and meets(host.labels, selector.labels)


def meets(labels: Mapping[str, str], requirements: Iterable[pb.LabelRequirement]) -> bool:
    """Tell whether *labels* meet all *requirements*."""
    return all(_COMPARE[each.operator](labels.get(each.key), each.values) for each in requirements)


class Named(Protocol):
    """A container: its id, and its names with or without a slash."""

    @property
    def id(self) -> str:
        """64 hexadecimal digits."""

    @property
    def names(self) -> Sequence[str]:
        """All its names."""


def unmatched(names: Iterable[str], containers: Sequence[Named]) -> list[str]:
    """Return those of *names* of a `ContainerSelector` that fit none of the selected *containers*."""
    known = {name.removeprefix("/") for each in containers for name in each.names}

    def fits(name: str) -> bool:
        return any(matches(each, name) for each in known) or any(each.id.startswith(name) for each in containers)

    return [name for name in names if not fits(name.removeprefix("/"))]


def check(requirement: pb.LabelRequirement, path: str) -> None:
    """Raise `InvalidField` for a malformed requirement; *path* is its place in the request."""
    if not requirement.key:
        raise InvalidField(f"{path}.key", "must name a label")
    if requirement.operator not in _COMPARE:
        raise InvalidField(f"{path}.operator", "must be one of LabelOperator, such as LABEL_OPERATOR_EQUAL")
    count = len(requirement.values)
    if requirement.operator in _ONE and count != 1:
        raise InvalidField(f"{path}.values", "must hold exactly one value for this operator")
    if requirement.operator in _NONE and count:
        raise InvalidField(f"{path}.values", "must be empty for this operator")
    if requirement.operator not in (*_ONE, *_NONE) and not count:
        raise InvalidField(f"{path}.values", "must hold at least one value for this operator")


def matches(name: str, pattern: str) -> bool:
    """Tell whether *name* is *pattern*, in which `*` stands for any text.  Linear, whatever the pattern is."""
    first, *parts = pattern.split("*")
    if not parts:
        return name == first
    *middle, last = parts
    if not name.startswith(first) or not name.endswith(last):
        return False
    place, end = len(first), len(name) - len(last)
    for part in middle:
        place = name.find(part, place, end)
        if place < 0:
            return False
        place += len(part)
    return place <= end
