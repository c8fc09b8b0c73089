"""Streams of responses, and uploads."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from types import TracebackType
from typing import Any, Generic, Self, TypeVar

import grpc
from google.protobuf.message import Message

from dockfleet.errors import DockfleetError
from dockfleet.sources import Source as Source
from dockfleet.sources import chunks

T = TypeVar("T")


class Stream(Generic[T]):
    """The responses of a call.  Leaving the `with` block, or `close`, ends the call.

    Iteration raises `DockfleetError` when the call fails, also after responses.  Any thread may close the stream; the
    iteration then ends.
    """

    def __init__(self, call: Any, upload: Upload | None = None) -> None:
        """Iterate over the responses of *call*, which sends *upload* if there is one."""
        self._call = call
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
            response: T = next(self._call)
        except grpc.RpcError as error:
            if self._closed:
                raise StopIteration from None
            raise (self._upload and self._upload.failure) or DockfleetError.of(error) from error
        return response

    def close(self) -> None:
        """End the call.  May be repeated, also after the end."""
        self._closed = True
        self._call.cancel()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class Upload(Iterator[Any]):
    """The requests of an upload.  gRPC reads them on its own thread.

    When the source fails, the call is cancelled, so that the gateway does not accept an incomplete upload.  `failure`
    is then the source's error.
    """

    def __init__(self, frame: type[Message], start: Message, source: Source | None, field: str = "data") -> None:
        """Send *start*, then the bytes of *source* in *field* of the frames; without a source, only *start*.

        Raises `TypeError` when *source* cannot be uploaded.
        """
        self.failure: Exception | None = None
        self._frames = _frames(frame, start, None if source is None else chunks(source), field)
        self._call: Any = None
        self._started = threading.Event()

    def started(self, call: Any) -> None:
        """Set the call of this upload."""
        self._call = call
        self._started.set()

    def frames(self) -> Self:
        """Return the requests."""
        return self

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


def _frames(frame: type[Message], start: Message, pieces: Iterator[bytes] | None, field: str) -> Iterator[Message]:
    yield frame(start=start)
    if pieces is None:
        return
    for data in pieces:
        yield frame(**{field: data})
    if field == "stdin":  # the end of the requests has the same meaning
        yield frame(close_stdin={})


def response_of(rpc: Callable[..., Any], request: Message, timeout: float | None) -> Any:
    """Return the single response of a call.  Raises `DockfleetError`."""
    try:
        return rpc(request, timeout=timeout)
    except grpc.RpcError as error:
        raise DockfleetError.of(error) from error


def uploaded(rpc: Any, upload: Upload, timeout: float | None = None) -> Any:
    """Return the single response of a call that sends *upload*.  Raises `DockfleetError`, and what its source does."""
    future = rpc.future(upload, timeout=timeout)
    upload.started(future)
    try:
        return future.result()
    except (grpc.RpcError, grpc.FutureCancelledError) as error:
        raise upload.failure or DockfleetError.of(future) from error
    finally:
        future.cancel()  # has no effect after the end


def download(responses: Iterable[Any]) -> Iterator[bytes]:
    """Yield the bytes in *responses*, as in `download(host.containers.ExportContainer(id="web"))`.

    Raises `DockfleetError` when the call fails.  The bytes before that are incomplete.
    """
    return (response.data for response in responses if response.data)
