"""Times that end a call.  They know the configuration key that sets them, so that an error can name it."""

from __future__ import annotations

import asyncio
from typing import Self


class Timeout(float):
    """A number of seconds; `key` is the configuration key that sets it."""

    key = ""

    @classmethod
    def of(cls, seconds: float, key: str) -> Self:
        """Return *seconds* as a timeout that *key* sets."""
        timeout = cls(seconds)
        timeout.key = key
        return timeout


class Deadline(float):
    """A moment in the loop's time; `timeout` ends then."""

    timeout: float

    @classmethod
    def after(cls, timeout: float) -> Self:
        """Return the moment at which *timeout* ends when it begins now."""
        deadline = cls(asyncio.get_running_loop().time() + timeout)
        deadline.timeout = timeout
        return deadline


def within(deadline: float | None) -> str:
    """Return, for an error's text, in which time something had to happen, and the configuration key of that time."""
    if not isinstance(deadline, Deadline):
        return "within the time allowed"
    key = getattr(deadline.timeout, "key", "")
    return f"within {deadline.timeout:.3g} s" + (f" ({key})" if key else "")
