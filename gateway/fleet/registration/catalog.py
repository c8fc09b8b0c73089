"""The interface of a catalog: a store in which other programs look up services."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from gateway.fleet.registration.entries import Entry


class CatalogError(Exception):
    """The catalog does not respond, or responds with an error.  `lost`: the written entries may be gone."""

    def __init__(self, message: str, *, lost: bool = False) -> None:
        super().__init__(message)
        self.lost = lost


class Catalog(Protocol):
    """A catalog, to which one gateway writes.

    All entries of the gateway depend on one keepalive, and expire some time after the last one.  The gateway does not
    touch the entries of other gateways.  Methods raise `CatalogError`; the change may have been written then.
    """

    name: str

    async def begin(self) -> None:
        """Create the lease or check on which the entries depend."""

    async def keep(self) -> None:
        """Send a keepalive."""

    async def write(self, put: Sequence[Entry], delete: Sequence[Entry]) -> Mapping[str, str]:
        """Write some entries, and delete others, which may be missing already.

        Return the reasons of refused entries, by id: the entry is invalid, or this gateway may not write it.
        """

    async def close(self) -> None:
        """Close the connection; the next call opens another one."""
