"""What the gateway promises under attack, seen on a gateway process: each attack in small size.

The figures are bytes, counts and time of the processor, not time on the clock.  `make attacks` runs the full size.
"""

from __future__ import annotations

from typing import Any

import pytest

from tests.attacks.catalogue import ATTACKS
from tests.attacks.harness import broken, measure

pytestmark = [pytest.mark.attacks, pytest.mark.timeout(600)]

# Who keeps a promise takes its line out: a test that passes against its mark fails.
NOT_YET = {
    "host-name": "a host's name is logged and answered whole",
    "resume-token": "large requests that fail stay in memory for long",
    "empty-objects": "elements of an answer are not counted, and it is converted in one turn of the loop",
    "free-form": "elements of an answer are not counted, and it is converted in one turn of the loop",
    "tiny-chunks": "each chunk of an answer is an object of its own until the answer is whole",
    "events-flood": "the work of one host in one turn of the loop has no bound, nor has what is kept of its events",
    "pull-flood": "the work of one host in one turn of the loop has no bound",
    "empty-frames": "the work of one host in one turn of the loop has no bound",
    "line-in-pieces": "all of an unfinished line is copied and searched with each piece",
    "deep-ping-error": "the text of an error may be an object, and its conversion ends the probes of the host",
    "echoed-secrets": "texts of the engine are passed on as they are",
}


class Broken(AssertionError):
    """Promises were broken: anything else that fails is a defect of the attack."""


def marked(name: str) -> Any:
    """The parameter for an attack; marked where it shows something that is still to be done."""
    reason = NOT_YET.get(name)
    return pytest.param(name, marks=[pytest.mark.xfail(strict=True, raises=Broken, reason=reason)] if reason else [])


@pytest.mark.parametrize("name", [marked(name) for name in ATTACKS])
async def test_the_gateway_keeps_its_promises_under(name: str) -> None:
    """Others are served, memory comes back, SIGTERM ends it, and what this attack is about stays in bounds."""
    attack = ATTACKS[name]("small")

    if promises := broken(attack, await measure(attack)):
        raise Broken("; ".join(promises))


def test_what_is_still_to_be_done_is_about_attacks_that_exist() -> None:
    """No mark outlives its attack."""
    assert NOT_YET.keys() <= ATTACKS.keys()
