"""Sessions with a process: forwards the input and the output of the terminal, and returns the exit code."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

import click
from google.protobuf.message import Message

from dockfleet.cli import terminal
from dockfleet.cli.failures import Failure
from dockfleet.cli.output import flush, say, write
from dockfleet.errors import DockfleetError
from dockfleet.session import Session, SessionState
from dockfleet.v1.common_pb2 import STANDARD_STREAM_STDERR, OutputChunk

UNKNOWN = 255  # as ssh reports a broken connection


class TerminalSession(Session):
    """A session with a process, joined with this program's terminal."""

    def __init__(
        self,
        rpc: Callable[..., Any],
        frame: type[Message],
        start: Message,
        *,
        interactive: bool,
        tty: bool,
        on_start: Callable[[], None] = lambda: None,
    ) -> None:
        """Start the session; call *on_start* when the process runs."""
        super().__init__(rpc, frame, start)
        self._interactive = interactive
        self._has_terminal = tty
        self._on_start = on_start

    def run(self) -> None:
        """Pass input and output until the end.  Raises `DockfleetError`."""
        with self, ExitStack() as stack:
            if self._has_terminal:
                stack.enter_context(terminal.size_changes(self.resize))
            if self._has_terminal and self._interactive:
                stack.enter_context(terminal.raw())
            for output in self:
                write(output.stream == STANDARD_STREAM_STDERR, output.data)
                flush()

    def received(self, response: Any) -> OutputChunk | None:
        """Record *response*, and return its output, if any."""
        output = super().received(response)
        kind = response.WhichOneof("record")
        if kind == "started":
            self._on_start()
            if self._interactive:
                terminal.feed(self.write, self.close_stdin)
        elif kind == "dropped":
            say(f"{response.dropped.bytes} bytes of output are missing: this program read too slowly")
        return output


def finish(context: click.Context, session: SessionState) -> None:
    """End the program with the exit code of a process, or say why it is not known."""
    if session.exit_code is not None:
        context.exit(session.exit_code)
    if session.running:  # the user has detached
        context.exit(0)
    say(f"the exit code is not known: {session.unknown_reason or 'the session ended without its last response'}")
    context.exit(UNKNOWN)


def broken(context: click.Context, error: DockfleetError, what: str) -> Failure:
    """Return the end of the program when a connection broke after the start of a process."""
    return Failure(error, context, UNKNOWN, what)


def not_started(context: click.Context, error: DockfleetError, exit_code: int) -> Failure:
    """Return the end of the program when nothing was started."""
    return Failure(error, context, exit_code)


def check_terminal(interactive: bool, tty: bool) -> None:
    """Raise `click.UsageError` when a terminal is wanted and there is none."""
    import os

    if interactive and tty and not os.isatty(terminal.STDIN):
        raise click.UsageError("Standard input is not a terminal: leave out -t.")
