"""How the gateway starts and stops, with calls and streams under way, as a part of a program and as a process."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import grpc
import pytest
import trustme
from dockfleet.fleet.v1 import fleet_pb2, hosts_pb2
from dockfleet.v1 import containers_pb2, exec_pb2, system_pb2, volumes_pb2
from google.protobuf.timestamp_pb2 import Timestamp
from grpc_health.v1 import health_pb2, health_pb2_grpc

from gateway.config.settings import HostSettings, Settings
from gateway.server import running
from tests.support.fake_engine import FakeEngine, frame
from tests.support.fake_events import Daemon
from tests.support.gateway import Client, failed, receive
from tests.support.process import Process
from tests.support.upstream import EXEC, Held, refusal
from tests.web.client import get

EVENTS = system_pb2.StreamEventsRequest(host="h1", since=Timestamp())


class Gateway:
    """A gateway that a test stops when it likes; the client stays."""

    def __init__(self, client: Client, stop: asyncio.Event, hurry: asyncio.Event, task: asyncio.Task[None]) -> None:
        self.client, self._stop, self.hurry, self.stopped = client, stop, hurry, task

    def stop(self) -> None:
        """Let it begin to stop."""
        self._stop.set()


@asynccontextmanager
async def gateway(*engines: FakeEngine, **keys: Any) -> AsyncIterator[Gateway]:
    """Run a gateway in a task of its own."""
    hosts = tuple(HostSettings(name=f"h{number}", address=engine.address) for number, engine in enumerate(engines, 1))
    bounds = {
        "listen": "127.0.0.1:0",
        "metrics_listen": None,
        "drain_timeout_seconds": 0,
        "shutdown_timeout_seconds": 5,
    }
    settings = Settings(hosts=hosts, **bounds | {"health_check_interval_seconds": 3600} | keys)
    stop, hurry = asyncio.Event(), asyncio.Event()
    serving = asyncio.get_running_loop().create_future()

    async def serve() -> None:
        async with running(settings, hurry) as gateway:
            serving.set_result(gateway)
            await stop.wait()

    task = asyncio.create_task(serve())
    served = await serving
    options = [("grpc.use_local_subchannel_pool", 1)]
    async with grpc.aio.insecure_channel(f"127.0.0.1:{served.port}", options) as channel:
        yield Gateway(Client(channel, served), stop, hurry, task)
        stop.set()
        hurry.set()
        await task


@pytest.fixture
async def engine() -> AsyncIterator[FakeEngine]:
    """A scripted engine with events."""
    async with FakeEngine() as engine:
        Daemon(engine).happen("container", "start", "c1")
        yield engine


async def test_while_it_drains_the_gateway_is_not_serving_and_still_serves(engine: FakeEngine) -> None:
    """Load balancers have time to choose another gateway, and no call is refused during the drain (B2 40)."""
    async with gateway(engine, drain_timeout_seconds=60) as started:
        watch = health_pb2_grpc.HealthStub(started.client.channel).Watch(health_pb2.HealthCheckRequest())
        statuses = [(await receive(watch)).status]
        started.stop()
        statuses.append((await receive(watch)).status)
        watch.cancel()
        await started.client.system.Ping(system_pb2.PingRequest(host="h1"))
        events = started.client.system.StreamEvents(EVENTS)
        assert (await receive(events)).event.action == "start"

        assert statuses == [health_pb2.HealthCheckResponse.SERVING, health_pb2.HealthCheckResponse.NOT_SERVING]
        assert not started.stopped.done()
        started.hurry.set()
        await started.stopped
        refused = await refusal(started.client.system.Ping(system_pb2.PingRequest(host="h1")))
        assert refused.code is grpc.StatusCode.UNAVAILABLE


async def test_an_unused_gateway_stops_without_a_drain(engine: FakeEngine) -> None:
    """The drain is for clients and load balancers; without any, there is no reason to wait."""
    async with gateway(engine, drain_timeout_seconds=300) as started:
        await started.client.system.Ping(system_pb2.PingRequest(host="h1"))
        started.stop()
        await started.stopped


@pytest.mark.parametrize("by", ["page", "rpc"])
async def test_a_gateway_that_is_asked_for_its_health_drains(
    engine: FakeEngine, by: str, caplog: pytest.LogCaptureFixture
) -> None:
    """A load balancer that asks now and then must have the time to notice, also when no call is open."""
    caplog.set_level(logging.INFO, "gateway")
    async with gateway(engine, drain_timeout_seconds=300, metrics_listen="127.0.0.1:0") as started:
        address = started.client.metrics_address
        assert address is not None
        if by == "page":
            await get(address, "/readyz")
        else:
            await health_pb2_grpc.HealthStub(started.client.channel).Check(health_pb2.HealthCheckRequest())
        started.stop()
        while not (said := [record for record in caplog.records if record.message == "draining"]):  # noqa: ASYNC110
            await asyncio.sleep(0)

        assert [vars(record)["fields"]["seconds"] for record in said] == [300]


async def test_watchers_of_the_health_of_a_gateway_that_stops_get_its_last_status(engine: FakeEngine) -> None:
    """The last message is NOT_SERVING; the stream then ends well, and does not delay the stop."""
    async with gateway(engine, shutdown_timeout_seconds=3600) as started:
        watch = health_pb2_grpc.HealthStub(started.client.channel).Watch(health_pb2.HealthCheckRequest())
        statuses = [(await receive(watch)).status]
        started.stop()
        statuses.append((await receive(watch)).status)

        assert statuses == [health_pb2.HealthCheckResponse.SERVING, health_pb2.HealthCheckResponse.NOT_SERVING]
        assert await watch.read() is grpc.aio.EOF
        assert await watch.code() is grpc.StatusCode.OK
        await started.stopped


async def test_readiness_ends_when_draining_begins_and_liveness_does_not(engine: FakeEngine) -> None:
    """Orchestrators that ask by HTTP send no new clients, and do not restart what is about to stop."""
    async with gateway(engine, drain_timeout_seconds=60, metrics_listen="127.0.0.1:0") as started:
        address = started.client.metrics_address
        assert address is not None
        watch = health_pb2_grpc.HealthStub(started.client.channel).Watch(health_pb2.HealthCheckRequest())
        await receive(watch)
        serving = [(await get(address, page)).status for page in ("/healthz", "/readyz")]
        started.stop()
        await receive(watch)
        watch.cancel()
        draining = [(await get(address, page)).status for page in ("/healthz", "/readyz", "/metrics")]

    assert serving == [200, 200]
    assert draining == [200, 503, 200]


async def test_followers_of_different_hosts_each_get_a_reason_for_their_host(engine: FakeEngine) -> None:
    """Each stream ends with the reason and its own host, and its connection is closed."""
    async with FakeEngine() as other, gateway(engine, other) as started:
        Daemon(other).happen("container", "stop", "c2")
        streams = [
            started.client.system.StreamEvents(system_pb2.StreamEventsRequest(host=host, since=Timestamp()))
            for host in ("h1", "h2", "h1")
        ]
        for stream in streams:
            await receive(stream)
        started.stop()
        ends = []
        for stream in streams:
            with pytest.raises(grpc.aio.AioRpcError) as ended:
                await receive(stream)
            ends.append(failed(ended.value))
        await started.stopped

        assert [(end.code, end.reason) for end in ends] == [(grpc.StatusCode.UNAVAILABLE, "GOING_AWAY")] * 3
        assert [end.metadata["host"] for end in ends] == ["h1", "h2", "h1"]
        assert [end.metadata["retry_safe"] for end in ends] == ["true"] * 3
        assert len({end.metadata["request_id"] for end in ends}) == 3
        assert await engine.until(lambda: not engine.open_connections)
        assert await other.until(lambda: not other.open_connections)


async def test_a_client_that_follows_the_hosts_is_let_go_at_once(engine: FakeEngine) -> None:
    """It does not use up the time that other calls have to finish."""
    async with gateway(engine, shutdown_timeout_seconds=100) as running:
        stream = running.client.hosts.WatchHosts(hosts_pb2.WatchHostsRequest())
        await stream.read()
        running.stop()
        with pytest.raises(grpc.aio.AioRpcError) as ended:
            while True:
                await stream.read()

    assert (failed(ended.value).code, failed(ended.value).reason) == (grpc.StatusCode.UNAVAILABLE, "GOING_AWAY")


async def test_a_follower_that_does_not_read_does_not_delay_the_stop(engine: FakeEngine) -> None:
    """Its stream ends like the others, and the connection to the engine is closed."""
    engine.on("GET", "/containers/{id}/export", chunks=(b"x" * 65536 for _ in range(10_000)))
    async with gateway(engine, shutdown_timeout_seconds=2) as started:
        export = started.client.containers.ExportContainer(containers_pb2.ExportContainerRequest(host="h1", id="web"))
        await receive(export)
        started.stop()
        async with asyncio.timeout(30):
            await started.stopped

        assert await engine.until(lambda: not engine.open_connections)
        export.cancel()


async def test_a_session_can_end_within_the_grace(engine: FakeEngine) -> None:
    """An exec is not cut off at once: it may run to its exit code within the grace."""
    session = Held(lambda exchange: exchange.upgrade(frame(1, b"$ ")))
    engine.on("POST", "/containers/{id}/exec", status=201, json={"Id": EXEC})
    engine.on("POST", "/exec/{id}/start", session)
    engine.on("GET", "/exec/{id}/json", json={"OpenStdin": True, "Running": False, "ExitCode": 0})
    async with gateway(engine, shutdown_timeout_seconds=60) as started:
        call = started.client.exec.Exec()
        await call.write(exec_pb2.ExecRequest(start=exec_pb2.ExecStart(host="h1", id="web", cmd=["sh"])))
        await session.called.wait()
        watch = health_pb2_grpc.HealthStub(started.client.channel).Watch(health_pb2.HealthCheckRequest())
        await receive(watch)
        started.stop()
        await receive(watch)
        session.exchange.write(frame(1, b"done"))
        session.exchange.close()
        frames = [await receive(call) for _ in range(4)]

        assert [frame.WhichOneof("record") for frame in frames] == ["started", "output", "output", "end"]
        assert await call.code() is grpc.StatusCode.OK
        watch.cancel()


async def test_a_session_that_outlasts_the_grace_is_ended(engine: FakeEngine) -> None:
    """The stop does not wait forever, no connection is left, and the client's error is not retry-safe."""
    session = Held(lambda exchange: exchange.upgrade())
    engine.on("POST", "/containers/{id}/exec", status=201, json={"Id": EXEC})
    engine.on("POST", "/exec/{id}/start", session)
    async with gateway(engine, shutdown_timeout_seconds=0.2) as started:
        call = started.client.exec.Exec()
        await call.write(exec_pb2.ExecRequest(start=exec_pb2.ExecStart(host="h1", id="web", cmd=["sh"])))
        await session.called.wait()
        started.stop()
        await started.stopped
        await session.gone.wait()

        ended = await refusal(call)
        assert (ended.code, ended.reason) == (grpc.StatusCode.ABORTED, "OUTCOME_UNKNOWN")


async def test_calls_that_outlast_the_grace_have_a_reason(engine: FakeEngine) -> None:
    """A read may be sent to another gateway; the outcome of a change is open (B2 3, 40)."""
    reading, changing = Held(), Held()
    engine.on("GET", "/info", reading)
    engine.on("POST", "/containers/{id}/stop", changing)
    async with gateway(engine, shutdown_timeout_seconds=0.2) as started:
        info = started.client.system.GetInfo(system_pb2.GetInfoRequest(host="h1"))
        stop = started.client.containers.StopContainer(containers_pb2.StopContainerRequest(host="h1", id="web"))
        await asyncio.gather(reading.called.wait(), changing.called.wait())
        started.stop()
        read, changed = await refusal(info), await refusal(stop)

        assert (read.code, read.reason) == (grpc.StatusCode.UNAVAILABLE, "GOING_AWAY")
        assert (changed.code, changed.reason) == (grpc.StatusCode.ABORTED, "OUTCOME_UNKNOWN")
        await asyncio.gather(reading.gone.wait(), changing.gone.wait())


async def test_a_batch_ends_within_the_grace_with_a_result_of_each_target(engine: FakeEngine) -> None:
    """Also of those targets that had not begun when the gateway was asked to stop."""
    removing = Held()
    engine.on("DELETE", "/volumes/{name}", removing)
    async with FakeEngine() as other, gateway(engine, other, shutdown_timeout_seconds=60) as started:
        other.on("DELETE", "/volumes/{name}", status=204)
        call = started.client.fleet.RemoveVolumes(one_after_the_other())
        await removing.called.wait()
        watch = health_pb2_grpc.HealthStub(started.client.channel).Watch(health_pb2.HealthCheckRequest())
        await receive(watch)
        started.stop()
        await receive(watch)
        watch.cancel()
        removing.exchange.head(204, {})
        removing.exchange.close()
        responses = [response async for response in call]

    assert [result.target.host for each in responses for result in each.results] == ["h1", "h2"]
    assert responses[-1].summary.succeeded == 2


async def test_a_batch_that_outlasts_the_grace_has_an_unknown_outcome(engine: FakeEngine) -> None:
    """Results that have come so far stay; of the other targets, nothing is known, and no more is begun."""
    removing = Held()
    engine.on("DELETE", "/volumes/{name}", status=204)
    async with FakeEngine() as other, FakeEngine() as last:
        other.on("DELETE", "/volumes/{name}", removing)
        async with gateway(engine, other, last, shutdown_timeout_seconds=0.2) as started:
            call = started.client.fleet.RemoveVolumes(one_after_the_other())
            first = await receive(call)
            await removing.called.wait()
            started.stop()
            with pytest.raises(grpc.aio.AioRpcError) as raised:
                await receive(call)
            ended = failed(raised.value)
            await removing.gone.wait()
        assert not any(request.method == "DELETE" for request in last.requests)

    assert [(result.target.host, result.HasField("response")) for result in first.results] == [("h1", True)]
    assert (ended.code, ended.reason) == (grpc.StatusCode.ABORTED, "OUTCOME_UNKNOWN")
    assert ended.metadata["retry_safe"] == "false"


def one_after_the_other() -> fleet_pb2.RemoveVolumesRequest:
    """A batch on all hosts, in the order of their names."""
    request = fleet_pb2.RemoveVolumesRequest(request=volumes_pb2.RemoveVolumeRequest(name="cache"))
    request.hosts.all = True
    request.batch.parallelism = 1
    return request


async def test_a_gateway_that_cannot_start_leaves_nothing_open(engine: FakeEngine) -> None:
    """A port that is taken is an error, and the other ports and connections are free again."""
    with socket.create_server(("127.0.0.1", 0)) as taken, socket.create_server(("127.0.0.1", 0)) as other:
        port, free = taken.getsockname()[1], other.getsockname()[1]
        other.close()
        hosts = (HostSettings(name="h1", address=engine.address),)
        for listen, metrics_listen in ((free, port), (port, free)):
            settings = Settings(hosts=hosts, listen=f"127.0.0.1:{listen}", metrics_listen=f"127.0.0.1:{metrics_listen}")
            with pytest.raises((OSError, RuntimeError)):
                async with running(settings):
                    pass

            socket.create_server(("127.0.0.1", free)).close()
    assert await engine.until(lambda: not engine.open_connections)


# The process


async def process(engine: FakeEngine, port: int, *flags: str) -> asyncio.subprocess.Process:
    """Start `python -m gateway`."""
    others = ("DOCKER", "DOCKFLEET", "HOME", "XDG_")  # without a home, no key is kept
    environment = {name: value for name, value in os.environ.items() if not name.startswith(others)}
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", "gateway", "--listen", f"127.0.0.1:{port}", "--metrics-listen", "off",
        "--host", f"h1={engine.address}", "--drain-timeout-seconds", "0", *flags,
        stderr=asyncio.subprocess.PIPE, env=environment,
    )  # fmt: skip


def free_port() -> int:
    """Return a free port."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_ends_the_process_well(engine: FakeEngine, number: signal.Signals) -> None:
    """Exit code 0, every line of its log an object, and the last one says that it has stopped."""
    started = await process(engine, free_port())
    assert started.stderr is not None
    first = json.loads(await started.stderr.readline())
    while first["message"] != "serving":
        first = json.loads(await started.stderr.readline())
    started.send_signal(number)
    rest = (await started.stderr.read()).decode().splitlines()

    assert await started.wait() == 0
    messages = [json.loads(line)["message"] for line in rest]
    assert [message for message in messages if message != "host"] == ["draining", "stopped"]


async def test_a_second_signal_ends_the_process_at_once(engine: FakeEngine) -> None:
    """A user need not wait for the drain and the grace; execs are still killed."""
    port = free_port()
    started = await process(engine, port, "--drain-timeout-seconds", "300", "--shutdown-timeout-seconds", "300")
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        client = Client(channel)
        events = client.system.StreamEvents(EVENTS, wait_for_ready=True)
        await receive(events)
        watch = health_pb2_grpc.HealthStub(channel).Watch(health_pb2.HealthCheckRequest())
        await receive(watch)
        started.send_signal(signal.SIGTERM)
        await receive(watch)
        started.send_signal(signal.SIGTERM)

        assert await started.wait() == 0
        events.cancel()


@pytest.mark.parametrize("signals", [1, 2])
async def test_a_process_that_is_held_up_is_ended_by_the_kernel(signals: int) -> None:
    """Whatever the gateway is doing when its time is up, or after a second signal."""
    started = await asyncio.create_subprocess_exec(
        sys.executable, "-c", _HELD_UP, str(300 if signals == 2 else 1), stdout=asyncio.subprocess.PIPE
    )
    assert started.stdout is not None
    for _ in range(signals):
        await started.stdout.readline()
        started.send_signal(signal.SIGTERM)

    assert await started.wait() == -signal.SIGALRM


_HELD_UP = """
import asyncio, signal, sys
from gateway import process

async def main():
    process.Stop(float(sys.argv[1]))
    print("ready", flush=True)
    while signal.getitimer(signal.ITIMER_REAL)[0] == 0:
        pass
    print("asked", flush=True)
    while True:
        pass

asyncio.run(main())
"""


async def test_a_process_without_its_port_logs_the_reason(engine: FakeEngine) -> None:
    """Exit code 1, and a line of the log that names the reason; no line of grpc is between them."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        started = await process(engine, taken.getsockname()[1])
        assert started.stderr is not None
        last = [json.loads(line) for line in (await started.stderr.read()).splitlines()][-1]

        assert await started.wait() == 1
        port = taken.getsockname()[1]
        assert last["message"] == "could not start"
        assert last["error"] == f"cannot listen on 127.0.0.1:{port}: it is taken, or no address of this machine"


async def test_failed_handshakes_leave_only_objects_in_the_log(engine: FakeEngine, tmp_path: Path) -> None:
    """Lines of grpc's core would break programs that read the log."""
    issued = trustme.CA().issue_cert("localhost")
    issued.private_key_pem.write_to_path(str(tmp_path / "key.pem"))
    issued.cert_chain_pems[0].write_to_path(str(tmp_path / "cert.pem"))
    tls = ("--tls-certificate", str(tmp_path / "cert.pem"), "--tls-key", str(tmp_path / "key.pem"))
    async with Process.running(tmp_path / "state", "--host", f"h1={engine.address}", *tls) as gateway:
        for _ in range(3):
            reader, writer = await asyncio.open_connection("127.0.0.1", gateway.port)
            writer.write(b"GET / HTTP/1.1\r\n\r\n")
            await reader.read()
            writer.close()
        lines = await gateway.stop()

    assert [line["message"] for line in lines][-1] == "stopped"
