"""One host of the fleet: all RPCs of the contract, without saying `host` each time."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from typing import Any

import grpc

from dockfleet.calls import Method, Services, Shape, Source
from dockfleet.errors import DockfleetError
from dockfleet.session import ExecResult, Session
from dockfleet.stream import Stream, Upload
from dockfleet.v1.common_pb2 import STREAM_STDERR
from dockfleet.v1.containers_pb2 import LogEntry
from dockfleet.v1.exec_pb2 import ExecRequest, ExecResponse, ExecStart
from dockfleet.view import Binder, View


class HostView(View):
    """One host: the services of the contract, which fill in `host` by themselves, and shortcuts.

    Each service is an attribute, such as `containers`, and each of its RPCs a method of it.  Keyword arguments
    are the fields of the request; `timeout` is the deadline in seconds, and without one the gateway's own holds.
    What a method returns follows from its RPC:

    - one request, one answer: the answer;
    - one request, many answers: a `Stream` of them;
    - bytes up (`BuildImage`, `LoadImages`, …): the bytes come first, as bytes, a file or pieces, and the fields
      are those of `start`; the answer, or a `Stream`;
    - a session (`Exec`, `AttachContainer`, …): a `Session`.
    """

    def __init__(self, stubs: Services, name: str) -> None:
        """Bind *stubs* to the host called *name*."""
        super().__init__(stubs, name, BINDERS)

    def logs(self, id: str, *, timeout: float | None = None, **fields: Any) -> Generator[LogEntry, None, None]:
        """Yield the log of container *id*, line by line; *fields* are those of `StreamLogsRequest`.

        A line lacks its line feed, and so does one that is `partial`, but that one goes on in the next.
        """
        with self.containers.StreamLogs(id=id, timeout=timeout, **fields) as batches:
            for batch in batches:
                yield from batch.entries

    def execute(
        self, id: str, cmd: Sequence[str], *, stdin: Source | None = None, timeout: float | None = None, **fields: Any
    ) -> ExecResult:
        """Run *cmd* in container *id* and return what became of it; *fields* are those of `ExecStart`.

        *stdin* is what it reads; nothing when None.  All output is kept in memory; for more than that, and for
        talking to the process, there is `exec.Exec`.  A command that fails is no error: see `exit_code`.
        """
        start = ExecStart(host=self.name, id=id, cmd=cmd, attach_stdin=stdin is not None, **fields)
        upload = Upload(ExecRequest, start, stdin, "stdin")
        stdout, stderr, end = bytearray(), bytearray(), None
        with Stream[ExecResponse](self._stubs.exec.Exec(upload, timeout=timeout), upload) as answers:
            for answer in answers:
                if answer.HasField("output"):
                    (stderr if answer.output.stream == STREAM_STDERR else stdout).extend(answer.output.data)
                elif answer.HasField("exit"):
                    end = answer.exit
        return ExecResult.of(end, stdout, stderr)


def _unary(rpc: Any, method: Method, host: str) -> Callable[..., Any]:
    def call(*, timeout: float | None = None, **fields: Any) -> Any:
        try:
            return rpc(method.arguments(host, fields), timeout=timeout)
        except grpc.RpcError as error:
            raise DockfleetError.of(error) from error

    return call


def _stream(rpc: Any, method: Method, host: str) -> Callable[..., Any]:
    def call(*, timeout: float | None = None, **fields: Any) -> Stream[Any]:
        return Stream(rpc(method.arguments(host, fields), timeout=timeout))

    return call


def _upload(rpc: Any, method: Method, host: str) -> Callable[..., Any]:
    def call(source: Source, /, *, timeout: float | None = None, **fields: Any) -> Any:
        upload = Upload(method.frame, method.arguments(host, fields), source)
        answer = rpc.future(upload, timeout=timeout)
        upload.started(answer)
        try:
            return answer.result()
        except (grpc.RpcError, grpc.FutureCancelledError) as error:
            raise upload.failure or DockfleetError.of(answer) from error
        finally:
            answer.cancel()  # of no effect, unless it was not waited for to the end

    return call


def _upload_stream(rpc: Any, method: Method, host: str) -> Callable[..., Any]:
    def call(source: Source, /, *, timeout: float | None = None, **fields: Any) -> Stream[Any]:
        upload = Upload(method.frame, method.arguments(host, fields), source)
        return Stream(rpc(upload, timeout=timeout), upload)

    return call


def _session(rpc: Any, method: Method, host: str) -> Callable[..., Any]:
    def call(*, timeout: float | None = None, **fields: Any) -> Session:
        return Session(rpc, method, method.arguments(host, fields), timeout)

    return call


BINDERS: dict[Shape, Binder] = {
    Shape.UNARY: _unary,
    Shape.STREAM: _stream,
    Shape.UPLOAD: _upload,
    Shape.UPLOAD_STREAM: _upload_stream,
    Shape.SESSION: _session,
}
