"""An engine at the other end of a program's input and output, such as `ssh HOST docker system dial-stdio`.

The program dials by itself, and says on its standard error why it could not.  So a connection through it counts as
made only when the engine has answered a ping: until then nothing of a caller's has been sent, and a failure is one to
reach the host, in the program's own words.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import socket

from gateway.engine.errors import (
    CredentialsRejected,
    Disconnected,
    IdentityMismatch,
    TimedOut,
    TransportError,
    Unreachable,
)
from gateway.engine.transport.connection import Connection
from gateway.engine.transport.http import Request

log = logging.getLogger("gateway.engine")

_PING = Request("GET", "/_ping")
_PING_BYTES = 64 << 10
_WORDS_BYTES = 4096  # the end of what a program says on its standard error
_EXIT_SECONDS = 2.0  # for a program that has closed its output to end by itself, with its own exit code
_LAST_WORDS_SECONDS = 0.5  # a background process of ssh (ControlPersist) keeps its standard error open for ever
_VERDICTS: tuple[tuple[str, type[TransportError]], ...] = (  # by the words of ssh, and of docker at the far end
    ("host key verification failed", IdentityMismatch),
    ("permission denied", CredentialsRejected),
    ("too many authentication failures", CredentialsRejected),
)


async def dial(command: tuple[str, ...], connection: Connection, host: str, deadline: float) -> None:
    """Run *command*, joined to *connection*, and wait for the engine of *host* to answer through it.

    *deadline* is in the loop's time.  The program ends with the connection.  Raises `Unreachable`,
    `IdentityMismatch`, `CredentialsRejected` and `BadResponse`; the connection is closed then.
    """
    child = await _spawn(command, connection, host)
    try:
        await connection.fetch(_PING, _PING_BYTES, deadline)
    except TimedOut as error:
        raise _verdict(child.program, child.words, "no answer within the time allowed") from error
    except Disconnected as error:
        await asyncio.wait({child.task})
        raise _verdict(child.program, child.words, "ended before the host answered") from error
    if not connection.reusable:
        connection.close()
        raise Unreachable("the host closes the connection after a ping")


def _verdict(program: str, words: str, otherwise: str) -> TransportError:
    """Return what the *words* of a program that failed to dial mean; *otherwise*, where it said nothing."""
    lines = [line.strip() for line in words.splitlines() if line.strip()]
    said = "; ".join(lines[-2:]) or otherwise
    kind = next((kind for text, kind in _VERDICTS if text in words.lower()), Unreachable)
    return kind(f"{program}: {said.removeprefix(f'{program}: ')}")


class _Child:
    """A program that runs, and what it has said so far on its standard error."""

    task: asyncio.Task[None]  # ends with the program

    def __init__(self, program: str, host: str) -> None:
        self.program = program
        self._host = host
        self._said = b""

    @property
    def words(self) -> str:
        return self._said.decode(errors="backslashreplace").strip()

    async def run(self, command: tuple[str, ...], end: socket.socket, connection: Connection) -> None:
        try:
            with end:
                process = await asyncio.create_subprocess_exec(
                    *command, stdin=end.fileno(), stdout=end.fileno(), stderr=asyncio.subprocess.PIPE
                )
        except OSError as error:
            connection.fail(Unreachable(f"{self.program} cannot be run: {error.strerror}"))
            return
        listening = asyncio.create_task(self._listen(process))
        try:
            await connection.gone
            if connection.ended_by_peer:
                await _exit(process)
        finally:
            with contextlib.suppress(ProcessLookupError):
                process.terminate()  # one that is still dialling does not notice that its input has ended
        if not await _exit(process):
            process.kill()
        code = await process.wait()
        await asyncio.wait({listening}, timeout=_LAST_WORDS_SECONDS)
        listening.cancel()
        if self.words and code not in (0, -signal.SIGTERM):
            fields = {"host": self._host, "command": self.program, "said": self.words}
            log.warning("command failed", extra={"fields": fields})

    async def _listen(self, process: asyncio.subprocess.Process) -> None:
        """Keep the end of what a process writes to its standard error, which must not become part of the log."""
        assert process.stderr is not None
        while data := await process.stderr.read(_WORDS_BYTES):
            self._said = (self._said + data)[-_WORDS_BYTES:]


async def _exit(process: asyncio.subprocess.Process) -> bool:
    """Wait a little for the end of *process*; tell whether it came."""
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(process.wait(), _EXIT_SECONDS)
    return process.returncode is not None


async def _spawn(command: tuple[str, ...], connection: Connection, host: str) -> _Child:
    """Run *command* and join its input and output to *connection*."""
    ours, theirs = socket.socketpair()
    try:
        await asyncio.get_running_loop().create_unix_connection(lambda: connection, sock=ours)
    except BaseException:
        ours.close()
        theirs.close()
        raise
    child = _Child(os.path.basename(command[0]), host)
    # A task of its own: a call that is cancelled while the command starts must not leave it behind.
    child.task = asyncio.create_task(child.run(command, theirs, connection))
    _children.add(child.task)
    child.task.add_done_callback(_children.discard)
    return child


_children: set[asyncio.Task[None]] = set()  # asyncio itself keeps no task alive
