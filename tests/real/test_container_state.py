"""What a host knows of the inside of a container: processes, changes, use, terminal."""

from __future__ import annotations

import grpc
import pytest
from dockfleet.v1 import common_pb2, containers_pb2

from tests.real.support import Containers, messages, news, until
from tests.support.gateway import Client, failed, receive


async def test_top_lists_the_processes(client: Client, host: str, containers: Containers) -> None:
    """The processes of a container come as rows of the columns that were asked for."""
    container = await containers.start("sh", "-c", "sleep 1000 & exec sleep 2000")

    usual = await client.containers.TopContainer(containers_pb2.TopContainerRequest(host=host, id=container))
    chosen = await client.containers.TopContainer(
        containers_pb2.TopContainerRequest(host=host, id=container, ps_args="-o pid,args")
    )

    assert len(usual.titles) == len(usual.processes[0].items) > 2
    assert list(chosen.titles) == ["PID", "COMMAND"]
    assert sorted(row.items[1] for row in chosen.processes) == ["sleep 1000", "sleep 2000"]


async def test_a_stopped_container_has_no_processes(client: Client, host: str, containers: Containers) -> None:
    """Asking for the processes of a container that does not run is the caller's to put right."""
    container = await containers.create("true")

    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await client.containers.TopContainer(containers_pb2.TopContainerRequest(host=host, id=container))

    assert failed(caught.value).code is grpc.StatusCode.FAILED_PRECONDITION
    assert failed(caught.value).reason == "CONFLICT"


async def test_changes_have_a_kind(client: Client, host: str, containers: Containers) -> None:
    """Files that were changed, added and deleted are listed as 0, 1 and 2; without any, the list is empty."""
    container = await containers.run("sh", "-c", "echo x >> /etc/passwd; touch /new; rm /etc/group")
    untouched = await containers.create("true")

    request = containers_pb2.GetContainerChangesRequest(host=host, id=container)
    changes = (await client.containers.GetContainerChanges(request)).changes
    request.id = untouched
    none = (await client.containers.GetContainerChanges(request)).changes

    kinds = {change.path: change.kind for change in changes}
    assert {"/etc/passwd": 0, "/new": 1, "/etc/group": 2, "/etc": 0}.items() <= kinds.items()
    assert list(none) == []


async def test_one_sample_of_stats(client: Client, host: str, containers: Containers) -> None:
    """Without `stream` one sample comes, and the call ends; with `one_shot` there is none before it to compare to."""
    container = await containers.start("sleep", "1000")
    request = containers_pb2.StreamStatsRequest(host=host, id=container, stream=False)

    usual = [response.stats async for response in client.containers.StreamStats(request)]
    request.one_shot = True
    alone = [response.stats async for response in client.containers.StreamStats(request)]

    assert len(usual) == len(alone) == 1
    assert usual[0].id == container
    assert usual[0].precpu_stats.cpu_usage.total_usage > 0
    assert alone[0].precpu_stats.cpu_usage.total_usage == 0
    for sample in (*usual, *alone):
        assert sample.pids_stats.current == 1
        assert sample.memory_stats.usage > 0
        assert sample.cpu_stats.cpu_usage.total_usage > 0


async def test_stats_continue_until_the_container_is_removed(client: Client, host: str, containers: Containers) -> None:
    """Samples keep coming, later ones later, and the stream ends with the container."""
    container = await containers.start("sh", "-c", "while :; do :; done")
    call = client.containers.StreamStats(containers_pb2.StreamStatsRequest(host=host, id=container))

    first, second = (await receive(call)).stats, (await receive(call)).stats
    await client.containers.RemoveContainer(containers_pb2.RemoveContainerRequest(host=host, id=container, force=True))
    rest = await messages(call)

    assert second.read_at.ToNanoseconds() > first.read_at.ToNanoseconds()
    assert second.cpu_stats.cpu_usage.total_usage > first.cpu_stats.cpu_usage.total_usage
    assert second.precpu_stats.cpu_usage.total_usage == first.cpu_stats.cpu_usage.total_usage
    assert len(rest) < 5
    assert await call.code() is grpc.StatusCode.OK


async def test_the_terminal_has_the_size_that_it_is_given(client: Client, host: str, containers: Containers) -> None:
    """A container's process sees the size that its terminal was resized to."""
    script = "trap 'stty size > /size' WINCH; echo ready; while :; do sleep 0.1; done"
    container = await containers.start("sh", "-c", script, tty=True)
    await news(client.containers.StreamLogs(containers_pb2.StreamLogsRequest(host=host, id=container, follow=True)))

    await client.containers.ResizeContainer(
        containers_pb2.ResizeContainerRequest(
            host=host, id=container, size=common_pb2.TerminalSize(height=33, width=121)
        )
    )

    async def resized() -> bool:
        call = client.containers.ExportContainer(containers_pb2.ExportContainerRequest(host=host, id=container))
        return b"33 121\n" in b"".join([response.data async for response in call])

    await until(resized)


async def test_a_stopped_container_has_no_terminal(client: Client, host: str, containers: Containers) -> None:
    """Resizing the terminal of a container that does not run is the caller's to put right."""
    container = await containers.create("true", tty=True)

    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await client.containers.ResizeContainer(
            containers_pb2.ResizeContainerRequest(
                host=host, id=container, size=common_pb2.TerminalSize(height=10, width=10)
            )
        )

    assert failed(caught.value).code is grpc.StatusCode.FAILED_PRECONDITION
