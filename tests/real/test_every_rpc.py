"""The last of the tests on real engines: that there was one for every RPC."""

from __future__ import annotations

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

from tests.real.calls import CallsOfAll

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
    "dockfleet.fleet.v1.HostService.WatchHosts": "Canceled",  # has no end
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
@pytest.mark.timeout(1200)  # other processes may have tests of the last but one file
async def test_every_rpc_was_called(request: pytest.FixtureRequest, calls_of_all: CallsOfAll) -> None:
    """Every RPC of the contract has succeeded on a real engine, or ended as it should there."""
    folder = Path(__file__).parent
    chosen = {item.path.name for item in request.session.items if item.path.parent == folder}
    if not chosen.issuperset(file.name for file in folder.glob("test_*.py")):
        pytest.skip("only some of the tests on real engines were chosen")

    ends = await calls_of_all.after(chosen - {Path(__file__).name})

    expected = [(method, REFUSED.get(method, "OK")) for method in METHODS]
    assert [end for end in expected if not ends[end]] == []
