"""One host of the fleet: all RPCs of the contract without the argument `host`."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from typing import Any

import grpc

from dockfleet.calls import Method, Services, Shape, Source, check_timeout
from dockfleet.errors import DockfleetError
from dockfleet.resume_state import RETRY_SECONDS
from dockfleet.resuming import ResumingStream
from dockfleet.session import ExecResult, Session, SessionState
from dockfleet.stream import Stream, Upload
from dockfleet.v1.common_pb2 import STANDARD_STREAM_STDERR
from dockfleet.v1.containers_pb2 import LogEntry, StreamLogsResponse, StreamStatsResponse
from dockfleet.v1.exec_pb2 import ExecRequest, ExecResponse
from dockfleet.v1.system_pb2 import StreamEventsResponse
from dockfleet.view import CallAdapter, View


class HostView(View):
    """One host: the services of the contract, and shortcuts.

    Each service is an attribute, such as `containers`, and each of its RPCs is a method.  Keyword arguments are the
    fields of the request; `host` is filled in.  Fields take what docker-py takes, with the same meaning.  Everything
    else is a `TypeError` or a `ValueError`, and nothing is sent.  `timeout` is the deadline in seconds; without it, the
    gateway's own limits hold.

    The result depends on the RPC:

    - a call returns the response;
    - a stream returns a `Stream` of responses;
    - an upload (`BuildImage`, `LoadImages`, …) takes the bytes as its first argument, as bytes, a file or pieces, and
      the fields of `start`; it returns the response or a `Stream`;
    - a session (`Exec`, `AttachContainer`, …) returns a `Session`.
    """

    def __init__(self, stubs: Services, name: str) -> None:
        """Use *stubs* for the host called *name*."""
        super().__init__(stubs, name, ADAPTERS)

    def logs(
        self, id: str, *, retry_seconds: float = RETRY_SECONDS, timeout: float | None = None, **fields: Any
    ) -> Generator[LogEntry, None, None]:
        """Yield the log of container *id* line by line; *fields* are those of `StreamLogsRequest`.

        Lines have no line feed.  A `partial` entry continues in the next one.

        The stream resumes as `log_messages` does.  When the engine has lost lines, it raises a `DockfleetError` with
        the reason `GAP`; with `strict=False` it skips them silently.  `log_messages` reports gaps, restarts and the
        end, and can continue in another process.
        """
        fields = {"strict": True, **fields}
        with self.log_messages(id, retry_seconds=retry_seconds, timeout=timeout, **fields) as responses:
            for response in responses:
                yield from response.batch.entries

    def log_messages(
        self, id: str, *, retry_seconds: float = RETRY_SECONDS, timeout: float | None = None, **fields: Any
    ) -> ResumingStream[StreamLogsResponse]:
        """Return the log of container *id* as responses: batches of entries, and other records.

        When the gateway or a connection breaks, the log continues after the last response.  The `DockfleetError` is
        raised when no response has come for *retry_seconds* (0: at once), when nothing has come before, and when
        another call cannot help.

        A `gap` reports entries that the engine has lost; with `strict=True` it is an error.  Heartbeats are left out.
        To continue in another process, store a response's `resume_token` together with the result of the response, and
        pass it as `resume_token` in place of `since` and `tail`.
        """
        fields["id"] = id
        return ResumingStream(*self._resumable("containers", "StreamLogs", retry_seconds, timeout, fields))

    def events(
        self, *, retry_seconds: float = RETRY_SECONDS, timeout: float | None = None, **fields: Any
    ) -> ResumingStream[StreamEventsResponse]:
        """Return the events of the host as they happen; *fields* are those of `StreamEventsRequest`.

        A response has an `event` or a `gap`, which means that events are missing.  After a gap come `synthetic` events,
        unless this program was the slow reader.  Check for the `gap` first:

            with host.events(filters={"type": "container"}) as events:
                events.wait_started()  # no later event is missed
                for response in events:
                    if response.HasField("gap"):
                        ...

        The stream resumes as `log_messages` does, also in another process with a `resume_token`.
        """
        return ResumingStream(*self._resumable("system", "StreamEvents", retry_seconds, timeout, fields))

    def stats(
        self, id: str, *, retry_seconds: float = RETRY_SECONDS, timeout: float | None = None, **fields: Any
    ) -> ResumingStream[StreamStatsResponse]:
        """Return samples of the resource usage of container *id*; *fields* are those of `StreamStatsRequest`.

        The stream resumes as `log_messages` does.  There are no samples of the time in between.
        """
        fields["id"] = id
        return ResumingStream(*self._resumable("containers", "StreamStats", retry_seconds, timeout, fields))

    def execute(
        self,
        id: str,
        cmd: Sequence[str] | str,
        *,
        stdin: Source | None = None,
        timeout: float | None = None,
        **fields: Any,
    ) -> ExecResult:
        """Run *cmd* in container *id* and return its result; *fields* are those of `ExecStart`.

        A str is split into arguments as a shell does, but no shell runs.  *stdin* is the input of the command.  All
        output is kept in memory; `exec.Exec` streams it.  A command that fails raises nothing: see `exit_code`.
        """
        upload = Upload(ExecRequest, self._exec_start(id, cmd, stdin, fields), stdin, "stdin")
        call = self._stubs.exec.Exec(upload, timeout=check_timeout(timeout))
        state, stdout, stderr = SessionState(), bytearray(), bytearray()
        with Stream[ExecResponse](call, upload) as responses:
            for response in responses:
                if (output := state.received(response)) is not None:
                    (stderr if output.stream == STANDARD_STREAM_STDERR else stdout).extend(output.data)
        return ExecResult.of(state, stdout, stderr)


def _unary(rpc: Any, method: Method, host: str) -> Callable[..., Any]:
    def call(*, timeout: float | None = None, **fields: Any) -> Any:
        try:
            return rpc(method.arguments(host, fields), timeout=check_timeout(timeout))
        except grpc.RpcError as error:
            raise DockfleetError.of(error) from error

    return call


def _stream(rpc: Any, method: Method, host: str) -> Callable[..., Any]:
    def call(*, timeout: float | None = None, **fields: Any) -> Stream[Any]:
        return Stream(rpc(method.arguments(host, fields), timeout=check_timeout(timeout)))

    return call


def _upload(rpc: Any, method: Method, host: str) -> Callable[..., Any]:
    def call(source: Source, /, *, timeout: float | None = None, **fields: Any) -> Any:
        upload = Upload(method.frame, method.arguments(host, fields), source)
        future = rpc.future(upload, timeout=check_timeout(timeout))
        upload.started(future)
        try:
            return future.result()
        except (grpc.RpcError, grpc.FutureCancelledError) as error:
            raise upload.failure or DockfleetError.of(future) from error
        finally:
            future.cancel()  # has no effect after the end

    return call


def _upload_stream(rpc: Any, method: Method, host: str) -> Callable[..., Any]:
    def call(source: Source, /, *, timeout: float | None = None, **fields: Any) -> Stream[Any]:
        upload = Upload(method.frame, method.arguments(host, fields), source)
        return Stream(rpc(upload, timeout=check_timeout(timeout)), upload)

    return call


def _session(rpc: Any, method: Method, host: str) -> Callable[..., Any]:
    def call(*, timeout: float | None = None, **fields: Any) -> Session:
        return Session(rpc, method, method.arguments(host, fields), check_timeout(timeout))

    return call


ADAPTERS: dict[Shape, CallAdapter] = {
    Shape.UNARY: _unary,
    Shape.STREAM: _stream,
    Shape.UPLOAD: _upload,
    Shape.UPLOAD_STREAM: _upload_stream,
    Shape.SESSION: _session,
}
