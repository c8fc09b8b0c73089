"""What leaves the gateway about a call: a status for the caller, a line for the log, a count for the metrics."""

from __future__ import annotations

import asyncio
import io
import json
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import grpc
import pytest
from dockfleet.v1 import common_pb2, containers_pb2, exec_pb2, images_pb2, system_pb2
from google.protobuf.empty_pb2 import Empty

from gateway.config.settings import Limits
from gateway.engine.transport.turns import Traffic
from gateway.rpc.interceptor import CallInterceptor
from gateway.telemetry.metrics import Metrics
from gateway.telemetry.traces import NoTraces
from tests.support.fake_engine import FakeEngine
from tests.support.gateway import failed, gateway_of
from tests.support.upstream import until

SECRET = "correct-horse-battery-staple"


@asynccontextmanager
async def defective(error: Exception) -> AsyncIterator[grpc.aio.Channel]:
    """Serve /defect.Service/Unary and /Stream, whose handlers raise *error*, through the interceptor."""

    async def unary(request: Empty, context: object) -> Empty:
        raise error

    async def stream(request: Empty, context: object) -> AsyncIterator[Empty]:
        yield Empty()
        raise error

    serializers = (Empty.FromString, Empty.SerializeToString)
    handlers = {
        "Unary": grpc.unary_unary_rpc_method_handler(unary, *serializers),
        "Stream": grpc.unary_stream_rpc_method_handler(stream, *serializers),
    }
    async with serving(handlers, Metrics()) as channel:
        yield channel


@asynccontextmanager
async def unencodable(error: Exception) -> AsyncIterator[grpc.aio.Channel]:
    """Serve /defect.Service/Unary and /Stream, whose responses cannot be encoded: that raises *error*."""

    async def unary(request: Empty, context: object) -> Empty:
        return request

    async def stream(request: Empty, context: object) -> AsyncIterator[Empty]:
        yield request

    def encode(response: Empty) -> bytes:
        raise error

    handlers = {
        "Unary": grpc.unary_unary_rpc_method_handler(unary, Empty.FromString, encode),
        "Stream": grpc.unary_stream_rpc_method_handler(stream, Empty.FromString, encode),
    }
    async with serving(handlers, Metrics()) as channel:
        yield channel


@asynccontextmanager
async def serving(
    handlers: dict[str, Any], metrics: Metrics, traffic: Traffic | None = None
) -> AsyncIterator[grpc.aio.Channel]:
    """Serve the *handlers* of defect.Service through the interceptor."""
    interceptor = CallInterceptor(metrics.rpcs, Limits(), NoTraces(), traffic or Traffic())
    server = grpc.aio.server(interceptors=[interceptor])
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("defect.Service", handlers),))
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    try:
        async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
            yield channel
    finally:
        await server.stop(0)


async def test_hosts_that_flood_learn_of_a_call_before_its_message_has_come() -> None:
    """Until the message is read, the host of the call is not known; and their turns would delay the reading."""
    arrived = asyncio.Event()

    class Noted(Traffic):
        """Notes that a call has arrived."""

        def arrived(self) -> None:
            arrived.set()

    async def unary(request: Empty, context: object) -> Empty:
        return request

    handlers = {"Unary": grpc.unary_unary_rpc_method_handler(unary, Empty.FromString, Empty.SerializeToString)}
    async with serving(handlers, Metrics(), Noted()) as channel:
        call: Any = channel.stream_unary("/defect.Service/Unary")()
        await arrived.wait()
        await call.done_writing()
        call.cancel()


@pytest.mark.parametrize("where", [defective, unencodable])
@pytest.mark.parametrize("method", ["Unary", "Stream"])
async def test_a_defect_gives_the_caller_only_the_id_of_the_log_line(
    method: str, where: Callable[[Exception], AbstractAsyncContextManager[grpc.aio.Channel]], logged: io.StringIO
) -> None:
    """grpc itself would send the exception's text, which may hold a secret (A5 18)."""
    async with where(ValueError(f"cannot parse {SECRET}")) as channel:
        with pytest.raises(grpc.aio.AioRpcError) as error:
            call: Any
            if method == "Unary":
                call = channel.unary_unary(f"/defect.Service/{method}")
                await call(b"")
            else:
                call = channel.unary_stream(f"/defect.Service/{method}")
                _ = [reply async for reply in call(b"")]

    seen = failed(error.value)
    line = next(line for line in map(json.loads, logged.getvalue().splitlines()) if line["message"] == "defect")
    assert (seen.code, seen.reason) == (grpc.StatusCode.INTERNAL, "INTERNAL")
    assert SECRET not in seen.message
    assert line["request_id"] in seen.message
    assert "cannot parse" in line["traceback"]


async def test_a_handler_that_is_not_ours_gets_grpcs_own_context_and_its_status_is_counted() -> None:
    """Services that come with grpc, such as channelz, set their status by themselves."""

    async def refuse(request: Empty, context: grpc.aio.ServicerContext[Empty, Empty]) -> Empty:
        await context.abort(grpc.StatusCode.NOT_FOUND, "there is no such channel")

    metrics = Metrics()
    labels = {"grpc_type": "unary", "grpc_service": "defect.Service", "grpc_method": "Refuse", "grpc_code": "NotFound"}
    serializers = (Empty.FromString, Empty.SerializeToString)
    handler = grpc.unary_unary_rpc_method_handler(refuse, *serializers)
    async with serving({"Refuse": handler}, metrics) as channel:
        with pytest.raises(grpc.aio.AioRpcError) as error:
            call: Any = channel.unary_unary("/defect.Service/Refuse")
            await call(b"")
        await until(lambda: metrics.registry.get_sample_value("grpc_server_handled_total", labels) == 1)

    assert (error.value.code(), error.value.details()) == (grpc.StatusCode.NOT_FOUND, "there is no such channel")


async def test_the_clients_own_id_of_a_call_is_the_logs(logged: io.StringIO) -> None:
    """`x-request-id` joins the logs of both sides."""
    async with FakeEngine() as engine, gateway_of(engine.address) as client:
        with pytest.raises(grpc.aio.AioRpcError) as error:
            await client.system.Ping(system_pb2.PingRequest(host="nowhere"), metadata=[("x-request-id", "order-7.1")])

    line = next(line for line in map(json.loads, logged.getvalue().splitlines()) if line.get("host") == "nowhere")
    assert line["request_id"] == "order-7.1"
    assert failed(error.value).metadata["request_id"] == "order-7.1"


@pytest.mark.parametrize("name", ["a\nb", "\x1b]0;owned\x07", "\u202e gpj", '","level":"fake', "x" * 20_000])
async def test_an_engines_words_stay_within_one_line_and_one_status(name: str, logged: io.StringIO) -> None:
    """Control characters are escaped, length is bounded, and the status stays what it is."""
    async with FakeEngine() as engine, gateway_of(engine.address) as client:
        engine.on("GET", "/containers/{id}/json", error=f"No such container: {name}", status=404)
        with pytest.raises(grpc.aio.AioRpcError) as error:
            await client.containers.InspectContainer(containers_pb2.InspectContainerRequest(host="h1", id="c"))

    seen = failed(error.value)
    lines = [json.loads(line) for line in logged.getvalue().splitlines()]
    assert seen.code is grpc.StatusCode.NOT_FOUND
    assert seen.message.isprintable()
    assert len(seen.message.encode()) <= 1024
    assert sum(line["message"] == "call" for line in lines) == 1


async def test_credentials_are_in_no_log_line_and_in_no_error(logged: io.StringIO) -> None:
    """A registry's password and an exec's environment are passed to the engine only."""
    errors = []
    async with FakeEngine() as engine, gateway_of(engine.address, log_level="debug") as client:
        engine.on("POST", "/images/create", error="unauthorized: incorrect username or password", status=500)
        engine.on("POST", "/containers/{id}/exec", error="container is paused", status=409)
        auth = common_pb2.AuthConfig(username="ops", password=SECRET)
        pull = images_pb2.PullImageRequest(host="h1", image="registry.example.com/app", registry_auth=auth)
        start = exec_pb2.ExecStart(host="h1", id="c", cmd=["env"], env=[f"TOKEN={SECRET}"])
        for call in (client.images.PullImage(pull), client.exec.Exec(iter([exec_pb2.ExecRequest(start=start)]))):
            with pytest.raises(grpc.aio.AioRpcError) as error:
                _ = [reply async for reply in call]
            errors.append(failed(error.value))
        asked = await engine.request("POST", "/images/create")

    assert "x-registry-auth" in asked.headers
    assert [error.reason for error in errors] == ["REGISTRY_AUTH", "CONFLICT"]
    assert SECRET not in logged.getvalue()
    assert SECRET not in repr(errors)


async def test_reads_are_quiet_and_changes_are_logged(logged: io.StringIO) -> None:
    """At the default level the log has all changes and every failure."""
    logging.getLogger().setLevel(logging.INFO)
    async with FakeEngine() as engine, gateway_of(engine.address) as client:
        engine.on("POST", "/containers/{id}/start", status=204)
        await client.system.Ping(system_pb2.PingRequest(host="h1"))
        await client.containers.StartContainer(containers_pb2.StartContainerRequest(host="h1", id="c"))

    calls = [line for line in map(json.loads, logged.getvalue().splitlines()) if line["message"] == "call"]
    assert [(call["method"], call["host"], call["code"]) for call in calls] == [
        ("dockfleet.v1.ContainerService/StartContainer", "h1", "OK")
    ]
