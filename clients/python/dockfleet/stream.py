"""Streams of responses, and uploads.

Generated from `dockfleet.aio` by protos/generate_clients.py.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Generic, Self, TypeVar

from google.protobuf.message import Message

from dockfleet.errors import DockfleetError
from dockfleet.library import FAILURES, Event, FinalStatus, pieces, result_of, started, task_cancelled
from dockfleet.library import Source as Source

T = TypeVar("T")


class Stream(Generic[T]):
    """The responses of a call.  Leaving the `with` block, or `close`, ends the call.

    Iteration raises `DockfleetError` when the call fails, also after responses.  Any thread may close the stream; the
    iteration then ends.
    """

    def __init__(self, call: Any, upload: Upload | None = None) -> None:
        """Iterate over the responses of *call*, which sends *upload* if there is one."""
        self._call = call
        self._responses = iter(call)
        self._status = FinalStatus(call)
        self._upload = upload
        self._closed = False
        if upload is not None:
            upload.started(call)

    def wait_started(self) -> None:
        """Wait until the gateway has accepted or refused the call.  A refusal is raised by the iteration.

        `StreamEvents` misses no event after this.  Other calls wait for their first response.
        """
        self._call.initial_metadata()

    def __iter__(self) -> Iterator[T]:
        return self

    def __next__(self) -> T:
        try:
            response: T = next(self._responses)
        except FAILURES as error:
            if task_cancelled():
                raise
            if self._closed:
                raise StopIteration from None
            failure = (self._upload and self._upload.failure) or self._status.failure(error)
            if failure is None:
                raise StopIteration from None
            raise failure from None  # it says all that the error of gRPC says
        return response

    def close(self) -> None:
        """End the call.  May be repeated, also after the end."""
        self._closed = True
        self._call.cancel()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def __del__(self) -> None:
        """End a call that nobody reads any more: gRPC itself keeps it alive."""
        if hasattr(self, "_call"):
            self._call.cancel()


class Upload(Iterator[Any]):
    """The requests of an upload, which gRPC reads.

    When the source fails, the call is cancelled, so that the gateway does not accept an incomplete upload.  `failure`
    is then the source's error.
    """

    def __init__(self, frame: type[Message], start: Message, source: Source | None, field: str = "data") -> None:
        """Send *start*, then the bytes of *source* in *field* of the frames; without a source, only *start*.

        Raises `TypeError` when *source* cannot be uploaded.
        """
        self.failure: Exception | None = None
        self._frames = _frames(frame, start, None if source is None else pieces(source), field)
        self._call: Any = None
        self._started = Event()

    def started(self, call: Any) -> None:
        """Set the call of this upload."""
        self._call = call
        self._started.set()

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> Any:
        try:
            return next(self._frames)
        except StopIteration:
            raise
        except Exception as error:  # the source may raise anything
            self.failure = error
            self._started.wait()
            self._call.cancel()
            raise StopIteration from error


def _frames(frame: type[Message], start: Message, source: Iterator[bytes] | None, field: str) -> Iterator[Message]:
    yield frame(start=start)
    if source is None:
        return
    for data in source:
        yield frame(**{field: data})
    if field == "stdin":  # the end of the requests has the same meaning
        yield frame(close_stdin={})


def uploaded(rpc: Any, upload: Upload, timeout: float | None = None) -> Any:
    """Return the single response of a call that sends *upload*.  Raises `DockfleetError`, and what its source does."""
    call = started(rpc, upload, timeout)
    upload.started(call)
    status = FinalStatus(call)
    try:
        return result_of(call)
    except FAILURES as error:
        if task_cancelled():
            raise
        raise upload.failure or status.failure(error) or DockfleetError.of(error) from None
    finally:
        call.cancel()  # has no effect after the end


def download(responses: Iterable[Any]) -> Iterator[bytes]:
    """Yield the bytes in *responses*, as in `download(host.containers.rpc("ExportContainer")(id="web"))`.

    Raises `DockfleetError` when the call fails.  The bytes before that are incomplete.
    """
    for response in responses:
        if response.data:
            yield response.data
