"""Timeouts and deadlines that know their configuration key, so that an error can name it."""

from __future__ import annotations

import asyncio
from typing import Self


class Timeout(float):
    """A number of seconds; `key` is the configuration key that sets it."""

    __slots__ = ("key",)  # each host has some; a dictionary in each would take 100 bytes
    key: str

    @classmethod
    def of(cls, seconds: float, key: str) -> Self:
        """Return *seconds* as a timeout that *key* sets."""
        timeout = cls(seconds)
        timeout.key = key
        return timeout


class Deadline(float):
    """A point in the loop's time, at which `timeout` ends."""

    __slots__ = ("timeout",)
    timeout: float

    @classmethod
    def after(cls, timeout: float) -> Self:
        """Return the deadline of a *timeout* that begins now."""
        deadline = cls(asyncio.get_running_loop().time() + timeout)
        deadline.timeout = timeout
        return deadline


def within(deadline: float | None) -> str:
    """Return the timeout of *deadline* for an error text, with its configuration key: `within 60 s (limits.…)`."""
    if not isinstance(deadline, Deadline):
        return "within the time allowed"
    key = getattr(deadline.timeout, "key", "")
    return f"within {deadline.timeout:.3g} s" + (f" ({key})" if key else "")
