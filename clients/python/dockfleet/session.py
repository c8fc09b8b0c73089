"""Sessions with a process: input and output at the same time.

Generated from `dockfleet.aio` by protos/generate_clients.py.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Self

from google.protobuf.message import Message

from dockfleet.library import Event, Queue, Semaphore
from dockfleet.session_state import SessionState as SessionState
from dockfleet.sources import chunks
from dockfleet.stream import Stream
from dockfleet.v1.common_pb2 import OutputChunk

WAITING_WRITES = 8  # frames of input, of at most 256 KiB each, that wait to be sent before `write` waits


class Session(SessionState, Stream[OutputChunk]):
    """A session with a process.

    Iteration yields the output until the end; then `exit_code` is set.  It raises `DockfleetError` when the session
    breaks.  A program that reads too slowly may miss output: see `dropped_bytes`.  Any thread may write while another
    one iterates.

    The `with` block begins when the request is sent.  Leaving it ends the session.  That kills the process of
    `Exec`, unless it has `on_disconnect=ON_DISCONNECT_KEEP`.  The process of `StartExec` and an attached container
    continue to run.
    """

    def __init__(
        self, rpc: Callable[..., Any], frame: type[Message], arguments: Message, timeout: float | None = None
    ) -> None:
        """Start the session with *arguments*; it lasts at most *timeout* seconds.  *frame* is the class of requests."""
        requests = self._requests = _Requests()
        requests.send(frame(start=arguments))
        super().__init__(rpc(requests, timeout=timeout))
        self._frame: Any = frame
        self._stdin_closed = False
        self._call.add_done_callback(lambda _: requests.end())  # must not keep the session alive

    def __enter__(self) -> Self:
        self._requests.first_sent.wait()
        return self

    def __next__(self) -> OutputChunk:
        while True:
            response: Any = super().__next__()
            if (output := self.received(response)) is not None:
                return output

    def write(self, data: bytes) -> None:
        """Send *data* to standard input; waits while much of the earlier input is not sent yet.

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
        """Set the size of the terminal in characters.  Never waits, so a signal handler may call it."""
        self._requests.send(self._frame(resize={"height": height, "width": width}))

    def close(self) -> None:
        """End the session.  May be repeated, also after the end."""
        self._requests.end()
        super().close()


class _Requests:
    """The requests that wait to be sent.

    gRPC reads them and waits here, so the end of the call must release it.  The semaphore limits the input in it.
    """

    def __init__(self) -> None:
        self._queue: Queue[Message | None] = Queue()
        self._room = Semaphore(WAITING_WRITES)
        self._ended = False
        self._any_taken = False
        self.first_sent = Event()

    def send(self, frame: Message) -> None:
        self._queue.put_nowait(frame)

    def write(self, frame: Message) -> None:
        self._room.acquire()
        if self._ended:
            self._room.release()  # for the next waiting writer
            raise BrokenPipeError("the session has ended")
        self._queue.put_nowait(frame)

    def end(self) -> None:
        self._ended = True
        self.first_sent.set()
        self._queue.put_nowait(None)
        self._room.release()

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> Message:
        if self._any_taken:  # gRPC takes one when the one before is sent
            self.first_sent.set()
        self._any_taken = True
        frame = self._queue.get()
        if frame is None:
            raise StopIteration
        if frame.HasField("stdin"):
            self._room.release()
        return frame
