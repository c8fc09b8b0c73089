"""Containers, from their creation to their removal."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator
from typing import Any

import grpc
import pytest
from dockfleet.fleet.v1 import hosts_pb2
from dockfleet.v1 import common_pb2, container_config_pb2, containers_pb2, images_pb2
from google.rpc.error_details_pb2 import ResourceInfo

from tests.real.support import IMAGE, Containers, execute, messages, news
from tests.support.gateway import Client, failed, receive
from tests.support.upstream import refusal


async def test_a_container_is_what_it_was_created_as(client: Client, host: str, containers: Containers) -> None:
    """What a container is created with is found again when it is inspected."""
    container = await containers.create(
        "sh",
        "-c",
        "true",
        name=f"df-created-{host}",
        env=["A=1", "B=zwei ü"],
        working_dir="/tmp",
        hostname="box",
        exposed_ports=["80/tcp"],
        volumes=["/data"],
        tty=True,
        stop_signal="SIGINT",
        healthcheck={"test": ["CMD", "true"], "interval": {"seconds": 90}},
        host_config={
            "network_mode": "none",
            "memory_bytes": 64 << 20,
            "tmpfs": {"/run": "size=1m"},
            "restart_policy": {"name": "on-failure", "maximum_retry_count": 3},
            "ulimits": [{"name": "nofile", "soft": 100, "hard": 200}],
            "readonly_rootfs": True,
        },
    )

    found = await containers.inspect(container)
    assert found.id == container
    assert found.name == f"/df-created-{host}"
    assert found.state.status == "created"
    assert found.config.image == IMAGE
    assert list(found.config.cmd) == ["sh", "-c", "true"]
    assert {"A=1", "B=zwei ü"} <= set(found.config.env)
    assert found.config.working_dir == "/tmp"
    assert found.config.hostname == "box"
    assert list(found.config.exposed_ports) == ["80/tcp"]
    assert list(found.config.volumes) == ["/data"]
    assert [mount.destination for mount in found.mounts] == ["/data"]
    assert found.config.tty
    assert found.config.stop_signal == "SIGINT"
    assert found.config.healthcheck.interval.seconds == 90
    assert found.host_config.memory_bytes == 64 << 20
    assert found.host_config.tmpfs == {"/run": "size=1m"}
    assert found.host_config.restart_policy.maximum_retry_count == 3
    assert [(limit.name, limit.soft, limit.hard) for limit in found.host_config.ulimits] == [("nofile", 100, 200)]
    assert found.host_config.readonly_rootfs
    assert found.created_at.seconds > 1_700_000_000


async def output(client: Client, host: str, container: str) -> list[bytes]:
    """Return the lines that a container has written."""
    call = client.containers.StreamLogs(containers_pb2.StreamLogsRequest(host=host, id=container))
    return [entry.data for message in await messages(call) for entry in message.batch.entries]


@pytest.fixture
async def image(client: Client, host: str, containers: Containers) -> AsyncIterator[str]:
    """An image whose entrypoint says what it is given."""
    container = await containers.create("true")
    request = images_pb2.CommitContainerRequest(
        host=host,
        container=container,
        repo="dockfleet-test",
        tag="entrypoint",
        changes=['ENTRYPOINT ["echo", "given"]', "CMD []"],
    )
    await client.images.CommitContainer(request)
    yield "dockfleet-test:entrypoint"
    await containers.remove_all()
    await client.images.RemoveImage(images_pb2.RemoveImageRequest(host=host, name="dockfleet-test:entrypoint"))


async def test_an_empty_entrypoint_is_not_an_absent_one(
    client: Client, host: str, containers: Containers, image: str
) -> None:
    """The image's entrypoint holds unless the request has another, and an empty one is another."""
    cases: dict[str, dict[str, Any]] = {
        "given echo plain": {},
        "plain": {"entrypoint": {"items": []}},
        "own echo plain": {"entrypoint": {"items": ["echo", "own"]}},
    }
    for said, config in cases.items():
        container = await containers.run("echo", "plain", image=image, **config)

        assert await output(client, host, container) == [said.encode()]
        items = list((await containers.inspect(container)).config.entrypoint.items)
        assert items == {"given": ["echo", "given"], "plain": [], "own": ["echo", "own"]}[said.partition(" ")[0]]


async def test_empty_lists_of_paths_are_not_absent_ones(client: Client, host: str, containers: Containers) -> None:
    """The paths that the engine hides, and those that it makes read-only, are so unless the request has other lists."""

    async def mounts(**config: Any) -> dict[str, bool]:
        container = await containers.run("cat", "/proc/mounts", host_config={"network_mode": "none", **config})
        found = (await containers.inspect(container)).host_config
        for name, paths in config.items():
            assert list(getattr(found, name).items) == paths["items"]
        lines = [line.decode().split(" ") for line in await output(client, host, container)]
        return {path: "ro" in options.split(",") for _, path, _, options, *_ in lines}

    usual = await mounts()
    nothing_masked = await mounts(masked_paths={"items": []})
    nothing_read_only = await mounts(readonly_paths={"items": []})
    others = await mounts(masked_paths={"items": ["/proc/uptime"]}, readonly_paths={"items": ["/proc/fs"]})

    assert "/sys/firmware" in usual
    assert usual["/proc/sys"]
    assert "/sys/firmware" not in nothing_masked
    assert nothing_masked["/proc/sys"]
    assert "/sys/firmware" in nothing_read_only
    assert "/proc/sys" not in nothing_read_only
    assert "/proc/uptime" in others
    assert others["/proc/fs"]
    assert not {"/sys/firmware", "/proc/sys"} & others.keys()


async def test_lists_tell_what_runs_and_with_all_what_does_not(
    client: Client, host: str, containers: Containers
) -> None:
    """A list holds running containers, with `all` the others too, the newest first; filters and sizes work."""
    stopped = await containers.create("true")
    running = await containers.start("sleep", "1000")
    request = containers_pb2.ListContainersRequest(host=host, filters=containers.filters)

    listed = (await client.containers.ListContainers(request)).containers
    request.all = request.size = True
    everything = (await client.containers.ListContainers(request)).containers
    request.limit = 1
    newest = (await client.containers.ListContainers(request)).containers

    assert [one.id for one in listed] == [running]
    assert listed[0].state == "running"
    assert listed[0].command == "sleep 1000"
    assert listed[0].image == IMAGE
    assert not listed[0].HasField("size_root_fs_bytes")
    assert [one.id for one in everything] == [running, stopped]
    assert [one.state for one in everything] == ["running", "created"]
    assert all(one.size_root_fs_bytes > 500_000 for one in everything)
    assert [one.id for one in newest] == [running]


async def test_start_and_stop_say_whether_there_was_anything_to_do(
    client: Client, host: str, containers: Containers
) -> None:
    """The second start, and the second stop, report `already` and do nothing."""
    container = await containers.create("sleep", "1000")
    start = containers_pb2.StartContainerRequest(host=host, id=container)
    stop = containers_pb2.StopContainerRequest(host=host, id=container, timeout_seconds=0)

    starts = [(await client.containers.StartContainer(start)).already for _ in range(2)]
    assert (await containers.inspect(container)).state.running
    stops = [(await client.containers.StopContainer(stop)).already for _ in range(2)]

    assert starts == stops == [False, True]
    state = (await containers.inspect(container)).state
    assert (state.status, state.running, state.exit_code) == ("exited", False, 137)
    assert state.finished_at.seconds >= state.started_at.seconds > 0


async def test_restart_starts_a_new_process(client: Client, host: str, containers: Containers) -> None:
    """After a restart another process runs."""
    container = await containers.start("sleep", "1000")
    before = (await containers.inspect(container)).state

    await client.containers.RestartContainer(
        containers_pb2.RestartContainerRequest(host=host, id=container, timeout_seconds=0)
    )

    after = (await containers.inspect(container)).state
    assert after.running
    assert after.pid != before.pid
    assert after.started_at.ToNanoseconds() > before.finished_at.ToNanoseconds()


async def test_kill_sends_the_signal(client: Client, host: str, containers: Containers) -> None:
    """A process gets the signal that is asked for, and SIGKILL when none is."""
    trapping = await containers.start("sh", "-c", "trap 'exit 42' USR1; echo ready; while :; do sleep 0.1; done")
    call = client.containers.StreamLogs(containers_pb2.StreamLogsRequest(host=host, id=trapping, follow=True))
    await news(call)
    deaf = await containers.start("sleep", "1000")

    await client.containers.KillContainer(containers_pb2.KillContainerRequest(host=host, id=trapping, signal="SIGUSR1"))
    await client.containers.KillContainer(containers_pb2.KillContainerRequest(host=host, id=deaf))

    assert await containers.wait(trapping) == 42
    assert await containers.wait(deaf) == 137


async def test_a_paused_container_stands_still_until_it_is_unpaused(
    client: Client, host: str, containers: Containers
) -> None:
    """Pausing freezes a container, pausing it twice fails, and unpausing lets it continue."""
    container = await containers.start("sleep", "1000")
    pause = containers_pb2.PauseContainerRequest(host=host, id=container)

    await client.containers.PauseContainer(pause)
    paused = (await containers.inspect(container)).state
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await client.containers.PauseContainer(pause)
    await client.containers.UnpauseContainer(containers_pb2.UnpauseContainerRequest(host=host, id=container))

    assert (paused.status, paused.paused) == ("paused", True)
    assert failed(caught.value).code is grpc.StatusCode.FAILED_PRECONDITION
    assert failed(caught.value).reason == "CONFLICT"
    assert (await containers.inspect(container)).state.status == "running"


async def test_a_renamed_container_is_found_by_its_new_name(client: Client, host: str, containers: Containers) -> None:
    """A container answers to its new name, and no more to its old one; a name that is taken is refused."""
    container = await containers.create("true", name=f"df-old-{host}")
    await containers.create("true", name=f"df-taken-{host}")

    await client.containers.RenameContainer(
        containers_pb2.RenameContainerRequest(host=host, id=container, name=f"df-new-{host}")
    )
    with pytest.raises(grpc.aio.AioRpcError) as taken:
        await client.containers.RenameContainer(
            containers_pb2.RenameContainerRequest(host=host, id=container, name=f"df-taken-{host}")
        )
    with pytest.raises(grpc.aio.AioRpcError) as gone:
        await containers.inspect(f"df-old-{host}")

    assert (await containers.inspect(f"df-new-{host}")).id == container
    assert failed(taken.value).code is grpc.StatusCode.ALREADY_EXISTS
    assert failed(taken.value).reason == "NAME_IN_USE"
    assert failed(gone.value).code is grpc.StatusCode.NOT_FOUND


async def test_update_changes_what_is_given_and_nothing_else(client: Client, host: str, containers: Containers) -> None:
    """An update changes limits and the restart policy of a running container; other limits stay."""
    limits = {"network_mode": "none", "memory_bytes": 64 << 20, "memory_swap_bytes": -1}
    container = await containers.start("sleep", "1000", host_config=limits)

    await client.containers.UpdateContainer(
        containers_pb2.UpdateContainerRequest(
            host=host,
            id=container,
            cpu_shares=512,
            restart_policy=container_config_pb2.RestartPolicy(name="unless-stopped"),
        )
    )

    found = (await containers.inspect(container)).host_config
    assert found.cpu_shares == 512
    assert found.restart_policy.name == "unless-stopped"
    assert found.memory_bytes == 64 << 20


async def test_wait_returns_the_exit_code(client: Client, host: str, containers: Containers) -> None:
    """Waiting for a container to stop ends with its process, and tells the exit code."""
    container = await containers.start("sh", "-c", "trap 'exit 9' TERM; echo ready; while :; do sleep 0.1; done")
    await news(client.containers.StreamLogs(containers_pb2.StreamLogsRequest(host=host, id=container, follow=True)))

    waiting = client.containers.WaitContainer(containers_pb2.WaitContainerRequest(host=host, id=container))
    await client.containers.StopContainer(containers_pb2.StopContainerRequest(host=host, id=container))

    assert (await waiting).exit_code == 9
    assert await containers.wait(container) == 9


async def test_a_wait_ends_at_its_clients_deadline(client: Client, host: str, containers: Containers) -> None:
    """The error always says that it was the client's own deadline, and the host stays up."""
    container = await containers.start("sleep", "1000")
    request = containers_pb2.WaitContainerRequest(host=host, id=container)

    waiting = [client.containers.WaitContainer(request, timeout=2.5 + number / 20) for number in range(10)]
    failures = await asyncio.gather(*map(refusal, waiting))

    ends = {(failure.code, failure.reason, failure.metadata.get("retry_safe")) for failure in failures}
    assert ends == {(grpc.StatusCode.DEADLINE_EXCEEDED, "CLIENT_DEADLINE", "false")}
    known = (await client.hosts.GetHost(hosts_pb2.GetHostRequest(host=host))).host
    assert (known.state, known.message) == (hosts_pb2.HOST_STATE_UP, "")
    assert (await containers.inspect(container)).state.running


async def test_wait_for_the_next_exit_does_not_heed_the_last(client: Client, host: str, containers: Containers) -> None:
    """Waiting for the next exit of a container that has ended lasts until it has run once more."""
    container = await containers.run("sh", "-c", "[ -e /ran ] && exit 2; touch /ran; exit 1")

    waiting = client.containers.WaitContainer(
        containers_pb2.WaitContainerRequest(host=host, id=container, condition="next-exit")
    )
    while not waiting.done():  # the engine does not tell when it has begun to wait
        await client.containers.StartContainer(containers_pb2.StartContainerRequest(host=host, id=container))
        await containers.wait(container)

    assert (await waiting).exit_code == 2


async def test_wait_for_the_removal_ends_with_it(client: Client, host: str, containers: Containers) -> None:
    """Waiting for the removal of a container lasts until it is gone, and tells its last exit code."""
    container = await containers.start("sleep", "1000")

    waiting = client.containers.WaitContainer(
        containers_pb2.WaitContainerRequest(host=host, id=container, condition="removed")
    )
    await containers.inspect(container)
    await client.containers.StopContainer(
        containers_pb2.StopContainerRequest(host=host, id=container, timeout_seconds=0)
    )
    await client.containers.RemoveContainer(containers_pb2.RemoveContainerRequest(host=host, id=container))

    assert (await waiting).exit_code == 137


async def test_a_running_container_is_removed_by_force_alone(client: Client, host: str, containers: Containers) -> None:
    """Removing a running container fails without `force`; when it is gone, the second removal finds nothing."""
    container = await containers.start("sleep", "1000")
    request = containers_pb2.RemoveContainerRequest(host=host, id=container)

    with pytest.raises(grpc.aio.AioRpcError) as running:
        await client.containers.RemoveContainer(request)
    request.force = True
    await client.containers.RemoveContainer(request)
    with pytest.raises(grpc.aio.AioRpcError) as gone:
        await client.containers.RemoveContainer(request)

    assert failed(running.value).code is grpc.StatusCode.FAILED_PRECONDITION
    assert failed(running.value).metadata["engine_status"] == "409"
    assert failed(gone.value).code is grpc.StatusCode.NOT_FOUND
    assert failed(gone.value).reason == "NOT_FOUND"
    assert failed(gone.value).detail(ResourceInfo).resource_name == container


async def test_prune_removes_what_has_stopped_and_fits(client: Client, host: str, containers: Containers) -> None:
    """Pruning removes stopped containers that pass the filter, and says which and how much."""
    running = await containers.start("sleep", "1000")
    ended = await containers.run("sh", "-c", "dd if=/dev/zero of=/file bs=1024 count=100")

    pruned = await client.containers.PruneContainers(
        containers_pb2.PruneContainersRequest(host=host, filters=containers.filters)
    )

    assert list(pruned.containers_deleted) == [ended]
    assert pruned.space_reclaimed_bytes >= 100 * 1024
    assert await containers.all_ids() == [running]


async def test_a_program_that_is_not_there_cannot_be_started(client: Client, host: str, containers: Containers) -> None:
    """Starting a container whose program does not exist fails with the engine's words."""
    container = await containers.create("/no/such/program")

    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await client.containers.StartContainer(containers_pb2.StartContainerRequest(host=host, id=container))

    failure = failed(caught.value)
    assert (failure.code, failure.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "START_FAILED")
    assert "/no/such/program" in failure.message
    assert failure.metadata["host"] == host


async def test_an_ambiguous_prefix_is_no_container(client: Client, host: str, containers: Containers) -> None:
    """An id's prefix names a container as long as it fits no other."""
    ids = [await containers.create("true") for _ in range(17)]  # of 17, two begin alike
    first: dict[str, str] = {}
    pair = next((one, first[one[0]]) for one in ids if one[0] in first or first.setdefault(one[0], one) is None)

    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await containers.inspect(pair[0][0])

    assert (await containers.inspect(pair[0][:40])).id == pair[0]
    assert failed(caught.value).code is grpc.StatusCode.FAILED_PRECONDITION
    assert failed(caught.value).reason == "AMBIGUOUS_ID"


async def test_an_unknown_filter_is_refused(client: Client, host: str) -> None:
    """By the gateway, which names those that there are."""
    request = containers_pb2.ListContainersRequest(host=host, filters={"shape": common_pb2.StringList(items=["round"])})

    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await client.containers.ListContainers(request)

    assert failed(caught.value).code is grpc.StatusCode.INVALID_ARGUMENT
    assert failed(caught.value).reason == "INVALID_FIELD"


async def test_a_link_is_removed_by_its_name(client: Client, host: str, containers: Containers) -> None:
    """The name is the one that lists show, with its slashes; both containers stay."""
    name = f"df-{uuid.uuid4().hex[:8]}"
    base = await containers.start("sleep", "600", name=f"{name}-base", host_config={"network_mode": "bridge"})
    web = await containers.start(
        "sleep", "600", name=name, host_config={"network_mode": "bridge", "links": [f"{name}-base:the db"]}
    )
    link = f"/{name}/the db"

    before = await names_of(client, host, containers)
    found = await containers.inspect(link)
    at_link = containers_pb2.StreamStatsRequest(host=host, id=link, stream=False)
    stats = await receive(client.containers.StreamStats(at_link))
    run = await execute(client, host, link, "true")
    await client.containers.RemoveContainer(containers_pb2.RemoveContainerRequest(host=host, id=link, link=True))

    assert before == {base: {f"/{name}-base", link}, web: {f"/{name}"}}
    assert found.id == base
    assert stats.stats.id == base
    assert run.exit_code == 0
    assert await names_of(client, host, containers) == {base: {f"/{name}-base"}, web: {f"/{name}"}}


async def names_of(client: Client, host: str, containers: Containers) -> dict[str, set[str]]:
    """Return the names of all that run, by id."""
    request = containers_pb2.ListContainersRequest(host=host, filters=containers.filters)
    listed = (await client.containers.ListContainers(request)).containers
    return {one.id: set(one.names) for one in listed}
