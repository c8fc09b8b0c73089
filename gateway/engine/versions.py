"""API versions, and the checks whether a host's version has what a request needs."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from gateway.engine.errors import ApiTooNew, ApiTooOld

Version = tuple[int, int]
OLDEST, NEWEST = (1, 41), (1, 56)  # the API versions that the contract describes


class Need(NamedTuple):
    """A feature of some API versions: `since` one version, or `until` one; "" sets no bound.

    `leave_out`, if present, removes the feature from the request to a host that does not have it.
    """

    what: str
    since: str = ""
    until: str = ""
    leave_out: Callable[[], object] | None = None

    def check(self, version: Version) -> None:
        """Raise `ApiTooOld` or `ApiTooNew` if *version* does not have the feature and it cannot be left out."""
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
