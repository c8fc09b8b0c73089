"""What the gateway promises under attack, seen on a gateway process: each attack in small size.

The figures are bytes, counts and time of the processor; only that from SIGTERM to the end is time on the clock, and its
bound is wide.  `make attacks` runs the full size.
"""

from __future__ import annotations

import pytest

from tests.attacks.catalogue import ATTACKS
from tests.attacks.harness import broken, measure

pytestmark = [pytest.mark.attacks, pytest.mark.timeout(1200)]


@pytest.mark.parametrize("name", ATTACKS)
async def test_the_gateway_keeps_its_promises_under(name: str) -> None:
    """Others are served, memory comes back, SIGTERM ends it, and what this attack is about stays in bounds."""
    attack = ATTACKS[name]("small")

    assert broken(attack, await measure(attack)) == []
