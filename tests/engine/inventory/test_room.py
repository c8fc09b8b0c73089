"""How much the inventories of all hosts keep, whatever hostile hosts list."""

from __future__ import annotations

import pytest

from gateway.engine.errors import BadResponse
from gateway.engine.inventory import gate
from gateway.engine.inventory.contents import Contents
from gateway.engine.inventory.room import Room, Share
from tests.engine.inventory.support import CLOCK, contents, row
from tests.support.fake_engine import FakeEngine
from tests.support.fake_events import Daemon
from tests.support.fake_objects import container, full
from tests.support.gateway import OpenGateway
from tests.support.upstream import until

LARGE = {f"label-{number}": "x" * 1000 for number in range(100)}


def test_a_host_takes_its_own_room_first_and_then_shared_room() -> None:
    """Other hosts cannot take the own room of a host."""
    room = Room(own_bytes=100, shared_bytes=50)
    first, second, small = Share(room), Share(room), Share(room)

    first.grow(140)
    with pytest.raises(BadResponse):
        second.grow(111)
    second.grow(110)
    small.grow(100)
    with pytest.raises(BadResponse):
        small.grow(1)
    first.grow(-30)
    small.grow(30)
    first.leave()

    assert room.taken == 40


def test_removed_objects_give_their_room_back() -> None:
    """A container gives back its own, and a list of other objects the difference to the list before."""
    room = Room(own_bytes=0)
    kept = Contents(CLOCK, Share(room))
    images = list(contents(image=[{"Id": f"sha256:{number:064}"} for number in range(3)]).images.values())
    for each in (container("aa", "web"), container("aa", "web", "exited"), container("bb", "db")):
        kept.put(row(each))
    kept.put_all("image", images)
    taken = room.taken
    kept.put_all("image", images[:1])
    kept.remove(full("aa"))
    fewer = room.taken
    kept.put_all("image", [])
    kept.remove(full("bb"))

    assert taken > fewer > 0
    assert room.taken == 0


async def test_a_host_without_room_is_asked_for_each_list(
    open_gateway: OpenGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is not shown as empty; other hosts are remembered."""
    monkeypatch.setattr(gate, "Room", lambda: Room(own_bytes=20_000, shared_bytes=50_000))
    async with FakeEngine() as hostile, FakeEngine() as good:
        Daemon(hostile).containers = [container("aa", "large", Labels=LARGE)]
        Daemon(good).containers = [container("bb", "web")]
        async with open_gateway(hostile.address, good.address, inventory=True) as client:
            h1, h2 = (client.hosts_of_gateway[name].inventory for name in ("h1", "h2"))
            await until(lambda: h2.known and len([each for each in hostile.asked if "json" in each.path]) > 4)

            assert not h1.known
            assert h1.failure is not None
            assert [each.name for each in h2.containers()] == ["web"]
