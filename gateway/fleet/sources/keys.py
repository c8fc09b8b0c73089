"""The interface of a key-value store such as etcd."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeAlias


@dataclass(frozen=True, slots=True)
class Entry:
    """A key, without the prefix of the fleet, and its value; `revision` grows with every change of the store."""

    key: str
    value: bytes
    revision: int


@dataclass(frozen=True, slots=True)
class Snapshot:
    """All entries of the store.  `after_break`: the store may have lost some."""

    entries: Sequence[Entry]
    after_break: bool


@dataclass(frozen=True, slots=True)
class Changed:
    """Entries that were written, and keys that were deleted, with the revisions of their deletions."""

    entries: Sequence[Entry]
    deleted: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Away:
    """The store does not answer.  What was known may be out of date until the next snapshot."""

    why: str


News: TypeAlias = Snapshot | Changed | Away


class KeyStore(Protocol):
    """A store of keys and values.

    Methods that write return the revision of the change.  They raise `HostStoreUnavailable` when nothing was written,
    and `OutcomeUnknown` when that is not known.
    """

    def follow(self) -> AsyncGenerator[News, None]:
        """Yield all entries, then what changes, without end."""

    async def create(self, key: str, value: bytes) -> int | None:
        """Write a key that must not exist; return None when it does."""

    async def replace(self, key: str, value: bytes) -> int | None:
        """Write a key that must exist; return None when it does not."""

    async def put(self, key: str, value: bytes) -> int:
        """Write a key."""

    async def delete(self, *keys: str) -> int:
        """Delete keys that exist."""
