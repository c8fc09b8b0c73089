"""Logs and other streams of engines that stop during the stream."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import grpc
import pytest
from dockfleet.v1 import containers_pb2, exec_pb2, system_pb2
from google.protobuf.timestamp_pb2 import Timestamp

from deploy.private_engines.engine import PrivateEngine
from deploy.private_engines.provision import debian_root
from gateway.config.settings import Limits
from tests.real.conftest import CACHE
from tests.real.support import Containers, messages, news, transcript
from tests.support.gateway import Client, failed, gateway_of, receive

BROKEN = {grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DATA_LOSS, grpc.StatusCode.ABORTED}
SCRIPT = "n=0; while :; do n=$((n+1)); echo line $n; sleep 0.01; done"


@pytest.fixture(params=["old", "new"])
def engine(request: pytest.FixtureRequest, start_engine: Callable[..., PrivateEngine]) -> PrivateEngine:
    """An engine of the test's own."""
    if request.param == "new":
        request.getfixturevalue("fleet").need("new")
        return start_engine("e", root=debian_root(CACHE), settings={"live-restore": True})
    return start_engine("e", settings={"live-restore": True})


async def follow(client: Client, containers: Containers) -> list[grpc.aio.UnaryStreamCall[Any, Any]]:
    """Begin every stream that only reads; return them once all of them have begun to speak."""
    container = await containers.start("sh", "-c", SCRIPT)
    logs = client.containers.StreamLogs(containers_pb2.StreamLogsRequest(host="h1", id=container, follow=True))
    stats = client.containers.StreamStats(containers_pb2.StreamStatsRequest(host="h1", id=container))
    events = client.system.StreamEvents(system_pb2.StreamEventsRequest(host="h1", since=Timestamp(seconds=1)))
    calls: list[grpc.aio.UnaryStreamCall[Any, Any]] = [logs, stats, events]
    for call in calls:
        assert await call.read() is not grpc.aio.EOF
    return calls


async def test_a_killed_engine_never_ends_a_stream_well(engine: PrivateEngine) -> None:
    """When dockerd is killed and stays away, logs, stats and events end with a status that is not OK."""
    async with gateway_of(engine.address, limits=Limits(reconnect_timeout_seconds=1)) as client:
        calls = await follow(client, Containers(client, "h1"))

        engine.kill()

        for call in calls:
            with pytest.raises(grpc.aio.AioRpcError) as caught:
                await messages(call)
            assert failed(caught.value).code in BROKEN
            assert failed(caught.value).reason in ("CONNECTION_LOST", "HOST_UNREACHABLE")
            assert failed(caught.value).metadata["retry_safe"] == "true"


async def test_sessions_with_a_killed_engine_never_end_well(engine: PrivateEngine) -> None:
    """When dockerd is killed, exec and attach end with a status that is not OK, and never with an exit code."""
    async with gateway_of(engine.address) as client:
        container = await Containers(client, "h1").start("sh", "-c", SCRIPT)
        execution, attachment = client.exec.Exec(), client.containers.AttachContainer()
        start = exec_pb2.ExecStart(host="h1", id=container, cmd=["sh", "-c", SCRIPT])
        await execution.write(exec_pb2.ExecRequest(start=start))
        attach = containers_pb2.AttachContainerStart(
            host="h1", id=container, stream=True, attach_stdout=True, attach_stderr=True
        )
        await attachment.write(containers_pb2.AttachContainerRequest(start=attach))
        run = [await transcript(call, lambda so_far: bool(so_far.stdout)) for call in (execution, attachment)]

        engine.kill()

        assert [read.order for read in run] == [["started", "output"]] * 2
        for call in (execution, attachment):
            with pytest.raises(grpc.aio.AioRpcError) as caught:
                await transcript(call)
            assert failed(caught.value).code in BROKEN


async def test_an_engine_that_stops_in_order_does_not_end_the_streams_of_a_running_container(
    engine: PrivateEngine,
) -> None:
    """With live-restore a stopping dockerd closes streams in good order; log and stats continue within their calls."""
    async with gateway_of(engine.address, health_check_interval_seconds=0.2) as client:
        container = await Containers(client, "h1").start("sh", "-c", SCRIPT)
        logs = client.containers.StreamLogs(containers_pb2.StreamLogsRequest(host="h1", id=container, follow=True))
        stats = client.containers.StreamStats(containers_pb2.StreamStatsRequest(host="h1", id=container))
        numbers = [int(entry.data.split()[1]) for entry in (await news(logs)).batch.entries]
        before = (await receive(stats)).stats.read_at.ToNanoseconds()

        engine.restart()

        markers: list[str | None] = []
        enough = numbers[-1] + 100
        while numbers[-1] < enough:
            message = await news(logs)
            markers.append(message.WhichOneof("record"))
            numbers += [int(entry.data.split()[1]) for entry in message.batch.entries]
        assert numbers == list(range(1, len(numbers) + 1))
        assert set(markers) <= {"batch", "reconnected"}
        assert (await receive(stats)).stats.read_at.ToNanoseconds() > before


async def test_streams_continue_after_a_restart_of_the_engine(engine: PrivateEngine) -> None:
    """After the engine's crash and return, calls succeed, and the log continues without a gap."""
    async with gateway_of(engine.address, health_check_interval_seconds=0.2) as client:
        containers = Containers(client, "h1")
        container = await containers.start("sh", "-c", SCRIPT)
        request = containers_pb2.StreamLogsRequest(host="h1", id=container, follow=True)
        await news(client.containers.StreamLogs(request))

        engine.kill()
        engine.start()

        call = client.containers.StreamLogs(request)
        numbers: list[int] = []
        while len(numbers) < 100:
            numbers += [int(entry.data.split()[1]) for entry in (await news(call)).batch.entries]
        assert numbers == list(range(1, len(numbers) + 1))
        assert (await containers.inspect(container)).state.running
