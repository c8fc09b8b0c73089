"""Facts about hosts."""

from __future__ import annotations

import platform

from dockfleet.fleet.v1 import hosts_pb2
from dockfleet.v1 import common_pb2, containers_pb2, system_pb2
from google.protobuf.timestamp_pb2 import Timestamp

from tests.real.support import IMAGE, Containers, Fleet, messages, news
from tests.support.gateway import Client


def now() -> Timestamp:
    """Return the time."""
    time = Timestamp()
    time.GetCurrentTime()
    return time


async def test_a_host_answers_a_ping(client: Client, host: str) -> None:
    """A ping has the API version and the system."""
    ping = await client.system.Ping(system_pb2.PingRequest(host=host))

    assert ping.api_version.split(".")[0] == "1"
    assert ping.os_type == "linux"


async def test_versions_of_a_host(client: Client, host: str) -> None:
    """The version of the engine is that of its part of the same name, and the API's that of a ping."""
    version = (await client.system.GetVersion(system_pb2.GetVersionRequest(host=host))).version
    ping = await client.system.Ping(system_pb2.PingRequest(host=host))

    assert version.api_version == ping.api_version
    assert {part.name: part.version for part in version.components}["Engine"] == version.version
    assert version.os == "linux"
    assert version.kernel_version == platform.release()


async def test_information_about_a_host(client: Client, host: str, containers: Containers, fleet: Fleet) -> None:
    """The host's information counts containers, and is about the host that was asked."""
    request = system_pb2.GetInfoRequest(host=host)
    before = (await client.system.GetInfo(request)).info
    await containers.start("sleep", "1000")
    await containers.create("true")

    info = (await client.system.GetInfo(request)).info

    assert info.containers == before.containers + 2
    assert info.containers_running == before.containers_running + 1
    assert info.cpus > 0
    assert info.memory_total_bytes > 1 << 28
    assert info.swarm.local_node_state == "inactive"
    assert info.default_runtime in info.runtimes
    if host in fleet.engines:
        assert info.name == host
        assert info.docker_root_dir == "/var/lib/docker"


async def test_disk_usage_of_a_host(client: Client, host: str, containers: Containers) -> None:
    """The data usage lists images, containers with their sizes, and volumes."""
    container = await containers.run(
        "sh", "-c", "head -c 100000 /dev/zero > /file; head -c 5000 /dev/zero > /data/file", volumes=["/data"]
    )

    usage = await client.system.GetDataUsage(system_pb2.GetDataUsageRequest(host=host))

    assert [image.size_bytes > 500_000 for image in usage.images if IMAGE in image.repo_tags] == [True]
    assert [one.size_rw_bytes >= 100_000 for one in usage.containers if one.id == container] == [True]
    mounted = (await containers.inspect(container)).mounts[0].name
    assert [volume.usage_data.size_bytes for volume in usage.volumes if volume.name == mounted] == [5000]


async def test_events_arrive_as_they_happen(client: Client, host: str, containers: Containers) -> None:
    """What happens to a container is reported in order, with its id, its attributes and the time."""
    call = client.system.StreamEvents(
        system_pb2.StreamEventsRequest(host=host, since=now(), filters=containers.filters)
    )

    container = await containers.run("sh", "-c", "exit 3")
    events = [(await news(call)).event for _ in range(3)]
    call.cancel()

    assert [event.action for event in events] == ["create", "start", "die"]
    assert {event.actor.id for event in events} == {container}
    assert {event.type for event in events} == {"container"}
    assert events[0].actor.attributes["image"] == IMAGE
    assert events[2].actor.attributes["exitCode"] == "3"
    times = [event.time_nano for event in events]
    assert times == sorted(times)
    assert times[0] // 10**9 == events[0].time.seconds


async def test_events_of_the_past_end_at_their_time(client: Client, host: str, containers: Containers) -> None:
    """With `since` and `until` in the past, the events between them are sent, and the stream ends."""
    begin = now()
    await containers.create("true")
    end = now()
    await containers.create("true")
    request = system_pb2.StreamEventsRequest(host=host, since=begin, until=end, filters=containers.filters)

    events = [response.event for response in await messages(client.system.StreamEvents(request))]
    request.filters["event"].CopyFrom(common_pb2.StringList(items=["die"]))
    none = await messages(client.system.StreamEvents(request))

    assert [event.action for event in events] == ["create"]
    assert none == []


async def test_the_gateway_knows_its_hosts(client: Client, host: str, fleet: Fleet) -> None:
    """The gateway lists its hosts as they are, and knows one of them by its name."""
    await client.containers.ListContainers(containers_pb2.ListContainersRequest(host=host))

    hosts = (await client.hosts.ListHosts(hosts_pb2.ListHostsRequest())).hosts
    one = (await client.hosts.GetHost(hosts_pb2.GetHostRequest(host=host))).host

    assert [known.name for known in hosts] == sorted(fleet.hosts)
    assert one.state == hosts_pb2.HOST_STATE_UP
    assert one.address == fleet.hosts[host].address
    assert one.api_version == (await client.system.Ping(system_pb2.PingRequest(host=host))).api_version
