"""The gateway as a whole: its ports, reflection, metrics and stop."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import grpc
import pytest
from dockfleet.fleet.v1 import hosts_pb2
from dockfleet.v1 import containers_pb2, system_pb2, system_pb2_grpc
from google.protobuf.descriptor_pb2 import FileDescriptorProto
from google.protobuf.timestamp_pb2 import Timestamp
from grpc_reflection.v1alpha import reflection_pb2

from tests.support.fake_engine import FakeEngine, ResponseParser
from tests.support.fake_events import Daemon
from tests.support.gateway import failed, gateway_of
from tests.web.client import get

PING = system_pb2.PingRequest(host="h1")


@pytest.mark.parametrize("package", ["grpc.reflection.v1", "grpc.reflection.v1alpha"])
async def test_reflection_lists_every_service(package: str) -> None:
    """Tools without protos find out what there is, by the old and the new name of the reflection service."""
    async with FakeEngine() as engine, gateway_of(engine.address) as client:
        call = client.channel.stream_stream(
            f"/{package}.ServerReflection/ServerReflectionInfo",
            reflection_pb2.ServerReflectionRequest.SerializeToString,
            reflection_pb2.ServerReflectionResponse.FromString,
        )
        answers = call(iter([reflection_pb2.ServerReflectionRequest(list_services="")]))
        names = {service.name async for answer in answers for service in answer.list_services_response.service}

    ours = {"Container", "Distribution", "Exec", "Image", "Network", "System", "Volume"}
    assert {f"dockfleet.v1.{name}Service" for name in ours} | {"dockfleet.fleet.v1.HostService"} <= names
    assert "grpc.health.v1.Health" in names


@pytest.mark.parametrize("package", ["grpc.reflection.v1", "grpc.reflection.v1alpha"])
async def test_reflection_carries_the_comments_of_the_contract(package: str) -> None:
    """`grpcurl describe` shows what an RPC, a message and a field are for."""
    asked = [
        reflection_pb2.ServerReflectionRequest(file_containing_symbol="dockfleet.v1.ContainerService.StreamLogs"),
        reflection_pb2.ServerReflectionRequest(file_containing_symbol="dockfleet.v1.NoSuch"),
        reflection_pb2.ServerReflectionRequest(
            file_containing_extension={"containing_type": "google.protobuf.MethodOptions", "extension_number": 73151}
        ),
        reflection_pb2.ServerReflectionRequest(all_extension_numbers_of_type="google.protobuf.FieldOptions"),
        reflection_pb2.ServerReflectionRequest(file_by_filename="google/protobuf/timestamp.proto"),
    ]
    async with FakeEngine() as engine, gateway_of(engine.address) as client:
        call = client.channel.stream_stream(
            f"/{package}.ServerReflection/ServerReflectionInfo",
            reflection_pb2.ServerReflectionRequest.SerializeToString,
            reflection_pb2.ServerReflectionResponse.FromString,
        )
        found, missing, option, numbers, known = [answer async for answer in call(iter(asked))]

    files = [FileDescriptorProto.FromString(file) for file in found.file_descriptor_response.file_descriptor_proto]
    comments = [location.leading_comments for location in files[0].source_code_info.location]
    assert files[0].name == "dockfleet/v1/containers.proto"
    assert {"dockfleet/v1/common.proto", "google/protobuf/timestamp.proto"} <= {file.name for file in files}
    assert any("Streams what a container has written" in comment for comment in comments)
    assert missing.error_response.error_code == grpc.StatusCode.NOT_FOUND.value[0]
    assert option.file_descriptor_response.file_descriptor_proto
    assert 73151 in numbers.all_extension_numbers_response.extension_number
    assert len(known.file_descriptor_response.file_descriptor_proto) == 1


async def test_reflection_can_be_switched_off() -> None:
    """Then the service does not exist."""
    async with FakeEngine() as engine, gateway_of(engine.address, reflection=False) as client:
        call: Any = client.channel.stream_stream("/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo")
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await call(iter([b""])).read()

    assert refused.value.code() is grpc.StatusCode.UNIMPLEMENTED


@pytest.mark.parametrize(("channelz", "code"), [(False, grpc.StatusCode.UNIMPLEMENTED), (True, grpc.StatusCode.OK)])
async def test_channelz_is_for_administrators_who_ask_for_it(channelz: bool, code: grpc.StatusCode) -> None:
    """It shows all connections, so it is off unless configured."""
    async with FakeEngine() as engine, gateway_of(engine.address, channelz=channelz) as client:
        found = await client.unary("/grpc.channelz.v1.Channelz/GetServers")(b"").code()

    assert found is code


async def test_without_a_directory_for_its_key_the_gateway_serves_and_warns(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Streams do not continue over a restart then; its operator learns it at once."""
    (tmp_path / "file").touch()
    async with FakeEngine() as engine, gateway_of(engine.address, state_directory=tmp_path / "file" / "x") as client:
        await client.system.Ping(PING)

    [warning] = [each for each in caplog.records if each.message.startswith("resume tokens end with this run")]
    assert vars(warning)["fields"] == {"why": f"[Errno 20] Not a directory: '{tmp_path}/file/x'"}


async def test_a_fleet_without_hosts_is_served_with_a_warning(caplog: pytest.LogCaptureFixture) -> None:
    """It may be filled by a reload."""
    async with gateway_of() as client:
        hosts = (await client.hosts.ListHosts(hosts_pb2.ListHostsRequest())).hosts

    assert list(hosts) == []
    assert "the fleet has no hosts: the list of hosts is empty" in [each.message for each in caplog.records]


async def test_a_port_that_is_taken_is_an_error() -> None:
    """Two gateways never share a port silently."""
    async with FakeEngine() as engine, gateway_of(engine.address) as client:
        with pytest.raises((OSError, RuntimeError)):
            async with gateway_of(engine.address, listen=f"127.0.0.1:{client.port}"):
                pass


async def test_a_stop_ends_endless_streams_with_a_reason_and_lets_calls_finish() -> None:
    """A follower gets the reason GOING_AWAY; a call that is under way is answered."""
    answer, stop = asyncio.Event(), asyncio.Event()
    serving: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    async def slow(exchange: ResponseParser) -> None:
        await answer.wait()
        await exchange.answer(json={"Version": "20.10"})

    async def serve(address: str) -> None:
        async with gateway_of(address, shutdown_timeout_seconds=20) as client:
            serving.set_result(client.port)
            await stop.wait()

    async with FakeEngine() as engine:
        Daemon(engine).happen("container", "start", "c1")
        engine.on("GET", "/version", slow)
        server = asyncio.create_task(serve(engine.address))
        async with grpc.aio.insecure_channel(f"127.0.0.1:{await serving}") as channel:
            stub = system_pb2_grpc.SystemServiceStub(channel)
            events = stub.StreamEvents(system_pb2.StreamEventsRequest(host="h1", since=Timestamp()))
            await events.read()
            version = stub.GetVersion(system_pb2.GetVersionRequest(host="h1"))
            await engine.request("GET", "/version")
            stop.set()
            with pytest.raises(grpc.aio.AioRpcError) as ended:
                await events.read()
            answer.set()
            finished = await version
        await server

    assert failed(ended.value).code is grpc.StatusCode.UNAVAILABLE
    assert failed(ended.value).reason == "GOING_AWAY"
    assert finished.version.version == "20.10"


async def test_prometheus_reads_calls_by_method_and_code_and_hosts_by_name() -> None:
    """The names are those that dashboards know; no label holds what a client made up."""
    async with (
        FakeEngine() as engine,
        gateway_of(engine.address, metrics_listen="127.0.0.1:0") as client,
    ):
        engine.on("GET", "/containers/{id}/json", error="No such container: secret-name", status=404)
        await client.system.Ping(PING)
        with pytest.raises(grpc.aio.AioRpcError):
            await client.containers.InspectContainer(
                containers_pb2.InspectContainerRequest(host="h1", id="secret-name")
            )
        with pytest.raises(grpc.aio.AioRpcError):
            await client.unary("/no.such.Service/Method-7d1f")(b"")
        assert client.metrics_address is not None
        text = (await get(client.metrics_address, "/metrics")).body.decode()

    ping = 'grpc_method="Ping",grpc_service="dockfleet.v1.SystemService",grpc_type="unary"'
    inspect = 'grpc_method="InspectContainer",grpc_service="dockfleet.v1.ContainerService",grpc_type="unary"'
    for line in (
        f"grpc_server_started_total{{{ping}}}",
        f'grpc_server_handled_total{{grpc_code="OK",{ping}}}',
        f'grpc_server_handled_total{{grpc_code="NotFound",{inspect}}}',
        f"grpc_server_handling_seconds_count{{{ping}}}",
        f"grpc_server_msg_received_total{{{ping}}}",
        f"grpc_server_msg_sent_total{{{ping}}}",
        'dockfleet_engine_calls_total{host="h1",kind="unary",outcome="404"}',
        'dockfleet_open_streams{host="h1"}',
        'dockfleet_host_up{host="h1"} 1.0',
    ):
        assert line in text
    assert "secret-name" not in text
    assert "7d1f" not in text
