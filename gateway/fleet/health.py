"""The health of one host: its state, its breakers and the identity of its engine.

Probes decide the state: see `fleet/prober.py`.  Calls of clients are hints.  After a failed call, the next probe runs
sooner and asks more.  Consecutive failures can open a breaker.  Failures that the client or the gateway causes, such as
a full queue, do not count.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from functools import partial

from gateway.engine.call import PING, Call
from gateway.engine.client import Engine
from gateway.engine.errors import (
    Busy,
    CallError,
    CredentialsRejected,
    Disconnected,
    HostDown,
    IdentityMismatch,
    TimedOut,
    TransportError,
    Unreachable,
)
from gateway.engine.identity import Identity
from gateway.engine.kinds import OF_CLIENTS, Kind
from gateway.engine.observer import Observer
from gateway.fleet.breaker import Breaker
from gateway.fleet.schedule import Schedule
from gateway.fleet.state import FAILING, Event, State, after
from gateway.telemetry.hosts import HostMetrics

log = logging.getLogger("gateway.fleet")

_OF_HOST = (
    Unreachable,
    Disconnected,
    IdentityMismatch,
    CredentialsRejected,
)  # failures of the host, by every kind of calls
_MANY = 16  # waiting calls of a kind at a host: the calls of one client can fill its connection
_SILENT_SECONDS = 1.0  # without any response, after which a busy host is probed; probes have the same time again
_LATE_SECONDS = 1.0  # a timer that is late by this much shows that this process was suspended


class Health(Observer):
    """Observes all calls to one host, and refuses calls that cannot succeed."""

    def __init__(self, engine: Engine, metrics: HostMetrics) -> None:
        self.state = State.CONNECTING
        self.state_time = time.time()  # since when, in seconds since 1970
        self.cause: CallError | None = None  # why, unless it is up
        self.breakers = {kind: Breaker() for kind in OF_CLIENTS}
        self.identity: Identity | None = None
        self.suspected = False  # whether a call has failed since the last read that was answered
        self.schedule = Schedule()
        self.changed: Callable[[], None] = lambda: None  # is called after a change of what is above
        self._engine = engine
        self._metrics = metrics
        self._draining = False
        self._refuses = False  # whether any call is refused
        self._latest_probe = 0.0  # when the newest probe that has ended began

    @property
    def message(self) -> str:
        """Why the host is in its state; empty when it is up."""
        return "it is drained: it takes no new work" if self.state is State.DRAINING else str(self.cause or "")

    @property
    def reason(self) -> str:
        """The same as the contract's `ErrorReason`, without its prefix."""
        if self.state is State.DRAINING:
            return "HOST_DRAINING"
        return (self.cause.reason or "ENGINE_ERROR") if self.cause is not None else ""

    @property
    def failure(self) -> CallError | None:
        """Why the host does not answer; None when it does."""
        if self.state is State.CONNECTING:
            return Unreachable("the gateway has had no answer yet")
        return self._down()

    def refusal(self, kind: Kind) -> HostDown | None:
        """Return why no call of *kind* can succeed; None when one can."""
        breaker = self.breakers[kind]
        if (down := self._down()) is not None or breaker.open_since is None or breaker.failure is None:
            return down
        what = f"{kind.value} calls to the host fail"
        return HostDown(what, breaker.failure, breaker.open_since, self.schedule.soonest_seconds)

    def _down(self) -> HostDown | None:
        if self.state not in FAILING or self.cause is None:
            return None
        what = f"the host is {self.state.value}"
        return HostDown(what, self.cause, self.state_time, self.schedule.soonest_seconds)

    @property
    def draining(self) -> bool:
        """Whether the host is to take no new work; its state shows that only while it is up."""
        return self._draining

    @draining.setter
    def draining(self, draining: bool) -> None:
        self._draining = draining
        self._apply(Event.DRAIN if draining else Event.UNDRAIN, self.cause)

    # What real calls tell

    def admit(self, kind: Kind) -> None:
        """Raise `HostDown` for a call that cannot succeed, and schedule a probe soon.

        Raises `Busy` when many calls already wait for a host that responds to nothing, not even to probes.  Such calls
        would use up the connections of their clients, and delay their calls to other hosts.
        """
        if kind not in OF_CLIENTS:
            return
        if self._refuses and (refusal := self.refusal(kind)) is not None:
            self.schedule.hurry()
            raise refusal
        if (count := self._engine.budgets[kind].in_use) >= _MANY and (silent := self._silent_seconds) > _SILENT_SECONDS:
            self.schedule.hurry()
            if self.schedule.unanswered_seconds > _SILENT_SECONDS:
                raise Busy(f"host busy: it has not answered for {silent:.1f} s, and {count} calls wait for it")

    @property
    def _silent_seconds(self) -> float:
        return time.time() - (self._engine.last_contact or self.state_time)

    def waited(self, kind: Kind, seconds: float) -> None:
        """Time it."""
        self._metrics.waited(_shown(kind), seconds)

    def answered(self, call: Call, kind: Kind, status: int, seconds: float) -> None:
        """Count a call.  Any response shows that the engine is alive."""
        self._metrics.called(_shown(kind), str(status), seconds)
        if kind is Kind.PROBE:
            return
        if kind in OF_CLIENTS and call.request.target != PING.target:  # an engine that hangs still answers pings
            self.breakers[kind].succeeded()
        if self.state is State.CONNECTING:
            self._apply(Event.ANSWERED, None)
        elif self.state is State.DOWN:
            self.schedule.hurry()

    def failed(self, call: Call, kind: Kind, error: BaseException, seconds: float) -> None:
        """Count a failed call.  A failure of the host also counts for its breaker."""
        outcome = "error"
        if isinstance(error, asyncio.CancelledError):
            outcome = "cancelled"
        elif isinstance(error, Busy):
            outcome = "busy"
            self.schedule.hurry()  # all that are under way may hang
        self._metrics.called(_shown(kind), outcome, seconds)
        if kind is not Kind.PROBE and isinstance(error, TransportError) and _of_host(call, kind, error):
            self.suspected = True
            if self.state is not State.DOWN:  # this failure is known already
                self.schedule.hurry()
            if kind in OF_CLIENTS:
                self.breakers[kind].failed(_target(call), error)

    def lost(self) -> None:
        """Schedule a probe soon, unless the failure is known already."""
        if not self.schedule.probing and self.state is not State.DOWN:
            self.schedule.hurry()

    # What probes tell

    def probed(self, event: Event, cause: CallError | None, began: float) -> Event:
        """Apply the result of a probe that *began* then, in the loop's time, and return it.

        *cause* is the failure of a probe without a response.
        """
        if began < self._latest_probe:
            return event  # a later probe has ended first
        self._latest_probe = began
        now = time.time()
        if event is Event.ANSWERED:
            self.suspected = False
            for breaker in self.breakers.values():
                breaker.close()
        elif event is Event.PARTLY_ANSWERED:
            for breaker in self.breakers.values():
                breaker.confirm(now)
        self._apply(event, cause)
        return event

    def identified(self, identity: Identity) -> None:
        """Store the identity of the engine."""
        known, self.identity = self.identity, identity
        if known is None or (known.id, known.version) != (identity.id, identity.version):
            self.changed()

    def _apply(self, event: Event, cause: CallError | None) -> None:
        before = self._summary()
        state = after(self.state, event, draining=self._draining)
        self.cause = None if state in (State.UP, State.DRAINING) else cause
        if state is not self.state:
            self.state, self.state_time = state, time.time()
            self._log()
        self._refuses = state in FAILING or any(breaker.open_since is not None for breaker in self.breakers.values())
        if self._refuses:
            for kind in OF_CLIENTS:
                self._engine.budgets[kind].refuse(partial(self.refusal, kind))
        if self._summary() != before:
            self.changed()

    def _summary(self) -> tuple[object, ...]:
        """Return what those who watch hosts want to know of."""
        return self.state, self.reason, *(breaker.open_since for breaker in self.breakers.values())

    def _log(self) -> None:
        level = logging.INFO if self.state in (State.UP, State.DRAINING) else logging.WARNING
        fields = {"host": self._engine.name, "state": self.state.value}
        if self.cause is not None:
            fields |= {"reason": self.reason, "why": self.message}
        log.log(level, "host", extra={"fields": fields})


def _of_host(call: Call, kind: Kind, error: TransportError) -> bool:
    """Return whether the host caused a failure, not a client's deadline, a full queue or this process."""
    if not isinstance(error, TimedOut):
        return isinstance(error, _OF_HOST)
    if not error.sent or kind is Kind.HEAVY:  # which waits for disks and registries
        return False
    now = asyncio.get_running_loop().time()
    return call.deadline is None or now - call.deadline < _LATE_SECONDS


def _target(call: Call) -> str:
    """Return the target of a call: the first object that it names, else its path."""
    return call.named[0][1] if call.named else call.request.target.partition("?")[0]


def _shown(kind: Kind) -> str:
    """Return a kind as the metrics name it."""
    return kind.value if kind in OF_CLIENTS else "own"
