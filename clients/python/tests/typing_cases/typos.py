"""Programs with mistakes, for type checkers: every line that ends with `# typo` has one, and no other line."""

from __future__ import annotations

import dockfleet
import dockfleet.aio
from dockfleet.v1.containers_pb2 import ContainerSummary, ListContainersRequest, StreamLogsRequest


def of_one_host(host: dockfleet.HostView) -> None:
    host.contaners.list()  # typo
    host.containers.lst()  # typo
    host.containers.list(al=True)  # typo
    host.containers.list(all="yes")  # typo
    host.containers.stop()  # typo
    host.containers.stop("web", timout=2)  # typo
    host.containers.create("alpine", config={"imag": "x"})  # typo
    host.containers.create("alpine", config={"host_config": {"auto_remov": True}})  # typo
    host.containers.create("alpine", restart_policy={"nam": "always"})  # typo
    host.containers.run("alpine", "true", enviroment={"A": "1"})  # typo
    host.containers.run("alpine", pull="PULL_POLICY_ALLWAYS")  # typo
    host.run("alpine").stdot  # typo
    host.logs("web", folow=True)  # typo
    host.images.pull("alpine", tga="3")  # typo
    host.build(".", tagg="x")  # typo
    host.execute("web", 3)  # typo
    host.build(fileobj="Dockerfile")  # typo
    host.copy_to("web", "file")  # typo
    host.images.pull("alpine", all_tags="yes")  # typo
    host.run("alpine", network_mode="none")  # typo
    host.run("alpine").exit_code + 1  # typo
    host.logs("web").read().encode()  # typo
    host.containers.get("web").nmae  # typo
    host.networks.create("net", labels={"a": 1})  # typo
    host.containers.ListContainers()  # typo
    for container in host.containers.list():
        container.imag  # typo
    for entry in host.logs("web"):
        entry.dta  # typo


def of_the_fleet(fleet: dockfleet.Fleet) -> None:
    fleet.containers.list(label="app=shop", al=True)  # typo
    fleet.containers.restart(lable="app=shop")  # typo
    fleet.containers.stop("web-*", batch={"dry_rn": True})  # typo
    fleet.hosts.drain()  # typo
    fleet.hosts.add("north", "tcp://10.0.0.1", lables={"site": "north"})  # typo
    fleet.hots  # typo
    try:
        fleet.discover(services=["shop"])
    except dockfleet.NotFond:  # typo
        pass
    except dockfleet.NotFound as error:
        error.resaon  # typo


async def of_asyncio(host: dockfleet.aio.HostView) -> None:
    host.containers.lst()  # typo
    (await host.containers.list(al=True))  # typo
    (await host.containers.get("web")).nmae  # typo
    async for entry in host.logs("web", folow=True):  # typo
        print(entry)


async def of_the_other_client(host: dockfleet.aio.HostView, blocking: dockfleet.HostView) -> None:
    await blocking.containers.list()  # typo
    host.containers.list()  # typo
    host.run("alpine").stdout  # typo
    await host.logs("web")  # typo
    for entry in host.logs("web"):  # typo
        print(entry)
    async for line in blocking.logs("web"):  # typo
        print(line)
    with dockfleet.aio.connect() as fleet:  # typo
        print(fleet)


async def of_stubs(fleet: dockfleet.aio.Fleet) -> None:
    answer = await fleet.stubs.containers.ListContainers(ListContainersRequest(host="north"))
    answer.containerz  # typo
    async for response in fleet.stubs.containers.StreamLogs(StreamLogsRequest(host="north", id="web")):
        response.bach  # typo


def of_no_mistakes(fleet: dockfleet.Fleet) -> list[ContainerSummary]:
    host = fleet.host("north")
    print(host.containers.get("web").state.status, host.containers.stop("web", timeout=2, deadline=30).already)
    print(host.run("alpine", "echo hi", environment={"A": 1}, ports={"80/tcp": 8080}, remove=True).stdout.decode())
    host.containers.create("alpine", ["true"], restart_policy={"Name": "on-failure", "MaximumRetryCount": 3})
    host.containers.create("alpine", volumes={"/srv": {"bind": "/srv", "mode": "ro"}}, mem_limit="64m")
    host.containers.create("alpine", config={"host_config": {"auto_remove": True}, "Labels": {"a": "b"}})
    host.run("alpine", networking_config={"back": {"aliases": ["db"]}}, device_requests=[{"capabilities": [["gpu"]]}])
    print(host.images.pull("alpine", "3").statuses, host.logs("web").read().decode())
    fleet.containers.restart(label=["app=shop", "!canary"], timeout=10, batch={"parallelism": 2})
    fleet.hosts.add("north", "tcp://10.0.0.1:2376", labels={"site": "north"})
    return [container for _, container in fleet.containers.list(hosts="edge*", all=True)]
