"""One host of the fleet, for asyncio."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Sequence
from typing import Any

from dockfleet.aio.resuming import ResumingStream
from dockfleet.aio.session import Session
from dockfleet.aio.stream import AsyncSource, Stream, Upload, response_of
from dockfleet.calls import Method, Shape, check_timeout
from dockfleet.resume_state import RETRY_SECONDS
from dockfleet.session import ExecResult, SessionState
from dockfleet.v1.common_pb2 import STANDARD_STREAM_STDERR
from dockfleet.v1.containers_pb2 import LogEntry, StreamLogsResponse, StreamStatsResponse
from dockfleet.v1.exec_pb2 import ExecRequest, ExecResponse
from dockfleet.v1.system_pb2 import StreamEventsResponse
from dockfleet.view import CallAdapter, View


class HostView(View):
    """One host: see `dockfleet.HostView`.  Calls with a single response are awaited; the others return at once."""

    def __init__(self, stubs: Any, name: str) -> None:
        """Use *stubs* for the host called *name*."""
        super().__init__(stubs, name, ADAPTERS)

    async def logs(
        self, id: str, *, retry_seconds: float = RETRY_SECONDS, timeout: float | None = None, **fields: Any
    ) -> AsyncGenerator[LogEntry, None]:
        """Yield the log of container *id* line by line: see `dockfleet.HostView.logs`.

        Cancelling a wait for a line ends this generator, as it ends every asynchronous generator.  `log_messages`
        survives it.
        """
        fields = {"strict": True, **fields}
        async with self.log_messages(id, retry_seconds=retry_seconds, timeout=timeout, **fields) as responses:
            async for response in responses:
                for entry in response.batch.entries:
                    yield entry

    def log_messages(
        self, id: str, *, retry_seconds: float = RETRY_SECONDS, timeout: float | None = None, **fields: Any
    ) -> ResumingStream[StreamLogsResponse]:
        """Return the log of container *id* as responses: see `dockfleet.HostView.log_messages`."""
        fields["id"] = id
        return ResumingStream(*self._resumable("containers", "StreamLogs", retry_seconds, timeout, fields))

    def events(
        self, *, retry_seconds: float = RETRY_SECONDS, timeout: float | None = None, **fields: Any
    ) -> ResumingStream[StreamEventsResponse]:
        """Return the events of the host as they happen: see `dockfleet.HostView.events`."""
        return ResumingStream(*self._resumable("system", "StreamEvents", retry_seconds, timeout, fields))

    def stats(
        self, id: str, *, retry_seconds: float = RETRY_SECONDS, timeout: float | None = None, **fields: Any
    ) -> ResumingStream[StreamStatsResponse]:
        """Return samples of the resource usage of container *id*: see `dockfleet.HostView.stats`."""
        fields["id"] = id
        return ResumingStream(*self._resumable("containers", "StreamStats", retry_seconds, timeout, fields))

    async def execute(
        self,
        id: str,
        cmd: Sequence[str] | str,
        *,
        stdin: AsyncSource | None = None,
        timeout: float | None = None,
        **fields: Any,
    ) -> ExecResult:
        """Run *cmd* in container *id* and return its result: see `dockfleet.HostView.execute`."""
        upload = Upload(ExecRequest, self._exec_start(id, cmd, stdin, fields), stdin, "stdin")
        call = self._stubs.exec.Exec(upload.frames(), timeout=check_timeout(timeout))
        state, stdout, stderr = SessionState(), bytearray(), bytearray()
        async with Stream[ExecResponse](call, upload) as responses:
            async for response in responses:
                if (output := state.received(response)) is not None:
                    (stderr if output.stream == STANDARD_STREAM_STDERR else stdout).extend(output.data)
        return ExecResult.of(state, stdout, stderr)


def _unary(rpc: Any, method: Method, host: str) -> Callable[..., Any]:
    async def call(*, timeout: float | None = None, **fields: Any) -> Any:
        return await response_of(rpc(method.arguments(host, fields), timeout=check_timeout(timeout)))

    return call


def _stream(rpc: Any, method: Method, host: str) -> Callable[..., Any]:
    def call(*, timeout: float | None = None, **fields: Any) -> Stream[Any]:
        return Stream(rpc(method.arguments(host, fields), timeout=check_timeout(timeout)))

    return call


def _upload(rpc: Any, method: Method, host: str) -> Callable[..., Any]:
    async def call(source: AsyncSource, /, *, timeout: float | None = None, **fields: Any) -> Any:
        upload = Upload(method.frame, method.arguments(host, fields), source)
        return await response_of(rpc(upload.frames(), timeout=check_timeout(timeout)), upload)

    return call


def _upload_stream(rpc: Any, method: Method, host: str) -> Callable[..., Any]:
    def call(source: AsyncSource, /, *, timeout: float | None = None, **fields: Any) -> Stream[Any]:
        upload = Upload(method.frame, method.arguments(host, fields), source)
        return Stream(rpc(upload.frames(), timeout=check_timeout(timeout)), upload)

    return call


def _session(rpc: Any, method: Method, host: str) -> Callable[..., Any]:
    def call(*, timeout: float | None = None, **fields: Any) -> Session:
        arguments = method.arguments(host, fields)
        return Session(rpc(timeout=check_timeout(timeout)), method, arguments)

    return call


ADAPTERS: dict[Shape, CallAdapter] = {
    Shape.UNARY: _unary,
    Shape.STREAM: _stream,
    Shape.UPLOAD: _upload,
    Shape.UPLOAD_STREAM: _upload_stream,
    Shape.SESSION: _session,
}
