"""Which failures of upstreams pass, how often they are tried again, and after which pauses."""

from __future__ import annotations

import pytest
import requests

from gateway.engine.errors import (
    ApiTooOld,
    BadResponse,
    Busy,
    CredentialsRejected,
    Disconnected,
    IdentityMismatch,
    Incompatible,
    InvalidField,
    NothingFound,
    OperationFailed,
    OutcomeUnknown,
    Refused,
    TimedOut,
    TornStream,
    Unreachable,
)
from gateway.engine.resumable.retry import Retry, Rule, rule_for
from tests.support.clock import Clock


def refused(status: int) -> Refused:
    """Return an engine's answer with *status*."""
    response = requests.Response()
    response.status_code = status
    return (NothingFound if status == 404 else Refused)("no", response)


PASSING = [Unreachable("x"), Disconnected("x"), TimedOut("x"), Busy("x"), *map(refused, (500, 502, 503, 504))]
LASTING = [
    *(IdentityMismatch("x"), CredentialsRejected("x"), BadResponse("x"), OutcomeUnknown("x"), Incompatible("x")),
    *(InvalidField("id", "x"), ApiTooOld("x", "1.44", "1.41"), ValueError("a defect")),
    *map(refused, (400, 401, 403, 404, 409, 429, 501)),
]
PLACED = [TornStream("x"), OperationFailed("x"), OperationFailed("x", 500)]


@pytest.fixture
def clock() -> Clock:
    """A clock that the test sets."""
    return Clock()


@pytest.fixture
def retry(clock: Clock) -> Retry:
    """What decides for an upstream that has begun: for 10 seconds, with pauses that are not spread out."""
    retry = Retry(10, clock=clock, uniform=lambda low, high: 1.0)
    retry.succeeded()
    return retry


@pytest.mark.parametrize(
    ("error", "rule"),
    [
        *((error, Rule.FOR_A_WHILE) for error in PASSING),
        *((error, Rule.NEVER) for error in LASTING),
        *((error, Rule.FEW_TIMES) for error in PLACED),
    ],
    ids=lambda value: repr(value) if isinstance(value, Exception) else value.value,
)
def test_each_failure_has_one_rule(error: Exception, rule: Rule) -> None:
    """A host that is away or busy comes back; a wrong certificate, version or request stays wrong."""
    assert rule_for(error) is rule


@pytest.mark.parametrize("error", LASTING, ids=repr)
def test_a_lasting_failure_is_raised_at_once(retry: Retry, error: Exception) -> None:
    """Waiting would not help."""
    with pytest.raises(type(error)) as caught:
        retry.failed(error)

    assert caught.value is error


@pytest.mark.parametrize("error", [*PASSING, *PLACED], ids=repr)
def test_an_upstream_that_never_began_is_not_tried_again(clock: Clock, error: Exception) -> None:
    """Its subscriber gets the failure at once."""
    with pytest.raises(type(error)):
        Retry(10, clock=clock).failed(error)


def test_pauses_double_up_to_two_seconds(retry: Retry) -> None:
    """A host that comes back soon is found soon; one that stays away is not asked often."""
    pauses = [retry.failed(Disconnected("x")) for _ in range(8)]

    assert pauses == [0.05, 0.1, 0.2, 0.4, 0.8, 1.6, 2.0, 2.0]


def test_pauses_are_spread_by_a_fifth(clock: Clock) -> None:
    """The upstreams of one host do not all come back in one moment."""
    asked: list[tuple[float, float]] = []

    def uniform(low: float, high: float) -> float:
        asked.append((low, high))
        return high

    retry = Retry(10, clock=clock, uniform=uniform)
    retry.succeeded()

    assert retry.failed(Disconnected("x")) == 0.05 * 1.2
    assert asked == [(0.8, 1.2)]


def test_the_last_failure_is_raised_when_the_time_is_over(retry: Retry, clock: Clock) -> None:
    """The time counts from the first of several failures."""
    retry.failed(Disconnected("the first"))
    clock.advance(10)
    retry.failed(Unreachable("one more"))
    clock.advance(0.1)

    with pytest.raises(Unreachable, match="the last"):
        retry.failed(Unreachable("the last"))


def test_a_success_lets_the_time_begin_anew(retry: Retry, clock: Clock) -> None:
    """Many breaks, each of them short, are no absence."""
    for _ in range(20):
        clock.advance(5)
        retry.failed(Disconnected("x"))
        clock.advance(5)
        retry.succeeded()


def test_pauses_stay_long_while_attempts_do_not_last(retry: Retry, clock: Clock) -> None:
    """An upstream that breaks as soon as it stands is not opened again and again without a pause."""
    retry.failed(Disconnected("x"))
    retry.succeeded()
    clock.advance(0.9)
    assert retry.failed(Disconnected("x")) == 0.1

    retry.succeeded()
    clock.advance(1)
    assert retry.failed(Disconnected("x")) == 0.05


@pytest.mark.parametrize("error", PLACED, ids=repr)
def test_a_place_that_cannot_be_read_is_tried_three_times(retry: Retry, error: Exception) -> None:
    """Whatever time there is; failures that pass do not count."""
    retry.failed(error)
    retry.failed(Disconnected("x"))
    retry.failed(error)

    with pytest.raises(type(error)):
        retry.failed(error)


def test_another_place_has_attempts_of_its_own(retry: Retry) -> None:
    """What was read since the last failure is another place."""
    for _ in range(3):
        retry.failed(TornStream("x"))
        retry.failed(TornStream("x"))
        retry.succeeded()


async def test_an_upstream_is_read_until_a_failure_lasts() -> None:
    """An answer that ends is a broken connection; the failure that ends all is raised."""
    retry = Retry(10, uniform=lambda low, high: 0.0)
    attempts: list[str] = []

    async def attempt() -> None:
        retry.succeeded()
        attempts.append("read")
        if len(attempts) == 3:
            raise IdentityMismatch("another host")

    with pytest.raises(IdentityMismatch, match="another host"):
        await retry.run(attempt, "the host ended the stream")
    assert len(attempts) == 3


async def test_an_answer_that_ends_at_once_is_a_broken_connection() -> None:
    """When the upstream has given nothing at all, its subscriber gets the failure."""

    async def attempt() -> None:
        return

    with pytest.raises(Disconnected, match="the host ended the stream"):
        await Retry(10).run(attempt, "the host ended the stream")
