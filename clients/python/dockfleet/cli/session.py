"""Sessions with a process: the terminal's input up and the output down, and how they end."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from queue import SimpleQueue
from typing import Any, Self

import click

from dockfleet.cli import terminal
from dockfleet.cli.failures import Failure, explain
from dockfleet.cli.gateway import responses
from dockfleet.cli.group import CommandError
from dockfleet.cli.output import flush, say, write
from dockfleet.errors import DockfleetError
from dockfleet.v1.common_pb2 import STANDARD_STREAM_STDERR

UNKNOWN = 255  # as ssh reports a broken connection
WAITING_WRITES = 8  # pieces of input that wait to be sent before `write` blocks


class Requests:
    """The requests of a session: a first one, then input, sizes, and the end of the input.

    A thread of gRPC reads them and blocks here, so the end of the session must release it.
    """

    def __init__(self, frame: type[Any], start: Any) -> None:
        """Begin with *start*."""
        self._frame = frame
        self._queue: SimpleQueue[Any] = SimpleQueue()  # safe in signal handlers
        self._room = threading.Semaphore(WAITING_WRITES)
        self._ended = False
        self._queue.put(frame(start=start))

    def write(self, data: bytes) -> None:
        """Send *data* to standard input.  Raises `BrokenPipeError` when the session has ended."""
        self._room.acquire()
        if self._ended:
            self._room.release()  # for the next waiting writer
            raise BrokenPipeError("the session has ended")
        self._queue.put(self._frame(stdin=data))

    def close_stdin(self) -> None:
        """End standard input.  Output continues."""
        self._queue.put(self._frame(close_stdin={}))

    def resize(self, height: int, width: int) -> None:
        """Set the size of the terminal.  Never blocks."""
        self._queue.put(self._frame(resize={"height": height, "width": width}))

    def end(self) -> None:
        """Send nothing more."""
        self._ended = True
        self._queue.put(None)
        self._room.release()

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> Any:
        frame = self._queue.get()
        if frame is None:
            raise StopIteration
        if frame.WhichOneof("frame") == "stdin":
            self._room.release()
        return frame


class Session:
    """A session with a process, joined with this program's terminal."""

    def __init__(self, rpc: Callable[..., Any], requests: Requests) -> None:
        """Start the session when the output is first read."""
        self.started = False
        self.end: Any = None
        self._rpc = rpc
        self._requests = requests

    def run(self, *, interactive: bool, tty: bool, on_start: Callable[[], None] | None = None) -> None:
        """Pass input and output until the end; `end` is then the last response.  Raises `DockfleetError`."""
        raw = interactive and tty
        with ExitStack() as stack:
            stack.callback(self._requests.end)
            if tty:
                stack.enter_context(terminal.size_changes(self._requests.resize))
            if raw:
                stack.enter_context(terminal.raw())
            for record in self._records():
                kind = record.WhichOneof("record")
                if kind == "started":
                    self.started = True
                    if on_start is not None:
                        on_start()
                    if interactive:
                        terminal.feed(self._requests.write, self._requests.close_stdin)
                elif kind == "output":
                    write(record.output.stream == STANDARD_STREAM_STDERR, record.output.data)
                    flush()
                elif kind == "dropped":
                    say(f"{record.dropped.bytes} bytes of output are missing: this program read too slowly")
                elif kind == "end":
                    self.end = record.end

    def _records(self) -> Iterator[Any]:
        return responses(self._rpc, self._requests)


def finish(context: click.Context, end: Any) -> None:
    """End the program with the exit code of a process, or say why it is not known."""
    if end is not None and end.HasField("exit_code"):
        context.exit(end.exit_code)
    if end is not None and end.running:  # the user has detached
        context.exit(0)
    reason = (end.unknown_reason if end is not None else "") or "the session ended without its last response"
    say(f"the exit code is not known: {reason}")
    context.exit(UNKNOWN)


def broken(context: click.Context, error: DockfleetError, what: str) -> CommandError:
    """Return the end of the program when a connection broke after the start of a process."""
    return CommandError(f"{explain(error, context.find_root().params)}; {what}", UNKNOWN)


def not_started(context: click.Context, error: DockfleetError, exit_code: int) -> Failure:
    """Return the end of the program when nothing was started."""
    return Failure(error, context, exit_code)


def check_terminal(interactive: bool, tty: bool) -> None:
    """Raise `click.UsageError` when a terminal is wanted and there is none."""
    import os

    if interactive and tty and not os.isatty(terminal.STDIN):
        raise click.UsageError("Standard input is not a terminal: leave out -t.")
