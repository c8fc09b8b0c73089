"""Networks."""

from __future__ import annotations

import json
import uuid
from collections.abc import AsyncIterator
from typing import Any

import grpc
import pytest
from dockfleet.v1 import common_pb2, networks_pb2

from tests.real.support import Containers, execute
from tests.support.gateway import Client, failed


class Networks:
    """Makes networks on one host, and removes them."""

    def __init__(self, client: Client, host: str) -> None:
        self._client = client
        self._host = host
        self.label = f"dockfleet.test={uuid.uuid4()}"

    @property
    def filters(self) -> dict[str, common_pb2.StringList]:
        """The filters of a list that these networks alone pass."""
        return {"label": common_pb2.StringList(items=[self.label])}

    async def create(self, name: str, **request: Any) -> str:
        """Create a network and return its id."""
        key, _, value = self.label.partition("=")
        made = await self._client.networks.CreateNetwork(
            networks_pb2.CreateNetworkRequest(
                host=self._host, name=f"df-{name}-{self._host}", labels={key: value}, **request
            )
        )
        return made.id

    async def inspect(self, network: str) -> networks_pb2.Network:
        """Return what the engine knows of a network."""
        request = networks_pb2.InspectNetworkRequest(host=self._host, id=network)
        return (await self._client.networks.InspectNetwork(request)).network

    async def all_ids(self) -> list[str]:
        """Return the ids of those that exist."""
        request = networks_pb2.ListNetworksRequest(host=self._host, filters=self.filters)
        return [network.id for network in (await self._client.networks.ListNetworks(request)).networks]


@pytest.fixture
async def networks(client: Client, host: str, containers: Containers) -> AsyncIterator[Networks]:
    """What makes networks on the host; they are removed at the end, after the containers in them."""
    networks = Networks(client, host)
    yield networks
    await containers.remove_all()
    for network in await networks.all_ids():
        await client.networks.RemoveNetwork(networks_pb2.RemoveNetworkRequest(host=host, id=network))


async def test_a_network_is_what_it_was_created_as(client: Client, host: str, networks: Networks) -> None:
    """What a network is created with is found again when it is listed and inspected, by id and by name."""
    ipam = {"config": [{"subnet": "198.51.100.0/24", "gateway": "198.51.100.7"}]}
    id = await networks.create("made", driver="bridge", internal=True, ipam=ipam, options={"a.b": "c"})

    found = await networks.inspect(id)

    assert found.id == id
    assert found.name == f"df-made-{host}"
    assert (found.driver, found.scope, found.internal) == ("bridge", "local", True)
    assert [(one.subnet, one.gateway) for one in found.ipam.config] == [("198.51.100.0/24", "198.51.100.7")]
    assert found.options == {"a.b": "c"}
    assert found.created_at.seconds > 1_700_000_000
    assert (await networks.inspect(f"df-made-{host}")).id == id
    assert await networks.all_ids() == [id]


async def test_a_name_that_is_taken_is_refused(client: Client, host: str, networks: Networks) -> None:
    """Two networks cannot have one name; an older engine checks this only when it is asked to."""
    asked = {"check_duplicate": True} if host == "one" else {}
    await networks.create("twice", internal=True)

    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await networks.create("twice", internal=True, **asked)

    assert failed(caught.value).code is grpc.StatusCode.ALREADY_EXISTS
    assert failed(caught.value).reason == "NAME_IN_USE"


async def test_containers_come_and_go(client: Client, host: str, networks: Networks, containers: Containers) -> None:
    """Containers that are connected reach each other by their names, and no more when they are disconnected."""
    network = await networks.create("meet", internal=True)
    one = await containers.start("sleep", "1000", host_config={"network_mode": "default"})
    other = await containers.start("sleep", "1000", host_config={"network_mode": "default"})

    for container, alias in ((one, "alpha"), (other, "beta")):
        await client.networks.ConnectNetwork(
            networks_pb2.ConnectNetworkRequest(
                host=host,
                id=network,
                container=container,
                endpoint_config=networks_pb2.EndpointSettings(aliases=[alias]),
            )
        )
    inside = (await networks.inspect(network)).containers
    address = inside[other].ipv4_address.partition("/")[0]
    met = await execute(client, host, one, "ping", "-4", "-c", "1", "beta")
    with pytest.raises(grpc.aio.AioRpcError) as occupied:
        await client.networks.RemoveNetwork(networks_pb2.RemoveNetworkRequest(host=host, id=network))
    await client.networks.DisconnectNetwork(
        networks_pb2.DisconnectNetworkRequest(host=host, id=network, container=other)
    )
    parted = await execute(client, host, one, "ping", "-c", "1", "-W", "1", address)

    assert met.exit_code == 0
    assert f"({address})".encode() in met.stdout
    assert set(inside) == {one, other}
    assert failed(occupied.value).code is grpc.StatusCode.FAILED_PRECONDITION
    assert failed(occupied.value).reason == "CONFLICT"
    assert parted.exit_code != 0
    assert set((await networks.inspect(network)).containers) == {one}


async def test_a_removed_network_is_gone(client: Client, host: str, networks: Networks) -> None:
    """A network that was removed is not found; one that the engine needs cannot be removed."""
    network = await networks.create("gone", internal=True)
    request = networks_pb2.RemoveNetworkRequest(host=host, id=network)

    await client.networks.RemoveNetwork(request)
    with pytest.raises(grpc.aio.AioRpcError) as gone:
        await client.networks.RemoveNetwork(request)
    request.id = "none"
    with pytest.raises(grpc.aio.AioRpcError) as needed:
        await client.networks.RemoveNetwork(request)

    assert failed(gone.value).code is grpc.StatusCode.NOT_FOUND
    assert failed(needed.value).code is grpc.StatusCode.FAILED_PRECONDITION


async def test_prune_removes_networks_that_nobody_uses(
    client: Client, host: str, networks: Networks, containers: Containers
) -> None:
    """Pruning removes the networks that fit and are empty, and names them."""
    used, _ = await networks.create("used", internal=True), await networks.create("empty", internal=True)
    await containers.start("sleep", "1000", host_config={"network_mode": f"df-used-{host}"})

    pruned = await client.networks.PruneNetworks(networks_pb2.PruneNetworksRequest(host=host, filters=networks.filters))

    assert list(pruned.networks_deleted) == [f"df-empty-{host}"]
    assert await networks.all_ids() == [used]


@pytest.mark.parametrize("name", ["my net", "tenant/net", "_backend", "ünïcode", "a?b#c%d", "-n", "tenant/net/connect"])
async def test_a_network_is_reached_by_whatever_name_it_has(
    client: Client, host: str, containers: Containers, networks: Networks, name: str
) -> None:
    """Engines take nearly any name; each RPC reaches the network by it."""
    container = await containers.start("sleep", "600", host_config={"network_mode": "bridge"})
    key, _, value = networks.label.partition("=")
    create = networks_pb2.CreateNetworkRequest(host=host, name=name, labels={key: value})
    id = (await client.networks.CreateNetwork(create)).id

    await client.networks.ConnectNetwork(networks_pb2.ConnectNetworkRequest(host=host, id=name, container=container))
    found = await networks.inspect(name)
    await client.networks.DisconnectNetwork(
        networks_pb2.DisconnectNetworkRequest(host=host, id=name, container=container, force=True)
    )
    await client.networks.RemoveNetwork(networks_pb2.RemoveNetworkRequest(host=host, id=name))

    assert (found.id, found.name, list(found.containers)) == (id, name, [container])
    assert await networks.all_ids() == []


@pytest.mark.parametrize("name", ["a//b", "tenant/../net", "/net", ".", "a\tb"])
async def test_a_network_that_no_engine_finds_by_its_name_is_reached_by_its_id(
    client: Client, host: str, networks: Networks, fleet: Any, name: str
) -> None:
    """Other clients can make one; the error says that the id is the way."""
    fleet.need("private")
    key, _, value = networks.label.partition("=")
    status, body = fleet.engines[host].request(
        "POST", "/networks/create", {"Name": name, "Labels": {key: value}, "CheckDuplicate": True}
    )
    assert status == 201
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await networks.inspect(name)

    failure = failed(refused.value)
    assert (failure.code, failure.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "INVALID_FIELD")
    assert "the id always works" in failure.message
    assert (await networks.inspect(json.loads(body)["Id"])).name == name
