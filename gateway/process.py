"""Settings of the operating system for this process: descriptors, memory and signals."""

from __future__ import annotations

import asyncio
import ctypes
import resource
import signal
import sys
from contextlib import suppress
from pathlib import Path
from types import FrameType

_AT_ONCE_SECONDS = 1.0
_TRIM_SECONDS = 5.0
_WORTH_A_TRIM_BYTES = 32 << 20
_SWITCH_SECONDS = 0.0005
_PR_SET_DUMPABLE = 4  # prctl(2)


def allow_open_files() -> None:
    """Raise the limit of open files to its maximum: each connection is a file."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    with suppress(OSError, ValueError):  # macOS refuses its own maximum
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def open_files() -> int:
    """Return the limit of open files."""
    return resource.getrlimit(resource.RLIMIT_NOFILE)[0]


def hide_memory() -> None:
    """Disable core dumps, and deny other processes of the same user access to this memory, because it holds keys.

    Child processes are not protected.
    """
    resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))
    with suppress(AttributeError, OSError):  # only Linux has it
        ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)


def share_interpreter() -> None:
    """Let the event loop have the interpreter soon while a thread computes, as for the pages of scrapes.

    The loop gives it up in each iteration, and a call needs a dozen iterations: by default, each waits for 5 ms.
    """
    sys.setswitchinterval(_SWITCH_SECONDS)


async def return_memory() -> None:
    """Return freed memory to the operating system at an interval, until cancelled; the C library would keep it.

    This frees the memory of large calls, or of many concurrent ones.  A trim takes some milliseconds for 100 MiB.
    """
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is None:  # it is glibc's, on Linux
        return
    least = _resident_bytes()
    while True:
        await asyncio.sleep(_TRIM_SECONDS)
        least = min(least, _resident_bytes())
        if _resident_bytes() > least + _WORTH_A_TRIM_BYTES:
            await asyncio.to_thread(trim, 0)


def _resident_bytes() -> int:
    pages = Path("/proc/self/statm").read_text().split()[1]
    return int(pages) * resource.getpagesize()


class Stop:
    """Handles SIGTERM and SIGINT in a running loop: the first signal sets `asked`, the second `now`.

    Each signal sets an alarm: the kernel ends the process by SIGALRM if the stop takes too long.  A third signal ends
    the process at once.
    """

    def __init__(self, seconds: float) -> None:
        """Handle the signals from now on; *seconds* is the longest stop after the first signal."""
        self.asked, self.now = asyncio.Event(), asyncio.Event()
        self._seconds = seconds
        self._steps = iter(((self.asked, seconds), (self.now, min(seconds, _AT_ONCE_SECONDS))))
        self._loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._signalled)

    def _signalled(self, number: int, frame: FrameType | None) -> None:
        # Not loop.add_signal_handler: its handlers run only when the loop is free, these run between two instructions.
        event, seconds = next(self._steps)
        signal.setitimer(signal.ITIMER_REAL, seconds)
        self._loop.call_soon_threadsafe(event.set)
        if event is self.now:
            for each in (signal.SIGTERM, signal.SIGINT):
                signal.signal(each, signal.SIG_DFL)
