"""Containers come and go by hundreds: what the gateway shows and keeps of them does not grow."""

from __future__ import annotations

import asyncio
import gc
import re

import pytest

from gateway.fleet import container_metrics
from tests.support.fake_engine import FakeEngine
from tests.support.gateway import Client
from tests.support.generations import Generations
from tests.telemetry.test_events import counted
from tests.web.client import get
from tests.web.test_fleet_pages import eventually, gateway

EACH = 100  # containers of a generation
GENERATIONS = 8
GONE = 400  # containers that have gone and are still shown
WARM = 5  # generations, after which GONE containers are shown
SETTLED = 50  # objects more or less, from look to look
_SHOWN = re.compile(rb'^(\w+)\{host="h1",id="/docker/(\w+)"', re.MULTILINE)


async def shown(client: Client, ids: set[str]) -> int:
    """Scrape until these containers run and no others.

    Returns how many containers are shown, also of those that have gone, and series of the gateway itself.  The series
    of a container are not counted: on a busy machine some have their first sample late.
    """
    assert client.metrics_address is not None
    address = client.metrics_address

    async def look() -> int | None:
        series = _SHOWN.findall((await get(address, "/metrics/containers")).body)
        if {id.decode() for name, id in series if name == b"container_start_time_seconds"} != ids:
            return None
        own = (await get(address, "/metrics")).body.splitlines()
        return len({id for _, id in series}) + sum(not line.startswith(b"#") for line in own)

    return await eventually(look)


async def live_objects(client: Client, generations: Generations) -> int:
    """How many of the gateway's there are without any container, once nothing is under way.

    Connections are left out: how many are kept depends on how many answers came late.
    """
    await shown(client, generations.next(0))
    looks: list[int] = []
    while len(looks) < 4 or max(looks[-4:]) - min(looks[-4:]) > SETTLED:
        await asyncio.sleep(0.3)
        gc.collect()
        looks.append(sum(map(_is_of_the_gateway, gc.get_objects())))
    return looks[-1]


def _is_of_the_gateway(thing: object) -> bool:
    module = str(type(thing).__module__)
    return module.startswith(("gateway.", "dockfleet.")) and not module.startswith("gateway.engine.transport")


@pytest.mark.timeout(300)  # seconds of a processor, of which there is little on a busy machine
async def test_containers_that_come_and_go_leave_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is shown is what runs and the last that ran: once there are as many of these as there ever are, neither
    series nor live objects grow with the containers."""
    monkeypatch.setattr(container_metrics, "_MOST_GONE", GONE)
    series, objects = [], []
    async with FakeEngine() as engine, gateway(engine.address) as client:
        generations = Generations(engine)

        async def starts() -> float | None:
            return counted(client)[0]

        await eventually(starts)
        for number in range(1, GENERATIONS + 1):
            series.append(await shown(client, generations.next(EACH)))
            if number in (WARM, GENERATIONS):
                objects.append(await live_objects(client, generations))
        assert await starts() == EACH * GENERATIONS

    # Those of the last generation but one count as running for another interval.
    assert series[-1] - series[WARM - 1] < 2 * EACH
    assert objects[1] - objects[0] < EACH  # of three times as many containers
