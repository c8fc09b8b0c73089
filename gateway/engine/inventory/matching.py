"""How selectors compare labels and names.

What a client selects is compared with each object of each host, so a selector has bounds: see `MOST_NAMES`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any

from dockfleet.fleet.v1 import selectors_pb2 as pb

from gateway.engine.errors import InvalidField

MOST_NAMES = 1000
"""Names of one field of a selector, patterns included; and values of its labels together."""
MOST_PATTERNS = 50
"""Patterns of one field of a selector, which take a comparison each; and requirements for labels, and images."""
_LONGEST = 1024  # characters of a name

Compare = Callable[[str | None, Collection[str]], bool]

_COMPARE: Mapping[int, Compare] = {
    pb.LABEL_OPERATOR_EQUAL: lambda value, values: value in values,
    pb.LABEL_OPERATOR_NOT_EQUAL: lambda value, values: value not in values,
    pb.LABEL_OPERATOR_IN: lambda value, values: value in values,
    pb.LABEL_OPERATOR_NOT_IN: lambda value, values: value not in values,
    pb.LABEL_OPERATOR_EXISTS: lambda value, values: value is not None,
    pb.LABEL_OPERATOR_NOT_EXISTS: lambda value, values: value is None,
}
_ONE = (pb.LABEL_OPERATOR_EQUAL, pb.LABEL_OPERATOR_NOT_EQUAL)
_NONE = (pb.LABEL_OPERATOR_EXISTS, pb.LABEL_OPERATOR_NOT_EXISTS)


def meeting(requirements: Iterable[pb.LabelRequirement]) -> Callable[[Mapping[str, str]], bool]:
    """Return the predicate of labels that meet all *requirements*."""
    tests = [(_COMPARE[each.operator], each.key, frozenset(each.values)) for each in requirements]
    return lambda labels: all(compare(labels.get(key), values) for compare, key, values in tests)


def naming(names: Iterable[str]) -> Callable[[str], bool]:
    """Return the predicate of names that are one of *names*, or match one of them that is a pattern.

    In a pattern, `*` stands for any text.  A comparison is linear, whatever the pattern is.
    """
    names = list(names)
    exact = frozenset(name for name in names if "*" not in name)
    patterns = [name.split("*") for name in names if "*" in name]
    return lambda name: name in exact or any(_matches(name, pattern) for pattern in patterns)


def check(requirements: Collection[pb.LabelRequirement], path: str) -> None:
    """Raise `InvalidField` for malformed requirements, or too many; *path* is the place of them all in the request."""
    at_most(requirements, MOST_PATTERNS, path)
    values = 0
    for index, requirement in enumerate(requirements):
        values += len(requirement.values)
        if values > MOST_NAMES:
            raise InvalidField(f"{path}[{index}].values", f"must be at most {MOST_NAMES}, with those of other labels")
        _check(requirement, f"{path}[{index}]")


def check_names(names: Collection[str], path: str, what: str) -> None:
    """Raise `InvalidField` for an empty one of *names*, or too many.

    *what* says what a name must be; *path* is the place of them all in the request.
    """
    at_most(names, MOST_NAMES, path)
    if sum("*" in name for name in names) > MOST_PATTERNS:
        raise InvalidField(path, f"must hold at most {MOST_PATTERNS} patterns")
    for index, name in enumerate(names):
        if not name.removeprefix("/"):
            raise InvalidField(f"{path}[{index}]", f"must be {what}")
        if len(name) > _LONGEST:
            raise InvalidField(f"{path}[{index}]", f"must have at most {_LONGEST} characters")


def at_most(values: Collection[Any], most: int, path: str) -> None:
    """Raise `InvalidField` for more *values* than that; *path* is their place in the request."""
    if len(values) > most:
        raise InvalidField(path, f"must hold at most {most} values: make several calls")


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


def _matches(name: str, parts: Sequence[str]) -> bool:
    """Return whether *name* matches a pattern; *parts* are what is between its stars."""
    first, last = parts[0], parts[-1]
    if not name.startswith(first) or not name.endswith(last):
        return False
    place, end = len(first), len(name) - len(last)
    for part in parts[1:-1]:
        place = name.find(part, place, end)
        if place < 0:
            return False
        place += len(part)
    return place <= end
