"""The Python client over the fleet, blocking and for asyncio: hosts come and drain, and an image is copied."""

from __future__ import annotations

import asyncio
import inspect
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import dockfleet
import dockfleet.aio
import pytest
from dockfleet import reasons
from dockfleet.fleet.v1.hosts_pb2 import HOST_STATE_DRAINING

from tests.real.support import IMAGE, Fleet
from tests.support.gateway import gateway_of

pytestmark = pytest.mark.usefixtures("private")


async def done(method: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """Call a method of the client, of either kind."""
    if inspect.iscoroutinefunction(inspect.unwrap(method)):
        return await method(*args, **kwargs)
    return await asyncio.to_thread(method, *args, **kwargs)


@pytest.fixture(params=["blocking", "asyncio"])
async def ours(request: pytest.FixtureRequest, fleet: Fleet, tmp_path: Path) -> AsyncIterator[Any]:
    """The fleet of a gateway that knows one host."""
    async with AsyncExitStack() as stack:
        keys: dict[str, Any] = {"inventory": True, "state_directory": tmp_path, "health_check_interval_seconds": 1}
        gateway = await stack.enter_async_context(gateway_of(fleet.hosts["one"], **keys))
        address = f"127.0.0.1:{gateway.port}"
        if request.param == "asyncio":
            yield await stack.enter_async_context(dockfleet.aio.connect(address))
        else:
            yield stack.enter_context(dockfleet.connect(address))


async def test_a_host_comes_gets_an_image_serves_and_drains(ours: Any, fleet: Fleet) -> None:
    """`hosts.add`, `images.copy`, `discover` and `hosts.drain` are what they are on the command line."""
    new = fleet.hosts[fleet.need("new")]
    image, name = f"copied-{uuid.uuid4().hex[:8]}:1", f"dockfleet-test-{uuid.uuid4()}"
    repository, _, tag = image.partition(":")
    north = ours.host("north")

    added = await done(ours.hosts.add, "north", str(new.address), labels={"site": "north"})
    await done(ours.hosts.probe, "north")
    assert (added.name, dict(added.labels)) == ("north", {"site": "north"})

    await done(ours.host("one").images.tag, IMAGE, repository, tag=tag)
    try:
        copies = await done(ours.images.copy, "one", image, to_label="site=north")
        assert {each.host for each in copies} == {"north"}
        assert any(image in each.repo_tags for each in await done(north.images.list))
        await done(north.run, image, "sleep 600", name=name, labels={"dockfleet.service": name}, detach=True)

        found = await done(ours.discover, services=[name])
        assert [(each.host, each.container_name) for each in found.endpoints] == [("north", name)]

        drained = await done(ours.hosts.drain, "north")
        assert drained.state == HOST_STATE_DRAINING
        with pytest.raises(reasons.HostDraining, match="north"):
            await done(north.run, image, "true")
        await done(ours.hosts.undrain, "north")
    finally:
        await done(ours.containers.remove, name, force=True)
        await done(ours.images.remove, image, force=True, check=False)
        await done(ours.hosts.remove, "north")

    assert [host.name for host in await done(ours.hosts.list)] == ["one"]
