"""The last of the tests on real engines: that there was one for every RPC."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from dockfleet.fleet.v1 import hosts_pb2
from dockfleet.v1 import (
    containers_pb2,
    distribution_pb2,
    exec_pb2,
    images_pb2,
    networks_pb2,
    system_pb2,
    volumes_pb2,
)

from tests.support.gateway import HANDLED, Client, handled

FILES = (
    containers_pb2,
    distribution_pb2,
    exec_pb2,
    hosts_pb2,
    images_pb2,
    networks_pb2,
    system_pb2,
    volumes_pb2,
)
REFUSED = {  # by the engines that can be had: how their tests end instead
    "dockfleet.fleet.v1.HostService.WatchHosts": "Cancelled",  # has no end
    "dockfleet.v1.ImageService.ListImageAttestations": "FailedPrecondition",  # needs API 1.55
    "dockfleet.v1.ImageService.SearchImages": "Unavailable",  # needs Docker Hub
    "dockfleet.v1.VolumeService.UpdateVolume": "FailedPrecondition",  # needs a swarm with cluster volumes
}
METHODS = [
    method.full_name
    for file in FILES
    for service in file.DESCRIPTOR.services_by_name.values()
    for method in service.methods
]


@pytest.mark.usefixtures("private")
async def test_every_rpc_was_called(
    request: pytest.FixtureRequest, client: Client, handled_before: dict[tuple[str, str], float]
) -> None:
    """Every RPC of the contract has succeeded on a real engine, or ended as it should there."""
    ran = {item.path for item in request.session.items}
    if not ran.issuperset(Path(__file__).parent.glob("test_*.py")):
        pytest.skip("only some of the tests on real engines were chosen")

    after = HANDLED + Counter(handled(client))

    ends = {method: (method, REFUSED.get(method, "OK")) for method in METHODS}
    missing = [method for method, end in ends.items() if after[end] <= handled_before.get(end, 0)]
    assert missing == []
