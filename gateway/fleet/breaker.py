"""The breaker of one kind of calls to one host.  No I/O.

It opens when two witnesses agree: calls in a row have failed, about several objects, and so has the gateway's own read.
One container that hangs makes calls fail, too, but not that read.
"""

from __future__ import annotations

from gateway.engine.errors import CallError

_FAILURES = 5  # in a row
_TARGETS = 3  # objects that these were about; an object is also a container under another of its names


class Breaker:
    """Counts failures that are the host's, and lets no call through while it is open."""

    __slots__ = ("_failures", "_targets", "failure", "open_since")

    def __init__(self) -> None:
        self.open_since: float | None = None  # in seconds since 1970; None while it is closed
        self.failure: CallError | None = None  # the last one
        self._failures = 0
        self._targets: tuple[str, ...] = ()

    def failed(self, target: str, failure: CallError) -> None:
        """Count the failure of a call about *target*."""
        self._failures += 1
        self.failure = failure
        if target not in self._targets and len(self._targets) < _TARGETS:
            self._targets += (target,)

    def succeeded(self) -> None:
        """Count a call that was answered."""
        if self._failures:
            self._failures, self._targets, self.failure = 0, (), None

    def confirm(self, now: float) -> None:
        """Open if enough calls have failed; *now* in seconds since 1970.  The gateway's own read has failed."""
        if self.open_since is None and self._failures >= _FAILURES and len(self._targets) >= _TARGETS:
            self.open_since = now

    def close(self) -> None:
        """Let calls through.  The gateway's own read has succeeded; before it fails again nothing opens."""
        self.open_since = None
