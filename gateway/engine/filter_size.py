"""The bounds of the filters of a request, because each value is compared with each object or event."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from gateway.engine.errors import InvalidField

_MOST_VALUES = 4096  # of all filters
_LONGEST = 4096  # characters of a value
_MOST_CHARACTERS = 128 << 10  # of all values: 2,000 ids


def check_size(filters: Mapping[str, Collection[str]]) -> None:
    """Raise `InvalidField` for *filters*, values by name, that are too many or too long."""
    if sum(map(len, filters.values())) > _MOST_VALUES:
        raise InvalidField("filters", f"must have at most {_MOST_VALUES} values")
    total = 0
    for name, values in filters.items():
        if max(map(len, values), default=0) > _LONGEST:
            raise InvalidField(f"filters[{name[:64]!r}]", f"must have values of at most {_LONGEST} characters")
        total += sum(map(len, values))
    if total > _MOST_CHARACTERS:
        raise InvalidField("filters", f"must have at most {_MOST_CHARACTERS} characters")
