"""The terminal that the command line client runs in: keys as they are pressed, its size, its changes."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

if sys.platform != "win32":
    import termios
    import tty

READ_BYTES = 64 << 10
STDIN, STDOUT = 0, 1


@contextmanager
def raw() -> Iterator[None]:
    """Hand on every key, Ctrl-C among them, and neither echo nor edit lines, until the end of the block."""
    saved = termios.tcgetattr(STDIN)
    try:
        tty.setraw(STDIN)
        yield
    finally:
        termios.tcsetattr(STDIN, termios.TCSADRAIN, saved)


@contextmanager
def size_changes(resize: Callable[[int, int], None]) -> Iterator[None]:
    """Call *resize* with rows and columns whenever the terminal has got another size, until the end of the block."""

    def changed(*_: object) -> None:
        if now := size():
            resize(now["height"], now["width"])

    before = signal.signal(signal.SIGWINCH, changed)
    try:
        yield
    finally:
        signal.signal(signal.SIGWINCH, before)


def size() -> dict[str, int] | None:
    """Return the size of the terminal as `TerminalSize` has it, in characters; None when there is none."""
    try:
        columns, lines = os.get_terminal_size(STDOUT)
    except OSError:
        return None
    return {"height": lines, "width": columns}


def feed(write: Callable[[bytes], None], close: Callable[[], None]) -> None:
    """Hand standard input on to *write*, and its end to *close*, beside whatever else goes on.

    It ends with a `BrokenPipeError` of either.  The thread may be left waiting for a key when the program ends,
    which is why it is a daemon and reads past Python's buffers: those must not be locked at that time.
    """

    def pump() -> None:
        with suppress(BrokenPipeError):
            while data := os.read(STDIN, READ_BYTES):
                write(data)
            close()

    threading.Thread(target=pump, name="stdin", daemon=True).start()
