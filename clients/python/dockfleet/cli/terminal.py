"""The terminal of the command line client: raw input, and its size."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import IO, Any

if sys.platform != "win32":
    import termios
    import tty

READ_BYTES = 64 << 10
STDIN, STDOUT = 0, 1


@contextmanager
def raw() -> Iterator[None]:
    """Read every key, also Ctrl-C, without echo and line editing, until the end of the block."""
    saved = termios.tcgetattr(STDIN)
    try:
        tty.setraw(STDIN)
        yield
    finally:
        termios.tcsetattr(STDIN, termios.TCSADRAIN, saved)


@contextmanager
def size_changes(resize: Callable[[int, int], None]) -> Iterator[None]:
    """Call *resize* with rows and columns when the size of the terminal changes, until the end of the block."""

    def changed(*_: object) -> None:
        if now := size():
            resize(now["height"], now["width"])

    before = signal.signal(signal.SIGWINCH, changed)
    try:
        yield
    finally:
        signal.signal(signal.SIGWINCH, before)


def size() -> dict[str, int] | None:
    """Return the size of the terminal as fields of `TerminalSize`; None without a terminal."""
    try:
        columns, lines = os.get_terminal_size(STDOUT)
    except OSError:
        return None
    return {"height": lines, "width": columns}


def unbuffered_input() -> IO[bytes]:
    """Return standard input, for an upload: Python aborts when it ends while a thread waits in a buffered read."""
    buffer: Any = sys.stdin.buffer
    source: IO[bytes] = getattr(buffer, "raw", buffer)
    return source


def feed(write: Callable[[bytes], None], close: Callable[[], None]) -> None:
    """Pass standard input to *write* and its end to *close*, on a thread, until one of them raises `BrokenPipeError`.

    The thread may still wait for a key when the program ends.  So it is a daemon, and it does not use Python's buffers,
    because their lock would block the end of the program.
    """

    def pump() -> None:
        with suppress(BrokenPipeError):
            while data := os.read(STDIN, READ_BYTES):
                write(data)
            close()

    threading.Thread(target=pump, name="stdin", daemon=True).start()
