"""What is known of a session with a process.  No I/O."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, cast

from dockfleet.v1.common_pb2 import OutputChunk, SessionEnd, SessionStarted


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
    """The state of a session, from its responses."""

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
