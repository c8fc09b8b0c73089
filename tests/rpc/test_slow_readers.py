"""Clients that do not read: what waits for them, for how long, and what they get."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import grpc
import pytest
from dockfleet.v1 import common_pb2, containers_pb2, exec_pb2, images_pb2

from gateway.config.settings import Limits
from tests.support.fake_engine import FakeEngine, ResponseParser, frame
from tests.support.gateway import failed, gateway_of
from tests.support.upstream import EXEC

ID = "f" * 64
BLOCK = 64 << 10
MANY = 512  # blocks: 32 MiB, more than all windows and buffers between an engine and a client hold together


def block(number: int) -> bytes:
    """Output that consists of its own number."""
    return b"%08d" % number * (BLOCK // 8)


class Flood:
    """A process that writes MANY blocks, and knows when all were taken."""

    def __init__(self) -> None:
        self.written = asyncio.Event()
        self.left = asyncio.Event()

    async def __call__(self, exchange: ResponseParser) -> None:
        exchange.upgrade()
        try:
            for number in range(MANY):
                exchange.write(frame(1, block(number)))
                await exchange.drain()
            self.written.set()
        finally:
            exchange.close()
            self.left.set()


def scripted(engine: FakeEngine, flood: Flood) -> None:
    """Let the engine have a container and an exec that write."""
    running = {"Running": False, "ExitCode": 0}
    engine.on("GET", "/containers/{id}/json", json={"Id": ID, "Config": {"Tty": False}, "State": running})
    engine.on("POST", "/containers/{id}/attach", flood)
    engine.on("POST", "/containers/{id}/exec", status=201, json={"Id": ID})
    engine.on("POST", "/exec/{id}/start", flood)
    engine.on("GET", "/exec/{id}/json", json={"ID": ID, "OpenStdin": True, "Running": False, "ExitCode": 0})


async def attached(
    client: Any, slow_reader: common_pb2.SlowReader.ValueType = common_pb2.SLOW_READER_UNSPECIFIED
) -> Any:
    """Attach, and read `started`."""
    call = client.containers.AttachContainer()
    start = containers_pb2.AttachContainerStart(
        host="h1", id="web", stream=True, attach_stdout=True, slow_reader=slow_reader
    )
    await call.write(containers_pb2.AttachContainerRequest(start=start))
    assert (await call.read()).HasField("started")
    return call


async def collect(call: Any, into: list[Any]) -> None:
    """Read the rest of a call that was read before; what came before a failure is kept."""
    while (message := await call.read()) is not grpc.aio.EOF:
        into.append(message)


async def messages(call: Any) -> list[Any]:
    """All that is left of a call."""
    read: list[Any] = []
    await collect(call, read)
    return read


@pytest.mark.parametrize("slow_reader", [common_pb2.SLOW_READER_UNSPECIFIED, common_pb2.SLOW_READER_DROP])
async def test_a_container_never_waits_for_an_attached_client(slow_reader: common_pb2.SlowReader.ValueType) -> None:
    """It writes everything while the client reads nothing; the client then learns what is missing, and where."""
    flood = Flood()
    async with FakeEngine() as engine, gateway_of(engine.address) as client:
        scripted(engine, flood)
        call = await attached(client, slow_reader)

        await flood.written.wait()
        read = await messages(call)

    whole = b"".join(map(block, range(MANY)))
    place, holes = 0, 0
    for message in read[:-1]:
        if message.HasField("dropped"):
            place += message.dropped.bytes
            holes += 1
        else:
            data = message.output.data
            assert data == whole[place : place + len(data)], f"at byte {place}"
            place += len(data)
    assert place == MANY * BLOCK
    assert holes > 0
    assert read[-1].HasField("end")


async def test_a_client_that_wants_no_holes_gets_the_output_up_to_a_place() -> None:
    """With SLOW_READER_CLOSE all output up to a place comes, and then the reason why there is no more."""
    flood = Flood()
    async with FakeEngine() as engine, gateway_of(engine.address) as client:
        scripted(engine, flood)
        call = await attached(client, common_pb2.SLOW_READER_CLOSE)

        await flood.left.wait()
        read: list[Any] = []
        with pytest.raises(grpc.aio.AioRpcError) as error:
            await collect(call, read)
        data = b"".join(message.output.data for message in read)

    assert not flood.written.is_set()
    assert data == b"".join(block(number) for number in range(len(data) // BLOCK + 1))[: len(data)]
    assert len(data) >= 1 << 20
    failure = failed(error.value)
    assert (failure.code, failure.reason) == (grpc.StatusCode.RESOURCE_EXHAUSTED, "SLOW_READER")


async def test_an_exec_waits_for_its_reader_and_loses_nothing() -> None:
    """A client that reads late, but within the limit, gets every byte."""
    flood = Flood()
    async with FakeEngine() as engine, gateway_of(engine.address) as client:
        scripted(engine, flood)
        call = client.exec.Exec()
        await call.write(exec_pb2.ExecRequest(start=exec_pb2.ExecStart(host="h1", id="web", cmd=["x"])))
        await engine.request("POST", "/exec/{id}/start")

        read = await messages(call)

    assert b"".join(message.output.data for message in read) == b"".join(map(block, range(MANY)))
    assert read[-1].end.exit_code == 0


async def test_an_exec_waits_for_its_reader_only_so_long() -> None:
    """Then the call ends, and the connection to the process at once."""
    flood = Flood()
    async with FakeEngine() as engine, gateway_of(engine.address, limits=Limits(stall_timeout_seconds=0.3)) as client:
        scripted(engine, flood)
        call = client.exec.Exec()
        start = exec_pb2.ExecStart(host="h1", id="web", cmd=["x"], on_disconnect=exec_pb2.ON_DISCONNECT_KEEP)
        await call.write(exec_pb2.ExecRequest(start=start))

        await flood.left.wait()
        with pytest.raises(grpc.aio.AioRpcError) as error:
            await messages(call)

    assert not flood.written.is_set()
    failure = failed(error.value)
    assert (failure.code, failure.reason) == (grpc.StatusCode.RESOURCE_EXHAUSTED, "SLOW_READER")
    assert "read nothing for 0.3 s" in failure.message


async def test_any_other_stream_waits_only_so_long_too() -> None:
    """A download whose client stops reading does not keep its connection forever."""
    left = asyncio.Event()

    async def archive(exchange: ResponseParser) -> None:
        exchange.head(200, {"Content-Type": "application/x-tar", "Transfer-Encoding": "chunked"})
        try:
            while True:
                await exchange.chunk(bytes(BLOCK))
        finally:
            left.set()

    async with (
        FakeEngine() as engine,
        gateway_of(engine.address, limits=Limits(reader_stall_timeout_seconds=0.3)) as client,
    ):
        engine.on("GET", "/containers/{id}/export", archive)
        call = client.containers.ExportContainer(containers_pb2.ExportContainerRequest(host="h1", id="web"))

        await left.wait()
        with pytest.raises(grpc.aio.AioRpcError) as error:
            await messages(call)

    assert failed(error.value).reason == "SLOW_READER"


async def test_a_slow_client_does_not_slow_a_pull_and_reads_how_each_layer_ended() -> None:
    """The engine can write 40,000 reports while nobody reads; all changes of status of each layer arrive."""
    layers = [f"layer{number}" for number in range(20)]
    finished = asyncio.Event()

    def reports() -> Any:
        for layer in layers:
            yield {"status": "Pulling fs layer", "progressDetail": {}, "id": layer}
        for done in range(2_000):
            for layer in layers:
                yield {"status": "Downloading", "progressDetail": {"current": done, "total": 2_000}, "id": layer}
        for layer in layers:
            yield {"status": "Pull complete", "progressDetail": {}, "id": layer}
        finished.set()

    async with FakeEngine() as engine, gateway_of(engine.address) as client:
        engine.on("POST", "/images/create", lines=reports())
        call = client.images.PullImage(images_pb2.PullImageRequest(host="h1", image="busybox"))

        await finished.wait()
        read = [message.progress async for message in call]

    for layer in layers:
        statuses = [one.status for one in read if one.id == layer]
        assert statuses[0] == "Pulling fs layer"
        assert statuses[-1] == "Pull complete"
        assert statuses.count("Pull complete") == 1
    assert len(read) < 2_000


async def test_the_failure_of_a_pull_comes_after_the_reports_before_it() -> None:
    """Reports may be left out, an error is not."""
    async with FakeEngine() as engine, gateway_of(engine.address) as client:
        moving = [{"status": "Downloading", "progressDetail": {"current": n}, "id": "a"} for n in range(10)]
        broken = {"errorDetail": {"message": "unexpected EOF"}, "error": "unexpected EOF"}
        engine.on("POST", "/images/create", lines=[*moving, {"status": "Waiting", "id": "b"}, broken])
        call = client.images.PullImage(images_pb2.PullImageRequest(host="h1", image="busybox"))

        read: list[Any] = []
        with pytest.raises(grpc.aio.AioRpcError) as error:
            await collect(call, read)

    reports = [(message.progress.id, message.progress.progress_detail.current) for message in read]
    assert reports == [("a", 0), ("b", 0), ("a", 9)]
    assert failed(error.value).reason == "OPERATION_FAILED"


@pytest.mark.parametrize("step", ["Exec", "StartExec"])
async def test_an_exec_may_drop_what_its_client_does_not_read(step: str) -> None:
    """The process continues, the client learns what it has missed, and the exit code comes last."""
    flood = Flood()
    async with FakeEngine() as engine, gateway_of(engine.address) as client:
        engine.on("POST", "/containers/{id}/exec", status=201, json={"Id": EXEC})
        engine.on("POST", "/exec/{id}/start", flood)
        engine.on("GET", "/exec/{id}/json", json={"ID": EXEC, "OpenStdin": False, "Running": False, "ExitCode": 3})
        how: Any = {"host": "h1", "slow_reader": common_pb2.SLOW_READER_DROP}
        starts: Any = {
            "Exec": exec_pb2.ExecRequest(start=exec_pb2.ExecStart(id="web", cmd=["yes"], **how)),
            "StartExec": exec_pb2.StartExecRequest(start=exec_pb2.StartExecStart(id=EXEC, **how)),
        }
        call = getattr(client.exec, step)()
        await call.write(starts[step])
        async with asyncio.timeout(20):
            await flood.written.wait()  # though nobody has read anything
            replies = [reply async for reply in call]
        request = await engine.request("POST", f"/exec/{EXEC}/start")

    dropped = sum(reply.dropped.bytes for reply in replies)
    assert dropped > 1 << 20
    assert (client.metrics.registry.get_sample_value("dockfleet_dropped_output_bytes_total") or 0) >= dropped
    assert dropped + sum(len(reply.output.data) for reply in replies) == MANY * BLOCK
    assert replies[-1].end.exit_code == 3
    assert "slowReader" not in json.loads(request.body)
