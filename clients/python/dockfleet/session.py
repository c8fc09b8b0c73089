"""Two-way sessions with a process: input up, output down, at the same time."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from queue import SimpleQueue
from types import TracebackType
from typing import Any, Self, cast

import grpc
from google.protobuf.message import Message

from dockfleet.calls import Method, chunks
from dockfleet.errors import DockfleetError
from dockfleet.v1.common_pb2 import OutputChunk, SessionEnd, SessionStarted

WAITING_WRITES = 8  # pieces of input, of at most 256 KiB each, that may be under way before `write` waits


@dataclass(frozen=True)
class ExecResult:
    """What became of a command."""

    exit_code: int | None
    """Its exit code; None when it can not be known."""

    stdout: bytes
    """All that it wrote to standard output."""

    stderr: bytes
    """All that it wrote to standard error."""

    unknown_reason: str = ""
    """Why there is no exit code."""

    dropped_bytes: int = 0
    """How many bytes of output are missing; only with `slow_reader=SLOW_READER_DROP`."""

    @classmethod
    def of(cls, outcome: Outcome, stdout: bytearray, stderr: bytearray) -> ExecResult:
        """Put the outputs together with what the session has told besides."""
        reason = outcome.unknown_reason if outcome.ended else "the session ended without a word about it"
        return cls(outcome.exit_code, bytes(stdout), bytes(stderr), reason, outcome.dropped_bytes)


class Outcome:
    """What a session has told besides its output.  No I/O."""

    _dropped_bytes = 0
    _started: SessionStarted | None = None
    _end: SessionEnd | None = None

    @property
    def exec_id(self) -> str:
        """The id of the exec, for `ResizeExec` and `InspectExec`; empty before the start, and for attach."""
        return self._started.exec_id if self._started is not None else ""

    @property
    def tty(self) -> bool:
        """Whether the process has a terminal; false before the start."""
        return self._started is not None and self._started.tty

    @property
    def ended(self) -> bool:
        """Whether the last message has come, which tells how the session ended."""
        return self._end is not None

    @property
    def exit_code(self) -> int | None:
        """The exit code of the process; None before it has ended, and when it can not be known."""
        return self._end.exit_code if self._end is not None and self._end.HasField("exit_code") else None

    @property
    def unknown_reason(self) -> str:
        """Why there is no exit code, once the process has ended."""
        return self._end.unknown_reason if self._end is not None else ""

    @property
    def running(self) -> bool:
        """Whether the process still runs though the session has ended."""
        return self._end is not None and self._end.running

    @property
    def dropped_bytes(self) -> int:
        """How many bytes of output are missing up to here, for this program did not read in time.

        The gateway drops output of `AttachContainer`, so that the container need not wait, and of other sessions
        when they say `slow_reader=SLOW_READER_DROP`.  What is missing stood between the pieces before and after
        which the number differs.
        """
        return self._dropped_bytes

    def took(self, answer: Any) -> OutputChunk | None:
        """Take note of *answer*, and return the output in it, if any."""
        kind = answer.WhichOneof("record")
        if kind == "output":
            return cast(OutputChunk, answer.output)
        if kind == "dropped":
            self._dropped_bytes += answer.dropped.bytes
        elif kind == "started":
            self._started = answer.started
        elif kind == "end":
            self._end = answer.end
        return None


class Session(Outcome):
    """A process that is being talked to.

    Iteration yields its output until it has ended, after which `exit_code` is known; who does not iterate in time may
    miss some, see `dropped_bytes`.  Any thread may write while another iterates.  Leaving the `with` block ends the
    session.  The process of `Exec` is then killed, unless `on_disconnect=ON_DISCONNECT_KEEP` was said; that of
    `StartExec`, and a container that was attached to, run on.
    """

    def __init__(
        self, rpc: Callable[..., Any], method: Method, arguments: Message, timeout: float | None = None
    ) -> None:
        """Start the session that *arguments* describe; it may last for *timeout* seconds."""
        self._frame = method.frame
        self._outbox = _Outbox()
        self._closed = False
        self._stdin_closed = False
        self._outbox.send(self._frame(start=arguments))
        self._call = rpc(self._outbox, timeout=timeout)
        outbox = self._outbox
        self._call.add_done_callback(lambda _: outbox.end())

    def __iter__(self) -> Iterator[OutputChunk]:
        """Yield pieces of output as they come.  Raises `DockfleetError` when the session breaks."""
        try:
            for answer in self._call:
                if (output := self.took(answer)) is not None:
                    yield output
        except grpc.RpcError as error:
            if not self._closed:
                raise DockfleetError.of(error) from error

    def write(self, data: bytes) -> None:
        """Send *data* to standard input; waits while much of what was written before is still under way.

        Raises `BrokenPipeError` when the session has ended.
        """
        for piece in chunks(data):
            self._outbox.write(self._frame(stdin=piece))

    def close_stdin(self) -> None:
        """End standard input.  Output goes on.  Harmless to repeat."""
        if not self._stdin_closed:
            self._stdin_closed = True
            self._outbox.send(self._frame(close_stdin={}))

    def resize(self, height: int, width: int) -> None:
        """Set the size of the terminal, in characters.  Never waits: a signal handler may call it."""
        self._outbox.send(self._frame(resize={"height": height, "width": width}))

    def close(self) -> None:
        """End the connection."""
        self._closed = True
        self._outbox.end()
        self._call.cancel()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class _Outbox:
    """The frames on their way up.

    gRPC takes them on a thread of its own, which blocks here until there is one, and which the end of the call
    must therefore release.  A `SimpleQueue` is safe in signal handlers; the semaphore bounds the input in it.
    """

    def __init__(self) -> None:
        self._queue: SimpleQueue[Message | None] = SimpleQueue()
        self._room = threading.Semaphore(WAITING_WRITES)
        self._ended = False

    def send(self, frame: Message) -> None:
        self._queue.put(frame)

    def write(self, frame: Message) -> None:
        self._room.acquire()
        if self._ended:
            self._room.release()  # for the next writer that waits
            raise BrokenPipeError("the session has ended")
        self._queue.put(frame)

    def end(self) -> None:
        self._ended = True
        self._queue.put(None)
        self._room.release()

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> Message:
        frame = self._queue.get()
        if frame is None:
            raise StopIteration
        if frame.HasField("stdin"):
            self._room.release()
        return frame
