"""The circuit breaker of one kind of calls to one host, without I/O.

It opens when two signs agree: consecutive calls about several objects have failed, and the gateway's own read has
failed too.  One container that hangs makes calls fail, but not that read.
"""

from __future__ import annotations

from gateway.engine.errors import CallError

_FAILURES = 5  # in a row
_TARGETS = 3  # distinct targets of these calls; two names of one container count as two


class Breaker:
    """Counts failures of the host, and rejects all calls while it is open."""

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
        """Open if enough calls have failed: the gateway's own read has failed.  *now* is in seconds since 1970."""
        if self.open_since is None and self._failures >= _FAILURES and len(self._targets) >= _TARGETS:
            self.open_since = now

    def close(self) -> None:
        """Close: the gateway's own read has succeeded.  The breaker opens only after that read fails again."""
        self.open_since = None
