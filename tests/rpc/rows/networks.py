"""NetworkService."""

from __future__ import annotations

from dockfleet.v1 import networks_pb2 as pb
from google.protobuf.timestamp_pb2 import Timestamp

from tests.rpc.rows.row import AGE, ASKED, ID, Row
from tests.support.statuses import filters

NETWORK = {
    "Name": "lan",
    "Id": ID,
    "Created": "2024-03-01T12:00:00.5+01:00",
    "Scope": "local",
    "Driver": "bridge",
    "EnableIPv4": True,
    "EnableIPv6": False,
    "IPAM": {"Driver": "default", "Options": None, "Config": [{"Subnet": "172.20.0.0/16", "Gateway": "172.20.0.1"}]},
    "Internal": False,
    "ConfigFrom": {"Network": ""},
    "Containers": {ID: {"Name": "web", "EndpointID": "e", "IPv4Address": "172.20.0.2/16", "IPv6Address": ""}},
    "Options": {},
    "Labels": None,
    "Status": {"IPAM": {"Subnets": {"172.20.0.0/16": {"IPsInUse": 3, "DynamicIPsAvailable": 18446744073709551615}}}},
}
FOUND = pb.Network(
    name="lan",
    id=ID,
    created_at=Timestamp(seconds=1709290800, nanos=500_000_000),
    enable_ipv4=True,
    ipam={"driver": "default", "config": [{"subnet": "172.20.0.0/16", "gateway": "172.20.0.1"}]},
    config_from={"network": ""},
    containers={ID: pb.NetworkEndpoint(name="web", ipv4_address="172.20.0.2/16")},
)
ROWS = [
    Row(
        "NetworkService.ListNetworks",
        pb.ListNetworksRequest(filters=filters(type=["custom"]), max_age=AGE),
        "GET /networks",
        {"json": [NETWORK, {"Name": "none", "IPAM": {"Config": None}, "Containers": {}}]},
        pb.ListNetworksResponse(networks=[FOUND, pb.Network(name="none", ipam={})], freshness=ASKED),
        query=[("filters", '{"type":["custom"]}')],
    ),
    Row(
        "NetworkService.InspectNetwork",
        pb.InspectNetworkRequest(id="lan", verbose=True, scope="local"),
        "GET /networks/lan",
        {"json": NETWORK},
        pb.InspectNetworkResponse(network=FOUND),
        query=[("verbose", "true"), ("scope", "local")],
    ),
    Row(
        "NetworkService.RemoveNetwork",
        pb.RemoveNetworkRequest(id="lan"),
        "DELETE /networks/lan",
        {"status": 204},
        pb.RemoveNetworkResponse(),
    ),
    Row(
        "NetworkService.CreateNetwork",
        pb.CreateNetworkRequest(
            name="lan",
            driver="bridge",
            scope="local",
            internal=True,
            attachable=False,
            ingress=False,
            config_only=False,
            config_from={"network": "base"},
            ipam={"driver": "default", "config": [{"subnet": "172.20.0.0/16", "auxiliary_addresses": {"a": "b"}}]},
            enable_ipv4=True,
            enable_ipv6=True,
            options={"com.docker.network.driver.mtu": "1400"},
            labels={"a": "b"},
        ),
        "POST /networks/create",
        {"status": 201, "json": {"Id": ID, "Warning": ""}},
        pb.CreateNetworkResponse(id=ID),
        body={
            "Name": "lan",
            "Driver": "bridge",
            "Scope": "local",
            "Internal": True,
            "Attachable": False,
            "Ingress": False,
            "ConfigOnly": False,
            "ConfigFrom": {"Network": "base"},
            "IPAM": {"Driver": "default", "Config": [{"Subnet": "172.20.0.0/16", "AuxiliaryAddresses": {"a": "b"}}]},
            "EnableIPv4": True,
            "EnableIPv6": True,
            "Options": {"com.docker.network.driver.mtu": "1400"},
            "Labels": {"a": "b"},
        },
    ),
    Row(
        "NetworkService.ConnectNetwork",
        pb.ConnectNetworkRequest(
            id="lan",
            container="web",
            endpoint_config={
                "ipam_config": {"ipv6_address": "fd00::9"},
                "mac_address": "02:42:ac:14:00:09",
                "driver_opts": {"a": "b"},
                "links": ["db:database"],
            },
        ),
        "POST /networks/lan/connect",
        {"status": 200},
        pb.ConnectNetworkResponse(),
        body={
            "Container": "web",
            "EndpointConfig": {
                "IPAMConfig": {"IPv6Address": "fd00::9"},
                "MacAddress": "02:42:ac:14:00:09",
                "DriverOpts": {"a": "b"},
                "Links": ["db:database"],
            },
        },
    ),
    Row(
        "NetworkService.DisconnectNetwork",
        pb.DisconnectNetworkRequest(id="lan", container="web", force=True),
        "POST /networks/lan/disconnect",
        {"status": 200},
        pb.DisconnectNetworkResponse(),
        body={"Container": "web", "Force": True},
    ),
    Row(
        "NetworkService.PruneNetworks",
        pb.PruneNetworksRequest(filters=filters(until=["1h30m"])),
        "POST /networks/prune",
        {"json": {"NetworksDeleted": ["lan"]}},
        pb.PruneNetworksResponse(networks_deleted=["lan"]),
        query=[("filters", '{"until":["1h30m"]}')],
    ),
]
