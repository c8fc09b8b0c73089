"""The filters of a list, and the Engine's three ways to compare (moby, api/types/filters/parse.go).

Keys are combined by AND and the values of a key by OR, but for labels, whose values are combined by AND.  A key without
values filters nothing, unless a list says otherwise.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, TypeAlias

import re2
from dockfleet.v1.common_pb2 import StringList

from gateway.engine.errors import InvalidField
from gateway.engine.filter_size import check_size

_INTEGER = re.compile(r"[+-]?[0-9]{1,18}")
_QUIET = re2.Options()
_QUIET.log_errors = False  # an invalid pattern of a client must not be logged
_QUIET.max_mem = 1 << 20  # for one pattern


Pattern: TypeAlias = Any  # of re2, which has no types

_MOST_COMPARISONS = 20_000  # of values with objects, without a pause: some milliseconds
_MOST_COMPILED = 4096  # characters of values that are compiled, as patterns, without a pause


class Filters:
    """The filters of one request."""

    def __init__(self, given: Mapping[str, StringList], known: Iterable[str]) -> None:
        """Take the filters of a request, whose keys are among *known*.  Raises `InvalidField`."""
        check_size({key: values.items for key, values in given.items()})
        self._values = {key: tuple(dict.fromkeys(values.items)) for key, values in given.items()}
        self._patterns: dict[str, list[Pattern]] = {}
        for key in self._values:
            if key not in known:
                raise InvalidField(f"filters[{key!r}]", f"must be one of {', '.join(sorted(known))}")

    def __bool__(self) -> bool:
        return bool(self._values)

    def __contains__(self, key: str) -> bool:
        """Return whether the key is there, with values or without."""
        return key in self._values

    def __getitem__(self, key: str) -> tuple[str, ...]:
        """Return the values of a key; none when it is not there."""
        return self._values.get(key, ())

    def are_costly(self, objects: int) -> bool:
        """Return whether the engine should compare: these values with that number of *objects* would block the loop."""
        values = [value for values in self._values.values() for value in values]
        many = len(values) > 1 and len(values) * objects > _MOST_COMPARISONS
        return many or sum(map(len, values)) > _MOST_COMPILED

    def refuse(self, key: str, value: str, remedy: str) -> InvalidField:
        """Return the error for an invalid value."""
        return InvalidField(f"filters[{key!r}]", f"{remedy}, not {value[:64]!r}")

    def words(self, key: str, allowed: Iterable[str]) -> frozenset[str]:
        """Return the values of a key, which must be among *allowed*.  Raises `InvalidField`."""
        for value in self[key]:
            if value not in allowed:
                raise self.refuse(key, value, f"must be one of {', '.join(sorted(allowed))}")
        return frozenset(self[key])

    def integers(self, key: str) -> frozenset[int]:
        """Return the values of a key, which must be integers.  Raises `InvalidField`."""
        for value in self[key]:
            if not _INTEGER.fullmatch(value):
                raise self.refuse(key, value, "must be an integer")
        return frozenset(int(value) for value in self[key])

    def exact(self, key: str, text: str) -> bool:
        """Return whether *text* is one of the values."""
        values = self[key]
        return not values or text in values

    def match(self, key: str, text: str) -> bool:
        """Return whether *text* equals one of the values, or contains a match of one of them as a pattern.

        A value that is not a valid pattern matches nothing.
        """
        return self.exact(key, text) or any(pattern.search(text) for pattern in self._compiled(key))

    def labels(self, labels: Mapping[str, str]) -> bool:
        """Return whether *labels* have all that the values of `label` ask for: `name`, or `name=value`."""
        for wanted in self["label"]:
            name, equals, value = wanted.partition("=")
            if name not in labels or (equals and labels[name] != value):
                return False
        return True

    def _compiled(self, key: str) -> list[Pattern]:
        if key not in self._patterns:
            found = self._patterns[key] = []
            for value in self[key]:
                try:
                    found.append(re2.compile(value, _QUIET))
                except re2.error:
                    continue
        return self._patterns[key]
