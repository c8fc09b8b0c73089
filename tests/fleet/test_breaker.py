"""The breaker: which failures open it, and what closes it."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from gateway.engine.errors import TimedOut
from gateway.fleet.breaker import Breaker

FAILURE = TimedOut("the host did not respond within 30 s", sent=True)


def after_calls(*targets: str | None) -> Breaker:
    """A breaker after calls about *targets*, which have failed; None stands for one that was answered."""
    breaker = Breaker()
    for target in targets:
        if target is None:
            breaker.succeeded()
        else:
            breaker.failed(target, FAILURE)
    return breaker


@pytest.mark.parametrize(
    ("targets", "opens"),
    [
        (["a", "b", "c", "a", "b"], True),
        (["a", "b", "c", "d", "e", "f", "g"], True),
        (["a", "b", "c", "d"], False),  # not enough failures
        (["a"] * 100, False),  # one container hangs
        (["a", "b"] * 100, False),  # under two of its names
        (["a", "b", "c", "d", None, "e"], False),  # a call was answered meanwhile
        ([], False),
    ],
    ids=str,
)
def test_failures_in_a_row_about_several_objects_open_it(targets: Sequence[str | None], opens: bool) -> None:
    """Once the gateway's own read fails as well."""
    breaker = after_calls(*targets)
    assert breaker.open_since is None  # before that

    breaker.confirm(1000.0)

    assert breaker.open_since == (1000.0 if opens else None)
    assert not opens or breaker.failure is FAILURE


def test_only_the_gateways_own_read_closes_it() -> None:
    """Since when it is open stays; a call that is answered late, as one sent before, does not close it."""
    breaker = after_calls("a", "b", "c", "d", "e")
    breaker.confirm(1000.0)
    breaker.confirm(2000.0)
    breaker.succeeded()
    assert breaker.open_since == 1000.0

    breaker.close()

    assert breaker.open_since is None


def test_one_that_was_closed_opens_when_both_fail_again() -> None:
    """Calls need not fail five times more, unless one was answered."""
    breaker = after_calls("a", "b", "c", "d", "e")
    breaker.confirm(1000.0)
    breaker.close()
    breaker.confirm(2000.0)
    assert breaker.open_since == 2000.0

    breaker.close()
    breaker.succeeded()
    breaker.confirm(3000.0)
    assert breaker.open_since is None
