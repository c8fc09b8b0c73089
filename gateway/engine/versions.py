"""API versions: what a request needs of them, and whether a host has it."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from gateway.engine.errors import ApiTooNew, ApiTooOld

Version = tuple[int, int]
OLDEST, NEWEST = (1, 41), (1, 56)  # the API versions that the contract describes


class Need(NamedTuple):
    """Something that only some API versions have: `since` one version, or `until` one; "" sets no bound.

    `leave_out`, when there is one, takes it out of the request of a host that does not have it.
    """

    what: str
    since: str = ""
    until: str = ""
    leave_out: Callable[[], object] | None = None

    def check(self, version: Version) -> None:
        """Raise `ApiTooOld` or `ApiTooNew` when *version* does not have it, and it cannot be left out."""
        too_old = bool(self.since) and _parsed(self.since) > version
        if not too_old and not (self.until and _parsed(self.until) < version):
            return
        if self.leave_out is not None:
            self.leave_out()
            return
        actual = "{}.{}".format(*version)
        raise ApiTooOld(self.what, self.since, actual) if too_old else ApiTooNew(self.what, self.until, actual)


def _parsed(version: str) -> Version:
    major, minor = version.split(".")
    return int(major), int(minor)
