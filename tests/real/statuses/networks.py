"""NetworkService."""

from __future__ import annotations

from typing import Any

from dockfleet.v1 import networks_pb2 as pb

from tests.real.statuses.at import OLD, At, Rows
from tests.support.statuses import filters

rows = Rows("NetworkService")
INVALID_REQUEST = "INVALID_ARGUMENT (INVALID_REQUEST)"
INVALID_FIELD = "INVALID_ARGUMENT (INVALID_FIELD)"
CONFLICT = "FAILED_PRECONDITION (CONFLICT)"
SUBNET = "10.213.88.0/24"


@rows("ListNetworks", INVALID_FIELD)
async def unknown_filter_of_networks(at: At) -> Any:
    return pb.ListNetworksRequest(filters=filters(nope=["x"]))


@rows("ListNetworks", INVALID_FIELD)
async def unknown_type(at: At) -> Any:
    return pb.ListNetworksRequest(filters=filters(type=["x"]))


@rows("InspectNetwork", "NOT_FOUND")
async def inspect_no_network(at: At) -> Any:
    return pb.InspectNetworkRequest(id=at.name)


@rows("InspectNetwork", "NOT_FOUND")
async def inspect_in_another_scope(at: At) -> Any:
    return pb.InspectNetworkRequest(id="bridge", scope="swarm")


@rows("RemoveNetwork", "NOT_FOUND")
async def remove_no_network(at: At) -> Any:
    return pb.RemoveNetworkRequest(id=at.name)


@rows("RemoveNetwork", CONFLICT)
async def remove_a_used_network(at: At) -> Any:
    network = await at.network()
    await at.running(host_config={"network_mode": at.name})
    return pb.RemoveNetworkRequest(id=network)


@rows("RemoveNetwork", CONFLICT)
async def remove_the_hosts_own(at: At) -> Any:
    return pb.RemoveNetworkRequest(id="bridge")


@rows("CreateNetwork", "ALREADY_EXISTS (NAME_IN_USE)")
async def network_name_taken(at: At) -> Any:
    await at.network()
    return pb.CreateNetworkRequest(name=at.name, check_duplicate=True if at.host == OLD else None)


@rows("CreateNetwork", INVALID_REQUEST)
async def bad_subnet(at: At) -> Any:
    return pb.CreateNetworkRequest(name=at.name, ipam=pb.Ipam(config=[pb.IpamConfig(subnet="abc")]))


@rows("CreateNetwork", INVALID_REQUEST)
async def gateway_elsewhere(at: At) -> Any:
    return pb.CreateNetworkRequest(
        name=at.name, ipam=pb.Ipam(config=[pb.IpamConfig(subnet=SUBNET, gateway="10.9.0.1")])
    )


@rows("CreateNetwork", INVALID_REQUEST)
async def bad_option(at: At) -> Any:
    return pb.CreateNetworkRequest(name=at.name, options={"com.docker.network.driver.mtu": "abc"})


@rows("CreateNetwork", INVALID_REQUEST)
async def bad_mode(at: At) -> Any:
    return pb.CreateNetworkRequest(name=at.name, driver="macvlan", options={"macvlan_mode": "nope"})


@rows("CreateNetwork", "NOT_FOUND")
async def no_network_driver(at: At) -> Any:
    return pb.CreateNetworkRequest(name=at.name, driver=at.name)


@rows("CreateNetwork", CONFLICT)
async def name_of_the_hosts_own(at: At) -> Any:
    return pb.CreateNetworkRequest(name="host")


@rows("CreateNetwork", CONFLICT)
async def overlapping_subnet(at: At) -> Any:
    await at.network(f"{at.name}-other", ipam={"config": [{"subnet": SUBNET}]})
    return pb.CreateNetworkRequest(name=at.name, ipam=pb.Ipam(config=[pb.IpamConfig(subnet=SUBNET)]))


@rows("CreateNetwork", CONFLICT)
async def second_host_network(at: At) -> Any:
    return pb.CreateNetworkRequest(name=at.name, driver="host")


@rows("CreateNetwork", "FAILED_PRECONDITION (NOT_SWARM_MANAGER)")
async def overlay_without_swarm(at: At) -> Any:
    return pb.CreateNetworkRequest(name=at.name, driver="overlay")


@rows("ConnectNetwork", "NOT_FOUND")
async def connect_to_no_network(at: At) -> Any:
    return pb.ConnectNetworkRequest(id=at.name, container=await at.running())


@rows("ConnectNetwork", "NOT_FOUND")
async def connect_no_container(at: At) -> Any:
    return pb.ConnectNetworkRequest(id="bridge", container=at.name)


@rows("ConnectNetwork", INVALID_REQUEST)
async def connect_with_an_address(at: At) -> Any:
    network = await at.network()
    container = await on_bridge(at)
    return pb.ConnectNetworkRequest(
        id=network,
        container=container,
        endpoint_config=pb.EndpointSettings(ipam_config=pb.EndpointIpamConfig(ipv4_address="1.2.3.4")),
    )


@rows("ConnectNetwork", CONFLICT)
async def connect_again(at: At) -> Any:
    network = await at.network()
    container = await on_bridge(at)
    await at.client.networks.ConnectNetwork(pb.ConnectNetworkRequest(host=at.host, id=network, container=container))
    return pb.ConnectNetworkRequest(id=network, container=container)


@rows("DisconnectNetwork", "NOT_FOUND")
async def disconnect_from_no_network(at: At) -> Any:
    return pb.DisconnectNetworkRequest(id=at.name, container=await at.running())


@rows("DisconnectNetwork", "NOT_FOUND")
async def disconnect_no_container(at: At) -> Any:
    return pb.DisconnectNetworkRequest(id="bridge", container=at.name)


@rows("DisconnectNetwork", CONFLICT)
async def disconnect_what_is_not_connected(at: At) -> Any:
    network = await at.network()
    return pb.DisconnectNetworkRequest(id=network, container=await on_bridge(at))


@rows("DisconnectNetwork", CONFLICT)
async def disconnect_a_stopped_one(at: At) -> Any:
    network = await at.network()
    return pb.DisconnectNetworkRequest(id=network, container=await at.containers.create("true"))


@rows("DisconnectNetwork", INVALID_REQUEST)
async def disconnect_from_the_host(at: At) -> Any:
    container = await at.running(host_config={"network_mode": "host"})
    return pb.DisconnectNetworkRequest(id="host", container=container)


@rows("PruneNetworks", INVALID_REQUEST)
async def unknown_filter_of_network_prune(at: At) -> Any:
    return pb.PruneNetworksRequest(filters=filters(nope=["x"]))


@rows("PruneNetworks", INVALID_REQUEST)
async def networks_until_abc(at: At) -> Any:
    return pb.PruneNetworksRequest(filters=filters(until=["abc"]))


async def on_bridge(at: At) -> str:
    """Start a container on the host's own bridge."""
    return await at.running(host_config={"network_mode": "bridge"})
