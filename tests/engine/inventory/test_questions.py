"""What the inventory asks an engine."""

from __future__ import annotations

import pytest

from gateway.engine.client import Endpoint, Engine
from gateway.engine.inventory.clock import EngineClock
from gateway.engine.inventory.questions import Questions
from gateway.engine.transport.pool import Address
from tests.support.fake_engine import FakeEngine


@pytest.mark.parametrize(
    ("id", "segment"), [("\0", "%00"), ("../images/web", "..%2Fimages%2Fweb"), ("a?b=1#", "a%3Fb%3D1%23")]
)
async def test_an_id_of_an_event_is_one_part_of_the_path_whatever_it_is(id: str, segment: str) -> None:
    """A hostile engine chooses it.  As it is, it would be a defect, or a question about something else."""
    async with FakeEngine() as fake:
        fake.on("GET", "/containers/{id}/json", json={"Id": id})
        engine = Engine("h1", Endpoint(fake.address, Address(path=fake.address.removeprefix("unix://"))))
        try:
            found = await Questions(engine, EngineClock(), lambda question: None).inspect(id)
        finally:
            engine.close()

    assert found == {"Id": id}
    assert fake.asked[-1].path == f"/containers/{segment}/json"
