"""docs/discovery.md: two containers on two hosts, as the page has it."""

from __future__ import annotations

import asyncio
import re
import sys
from pathlib import Path

from dockfleet.v1 import containers_pb2, networks_pb2

from tests.real.support import IMAGE, Fleet
from tests.support.contract import ROOT
from tests.support.gateway import gateway_of


async def test_the_example_of_two_containers_on_two_hosts(fleet: Fleet, tmp_path: Path) -> None:
    """A container of one engine finds that of another by the name of its service, and reaches it."""
    page = (ROOT / "docs/discovery.md").read_text()
    [example] = re.findall(r"^```python\n(.*?)^```", page, re.DOTALL | re.MULTILINE)
    hosts = [fleet.hosts[fleet.need(name)] for name in ("one", "new")]
    async with gateway_of(hosts[0]) as client:
        request = networks_pb2.InspectNetworkRequest(host="one", id="bridge")
        network = (await client.networks.InspectNetwork(request)).network
    north, south = (
        host.model_copy(update={"name": name}) for host, name in zip(hosts, ("north", "south"), strict=True)
    )
    north = north.model_copy(update={"labels": {"dockfleet.address": network.ipam.config[0].gateway}})
    async with gateway_of(north, south, inventory=True) as client:
        text = example.replace("127.0.0.1:50051", f"127.0.0.1:{client.port}").replace("busybox", IMAGE)
        (tmp_path / "example.py").write_text(text)
        try:
            process = await asyncio.create_subprocess_exec(
                sys.executable, tmp_path / "example.py", stdout=asyncio.subprocess.PIPE
            )
            output, _ = await process.communicate()
        finally:
            remove = containers_pb2.RemoveContainerRequest(host="north", id="web-1", force=True)
            await client.containers.RemoveContainer(remove)

    first, *served, last = output.decode().splitlines()
    assert re.fullmatch(rf"web is web-1 on north, at {network.ipam.config[0].gateway}:\d+", first)
    assert any(line.startswith("root:") for line in served)
    assert last == "gone"
