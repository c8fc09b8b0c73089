"""What the gateway asks of the operating system for its own process."""

from __future__ import annotations

import asyncio
import ctypes
import resource
import signal
from contextlib import suppress
from pathlib import Path
from types import FrameType

_AT_ONCE_SECONDS = 1.0
_TRIM_SECONDS = 5.0
_WORTH_A_TRIM_BYTES = 32 << 20
_PR_SET_DUMPABLE = 4  # prctl(2)


def allow_open_files() -> None:
    """Allow as many open files as this process may have: each connection is one."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    with suppress(OSError, ValueError):  # macOS allows fewer than it says
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def open_files() -> int:
    """Return how many open files this process may have."""
    return resource.getrlimit(resource.RLIMIT_NOFILE)[0]


def hide_memory() -> None:
    """Keep keys out of core dumps, and memory from the other processes of the same user.

    Processes that this one starts are not hidden.
    """
    resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))
    with suppress(AttributeError, OSError):  # only Linux has it
        ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)


async def return_memory() -> None:
    """Return freed memory to the operating system, until this is cancelled; the C library would keep it.

    It is about what is left after many calls at once, or large ones: a trim takes some milliseconds for 100 MiB.
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
    """Events of SIGTERM and SIGINT, in a running loop: `asked` of the first signal, `now` of the second.

    Each sets a time after which the kernel ends the process by SIGALRM, whatever it is doing then.  A third signal ends
    it at once.
    """

    def __init__(self, seconds: float) -> None:
        """Take the signals from now on; *seconds* is how long the stop may take after the first."""
        self.asked, self.now = asyncio.Event(), asyncio.Event()
        self._seconds = seconds
        self._steps = iter(((self.asked, seconds), (self.now, min(seconds, _AT_ONCE_SECONDS))))
        self._loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._signalled)

    def _signalled(self, number: int, frame: FrameType | None) -> None:
        # Not by the loop's own handlers: they run when the loop has time, and this between two instructions.
        event, seconds = next(self._steps)
        signal.setitimer(signal.ITIMER_REAL, seconds)
        self._loop.call_soon_threadsafe(event.set)
        if event is self.now:
            for each in (signal.SIGTERM, signal.SIGINT):
                signal.signal(each, signal.SIG_DFL)
