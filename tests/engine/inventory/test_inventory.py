"""The inventory of a host on the wire: what it asks the engine, and what clients get of it."""

from __future__ import annotations

import asyncio
import json
import math
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from typing import Any

import grpc
import pytest
from dockfleet.v1 import common_pb2, images_pb2, networks_pb2, volumes_pb2
from dockfleet.v1 import containers_pb2 as pb
from dockfleet.v1.container_config_pb2 import ContainerSpec
from google.protobuf.duration_pb2 import Duration

from gateway.engine.errors import Unreachable
from gateway.engine.inventory.changes import Put, Removed, Stale, Synced
from gateway.engine.inventory.comparing import Comparing
from gateway.engine.inventory.inventory import Inventory
from tests.support.fake_engine import FakeEngine, Request, hang
from tests.support.fake_events import Daemon
from tests.support.fake_objects import IMAGE, container, full, serve
from tests.support.gateway import Client, OpenGateway, failed
from tests.support.statuses import filters

ENGINE, INVENTORY = common_pb2.ANSWER_SOURCE_ENGINE, common_pb2.ANSWER_SOURCE_INVENTORY
OLD = Duration(seconds=3600)
WEB, DB = full("aa"), full("bb")


@pytest.fixture
async def daemon() -> AsyncIterator[Daemon]:
    """A fake engine with two containers."""
    async with FakeEngine() as engine:
        daemon = Daemon(engine)
        daemon.containers = [container(WEB, "web"), container(DB, "db", "exited", code=3)]
        daemon.images = [{"Id": IMAGE, "RepoTags": ["busybox:latest"], "Created": 1}]
        daemon.networks = [{"Id": full("11"), "Name": "front", "Driver": "bridge", "Scope": "local"}]
        daemon.volumes = [{"Name": "data", "Driver": "local"}]
        yield daemon


@pytest.fixture
async def client(daemon: Daemon, open_gateway: OpenGateway) -> AsyncIterator[Client]:
    """A client of a gateway that knows what there is on that engine."""
    async with open_gateway(daemon.engine.address, inventory=True, health_check_interval_seconds=0.2) as client:
        inventory = inventory_of(client)
        await until(inventory, lambda: inventory.known and not inventory._contents.unworded)
        yield client


def inventory_of(client: Client) -> Inventory:
    """Return the inventory of the host."""
    return client.hosts_of_gateway["h1"].inventory


async def until(inventory: Inventory, condition: Callable[[], Any]) -> None:
    """Wait for a condition that has no change of its own."""
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110
            await asyncio.sleep(0.01)


def asked(daemon: Daemon, since: int = 0) -> list[str]:
    """Return what the engine was asked for the inventory: paths, with the ids of filters."""
    return [
        request.path + "".join(f"?{id[:2]}" for id in ids_of(request))
        for request in daemon.engine.requests[since:]
        if request.path.startswith(("/containers", "/images", "/networks", "/volumes")) and request.method == "GET"
    ]


def ids_of(request: Request) -> list[str]:
    """Return the ids in the filters of a request."""
    found: list[str] = json.loads(dict(request.query).get("filters", "{}")).get("id", [])
    return found


async def listed(client: Client, max_age: Duration | None = OLD, **request: Any) -> pb.ListContainersResponse:
    """Return all containers, from the inventory if it may be."""
    return await client.containers.ListContainers(
        pb.ListContainersRequest(host="h1", all=True, max_age=max_age, **request)
    )


def named(response: pb.ListContainersResponse) -> dict[str, str]:
    """Return the states of containers by their names."""
    return {row.names[0]: row.state for row in response.containers}


# Lists


async def test_a_list_that_may_be_old_does_not_ask_the_engine(client: Client, daemon: Daemon) -> None:
    """It is what the engine would have said, and says how old it can be."""
    fresh = await listed(client, None)
    before = len(daemon.engine.requests)
    found = await listed(client)
    images = await client.images.ListImages(images_pb2.ListImagesRequest(host="h1", max_age=OLD))
    networks = await client.networks.ListNetworks(networks_pb2.ListNetworksRequest(host="h1", max_age=OLD))
    volumes = await client.volumes.ListVolumes(volumes_pb2.ListVolumesRequest(host="h1", max_age=OLD))

    assert asked(daemon, before) == []
    assert fresh.freshness.source == ENGINE
    assert {each.freshness.source for each in (found, images, networks, volumes)} == {INVENTORY}
    assert 0.1 <= found.freshness.max_age.ToTimedelta().total_seconds() < 60
    assert list(found.containers) == list(fresh.containers)
    assert [row.repo_tags[0] for row in images.images] == ["busybox:latest"]
    assert [row.name for row in networks.networks] == ["front"]
    assert [row.name for row in volumes.volumes] == ["data"]


async def test_a_list_that_must_be_newer_asks_the_engine(client: Client, daemon: Daemon) -> None:
    """An engine takes a while to tell of a change, so nothing remembered is newer than that."""
    for max_age in (Duration(), Duration(nanos=50_000_000), None):
        before = len(daemon.engine.requests)
        assert (await listed(client, max_age)).freshness.source == ENGINE
        assert asked(daemon, before) == ["/containers/json"]


async def test_a_list_with_sizes_asks_the_engine(client: Client, daemon: Daemon) -> None:
    """The inventory does not have them."""
    assert (await listed(client, size=True)).freshness.source == ENGINE


async def test_podman_is_asked_where_its_filters_mean_something_else(daemon: Daemon, open_gateway: OpenGateway) -> None:
    """A reference such as `busybox` finds images of every registry there, and the inventory knows Docker's way."""
    headers = {"Libpod-Api-Version": "4.3.1", "Api-Version": "1.41"}
    daemon.engine.on("GET", "/_ping", body=b"OK", headers=headers)
    async with open_gateway(daemon.engine.address, inventory=True) as client:
        inventory = inventory_of(client)
        await until(inventory, lambda: inventory.known and not inventory._contents.unworded)

        async def source_of(**values: list[str]) -> int:
            request = images_pb2.ListImagesRequest(host="h1", max_age=OLD, filters=filters(**values))
            return (await client.images.ListImages(request)).freshness.source

        found = [await source_of(), await source_of(label=["a", "a=b"])]
        asked = [await source_of(reference=["busybox"]), await source_of(label=["a="])]

    assert found == [INVENTORY, INVENTORY]
    assert asked == [ENGINE, ENGINE]


@pytest.mark.parametrize("max_age", [Duration(seconds=-1), Duration(nanos=-1)])
async def test_an_age_below_zero_is_refused(client: Client, max_age: Duration) -> None:
    """The field is named."""
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await listed(client, max_age)

    assert failed(caught.value).code is grpc.StatusCode.INVALID_ARGUMENT
    assert "max_age" in failed(caught.value).message


async def test_a_wrong_filter_names_the_field(client: Client, daemon: Daemon) -> None:
    """Engines answer 500 to some of them."""
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await listed(client, filters=filters(exited=["x"]))

    assert failed(caught.value).code is grpc.StatusCode.INVALID_ARGUMENT
    assert failed(caught.value).message.startswith("filters['exited']: must be an integer")


async def test_a_container_that_a_filter_names_is_not_found(client: Client) -> None:
    """With its kind and name, as if the engine had said so."""
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await listed(client, filters=filters(before=["none"]))

    assert failed(caught.value).code is grpc.StatusCode.NOT_FOUND
    assert failed(caught.value).message == "h1: No such container: none"


async def test_a_gateway_without_inventory_asks_the_engine(daemon: Daemon, open_gateway: OpenGateway) -> None:
    """Also where the answer may be old; and it does not subscribe to events."""
    async with open_gateway(daemon.engine.address) as client:
        assert (await listed(client)).freshness.source == ENGINE
        assert not inventory_of(client).known

    assert daemon.subscriptions == 0


# What it asks


async def test_events_only_say_what_to_look_at(client: Client, daemon: Daemon) -> None:
    """The container is inspected, and then listed by its id: an event can come before its row."""
    before = len(daemon.engine.requests)
    daemon.containers[0] = container(WEB, "web", "paused")
    daemon.happen("container", "pause", WEB, name="web")
    await until(inventory_of(client), lambda: len(asked(daemon, before)) >= 2)

    assert asked(daemon, before) == [f"/containers/{WEB}/json", "/containers/json?aa"]
    assert named(await listed(client)) == {"/web": "paused", "/db": "exited"}


async def test_the_events_of_one_change_are_one_question(client: Client, daemon: Daemon) -> None:
    """And those that change nothing are none."""
    before = len(daemon.engine.requests)
    for action in ("exec_create: true", "exec_start: true", "exec_die", "kill", "top", "attach", "resize"):
        daemon.happen("container", action, WEB, name="web")
    daemon.containers[0] = container(WEB, "web", "exited")
    for action in ("die", "stop", "die"):
        daemon.happen("container", action, WEB, name="web")
    await until(inventory_of(client), lambda: named_by(inventory_of(client)) == {"web": "exited", "db": "exited"})

    assert asked(daemon, before) == [f"/containers/{WEB}/json", "/containers/json?aa"]


def named_by(inventory: Inventory) -> dict[str, str]:
    """Return the states of the containers by name."""
    return {row.name: row.state for row in inventory.containers()}


async def test_a_container_that_starts_is_left_alone(client: Client, daemon: Daemon) -> None:
    """It joins networks first, and to inspect it would take as long as its start."""
    before = len(daemon.engine.requests)
    daemon.happen("network", "connect", full("11"), container=DB, name="front")
    await asyncio.sleep(0.5)  # longer than the inventory waits before it asks for what has changed
    assert asked(daemon, before) == []

    daemon.happen("container", "start", DB, name="db")
    await until(inventory_of(client), lambda: asked(daemon, before))


async def test_what_is_destroyed_is_gone_at_once(client: Client, daemon: Daemon) -> None:
    """No answer that is under way brings it back."""
    daemon.engine.on("GET", "/containers/{id}/json", hang())
    daemon.happen("container", "rename", WEB, name="web")
    await until(inventory_of(client), lambda: inventory_of(client)._reader.refresher.marks)
    daemon.happen("container", "destroy", WEB, name="web")
    await until(inventory_of(client), lambda: named_by(inventory_of(client)) == {"db": "exited"})

    assert WEB not in {row.id for row in inventory_of(client).containers()}


async def test_a_name_that_moves_makes_both_be_asked_for(client: Client, daemon: Daemon) -> None:
    """Two containers cannot have one name."""
    daemon.containers = [container(WEB, "was-web"), container(DB, "web", "exited", code=3)]
    daemon.happen("container", "rename", DB, name="web", oldName="/db")
    await until(inventory_of(client), lambda: named_by(inventory_of(client)) == {"was-web": "running", "web": "exited"})

    found = inventory_of(client).container("web")
    assert found is not None
    assert found.id == DB


async def test_two_containers_with_one_name_are_requested_once(client: Client, daemon: Daemon) -> None:
    """The container that had the name is requested because of the other one, and not the other way round again."""
    daemon.containers[1] = container(DB, "web", "exited", code=3)
    inventory, before = inventory_of(client), len(daemon.engine.requests)
    daemon.happen("container", "rename", DB, name="web", oldName="/db")
    await until(inventory, lambda: len(asked(daemon, before)) >= 4 and not inventory._reader.refresher.marks)

    assert sorted(asked(daemon, before)) == sorted(
        [f"/containers/{id}/json" for id in (WEB, DB)] + [f"/containers/json?{id[:2]}" for id in (WEB, DB)]
    )


async def test_an_invalid_id_of_a_destroyed_container_is_not_kept(client: Client, daemon: Daemon) -> None:
    """Ids of removed containers are remembered, so they must be ids."""
    daemon.happen("container", "destroy", "x" * 100_000)
    daemon.happen("container", "destroy", WEB, name="web")
    await until(inventory_of(client), lambda: named_by(inventory_of(client)) == {"db": "exited"})

    assert list(inventory_of(client)._contents._dead) == [WEB]


async def test_an_image_that_loses_its_name_makes_its_containers_be_listed(client: Client, daemon: Daemon) -> None:
    """They are named by it; no event says so of them."""
    daemon.images = [{"Id": IMAGE, "RepoTags": ["old:1"], "Created": 1}]
    daemon.containers[0] = daemon.containers[0] | {"Image": IMAGE}
    before = len(daemon.engine.requests)
    daemon.happen("image", "tag", "sha256:other", name="busybox:latest")
    inventory = inventory_of(client)
    await until(inventory, lambda: inventory.containers()[0].image == IMAGE or inventory.containers()[1].image == IMAGE)

    assert asked(daemon, before) == ["/images/json", "/containers/json"]


async def test_lists_heal_what_has_no_event(daemon: Daemon, open_gateway: OpenGateway) -> None:
    """Each such change is counted."""
    async with open_gateway(daemon.engine.address, inventory=True) as client:
        inventory = inventory_of(client)
        await until(inventory, lambda: inventory.known and inventory.failure is None)
        daemon.containers[1] = container(DB, "db", "exited", code=3, NetworkSettings={"Networks": {"front": {}}})
        inventory._reader.refresher.touch("container", 0)
        await until(inventory, lambda: any(row.networks for row in inventory.containers()))

        count = client.metrics.registry.get_sample_value("dockfleet_inventory_healed_total", {"host": "h1"})
    assert count == 1


LISTS = ["/containers/json", "/images/json", "/networks", "/volumes"]


async def compared(client: Client, daemon: Daemon) -> list[str]:
    """Compare the lists, as if the time had come; return what the engine was asked."""
    inventory, before = inventory_of(client), len(daemon.engine.requests)
    inventory._following.comparing.now()
    await until(inventory, lambda: not inventory._reader.refresher.marks)
    return sorted(asked(daemon, before))


async def quiet(client: Client, daemon: Daemon) -> Comparing:
    """Compare twice, and find nothing; return what decides about the next time."""
    comparing = inventory_of(client)._following.comparing
    await until(inventory_of(client), lambda: comparing.waiting)
    for _ in range(2):
        assert await compared(client, daemon) == LISTS
    assert comparing.seconds == 240
    return comparing


@pytest.mark.parametrize("kind", ["containers", "images", "networks", "volumes"])
async def test_a_quiet_host_that_changes_without_an_event_is_compared_often_again(
    client: Client, daemon: Daemon, kind: str
) -> None:
    """There may be more such changes."""
    comparing = await quiet(client, daemon)
    setattr(daemon, kind, getattr(daemon, kind)[1:])
    assert set(await compared(client, daemon)) >= set(LISTS)

    assert comparing.seconds == 60


async def test_a_quiet_host_with_an_event_is_compared_often_again(client: Client, daemon: Daemon) -> None:
    """An event of a health check is none: it says that nothing has changed."""
    comparing, following = await quiet(client, daemon), inventory_of(client)._following
    contact = following._contact
    daemon.happen("container", "exec_start: curl", WEB, name="web")
    await until(inventory_of(client), lambda: following._contact > contact)
    assert comparing.seconds == 240

    daemon.containers[0] = container(WEB, "web", "paused")
    daemon.happen("container", "pause", WEB, name="web")
    await until(inventory_of(client), lambda: named_by(inventory_of(client))["web"] == "paused")
    assert comparing.seconds == 60


async def test_a_quiet_host_whose_events_broke_is_compared_often_again(client: Client, daemon: Daemon) -> None:
    """At first all its lists are requested at once."""
    comparing, before = await quiet(client, daemon), len(daemon.engine.requests)
    daemon.cut()
    await until(inventory_of(client), lambda: comparing.seconds == 60 and comparing.waiting)

    assert sorted(asked(daemon, before)) == LISTS


async def test_a_quiet_host_that_was_down_is_compared_often_again(client: Client, daemon: Daemon) -> None:
    """Also when its events did not break."""
    comparing = await quiet(client, daemon)
    inventory_of(client).host_is(Unreachable("it hangs"))
    assert comparing.seconds == 240
    inventory_of(client).host_is(None)

    assert comparing.seconds == 60


async def test_podman_is_compared_often(daemon: Daemon, open_gateway: OpenGateway) -> None:
    """It has fewer events."""
    headers = {"Libpod-Api-Version": "4.3.1", "Api-Version": "1.41"}
    daemon.engine.on("GET", "/_ping", body=b"OK", headers=headers)
    async with open_gateway(daemon.engine.address, inventory=True) as client:
        comparing = inventory_of(client)._following.comparing
        await until(inventory_of(client), lambda: comparing.waiting)
        assert await compared(client, daemon) == LISTS

    assert comparing.seconds == 60


async def test_the_longest_time_between_comparisons_can_be_set(daemon: Daemon, open_gateway: OpenGateway) -> None:
    """For hosts whose changes without an event matter."""
    keys = {"inventory": True, "inventory_compare_interval_seconds": 90}
    async with open_gateway(daemon.engine.address, **keys) as client:
        comparing = inventory_of(client)._following.comparing
        await until(inventory_of(client), lambda: comparing.waiting)
        await compared(client, daemon)

    assert comparing.seconds == 90


async def test_an_engine_that_is_stuck_with_one_container_is_listed(client: Client, daemon: Daemon) -> None:
    """After a while, without what only the inspection says; the others are as new as ever."""
    daemon.engine.on("GET", "/containers/{id}/json", hang())
    daemon.containers[0] = container(WEB, "web", "paused")
    daemon.happen("container", "pause", WEB, name="web")
    await until(inventory_of(client), lambda: named_by(inventory_of(client))["web"] == "paused")
    serve(daemon.engine, lambda: daemon.containers)
    await until(inventory_of(client), lambda: not inventory_of(client)._reader.refresher.marks)


# What was changed through the gateway


async def change(client: Client, daemon: Daemon, rpc: str) -> Any:
    """Make one change, whose answer comes before the engine shows it, and return what must be listed then."""
    calls, engine = client.containers, daemon.engine
    match rpc:
        case "StopContainer":
            daemon.containers[0] = container(WEB, "web", "exited")
            engine.on("POST", "/containers/{id}/stop", status=204)
            await calls.StopContainer(pb.StopContainerRequest(host="h1", id="web"))
            return {"/web": "exited", "/db": "exited"}
        case "RenameContainer":
            engine.on("POST", "/containers/{id}/rename", status=204)
            daemon.containers[0] = container(WEB, "shop")
            await calls.RenameContainer(pb.RenameContainerRequest(host="h1", id="web", name="shop"))
            return {"/shop": "running", "/db": "exited"}
        case "RemoveContainer":
            engine.on("DELETE", "/containers/{id}", status=204)
            del daemon.containers[1]
            await calls.RemoveContainer(pb.RemoveContainerRequest(host="h1", id=DB[:12]))
            return {"/web": "running"}
        case "CreateContainer":
            engine.on("POST", "/containers/create", status=201, json={"Id": full("cc"), "Warnings": []})
            daemon.containers.insert(0, container(full("cc"), "new", "created"))
            await calls.CreateContainer(pb.CreateContainerRequest(host="h1", config=ContainerSpec(image="busybox")))
            return {"/new": "created", "/web": "running", "/db": "exited"}
        case "PruneContainers":
            engine.on("POST", "/containers/prune", json={"ContainersDeleted": [DB]})
            del daemon.containers[1]
            await calls.PruneContainers(pb.PruneContainersRequest(host="h1"))
            return {"/web": "running"}
        case "WaitContainer":
            engine.on("POST", "/containers/{id}/wait", json={"StatusCode": 0})
            daemon.containers[0] = container(WEB, "web", "exited")
            await calls.WaitContainer(pb.WaitContainerRequest(host="h1", id=WEB))
            return {"/web": "exited", "/db": "exited"}
        case "TagImage":
            engine.on("POST", "/images/{name}/tag", status=201)
            daemon.images = [{"Id": IMAGE, "RepoTags": ["other:1"], "Created": 1}]
            daemon.containers[0] = daemon.containers[0] | {"Image": IMAGE}
            await client.images.TagImage(images_pb2.TagImageRequest(host="h1", name=IMAGE, repo="other", tag="1"))
            assert {row.image for row in (await listed(client)).containers} == {IMAGE, "busybox"}
            return {"/web": "running", "/db": "exited"}
    raise AssertionError(rpc)


CHANGES = (
    *("CreateContainer", "PruneContainers", "RemoveContainer", "RenameContainer", "StopContainer", "TagImage"),
    "WaitContainer",
)


@pytest.mark.parametrize("rpc", CHANGES)
async def test_who_changes_something_sees_it_in_the_next_list(client: Client, daemon: Daemon, rpc: str) -> None:
    """Without any event, also where the request names the container by its name."""
    expected = await change(client, daemon, rpc)
    found = await listed(client)

    assert named(found) == expected
    assert found.freshness.source == INVENTORY


async def test_who_runs_a_container_sees_it(client: Client, daemon: Daemon) -> None:
    """It is in the next list, and runs."""
    daemon.engine.on("POST", "/containers/create", status=201, json={"Id": full("cc"), "Warnings": []})
    daemon.engine.on("POST", "/containers/{id}/start", status=204)
    daemon.containers.insert(0, container(full("cc"), "new"))
    request = pb.RunContainerRequest(host="h1", config=ContainerSpec(image="busybox"), detach=True)
    async for _ in client.containers.RunContainer(request):
        pass
    found = await listed(client)

    assert named(found) == {"/new": "running", "/web": "running", "/db": "exited"}
    assert found.freshness.source == INVENTORY


async def test_a_change_that_failed_may_have_been_made(client: Client, daemon: Daemon) -> None:
    """A start that fails can leave another exit code, or networks."""
    daemon.engine.on("POST", "/containers/{id}/start", error="driver failed")
    daemon.containers[1] = container(DB, "db", "exited", code=127)
    with pytest.raises(grpc.aio.AioRpcError):
        await client.containers.StartContainer(pb.StartContainerRequest(host="h1", id="db"))

    assert {row.status for row in (await listed(client)).containers if row.names[0] == "/db"} == {
        "Exited (127) About an hour ago"
    }


async def test_networks_and_volumes_that_were_changed_are_seen(client: Client, daemon: Daemon) -> None:
    """A volume can come with a container, too."""
    daemon.engine.on("DELETE", "/networks/{id}", status=204)
    daemon.networks = []
    await client.networks.RemoveNetwork(networks_pb2.RemoveNetworkRequest(host="h1", id="front"))
    assert not (await client.networks.ListNetworks(networks_pb2.ListNetworksRequest(host="h1", max_age=OLD))).networks

    await change(client, daemon, "CreateContainer")
    daemon.volumes = [*daemon.volumes, {"Name": "anonymous", "Driver": "local"}]
    found = await client.volumes.ListVolumes(volumes_pb2.ListVolumesRequest(host="h1", max_age=OLD))
    assert [row.name for row in found.volumes] == ["data", "anonymous"]
    assert found.freshness.source == INVENTORY


async def test_a_change_that_cannot_be_seen_in_time_makes_the_engine_be_asked(client: Client, daemon: Daemon) -> None:
    """After two seconds; and who comes later does not wait at all."""
    daemon.engine.on("GET", "/containers/{id}/json", hang())
    await change(client, daemon, "StopContainer")
    assert (await listed(client)).freshness.source == ENGINE

    async with asyncio.timeout(1):
        assert (await listed(client)).freshness.source == ENGINE
    serve(daemon.engine, lambda: daemon.containers)


async def test_a_list_of_other_containers_does_not_wait(client: Client, daemon: Daemon) -> None:
    """Where the request names them by id."""
    daemon.engine.on("GET", "/containers/{id}/json", hang())
    await change(client, daemon, "StopContainer")

    async with asyncio.timeout(1):
        found = await listed(client, filters=filters(id=[DB]))
    assert found.freshness.source == INVENTORY
    serve(daemon.engine, lambda: daemon.containers)


async def test_a_fresh_list_waits_as_well(client: Client, daemon: Daemon) -> None:
    """The answer to a stop can come before the list shows it."""
    before = len(daemon.engine.requests)
    await change(client, daemon, "StopContainer")
    await listed(client, None)

    assert asked(daemon, before) == [f"/containers/{WEB}/json", "/containers/json?aa", "/containers/json"]


# Breaks


async def test_a_host_that_goes_away_is_stale_and_then_known_again(client: Client, daemon: Daemon) -> None:
    """Changes during the break are sent afterwards; the inventory reports its largest possible age, and the reason."""
    inventory = inventory_of(client)
    async with aclosing(inventory.subscribe()) as changes:
        first = [await anext(changes) for _ in range(3)]
        assert isinstance(first[-1], Synced)
        daemon.engine.on("GET", "/info", error="not now", times=3)
        daemon.containers = [container(DB, "db")]
        daemon.cut()
        found = [await anext(changes) for _ in range(2)]
        assert isinstance(found[0], Stale)
        assert inventory.failure is None or "not now" in str(inventory.failure)
        while not isinstance(found[-1], Synced):
            found.append(await anext(changes))

    assert {type(each) for each in found[1:-1]} == {Put, Removed}
    assert named_by(inventory) == {"db": "running"}
    assert inventory.failure is None


async def test_while_a_host_is_away_its_age_grows(client: Client, daemon: Daemon) -> None:
    """A list that allows this age is answered; other lists fail with the failure of the host."""
    inventory = inventory_of(client)
    daemon.engine.on("GET", "/info", hang())
    daemon.engine.on("GET", "/containers/json", error="going down", status=503)
    daemon.cut()
    await until(inventory, lambda: inventory.failure is not None)
    await asyncio.sleep(0.3)

    found = await listed(client)
    assert found.freshness.source == INVENTORY
    assert found.freshness.max_age.ToTimedelta().total_seconds() > 0.3
    with pytest.raises(grpc.aio.AioRpcError):
        await listed(client, Duration(nanos=200_000_000))


async def test_a_break_that_heals_at_once_is_no_news(client: Client, daemon: Daemon) -> None:
    """But the lists are asked for again: what changed without an event may be missing."""
    inventory, before = inventory_of(client), len(daemon.engine.requests)
    daemon.happen("container", "start", WEB, name="web")
    async with aclosing(inventory.subscribe()) as changes:
        for _ in range(3):
            await anext(changes)
        daemon.cut()
        await until(inventory, lambda: "/volumes" in asked(daemon, before) and inventory.failure is None)
        daemon.containers[0] = container(WEB, "web", "paused")
        daemon.happen("container", "pause", WEB, name="web")
        assert isinstance(await anext(changes), Put)

    assert {"/containers/json", "/images/json", "/networks", "/volumes"} <= set(asked(daemon, before))


async def test_a_host_without_events_is_asked_for_each_list(daemon: Daemon, open_gateway: OpenGateway) -> None:
    """Its inventory says why it does not know anything."""
    daemon.engine.on("GET", "/events", error="no events here", status=404)
    async with open_gateway(daemon.engine.address, inventory=True) as client:
        inventory = inventory_of(client)
        await until(inventory, lambda: "no events here" in str(inventory.failure))
        assert (await listed(client)).freshness.source == ENGINE
        assert not inventory.known
        assert not inventory.freshness().HasField("max_age")
        value = client.metrics.registry.get_sample_value("dockfleet_inventory_age_seconds", {"host": "h1"})
    assert value is not None
    assert math.isnan(value)


async def test_words_that_the_gateway_does_not_know_are_those_of_the_last_list(
    daemon: Daemon, open_gateway: OpenGateway
) -> None:
    """They are as old as that, which a request may not want."""
    daemon.containers = [container(WEB, "web", Status="Läuft seit zwei Stunden")]
    async with open_gateway(daemon.engine.address, inventory=True) as client:
        inventory = inventory_of(client)
        await until(inventory, lambda: inventory.known and not inventory._reader.refresher.marks)
        await asyncio.sleep(0.5)
        found = await listed(client)
        newer = await listed(client, Duration(nanos=400_000_000))

    assert [row.status for row in found.containers] == ["Läuft seit zwei Stunden"]
    assert found.freshness.max_age.ToTimedelta().total_seconds() > 0.5
    assert newer.freshness.source == ENGINE


async def test_metrics_count_what_is_asked(client: Client) -> None:
    """By question."""

    def asked(question: str) -> float | None:
        labels = {"host": "h1", "question": question}
        return client.metrics.registry.get_sample_value("dockfleet_inventory_questions_total", labels)

    assert asked("list_all") == 4
    assert asked("inspect") == 2
