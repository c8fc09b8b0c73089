"""Readers that stop reading, on every kind of stream of real engines: whom it hurts, and what they get afterwards.

Each stands still for a few seconds; with `DOCKFLEET_LONG=1` for a minute, and on both engines.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest

from tests.real.processes import GatewayProcess
from tests.real.stalled import KINDS, LONG, STALL, Kind, Stage
from tests.real.support import Containers, Fleet
from tests.support.gateway import Client

pytestmark = [pytest.mark.usefixtures("private"), pytest.mark.timeout(600 if LONG else 60)]

# All kinds but the rare on one engine, by turns the old and the new one; when there is time, all on both.
TABLE = [
    pytest.param(kind, host, id=f"{kind.name}-{host}")
    for number, kind in enumerate(kind for kind in KINDS if LONG or not kind.rare)
    for host in (("one", "new") if LONG else (("one", "new")[number % 2],))
]


@pytest.fixture(scope="module")
async def gateways(
    fleet: Fleet, lasting_client: Client, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[dict[bool, GatewayProcess]]:
    """Gateways in processes of their own: by whether its patience ends while the reader stands still."""
    limits = {
        False: (f"--limits-stall-timeout-seconds={STALL + 60}",),
        True: (f"--limits-stall-timeout-seconds={STALL / 2}", f"--limits-reader-stall-timeout-seconds={STALL / 2}"),
    }
    async with AsyncExitStack() as stack:
        yield {
            ends: await stack.enter_async_context(
                GatewayProcess.running(tmp_path_factory.mktemp("gateway"), fleet.hosts.values(), *flags)
            )
            for ends, flags in limits.items()
        }


@pytest.mark.parametrize(("kind", "host"), TABLE, indirect=["host"])
async def test_a_reader_that_pauses_affects_nobody(
    kind: Kind, host: str, fleet: Fleet, containers: Containers, gateways: dict[bool, GatewayProcess]
) -> None:
    """The container runs, its engine is fast, and memory is bounded; then the reader gets what it is promised."""
    gateway = gateways[kind.limited]
    stage = await Stage.of(gateway.client, host, containers, fleet.engines[host], kind.driver)
    before = [await stage.latency() for _ in range(40)]
    afterwards = await kind.open(stage)
    gateway.weigh()
    await stage.go()

    counts, during = [await stage.count()], []
    end = time.monotonic() + max(STALL, kind.least_seconds)
    while time.monotonic() < end:  # that time passes is what is tested
        during += [await stage.latency() for _ in range(5)]
        counts.append(await stage.count_beyond(counts[-1]))
    grown = gateway.growth()

    p50 = statistics.median(before), statistics.median(during)
    print(
        f"{kind.name} on {host}: counted {counts[0]} to {counts[-1]}, grown by {grown / 2**20:.1f} MiB; p50 of a call "
        f"{p50[0] * 1000:.1f} ms before, {p50[1] * 1000:.1f} ms during, {max(during) * 1000:.0f} ms at most"
    )
    assert p50[1] < 4 * p50[0] + 0.03  # one that waits for a reader of events takes 0.1 s more
    assert grown < kind.budget
    await afterwards()
