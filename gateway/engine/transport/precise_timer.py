"""Sleeps below a millisecond: event loops round to whole milliseconds, a timerfd (timerfd_create(2)) does not."""

from __future__ import annotations

import asyncio
import ctypes
import os
import time

_SHORTEST = 1e-5  # seconds; a timer costs more than a shorter sleep, and one of zero never fires
_LIBC = ctypes.CDLL(None)


class _Setting(ctypes.Structure):
    """A `struct itimerspec`."""

    _fields_ = tuple((name, ctypes.c_long) for name in ("every_s", "every_ns", "seconds", "nanoseconds"))


async def sleep_until(moment: float) -> None:
    """Sleep until *moment* of `time.monotonic()`: on Linux with a precision of 0.1 ms, else as `asyncio.sleep`."""
    seconds = moment - time.monotonic()
    if seconds < _SHORTEST:
        return
    timer = _started(seconds)
    if timer is None:
        await asyncio.sleep(seconds)
        return
    loop = asyncio.get_running_loop()
    fired = loop.create_future()
    loop.add_reader(timer, _fire, fired)
    try:
        await fired
    finally:
        loop.remove_reader(timer)
        os.close(timer)


def _started(seconds: float) -> int | None:
    """Return the descriptor of a timer that fires after *seconds*; None where the system has no such timers."""
    try:
        timer = int(_LIBC.timerfd_create(time.CLOCK_MONOTONIC, os.O_NONBLOCK | os.O_CLOEXEC))
    except AttributeError:
        return None
    if timer < 0:
        return None
    _LIBC.timerfd_settime(timer, 0, ctypes.byref(_Setting(0, 0, *divmod(int(seconds * 1e9), 1_000_000_000))), None)
    return timer


def _fire(fired: asyncio.Future[None]) -> None:
    if not fired.done():
        fired.set_result(None)
