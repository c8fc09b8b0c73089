"""The retry policy of all upstreams: which failures are transient, and when the upstream is opened again."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from enum import Enum

from docker.errors import APIError

from gateway.engine.errors import (
    BadResponse,
    CredentialsRejected,
    Disconnected,
    HostDown,
    IdentityMismatch,
    OperationFailed,
    OutcomeUnknown,
    TornStream,
    TransportError,
)

_FIRST_PAUSE, _LONGEST_PAUSE = 0.05, 2.0  # seconds between two attempts
_STABLE_SECONDS = 1.0  # after an attempt that works for this long, the pauses are short again
_MAX_FAILURES = 3  # attempts at one position, for failures that a retry may fix but waiting does not
_STARTING = (500, 502, 503, 504)  # statuses from an engine that starts or stops


class Rule(Enum):
    """Whether another attempt follows a failure."""

    NEVER = "never"
    FEW_TIMES = "few times"
    FOR_A_WHILE = "for a while"


# The first class that fits decides.
_RULES: tuple[tuple[type[Exception], Rule], ...] = (
    (TornStream, Rule.FEW_TIMES),
    (OperationFailed, Rule.FEW_TIMES),
    (BadResponse, Rule.NEVER),
    (IdentityMismatch, Rule.NEVER),
    (CredentialsRejected, Rule.NEVER),
    (OutcomeUnknown, Rule.NEVER),
    (TransportError, Rule.FOR_A_WHILE),  # Unreachable, Disconnected, TimedOut, Busy
)


def rule_for(error: Exception) -> Rule:
    """Return whether another attempt follows *error*."""
    if isinstance(error, HostDown):
        return rule_for(error.failure)
    if isinstance(error, APIError):
        return Rule.FOR_A_WHILE if error.status_code in _STARTING else Rule.NEVER
    return next((rule for kind, rule in _RULES if isinstance(error, kind)), Rule.NEVER)


class Retry:
    """Decides after each failure of one upstream whether, and when, it is opened again.

    `began` says whether the upstream has ever answered.  Before that, the first failure is final.
    """

    def __init__(
        self,
        timeout_seconds: float,
        *,
        clock: Callable[[], float] = time.monotonic,
        uniform: Callable[[float, float], float] = random.uniform,
    ) -> None:
        """Allow attempts for *timeout_seconds* after the first of several failures.  *clock* returns seconds."""
        self.began = False
        self._timeout_seconds = timeout_seconds
        self._clock = clock
        self._uniform = uniform
        self._pause = _FIRST_PAUSE
        self._failures = 0  # at this position, of the kind that waiting does not fix
        self._failing_since: float | None = None
        self._well_since: float | None = None

    async def run(self, attempt: Callable[[], Awaitable[None]], end: str) -> None:
        """Make one *attempt* after the other; *end* is the message for an attempt that ends without a failure.

        Raises the failure after which no attempt follows.
        """
        while True:
            try:
                await attempt()
                failure: Exception = Disconnected(end, sent=True)
            except Exception as error:
                failure = error
            await asyncio.sleep(self.failed(failure))

    def succeeded(self) -> None:
        """Note that the upstream works."""
        if self._well_since is None:
            self._well_since = self._clock()
        self.began, self._failures, self._failing_since = True, 0, None

    def failed(self, error: Exception) -> float:
        """Return the seconds to wait before the next attempt.  Raises *error* when no attempt follows."""
        now, rule = self._clock(), rule_for(error)
        if self._well_since is not None and now - self._well_since >= _STABLE_SECONDS:
            self._pause = _FIRST_PAUSE
        self._well_since = None
        if self._failing_since is None:
            self._failing_since = now
        self._failures += rule is Rule.FEW_TIMES
        if (
            rule is Rule.NEVER
            or not self.began
            or self._failures >= _MAX_FAILURES
            or now - self._failing_since > self._timeout_seconds
        ):
            raise error
        pause = self._pause
        self._pause = min(2 * pause, _LONGEST_PAUSE)
        return pause * self._uniform(0.8, 1.2)  # so that the upstreams of one host do not all return at the same time
