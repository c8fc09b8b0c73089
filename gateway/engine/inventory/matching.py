"""How selectors compare labels and names."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from dockfleet.fleet.v1 import selectors_pb2 as pb

from gateway.engine.errors import InvalidField

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


def meets(labels: Mapping[str, str], requirements: Iterable[pb.LabelRequirement]) -> bool:
    """Return whether *labels* meet all *requirements*."""
    return all(_COMPARE[each.operator](labels.get(each.key), each.values) for each in requirements)


def check(requirements: Iterable[pb.LabelRequirement], path: str) -> None:
    """Raise `InvalidField` for a malformed requirement; *path* is the place of them all in the request."""
    for index, requirement in enumerate(requirements):
        _check(requirement, f"{path}[{index}]")


def _check(requirement: pb.LabelRequirement, path: str) -> None:
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
    """Return whether *name* is *pattern*, in which `*` stands for any text.  Linear, whatever the pattern is."""
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
