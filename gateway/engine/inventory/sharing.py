"""Keeps equal values of several containers once: many of a fleet have the same labels, ports, networks and addresses.

What is kept here is bounded, because a hostile host can list anything.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from functools import lru_cache
from sys import intern
from typing import Any, TypeVar, cast

_KEPT = 2048  # values of each kind
_MOST_ITEMS = 32  # of a value that is kept
_MOST_BYTES = 4096  # of the message that such a value is of

T = TypeVar("T", bound=Hashable)


def shared(found: tuple[T, ...], size: int) -> tuple[T, ...]:
    """Return *found*, or an equal tuple of another container.  It is of a message of *size* bytes."""
    return cast("tuple[T, ...]", _kept(found)) if _is_small(found, size) else found


def shared_labels(labels: Mapping[str, str], size: int) -> Mapping[str, str]:
    """Return *labels*, or the equal ones of another container.  They are of a message of *size* bytes."""
    items = tuple(sorted(labels.items()))
    return _kept_labels(items) if _is_small(items, size) else _interned(items)


def _is_small(found: tuple[Any, ...], size: int) -> bool:
    return len(found) <= _MOST_ITEMS and size <= _MOST_BYTES


def _interned(items: tuple[tuple[str, str], ...]) -> Mapping[str, str]:
    return {intern(key): intern(value) for key, value in items}


@lru_cache(maxsize=_KEPT)
def _kept(found: Hashable) -> Hashable:
    return found


_kept_labels = lru_cache(maxsize=_KEPT)(_interned)
