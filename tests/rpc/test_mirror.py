"""Mirrored RPCs when the host, or what it answers, is not as it should be."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable
from typing import Any

import grpc
import pytest
from dockfleet.v1 import common_pb2, containers_pb2, images_pb2, volumes_pb2

from tests.support.fake_engine import (
    BAD_CHUNK_SIZE,
    TWO_ANSWERS,
    TWO_FRAMINGS,
    TWO_LENGTHS,
    FakeEngine,
    drip,
    torn,
)
from tests.support.fixtures import client_fixture, engine_fixture
from tests.support.gateway import Client
from tests.support.upstream import CONTAINER, Held, LargeBody, refusal, until_refused

LIST = containers_pb2.ListContainersRequest(host="h1")
PAUSE = containers_pb2.PauseContainerRequest(host="h1", id="web")
STOP = containers_pb2.StopContainerRequest(host="h1", id="web")
PULL = images_pb2.PullImageRequest(host="h1", image="busybox", tag="latest")
EXPORT = containers_pb2.ExportContainerRequest(host="h1", id="web")
ONE = b'[{"Id":"' + CONTAINER.encode() + b'"}]\n'


def script(engine: FakeEngine) -> None:
    """Have one container."""
    engine.on("GET", "/containers/json", body=ONE)
    engine.on("POST", "/containers/{id}/stop", status=204)


engine = engine_fixture(script, over=("unix", "tcp"))
client = client_fixture(
    probed=True,
    max_connections_per_host=2,
    max_queued_calls_per_host=1,
    max_response_bytes=1 << 16,
    read_timeout_seconds=1,
    write_timeout_seconds=1,
    progress_idle_timeout_seconds=1,
)


async def list_again(client: Client) -> list[str]:
    """Return the ids of a list, which comes whole whatever was before."""
    return [container.id for container in (await client.containers.ListContainers(LIST)).containers]


# Breaks


@pytest.mark.parametrize("reset", [False, True], ids=["FIN", "RST"])
@pytest.mark.parametrize("chunked", [False, True], ids=["length", "chunked"])
async def test_a_torn_answer_to_a_read_may_be_asked_for_again(
    engine: FakeEngine, client: Client, chunked: bool, reset: bool
) -> None:
    """Half an answer is none, and the same call may simply be sent again (fact 2, B2 16)."""
    engine.on("GET", "/containers/json", torn(ONE, 9, chunked=chunked, reset=reset))

    refused = await refusal(client.containers.ListContainers(LIST))

    assert (refused.code, refused.reason) == (grpc.StatusCode.UNAVAILABLE, "CONNECTION_LOST")
    assert refused.metadata["retry_safe"] == "true"


@pytest.mark.parametrize("reset", [False, True], ids=["FIN", "RST"])
@pytest.mark.parametrize("at", [0, 1])
async def test_a_torn_answer_to_a_change_leaves_its_outcome_open(
    engine: FakeEngine, client: Client, at: int, reset: bool
) -> None:
    """It was sent once, and its outcome is unknown (B2 3)."""
    engine.on("POST", "/containers/{id}/stop", torn(b"{}", at, reset=reset))

    refused = await refusal(client.containers.StopContainer(STOP))

    assert (refused.code, refused.reason) == (grpc.StatusCode.ABORTED, "OUTCOME_UNKNOWN")
    assert refused.metadata["retry_safe"] == "false"
    assert [request.path for request in engine.requests].count("/containers/web/stop") == 1


@pytest.mark.parametrize("reset", [False, True], ids=["FIN", "RST"])
async def test_a_stream_that_breaks_off_fails_after_what_has_come(
    engine: FakeEngine, client: Client, reset: bool
) -> None:
    """Progress that came is delivered, and the call fails: the outcome of the pull is open."""
    line = b'{"status":"Pulling"}\n'
    engine.on("POST", "/images/create", torn(line * 2, len(line) + 5, chunked=True, reset=reset))

    progress, unknown = await until_refused(client.images.PullImage(PULL))

    assert [report.progress.status for report in progress] == ["Pulling"]
    assert (unknown.code, unknown.reason) == (grpc.StatusCode.ABORTED, "OUTCOME_UNKNOWN")


@pytest.mark.parametrize("reset", [False, True], ids=["FIN", "RST"])
async def test_an_archive_that_breaks_off_is_not_whole(engine: FakeEngine, client: Client, reset: bool) -> None:
    """The client knows that what it has is a part."""
    engine.on("GET", "/containers/{id}/export", torn(b"x" * 1_000_000, 700_000, chunked=True, reset=reset))

    parts, refused = await until_refused(client.containers.ExportContainer(EXPORT))

    assert sum(len(part.data) for part in parts) <= 700_000
    assert (refused.code, refused.reason) == (grpc.StatusCode.UNAVAILABLE, "CONNECTION_LOST")


@pytest.mark.parametrize("line", [b'{"status":"Pul', b"no json\n", b'{"status":NaN}\n', b'{"status":"\xff"}\n'])
async def test_a_line_that_is_none_is_lost_data(engine: FakeEngine, client: Client, line: bytes) -> None:
    """A body that ends well with half a line has lost the other half (A5 54)."""
    engine.on("POST", "/images/create", chunks=[b'{"status":"Pulling"}\n', line])

    progress, refused = await until_refused(client.images.PullImage(PULL))

    assert len(progress) == 1
    assert (refused.code, refused.reason) == (grpc.StatusCode.DATA_LOSS, "BAD_ENGINE_RESPONSE")


async def test_a_failure_within_a_pull_is_its_status(engine: FakeEngine, client: Client) -> None:
    """An `errorDetail` in an answer of status 200 is no progress, and never OK (B2 39)."""
    detail = {"errorDetail": {"message": "toomanyrequests: slow down"}, "error": "toomanyrequests: slow down"}
    engine.on("POST", "/images/create", lines=[{"status": "Pulling"}, detail])

    progress, refused = await until_refused(client.images.PullImage(PULL))

    assert len(progress) == 1
    assert (refused.code, refused.reason) == (grpc.StatusCode.RESOURCE_EXHAUSTED, "REGISTRY_LIMIT")


# What is no answer


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_is_refused_and_gets_nothing(engine: FakeEngine, client: Client, status: int) -> None:
    """No second request is sent, so no credentials reach the other address (A5 51, [V6])."""
    async with FakeEngine.tcp() as elsewhere:
        location = {"Location": elsewhere.address.replace("tcp:", "http:") + "/images/create"}
        engine.on("POST", "/images/create", status=status, headers=location)
        engine.on("GET", "/containers/json", status=status, headers=location)
        pull = images_pb2.PullImageRequest(host="h1", image="busybox", tag="latest")
        pull.registry_auth.CopyFrom(common_pb2.AuthConfig(username="u", password="hidden"))

        for call in (client.images.PullImage(pull), client.containers.ListContainers(LIST)):
            refused = await refusal(call)
            assert (refused.code, refused.reason) == (grpc.StatusCode.INTERNAL, "BAD_ENGINE_RESPONSE")
        assert elsewhere.connections == 0
        asked = {request.path for request in engine.asked}
        assert asked == {"/images/create", "/containers/json"}


@pytest.mark.parametrize("raw", [TWO_LENGTHS, TWO_FRAMINGS, TWO_ANSWERS, BAD_CHUNK_SIZE, b"\x00" * 100])
async def test_an_ambiguous_answer_is_refused_and_the_next_one_is_whole(
    engine: FakeEngine, client: Client, raw: bytes
) -> None:
    """No call gets a part of another call's answer (A5 56)."""
    engine.on("GET", "/containers/json", raw=raw, times=1)

    refused = await refusal(client.containers.ListContainers(LIST))

    assert (refused.code, refused.reason) == (grpc.StatusCode.INTERNAL, "BAD_ENGINE_RESPONSE")
    assert [await list_again(client) for _ in range(3)] == [[CONTAINER]] * 3


DEEP = b'{"a":' * 2000 + b"1" + b"}" * 2000


@pytest.mark.parametrize(
    "body",
    [
        b"no json", b"{}", b'"text"', b"[1]", b"[[]]", b'[{"Id":NaN}]', b'[{"Id":"\xff"}]', b'[{"Id":"\\ud800"}]', DEEP,
        b'[{"Labels":' + DEEP + b"}]",
    ],
)  # fmt: skip
async def test_what_is_no_list_of_objects_is_a_bad_answer(engine: FakeEngine, client: Client, body: bytes) -> None:
    """Another shape, no JSON, or nesting without end: never a defect, never half a list (A5 52)."""
    engine.on("GET", "/containers/json", body=body)

    refused = await refusal(client.containers.ListContainers(LIST))

    assert (refused.code, refused.reason) == (grpc.StatusCode.INTERNAL, "BAD_ENGINE_RESPONSE")
    assert len(refused.message) < 500


@pytest.mark.parametrize(
    "misfit",
    [
        b'"Created":"soon"', b'"SizeRw":1e400', b'"SizeRw":99999999999999999999', b'"Ports":{"a":1}', b'"Names":"/a"',
        b'"SizeRw":1' + b"0" * 300, b'"SizeRw":' + b"9" * 5000, b'"Created":"10000-01-01T00:00:00Z"',
        b'"Created":253402300800', b'"Labels":[["a","b"]]', b'"HostConfig":[]', b'"Mounts":[7]', b'"Names":[{}]',
    ],
)  # fmt: skip
async def test_a_value_that_does_not_fit_is_left_out_and_counted(
    engine: FakeEngine, client: Client, misfit: bytes
) -> None:
    """A wrong type, a number that fits nowhere, a year beyond 9999: the object and its neighbours arrive."""
    engine.on("GET", "/containers/json", body=b'[{"Image":"a",' + misfit + b',"Id":"1"},{"Id":"2"}]')
    found = (await client.containers.ListContainers(LIST)).containers

    assert [(one.id, one.image) for one in found] == [("1", "a"), ("2", "")]
    labels = {"host": "h1", "grpc_method": "ListContainers"}
    assert client.metrics.registry.get_sample_value("dockfleet_engine_values_skipped_total", labels) == 1


async def test_free_form_json_of_any_depth_is_no_defect(engine: FakeEngine, client: Client) -> None:
    """Where the contract takes any object, what is too deep to be carried is left out (A5 52)."""
    for depth in (20, 90, 150, 900, 5000):
        nested = b'{"a":' * depth + b"1" + b"}" * depth
        engine.on("GET", "/volumes/{name}", body=b'{"Name":"data","Status":' + nested + b"}")
        call = client.volumes.InspectVolume(volumes_pb2.InspectVolumeRequest(host="h1", name="data"))

        if depth == 20 or await call.code() is grpc.StatusCode.OK:
            assert (await call).volume.name == "data"
        else:
            assert (await refusal(call)).reason == "BAD_ENGINE_RESPONSE", depth


async def test_null_and_repeated_properties_are_read_as_the_engine_means_them(
    engine: FakeEngine, client: Client
) -> None:
    """`null` is absent, of a property given twice the last counts, and unknown ones are ignored (sdk-notes 8)."""
    engine.on("GET", "/containers/json", body=b'[{"Id":"1","Labels":null,"Names":null,"Id":"2","New":{"x":[1]}}]')

    assert await list_again(client) == ["2"]


async def test_an_answer_beyond_the_cap_is_refused(engine: FakeEngine, client: Client) -> None:
    """A body without end stops at the cap, and the connection is closed (A5 52)."""
    engine.on("GET", "/containers/json", chunks=itertools.repeat(b'{"Id":"x"},' * 500))

    refused = await refusal(client.containers.ListContainers(LIST))

    assert (refused.code, refused.reason) == (grpc.StatusCode.INTERNAL, "BAD_ENGINE_RESPONSE")
    assert "65536 bytes (limits.max_response_bytes)" in refused.message
    assert await engine.until(lambda: not engine.open_connections)


# Time


@pytest.mark.parametrize(
    "fault",
    [
        Held(),
        drip(0.01, b"HTTP/1.1 200 OK\r\nX-Slow: " + b"x" * 10_000),
        drip(0.01, b"HTTP/1.1 200 OK\r\nContent-Length: 10000\r\n\r\n" + b"x" * 10_000),
    ],
    ids=["hang", "drip of the head", "drip of the body"],
)
async def test_a_host_that_does_not_answer_ends_the_call(engine: FakeEngine, client: Client, fault: Any) -> None:
    """Without a deadline of the client the gateway's own holds, for the whole call (A5 53, B2 2)."""
    engine.on("GET", "/containers/json", fault)
    engine.on("POST", "/containers/{id}/pause", fault)

    late, unknown = await asyncio.gather(
        refusal(client.containers.ListContainers(LIST)), refusal(client.containers.PauseContainer(PAUSE))
    )

    assert (late.code, late.reason) == (grpc.StatusCode.DEADLINE_EXCEEDED, "HOST_TIMEOUT")
    assert late.message == "h1: the host did not respond within 1 s (limits.read_timeout_seconds)"
    assert "within 1 s (limits.write_timeout_seconds)" in unknown.message
    assert (unknown.code, unknown.reason) == (grpc.StatusCode.ABORTED, "OUTCOME_UNKNOWN")
    assert await engine.until(lambda: not engine.open_connections)


async def test_a_clients_own_deadline_has_details(engine: FakeEngine, client: Client) -> None:
    """Whatever the call is, it is DEADLINE_EXCEEDED; it blames no host, and the connection is closed."""
    held = {path: Held() for path in ("/containers/json", "/containers/{id}/pause", "/containers/{id}/export")}
    for path, hung in held.items():
        engine.on("POST" if "pause" in path else "GET", path, hung)

    refusals = await asyncio.gather(
        refusal(client.containers.ListContainers(LIST, timeout=3)),
        refusal(client.containers.PauseContainer(PAUSE, timeout=3)),
        until_refused(client.containers.ExportContainer(EXPORT, timeout=3)),
    )

    read, changed, (_, streamed) = refusals
    for refused in (read, changed, streamed):
        assert (refused.code, refused.reason) == (grpc.StatusCode.DEADLINE_EXCEEDED, "CLIENT_DEADLINE")
        assert refused.metadata["retry_safe"] == "false"
        assert "h1: " not in refused.message
    assert "whether the request took effect is not known" in changed.message
    for hung in held.values():
        await hung.gone.wait()


async def test_a_deadline_of_the_client_wins_over_the_gateways(engine: FakeEngine, client: Client) -> None:
    """A client that waits longer than the gateway would is not cut off."""
    held = Held()
    engine.on("GET", "/containers/json", held)

    call = asyncio.ensure_future(client.containers.ListContainers(LIST, timeout=60))
    await held.called.wait()
    done, _ = await asyncio.wait([call], timeout=1.5)  # the gateway's own deadline is 1 s
    held.exchange.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n[]")

    assert not done
    assert list((await call).containers) == []


async def test_progress_and_downloads_that_stop_end_the_call(engine: FakeEngine, client: Client) -> None:
    """A pull that stalls ends, and so does a download whose host stops (B2 39)."""
    engine.on("POST", "/images/create", chunks=[b'{"status":"Pulling"}\n'], hold=True)
    engine.on("GET", "/containers/{id}/export", chunks=[b"x" * 1000], hold=True)

    (progress, stalled), (_, stopped) = await asyncio.gather(
        until_refused(client.images.PullImage(PULL)), until_refused(client.containers.ExportContainer(EXPORT))
    )

    assert len(progress) == 1
    assert (stalled.code, stalled.reason) == (grpc.StatusCode.ABORTED, "OUTCOME_UNKNOWN")
    assert (stopped.code, stopped.reason) == (grpc.StatusCode.DEADLINE_EXCEEDED, "HOST_TIMEOUT")
    for refused in (stalled, stopped):
        assert "did not send anything within 1 s (limits.progress_idle_timeout_seconds)" in refused.message
    assert await engine.until(lambda: engine.open_connections <= 1)


async def test_a_clients_own_deadline_allows_silence(engine: FakeEngine, client: Client) -> None:
    """A registry can be silent for longer than the gateway allows: then only the client's deadline ends the call."""
    engine.on("POST", "/images/create", chunks=[b'{"status":"Pulling"}\n'], hold=True)
    engine.on("GET", "/containers/{id}/export", chunks=[b"x" * 1000], hold=True)

    (_, pull), (_, export) = await asyncio.gather(
        until_refused(client.images.PullImage(PULL, timeout=2)),
        until_refused(client.containers.ExportContainer(EXPORT, timeout=2)),
    )

    for refused in (pull, export):
        assert refused.code is grpc.StatusCode.DEADLINE_EXCEEDED
        assert refused.reason != "HOST_TIMEOUT"


# Cancellation


@pytest.mark.parametrize("kind", ["unary", "lines", "bytes"])
async def test_a_client_that_leaves_closes_the_connection_to_the_host(
    engine: FakeEngine, client: Client, kind: str
) -> None:
    """It is closed at once: the engine can stop its work."""
    begin = Held() if kind == "unary" else Held(lambda exchange: exchange.head(200, {"Transfer-Encoding": "chunked"}))
    for path in ("/containers/json", "/containers/{id}/export"):
        engine.on("GET", path, begin)
    engine.on("POST", "/images/create", begin)
    calls: dict[str, Callable[[], Any]] = {
        "unary": lambda: client.containers.ListContainers(LIST),
        "lines": lambda: client.images.PullImage(PULL),
        "bytes": lambda: client.containers.ExportContainer(EXPORT),
    }
    call = calls[kind]()
    await begin.called.wait()
    call.cancel()

    await begin.gone.wait()
    assert await call.code() is grpc.StatusCode.CANCELLED


async def test_a_reader_that_stalls_makes_the_engine_wait(engine: FakeEngine, client: Client) -> None:
    """A download waits for its client, in bounded memory, and comes whole (A5 67)."""
    total = 128 << 20
    body = LargeBody(total)
    engine.on("GET", "/containers/{id}/export", body)
    call = client.containers.ExportContainer(EXPORT)
    parts = aiter(call)
    first = await anext(parts)
    await body.stalled.wait()

    assert body.sent < total // 2
    assert len(first.data) + sum([len(part.data) async for part in parts]) == total
