"""Sessions with a process: input and output at the same time."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from queue import SimpleQueue
from types import TracebackType
from typing import Any, Self, cast

import grpc
from google.protobuf.message import Message

from dockfleet.errors import DockfleetError
from dockfleet.sources import chunks
from dockfleet.v1.common_pb2 import OutputChunk, SessionEnd, SessionStarted

WAITING_WRITES = 8  # frames of input, of at most 256 KiB each, that wait to be sent before `write` blocks


@dataclass(frozen=True)
class ExecResult:
    """The result of a command."""

    exit_code: int | None
    """Its exit code; None when it is not known."""

    stdout: bytes
    """All that it wrote to standard output."""

    stderr: bytes
    """All that it wrote to standard error."""

    unknown_reason: str = ""
    """Why there is no exit code."""

    dropped_bytes: int = 0
    """How many bytes of output are missing; only with `slow_reader=SLOW_READER_DROP`."""

    @classmethod
    def of(cls, state: SessionState, stdout: bytearray, stderr: bytearray) -> ExecResult:
        """Return the result of the session with *state* and these outputs."""
        reason = state.unknown_reason if state.ended else "the session ended without its last response"
        return cls(state.exit_code, bytes(stdout), bytes(stderr), reason, state.dropped_bytes)


class SessionState:
    """The state of a session, from its responses.  No I/O."""

    _dropped_bytes = 0
    _started: SessionStarted | None = None
    _end: SessionEnd | None = None

    @property
    def started(self) -> bool:
        """Whether the first response has come: the process runs or has run."""
        return self._started is not None

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
        """Whether the last response has come."""
        return self._end is not None

    @property
    def exit_code(self) -> int | None:
        """The exit code of the process; None before the end, and when it is not known."""
        return self._end.exit_code if self._end is not None and self._end.HasField("exit_code") else None

    @property
    def unknown_reason(self) -> str:
        """Why there is no exit code after the end."""
        return self._end.unknown_reason if self._end is not None else ""

    @property
    def running(self) -> bool:
        """Whether the process still runs after the end of the session."""
        return self._end is not None and self._end.running

    @property
    def dropped_bytes(self) -> int:
        """How many bytes of output are missing so far, because this program did not read in time.

        The gateway drops output of `AttachContainer`, so that the container does not wait, and of sessions with
        `slow_reader=SLOW_READER_DROP`.  The output is missing between the two chunks where the number changes.
        """
        return self._dropped_bytes

    def received(self, response: Any) -> OutputChunk | None:
        """Record *response*, and return its output, if any."""
        kind = response.WhichOneof("record")
        if kind == "output":
            return cast(OutputChunk, response.output)
        if kind == "dropped":
            self._dropped_bytes += response.dropped.bytes
        elif kind == "started":
            self._started = response.started
        elif kind == "end":
            self._end = response.end
        return None


class Session(SessionState):
    """A session with a process.

    Iteration yields the output until the end; then `exit_code` is set.  A program that reads too slowly may miss
    output: see `dropped_bytes`.  Any thread may write while another one iterates.  Leaving the `with` block ends the
    session.  That kills the process of `Exec`, unless it has `on_disconnect=ON_DISCONNECT_KEEP`.  The process of
    `StartExec` and an attached container continue to run.
    """

    def __init__(
        self, rpc: Callable[..., Any], frame: type[Message], arguments: Message, timeout: float | None = None
    ) -> None:
        """Start the session with *arguments*; it lasts at most *timeout* seconds.  *frame* is the class of requests."""
        self._frame: Any = frame
        self._requests = _RequestQueue()
        self._closed = False
        self._stdin_closed = False
        self._requests.send(self._frame(start=arguments))
        self._call = rpc(self._requests, timeout=timeout)
        requests = self._requests  # the callback must not keep the session alive
        self._call.add_done_callback(lambda _: requests.end())

    def __iter__(self) -> Iterator[OutputChunk]:
        """Yield the output as it comes.  Raises `DockfleetError` when the session breaks."""
        try:
            for response in self._call:
                if (output := self.received(response)) is not None:
                    yield output
        except grpc.RpcError as error:
            if not self._closed:
                raise DockfleetError.of(error) from error

    def write(self, data: bytes) -> None:
        """Send *data* to standard input; blocks while much of the earlier input is not sent yet.

        Raises `BrokenPipeError` when the session has ended.
        """
        for piece in chunks(data):
            self._requests.write(self._frame(stdin=piece))

    def close_stdin(self) -> None:
        """End standard input.  Output continues.  May be repeated."""
        if not self._stdin_closed:
            self._stdin_closed = True
            self._requests.send(self._frame(close_stdin={}))

    def resize(self, height: int, width: int) -> None:
        """Set the size of the terminal in characters.  Never blocks, so a signal handler may call it."""
        self._requests.send(self._frame(resize={"height": height, "width": width}))

    def close(self) -> None:
        """End the session."""
        self._closed = True
        self._requests.end()
        self._call.cancel()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class _RequestQueue:
    """The requests that wait to be sent.

    A thread of gRPC reads them and blocks here, so the end of the call must release it.  A `SimpleQueue` is safe in
    signal handlers; the semaphore limits the input in it.
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
            self._room.release()  # for the next waiting writer
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
