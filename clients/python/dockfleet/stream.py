"""Calls with many answers, and calls with many requests."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from types import TracebackType
from typing import Any, Generic, Self, TypeVar

import grpc
from google.protobuf.message import Message

from dockfleet.calls import Source, chunks
from dockfleet.errors import DockfleetError

T = TypeVar("T")


class Stream(Generic[T]):
    """The answers of a call that has many.  Leaving the `with` block, or `close`, ends the call.

    Iteration raises `DockfleetError` when the call fails, also midway.  Any thread may close the stream, upon
    which the iteration simply ends.
    """

    def __init__(self, call: Any, upload: Upload | None = None) -> None:
        """Iterate over what *call* answers, to *upload* if it is one."""
        self._call = call
        self._upload = upload
        self._closed = False
        if upload is not None:
            upload.started(call)

    def begun(self) -> None:
        """Wait until the gateway has taken the call, or refused it, which the iteration then tells.

        Of `StreamEvents`, no event is missed from then on.  Of other calls the first answer is waited for.
        """
        self._call.initial_metadata()

    def __iter__(self) -> Iterator[T]:
        return self

    def __next__(self) -> T:
        try:
            answer: T = next(self._call)
        except grpc.RpcError as error:
            if self._closed:
                raise StopIteration from None
            raise (self._upload and self._upload.failure) or DockfleetError.of(error) from error
        return answer

    def close(self) -> None:
        """End the call.  Harmless to repeat, and after its end."""
        self._closed = True
        self._call.cancel()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class Upload(Iterator[Any]):
    """The requests of an upload, which gRPC takes on a thread of its own.

    When the source breaks, the call is cancelled, so that the gateway never takes a part for the whole, and
    `failure` is what its reader is told.
    """

    def __init__(self, frame: type[Message], start: Message, source: Source | None, field: str = "data") -> None:
        """Send *start*, then the bytes of *source* in the frames' *field*; only *start* when there are none."""
        self.failure: Exception | None = None
        self._frames = self._all(frame, start, None if source is None else chunks(source), field)
        self._call: Any = None
        self._started = threading.Event()

    def started(self, call: Any) -> None:
        """Say which call this is the upload of."""
        self._call = call
        self._started.set()

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> Any:
        try:
            return next(self._frames)
        except StopIteration:
            raise
        except Exception as error:  # of the source, whatever it is
            self.failure = error
            self._started.wait()
            self._call.cancel()
            raise StopIteration from error

    @staticmethod
    def _all(frame: type[Message], start: Message, pieces: Iterator[bytes] | None, field: str) -> Iterator[Message]:
        yield frame(start=start)
        if pieces is None:
            return
        for data in pieces:
            yield frame(**{field: data})
        if field == "stdin":  # which the end of the requests means, too
            yield frame(close_stdin={})


def download(answers: Iterable[Any]) -> Iterator[bytes]:
    """Yield the bytes that *answers* carry, as in `download(host.containers.ExportContainer(id="web"))`.

    Raises `DockfleetError` when they end before their time: what was yielded until then is not the whole.
    """
    return (answer.data for answer in answers if answer.data)
