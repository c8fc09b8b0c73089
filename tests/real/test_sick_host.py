"""Two hosts at once: one hangs, and affects only itself."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any

import dockfleet.aio
import grpc
import pytest
from dockfleet import DockfleetError
from dockfleet.fleet.v1 import hosts_pb2
from dockfleet.v1 import containers_pb2, exec_pb2, images_pb2, system_pb2
from dockfleet.v1.common_pb2 import ErrorReason

from gateway.config.settings import HostSettings, Limits
from gateway.engine.identity import identify
from tests.real.support import IMAGE, Containers, Fleet, execute, news, transcript, until
from tests.support.gateway import Client, failed, gateway_of, handled

pytestmark = pytest.mark.usefixtures("private")


@pytest.fixture(params=["two", "new"])
async def sick(request: pytest.FixtureRequest, fleet: Fleet) -> AsyncIterator[str]:
    """The name of a host that stands still until the end of the test."""
    engine = fleet.engines[fleet.need(request.param)]
    yield request.param
    engine.resume()
    await until(lambda: asyncio.to_thread(engine.answers))


@asynccontextmanager
async def unprobed(*hosts: HostSettings, **keys: Any) -> AsyncIterator[Client]:
    """Run a gateway that has a connection to each of its hosts, and asks them nothing of its own accord."""
    async with gateway_of(*hosts, health_check_interval_seconds=3600, **keys) as client:
        await until(lambda: are_known(client))
        yield client


async def are_known(client: Client) -> bool:
    """Return whether all hosts are up with known identities: the gateway asks nothing more until the next probe."""
    hosts = (await client.hosts.ListHosts(hosts_pb2.ListHostsRequest())).hosts
    return all(host.state == hosts_pb2.HOST_STATE_UP and host.engine_version for host in hosts)


async def test_a_question_to_a_hanging_host_ends_at_its_deadline(fleet: Fleet, sick: str) -> None:
    """A call ends with CLIENT_DEADLINE when the client's time is over, and names the host."""
    async with unprobed(fleet.hosts[sick]) as client:
        fleet.engines[sick].pause()

        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await client.system.GetInfo(system_pb2.GetInfoRequest(host=sick), timeout=2)

    failure = failed(caught.value)
    assert (failure.code, failure.reason) == (grpc.StatusCode.DEADLINE_EXCEEDED, "CLIENT_DEADLINE")
    assert failure.metadata["host"] == sick
    assert failure.metadata["retry_safe"] == "false"


def get_info(target: str, host: str) -> None:
    """Ask with the Python client."""
    with dockfleet.connect(target) as fleet:
        fleet.host(host).system.info()


async def get_info_aio(target: str, host: str) -> None:
    """Ask with the one for asyncio."""
    async with dockfleet.aio.connect(target) as fleet:
        await fleet.host(host).system.info()


@pytest.mark.parametrize("kind", ["stub", "python", "aio"])
async def test_a_question_to_a_hanging_host_is_asked_once(fleet: Fleet, sick: str, kind: str) -> None:
    """A call that only reads ends with HOST_TIMEOUT after one timeout of the gateway's; no client asks again."""
    async with unprobed(fleet.hosts[sick], limits=Limits(read_timeout_seconds=1)) as client:
        target = f"127.0.0.1:{client.port}"
        calls: dict[str, Callable[[], Awaitable[Any]]] = {
            "stub": lambda: client.system.GetInfo(system_pb2.GetInfoRequest(host=sick)),
            "python": lambda: asyncio.to_thread(get_info, target, sick),
            "aio": lambda: get_info_aio(target, sick),
        }
        before = asked(client)
        fleet.engines[sick].pause()

        began = time.monotonic()
        with pytest.raises((grpc.aio.AioRpcError, DockfleetError)) as caught:
            await calls[kind]()
        took = time.monotonic() - began

    error: Exception = caught.value
    if isinstance(error, DockfleetError):
        end = error.code, error.reason, error.host, error.retry_safe
    else:
        assert isinstance(error, grpc.aio.AioRpcError)
        failure = failed(error)
        end = failure.code, failure.reason, failure.metadata["host"], failure.metadata["retry_safe"] == "true"
    assert end == (grpc.StatusCode.DEADLINE_EXCEEDED, "HOST_TIMEOUT", sick, True)
    assert asked(client) - before == 1
    assert 1 <= took < 2


def asked(client: Client) -> float:
    """Return how often GetInfo has been called."""
    return sum(
        times for (method, _), times in handled(client).items() if method == "dockfleet.v1.SystemService.GetInfo"
    )


async def test_a_change_of_a_hanging_host_has_an_unknown_outcome(fleet: Fleet, sick: str) -> None:
    """A call that changes something and got no answer in time may have been done, and is not sent again."""
    async with unprobed(fleet.hosts[sick], limits=Limits(long_timeout_seconds=0.5)) as client:
        fleet.engines[sick].pause()

        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await client.containers.PruneContainers(containers_pb2.PruneContainersRequest(host=sick))

    assert failed(caught.value).code is grpc.StatusCode.ABORTED
    assert failed(caught.value).reason == "OUTCOME_UNKNOWN"
    assert failed(caught.value).metadata["retry_safe"] == "false"


async def test_a_change_of_a_hanging_host_ends_at_its_deadline(fleet: Fleet, sick: str) -> None:
    """When the client's time is over, a change ends with CLIENT_DEADLINE, and the words say that it may be done."""
    async with unprobed(fleet.hosts[sick]) as client:
        fleet.engines[sick].pause()

        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await client.containers.PruneContainers(containers_pb2.PruneContainersRequest(host=sick), timeout=0.5)

    failure = failed(caught.value)
    assert (failure.code, failure.reason) == (grpc.StatusCode.DEADLINE_EXCEEDED, "CLIENT_DEADLINE")
    assert failure.metadata["retry_safe"] == "false"
    assert "not known" in failure.message


async def test_the_other_host_answers_meanwhile(fleet: Fleet, sick: str) -> None:
    """While one host hangs with as many calls as it may have, every kind of call to the other one succeeds."""
    async with unprobed(fleet.hosts["one"], fleet.hosts[sick]) as client:
        containers = Containers(client, "one")
        fleet.engines[sick].pause()
        stuck = [client.system.Ping(system_pb2.PingRequest(host=sick), timeout=60) for _ in range(200)]

        container = await containers.start("sh", "-c", "echo hello; exec sleep 1000")
        read = await execute(client, "one", container, "cat", stdin=b"through")
        log = client.containers.StreamLogs(containers_pb2.StreamLogsRequest(host="one", id=container, follow=True))
        entries = (await news(log)).batch.entries
        log.cancel()
        pings = [await client.system.Ping(system_pb2.PingRequest(host="one")) for _ in range(100)]
        images = (await client.images.ListImages(images_pb2.ListImagesRequest(host="one"))).images
        await containers.remove_all()
        fleet.engines[sick].resume()
        ends = await asyncio.gather(*stuck, return_exceptions=True)

    assert read.stdout == b"through"
    assert [entry.data for entry in entries] == [b"hello"]
    assert len(pings) == 100
    assert any(IMAGE in image.repo_tags for image in images)
    refused = [failed(end).reason for end in ends if isinstance(end, grpc.aio.AioRpcError)]
    assert refused.count("HOST_BUSY") >= 72  # all but the 64 under way and the 64 that wait
    assert set(refused) <= {"HOST_BUSY", "HOST_UNREACHABLE"}  # with TLS, a connection too needs the host's answer


async def test_a_host_that_comes_back_is_as_before(client: Client, fleet: Fleet, sick: str) -> None:
    """Sessions that were open while the host hung continue where they were, and new calls succeed."""
    containers = Containers(client, sick)
    container = await containers.start("sleep", "1000")
    call = client.exec.Exec()
    start = exec_pb2.ExecStart(host=sick, id=container, cmd=["cat"], attach_stdin=True)
    await call.write(exec_pb2.ExecRequest(start=start))
    await call.write(exec_pb2.ExecRequest(stdin=b"before "))
    before = await transcript(call, lambda so_far: so_far.stdout == b"before ")

    fleet.engines[sick].pause()
    await call.write(exec_pb2.ExecRequest(stdin=b"meanwhile "))
    with pytest.raises(grpc.aio.AioRpcError):
        await client.system.Ping(system_pb2.PingRequest(host=sick), timeout=0.5)
    fleet.engines[sick].resume()
    await call.write(exec_pb2.ExecRequest(stdin=b"after"))
    await call.done_writing()
    after = await transcript(call)

    assert before.frames["started"].exec_id
    assert (after.stdout, after.exit_code) == (b"meanwhile after", 0)
    await containers.remove_all()


async def states(client: Client) -> dict[str, int]:
    """Return the state of each host."""
    return {host.name: host.state for host in (await client.hosts.ListHosts(hosts_pb2.ListHostsRequest())).hosts}


async def test_a_host_that_hangs_is_known_to_be_down(fleet: Fleet, sick: str) -> None:
    """The gateway notices by itself that a host hangs, and that it is back; the other one stays up."""

    up, down = hosts_pb2.HOST_STATE_UP, hosts_pb2.HOST_STATE_DOWN
    async with gateway_of(
        fleet.hosts["one"], fleet.hosts[sick], health_check_interval_seconds=0.2, health_check_timeout_seconds=1
    ) as client:

        async def becomes(state: int) -> bool:
            return await states(client) == {"one": up, sick: state}

        await until(lambda: becomes(up))
        fleet.engines[sick].pause()
        await until(lambda: becomes(down))
        fleet.engines[sick].resume()
        await until(lambda: becomes(up))


async def test_one_probe_finds_a_host_that_is_back(fleet: Fleet, sick: str) -> None:
    """So it is up within one interval of probes."""
    probe = hosts_pb2.ProbeHostRequest(host=sick)
    async with unprobed(fleet.hosts[sick]) as client:
        fleet.engines[sick].pause()
        probe.host_timeout.FromMilliseconds(500)
        during = [(await client.hosts.ProbeHost(probe)).host.state for _ in range(2)]
        fleet.engines[sick].resume()
        probe.host_timeout.FromSeconds(30)
        after = (await client.hosts.ProbeHost(probe)).host.state

    assert during == [hosts_pb2.HOST_STATE_DEGRADED, hosts_pb2.HOST_STATE_DOWN]
    assert after == hosts_pb2.HOST_STATE_UP


SICK = ("two", "new")
UP, DOWN = hosts_pb2.HOST_STATE_UP, hosts_pb2.HOST_STATE_DOWN
AT_ONCE = {"UNAVAILABLE HOST_TIMEOUT", "UNAVAILABLE HOST_UNREACHABLE"}  # with TLS, a connection needs the host's answer


async def calls(client: Client, host: str, ends: Counter[str], stop: asyncio.Event) -> None:
    """Ask *host* about twenty times a second until *stop*; count how the calls have ended."""
    while not stop.is_set():
        try:
            await client.images.ListImages(images_pb2.ListImagesRequest(host=host), timeout=3 if host in SICK else 60)
        except grpc.aio.AioRpcError as error:
            ends[f"{error.code().name} {failed(error).reason}"] += 1
        else:
            ends["OK"] += 1
        await asyncio.sleep(0.05)


async def test_of_three_hosts_two_hang_and_the_third_answers_every_call(fleet: Fleet) -> None:
    """At about 200 calls a second; it is known why and since when, and both are back by themselves (B2 2)."""
    engines = [fleet.engines[fleet.need(name)] for name in SICK]
    hosts = [fleet.hosts[name] for name in ("one", *SICK)]
    ends = {host.name: Counter[str]() for host in hosts}
    stop = asyncio.Event()
    async with gateway_of(*hosts, health_check_interval_seconds=1, health_check_timeout_seconds=1) as client:

        async def are(expected: Mapping[str, int]) -> bool:
            return await states(client) == expected

        async def have_ended(*how: str, by: int, before: dict[str, int]) -> bool:
            return all(sum(ends[name][each] for each in how) >= before[name] + by for name in before)

        await until(lambda: are_known(client))
        workers = [asyncio.create_task(calls(client, name, ends[name], stop)) for name in [*ends] * 3 + ["one"]]
        before = time.time()
        try:
            for engine in engines:
                engine.pause()
            await until(lambda: are({"one": UP} | dict.fromkeys(SICK, DOWN)))
            known = {host.name: host for host in (await client.hosts.ListHosts(hosts_pb2.ListHostsRequest())).hosts}
            await until(lambda: have_ended(*AT_ONCE, by=20, before=dict.fromkeys(SICK, 0)))
        finally:
            for engine in engines:
                engine.resume()
        await until(lambda: are(dict.fromkeys(ends, UP)))
        answered = {name: ends[name]["OK"] for name in SICK}
        await until(lambda: have_ended("OK", by=1, before=answered))
        stop.set()
        await asyncio.gather(*workers)

    assert ends["one"].keys() == {"OK"}
    for name in SICK:
        assert ends[name].keys() <= AT_ONCE | {"OK", "DEADLINE_EXCEEDED ", "DEADLINE_EXCEEDED CLIENT_DEADLINE"}
        assert before < known[name].state_time.ToNanoseconds() / 1e9 < time.time()
        assert ErrorReason.Name(known[name].reason) in ("ERROR_REASON_HOST_TIMEOUT", "ERROR_REASON_HOST_UNREACHABLE")
        assert known[name].engine_version
    assert len({host.engine_id for host in known.values()}) == 3


@pytest.mark.parametrize("name", ["one", "new", "podman"])
async def test_a_host_says_who_its_engine_is(client: Client, fleet: Fleet, name: str) -> None:
    """Its version, and its id, which stays the same; Podman makes a new one for every question, so it has none."""
    engine = client.hosts_of_gateway[fleet.need(name)].engine
    first, second = [await identify(engine, 30) for _ in range(2)]
    info = await client.system.GetInfo(system_pb2.GetInfoRequest(host=name))
    known = (await client.hosts.GetHost(hosts_pb2.GetHostRequest(host=name))).host

    assert (known.engine_id, known.engine_version) == (first.id, info.info.server_version)
    assert first.id == second.id == ("" if name == "podman" else info.info.id)
    assert first.clock_offset_seconds == pytest.approx(0, abs=30)
