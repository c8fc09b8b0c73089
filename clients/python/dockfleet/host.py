"""One host of the fleet: all RPCs of the contract, without saying `host` each time."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from typing import Any

import grpc

from dockfleet.calls import Method, Services, Shape, Source, check_timeout
from dockfleet.course import PATIENCE_SECONDS
from dockfleet.errors import DockfleetError
from dockfleet.resuming import Resuming
from dockfleet.session import ExecResult, Outcome, Session
from dockfleet.stream import Stream, Upload
from dockfleet.v1.common_pb2 import STANDARD_STREAM_STDERR
from dockfleet.v1.containers_pb2 import LogEntry, StreamLogsResponse, StreamStatsResponse
from dockfleet.v1.exec_pb2 import ExecRequest, ExecResponse
from dockfleet.v1.system_pb2 import StreamEventsResponse
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

    def logs(
        self, id: str, *, patience: float = PATIENCE_SECONDS, timeout: float | None = None, **fields: Any
    ) -> Generator[LogEntry, None, None]:
        """Yield the log of container *id*, line by line; *fields* are those of `StreamLogsRequest`.

        A line lacks its line feed, and so does one that is `partial`, but that one goes on in the next.

        It resumes as `log_messages` does: no line is lost and none comes twice, though the gateway be restarted.  What
        the engine itself has lost is a `DockfleetError` of the reason `GAP`, unless you say `strict=False`; then it is
        passed over without a word.  Who must go on in another process, or wants to know of gaps, restarts and how the
        log ended, takes `log_messages`.
        """
        with self.log_messages(id, patience=patience, timeout=timeout, **{"strict": True} | fields) as messages:
            for message in messages:
                yield from message.batch.entries

    def log_messages(
        self, id: str, *, patience: float = PATIENCE_SECONDS, timeout: float | None = None, **fields: Any
    ) -> Resuming[StreamLogsResponse]:
        """Return the log of container *id* as the gateway sends it: batches of entries, and other records in between.

        When the gateway, the way to it or its way to the host breaks, the log goes on behind the last message, for as
        long as one comes within *patience* seconds (0: never); then the `DockfleetError` is raised that says what is
        broken.  It is raised at once when nothing has come before, or when a further call could not help.

        A `gap` says that the engine has lost entries; with `strict=True` it is an error.  Heartbeats are left out.  To
        continue in another process, keep a message's `resume_token` together with what you made of the whole message,
        and give it as `resume_token=` in place of `since` and `tail`.
        """
        fields["id"] = id
        return Resuming(*self._course("containers", "StreamLogs", patience, timeout, fields))

    def events(
        self, *, patience: float = PATIENCE_SECONDS, timeout: float | None = None, **fields: Any
    ) -> Resuming[StreamEventsResponse]:
        """Return what happens on the host, as it happens; *fields* are those of `StreamEventsRequest`.

        Each response has an `event` or a `gap`: events are missing there.  After a gap come `synthetic` events, which
        are the differences that the missing ones made, unless it was this program that did not read.  So look for the
        `gap` first:

            with host.events(filters={"type": "container"}) as events:
                events.begun()  # from here on, nothing is missed
                for message in events:
                    if message.HasField("gap"):
                        ...

        It resumes as `log_messages` does, and goes on in another process with the last message's `resume_token`.
        """
        return Resuming(*self._course("system", "StreamEvents", patience, timeout, fields))

    def stats(
        self, id: str, *, patience: float = PATIENCE_SECONDS, timeout: float | None = None, **fields: Any
    ) -> Resuming[StreamStatsResponse]:
        """Return samples of what container *id* uses; *fields* are those of `StreamStatsRequest`.

        It goes on after a break as `log_messages` does; there are no samples of the time between.
        """
        fields["id"] = id
        return Resuming(*self._course("containers", "StreamStats", patience, timeout, fields))

    def execute(
        self,
        id: str,
        cmd: Sequence[str] | str,
        *,
        stdin: Source | None = None,
        timeout: float | None = None,
        **fields: Any,
    ) -> ExecResult:
        """Run *cmd* in container *id* and return what became of it; *fields* are those of `ExecStart`.

        *stdin* is what it reads; nothing when None.  All output is kept in memory; for more than that, and for
        talking to the process, there is `exec.Exec`.  A command that fails is no error: see `exit_code`.
        """
        start = self._exec_start(id, cmd, stdin, fields)
        upload = Upload(ExecRequest, start, stdin, "stdin")
        outcome, stdout, stderr = Outcome(), bytearray(), bytearray()
        with Stream[ExecResponse](self._stubs.exec.Exec(upload, timeout=check_timeout(timeout)), upload) as answers:
            for answer in answers:
                if (output := outcome.took(answer)) is not None:
                    (stderr if output.stream == STANDARD_STREAM_STDERR else stdout).extend(output.data)
        return ExecResult.of(outcome, stdout, stderr)


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
        answer = rpc.future(upload, timeout=check_timeout(timeout))
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
        return Stream(rpc(upload, timeout=check_timeout(timeout)), upload)

    return call


def _session(rpc: Any, method: Method, host: str) -> Callable[..., Any]:
    def call(*, timeout: float | None = None, **fields: Any) -> Session:
        return Session(rpc, method, method.arguments(host, fields), check_timeout(timeout))

    return call


BINDERS: dict[Shape, Binder] = {
    Shape.UNARY: _unary,
    Shape.STREAM: _stream,
    Shape.UPLOAD: _upload,
    Shape.UPLOAD_STREAM: _upload_stream,
    Shape.SESSION: _session,
}
