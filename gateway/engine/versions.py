"""API versions: what a request needs of them, and whether a host has it."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

Version = tuple[int, int]
OLDEST, NEWEST = (1, 41), (1, 56)  # the API versions that the contract describes


class ApiTooOld(Exception):
    """The request uses what the engine's API version does not have yet.  Versions are `1.44`-like texts."""

    def __init__(self, field: str, required: str, actual: str) -> None:
        super().__init__(f"{field} needs API version {required}; the host has {actual}")
        self.field = field
        self.required = required
        self.actual = actual


class ApiTooNew(Exception):
    """The request uses what the engine's API version does not have any more.  Versions are `1.44`-like texts."""

    def __init__(self, field: str, last: str, actual: str) -> None:
        super().__init__(f"{field} has no effect after API version {last}; the host has {actual}")
        self.field = field
        self.last = last
        self.actual = actual


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
