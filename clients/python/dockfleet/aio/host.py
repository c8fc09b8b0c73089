"""One host of the fleet, for asyncio."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Sequence
from typing import Any

from dockfleet.aio.resuming import Resuming
from dockfleet.aio.session import Session
from dockfleet.aio.stream import AsyncSource, Stream, Upload, answer_of
from dockfleet.calls import Method, Shape, check_timeout
from dockfleet.course import PATIENCE_SECONDS
from dockfleet.session import ExecResult, Outcome
from dockfleet.v1.common_pb2 import STANDARD_STREAM_STDERR
from dockfleet.v1.containers_pb2 import LogEntry, StreamLogsResponse, StreamStatsResponse
from dockfleet.v1.exec_pb2 import ExecRequest, ExecResponse
from dockfleet.v1.system_pb2 import StreamEventsResponse
from dockfleet.view import Binder, View


class HostView(View):
    """One host: see `dockfleet.HostView`.  Calls with one answer are awaited; the others return at once."""

    def __init__(self, stubs: Any, name: str) -> None:
        """Bind *stubs* to the host called *name*."""
        super().__init__(stubs, name, BINDERS)

    async def logs(
        self, id: str, *, patience: float = PATIENCE_SECONDS, timeout: float | None = None, **fields: Any
    ) -> AsyncGenerator[LogEntry, None]:
        """Yield the log of container *id*, line by line: see `dockfleet.HostView.logs`.

        As with every asynchronous generator, cancelling a task that waits for a line is its end; who waits with a
        limit takes `log_messages`, which does not mind.
        """
        async with self.log_messages(id, patience=patience, timeout=timeout, **{"strict": True} | fields) as messages:
            async for message in messages:
                for entry in message.batch.entries:
                    yield entry

    def log_messages(
        self, id: str, *, patience: float = PATIENCE_SECONDS, timeout: float | None = None, **fields: Any
    ) -> Resuming[StreamLogsResponse]:
        """Return the log of container *id* as the gateway sends it: see `dockfleet.HostView.log_messages`."""
        fields["id"] = id
        return Resuming(*self._course("containers", "StreamLogs", patience, timeout, fields))

    def events(
        self, *, patience: float = PATIENCE_SECONDS, timeout: float | None = None, **fields: Any
    ) -> Resuming[StreamEventsResponse]:
        """Return what happens on the host, as it happens: see `dockfleet.HostView.events`."""
        return Resuming(*self._course("system", "StreamEvents", patience, timeout, fields))

    def stats(
        self, id: str, *, patience: float = PATIENCE_SECONDS, timeout: float | None = None, **fields: Any
    ) -> Resuming[StreamStatsResponse]:
        """Return samples of what container *id* uses: see `dockfleet.HostView.stats`."""
        fields["id"] = id
        return Resuming(*self._course("containers", "StreamStats", patience, timeout, fields))

    async def execute(
        self,
        id: str,
        cmd: Sequence[str] | str,
        *,
        stdin: AsyncSource | None = None,
        timeout: float | None = None,
        **fields: Any,
    ) -> ExecResult:
        """Run *cmd* in container *id* and return what became of it; *fields* are those of `ExecStart`."""
        start = self._exec_start(id, cmd, stdin, fields)
        upload = Upload(ExecRequest, start, stdin, "stdin")
        outcome, stdout, stderr = Outcome(), bytearray(), bytearray()
        async with Stream[ExecResponse](
            self._stubs.exec.Exec(upload.frames(), timeout=check_timeout(timeout)), upload
        ) as answers:
            async for answer in answers:
                if (output := outcome.took(answer)) is not None:
                    (stderr if output.stream == STANDARD_STREAM_STDERR else stdout).extend(output.data)
        return ExecResult.of(outcome, stdout, stderr)


def _unary(rpc: Any, method: Method, host: str) -> Callable[..., Any]:
    async def call(*, timeout: float | None = None, **fields: Any) -> Any:
        return await answer_of(rpc(method.arguments(host, fields), timeout=check_timeout(timeout)))

    return call


def _stream(rpc: Any, method: Method, host: str) -> Callable[..., Any]:
    def call(*, timeout: float | None = None, **fields: Any) -> Stream[Any]:
        return Stream(rpc(method.arguments(host, fields), timeout=check_timeout(timeout)))

    return call


def _upload(rpc: Any, method: Method, host: str) -> Callable[..., Any]:
    async def call(source: AsyncSource, /, *, timeout: float | None = None, **fields: Any) -> Any:
        upload = Upload(method.frame, method.arguments(host, fields), source)
        return await answer_of(rpc(upload.frames(), timeout=check_timeout(timeout)), upload)

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


BINDERS: dict[Shape, Binder] = {
    Shape.UNARY: _unary,
    Shape.STREAM: _stream,
    Shape.UPLOAD: _upload,
    Shape.UPLOAD_STREAM: _upload_stream,
    Shape.SESSION: _session,
}
