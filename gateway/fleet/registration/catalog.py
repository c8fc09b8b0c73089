"""What the fleet needs of a catalog: a place where others look for services."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from gateway.fleet.registration.entries import Entry


class CatalogError(Exception):
    """The catalog does not answer, or not as it should.  `lost`: what was written there may be gone."""

    def __init__(self, message: str, *, lost: bool = False) -> None:
        super().__init__(message)
        self.lost = lost


class Catalog(Protocol):
    """A catalog, as one gateway writes to it.

    All that it writes hangs on one sign of life, and is void some time after the last one.  What other gateways write
    is theirs.  Methods raise `CatalogError`; whether something was written is not known then.
    """

    name: str

    async def begin(self) -> None:
        """Make what the entries hang on."""

    async def keep(self) -> None:
        """Give a sign of life."""

    async def write(self, put: Sequence[Entry], delete: Sequence[Entry]) -> Mapping[str, str]:
        """Write some entries, and delete others, which need not be there.

        Return why entries, by id, are refused that are not right, or that this gateway may not write.
        """

    async def close(self) -> None:
        """Close the connection; the next call opens another one."""
