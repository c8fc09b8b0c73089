"""A stream that is cut off while its first response is on the way to a client that does not read."""

from __future__ import annotations

import grpc
from dockfleet.v1 import containers_pb2

from tests.support.fake_engine import FakeEngine
from tests.support.fixtures import client_fixture, engine_fixture
from tests.support.gateway import Client
from tests.support.upstream import LargeBody, until, until_refused

NARROW = [("grpc.http2.bdp_probe", 0), ("grpc.http2.lookahead_bytes", 1024), ("grpc.use_local_subchannel_pool", 1)]
"""Options of a client that takes next to nothing before it reads."""

engine = engine_fixture(lambda engine: None)
client = client_fixture()


def sent(client: Client) -> float | None:
    """Return how many responses of exports the gateway has sent."""
    labels = {"grpc_type": "server_stream", "grpc_service": "dockfleet.v1.ContainerService"}
    labels["grpc_method"] = "ExportContainer"
    return client.metrics.registry.get_sample_value("grpc_server_msg_sent_total", labels)


async def test_a_client_that_has_not_read_the_first_response_gets_the_reason_after_it(
    engine: FakeEngine, client: Client
) -> None:
    """Its host was removed; before the head is sent, the status would get lost."""
    body = LargeBody(64 << 20)
    engine.on("GET", "/containers/{id}/export", body)
    async with grpc.aio.insecure_channel(f"127.0.0.1:{client.port}", NARROW) as channel:
        request = containers_pb2.ExportContainerRequest(host="h1", id="web")
        call = Client(channel).containers.ExportContainer(request)
        await body.stalled.wait()
        await until(lambda: sent(client))

        client.hosts_of_gateway.remove("h1")
        messages, failed = await until_refused(call)

    assert (len(messages), failed.code, failed.reason) == (1, grpc.StatusCode.FAILED_PRECONDITION, "HOST_REMOVED")
