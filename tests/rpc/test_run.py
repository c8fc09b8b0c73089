"""Running a container in one call: pull, create, attach, start, output, exit, and removal after a failure."""

from __future__ import annotations

import asyncio
import base64
import json
from typing import Any

import grpc
import pytest
from dockfleet.v1 import common_pb2, container_config_pb2, containers_pb2, system_pb2

from tests.support.fake_engine import FakeEngine, ResponseParser, frame, torn
from tests.support.fixtures import client_fixture, engine_fixture
from tests.support.gateway import Client, failed
from tests.support.upstream import CONTAINER, Held, refusal, until_refused, writes

WAIT = "/containers/{id}/wait"
MADE = f"/containers/{CONTAINER}"


def request(**fields: Any) -> containers_pb2.RunContainerRequest:
    """Return the request to run `busybox`."""
    config = container_config_pb2.ContainerSpec(image="busybox", cmd=["echo", "hello"])
    asked: dict[str, Any] = {"host": "h1", "config": config} | fields
    return containers_pb2.RunContainerRequest(**asked)


def script(engine: FakeEngine) -> None:
    """Have containers that say hello and end with the exit code 7."""
    engine.on("POST", "/containers/create", status=201, json={"Id": CONTAINER, "Warnings": ["no swap"]})
    engine.on("POST", "/containers/{id}/attach", writes(frame(1, b"hello\n")))
    engine.on("POST", "/containers/{id}/start", status=204)
    engine.on("POST", WAIT, lines=[{"StatusCode": 7}])
    engine.on("POST", "/images/create", lines=[{"status": "Pulling"}, {"status": "Pulled"}])
    engine.on("DELETE", "/containers/{id}", status=204)


engine = engine_fixture(script, over=("unix", "tcp"))
client = client_fixture(write_timeout_seconds=1, read_timeout_seconds=1, progress_idle_timeout_seconds=1)


def asked(engine: FakeEngine) -> list[str]:
    """Return what the engine was asked, in order."""
    return [f"{request.method} {request.path}" for request in engine.asked]


def events(replies: list[Any]) -> list[str]:
    """Return what the replies are about, one of each kind in a row."""
    names = [reply.WhichOneof("record") for reply in replies]
    return [name for number, name in enumerate(names) if number == 0 or names[number - 1] != name]


# From start to exit


async def test_a_run_attaches_before_it_starts(engine: FakeEngine, client: Client) -> None:
    """Neither output nor exit code of the shortest process can be missed."""
    replies = [reply async for reply in client.containers.RunContainer(request(name="hello"))]

    assert events(replies) == ["created", "started", "output", "end"]
    assert (replies[0].created.id, list(replies[0].created.warnings)) == (CONTAINER, ["no swap"])
    assert replies[2].output.data == b"hello\n"
    assert replies[-1].end.exit_code == 7
    assert asked(engine) == [
        "POST /containers/create", f"POST {MADE}/attach", f"POST {MADE}/wait", f"POST {MADE}/start",
    ]  # fmt: skip
    create = await engine.request("POST", "/containers/create")
    assert dict(create.query) == {"name": "hello"}
    assert json.loads(create.body) == {"Image": "busybox", "Cmd": ["echo", "hello"]}
    assert dict((await engine.request("POST", WAIT)).query) == {"condition": "next-exit"}


async def test_output_of_any_kind_is_delivered(engine: FakeEngine, client: Client) -> None:
    """Words like those of an engine that could not start an exec are output of the container."""
    words = b"OCI runtime exec failed: says who\n"
    engine.on("POST", "/containers/{id}/attach", writes(frame(1, words), frame(2, b"x" * 600_000)))

    replies = [reply async for reply in client.containers.RunContainer(request())]

    assert b"".join(reply.output.data for reply in replies) == words + b"x" * 600_000
    assert max(len(reply.output.data) for reply in replies) <= 256 << 10


async def test_a_detached_run_ends_after_the_start(engine: FakeEngine, client: Client) -> None:
    """Nothing reads the output, and the container continues to run."""
    replies = [reply async for reply in client.containers.RunContainer(request(detach=True))]

    assert events(replies) == ["created", "started"]
    assert asked(engine) == ["POST /containers/create", f"POST {MADE}/start"]


async def test_an_image_that_is_not_there_is_pulled(engine: FakeEngine, client: Client) -> None:
    """With the caller's credentials and no others, one tag of it, and the container is created then."""
    engine.on("POST", "/containers/create", status=404, error="No such image: busybox:latest", times=1)
    auth = common_pb2.AuthConfig(username="user", password="hidden")

    replies = [reply async for reply in client.containers.RunContainer(request(registry_auth=auth))]

    assert events(replies) == ["pull", "created", "started", "output", "end"]
    pull = await engine.request("POST", "/images/create")
    assert dict(pull.query) == {"fromImage": "busybox", "tag": "latest"}
    assert json.loads(base64.urlsafe_b64decode(pull.headers["x-registry-auth"])) == {
        "username": "user", "password": "hidden",
    }  # fmt: skip
    look = "GET /images/busybox/json"
    assert asked(engine)[:4] == ["POST /containers/create", look, "POST /images/create", "POST /containers/create"]


@pytest.mark.parametrize(
    ("platform", "image", "pulls"),
    [
        ("", {"Id": "i"}, False),
        ("linux/amd64", {"Os": "linux", "Architecture": "amd64"}, False),
        ("linux/arm64/v8", {"Os": "linux", "Architecture": "arm64"}, False),
        ("arm64", {"Os": "linux", "Architecture": "arm64"}, False),
        ("linux/arm64", {"Os": "linux", "Architecture": "amd64"}, True),
    ],
)
async def test_an_image_that_is_there_is_not_pulled_for_what_else_is_missing(
    engine: FakeEngine, client: Client, platform: str, image: dict[str, str], pulls: bool
) -> None:
    """Whatever the engine's words are: a volume plugin may be called `images`."""
    words = 'error looking up volume plugin images: plugin "images" not found'
    engine.on("POST", "/containers/create", status=404, error=words)
    engine.on("GET", "/images/{name}/json", json=image)
    asking = request(**({"platform": platform} if platform else {}))

    _, refused = await until_refused(client.containers.RunContainer(asking))

    assert (refused.code, refused.message) == (grpc.StatusCode.NOT_FOUND, f"h1: {words}")
    assert ("POST /images/create" in asked(engine)) == pulls


@pytest.mark.parametrize(
    ("removed", "error"),
    [
        ({"lines": [{"StatusCode": 0}]}, ""),
        ({"status": 404, "error": f"No such container: {CONTAINER}"}, ""),
        ({"lines": [{"StatusCode": 0, "Error": {"Message": "it is busy"}}]}, "it is busy"),
    ],
)
async def test_a_container_that_removes_itself_ends_with_its_exit_code_and_is_gone(
    engine: FakeEngine, client: Client, removed: Any, error: str
) -> None:
    """The code is that of the exit, because Podman reports 0 with a removal; the call ends after the removal."""

    async def wait(exchange: ResponseParser) -> None:
        next_exit = dict(exchange.request.query)["condition"] == "next-exit"
        await exchange.answer(**({"lines": [{"StatusCode": 3}]} if next_exit else removed))

    engine.on("POST", WAIT, wait)
    asking = request()
    asking.config.host_config.auto_remove = True

    replies = [reply async for reply in client.containers.RunContainer(asking)]

    assert (replies[-1].end.exit_code, replies[-1].end.error) == (3, error)
    assert asked(engine)[-1] == f"POST {MADE}/wait"
    assert dict(engine.requests[-1].query) == {"condition": "removed"}


@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        (containers_pb2.PULL_POLICY_ALWAYS, ["POST /images/create", "POST /containers/create"]),
        (containers_pb2.PULL_POLICY_NEVER, ["POST /containers/create"]),
    ],
)
async def test_when_to_pull_can_be_said(engine: FakeEngine, client: Client, policy: int, expected: list[str]) -> None:
    """Always pulls before anything else; never does not pull at all."""
    if policy == containers_pb2.PULL_POLICY_NEVER:
        engine.on("POST", "/containers/create", status=404, error="No such image: busybox:latest")
        refused = await refusal(client.containers.RunContainer(request(pull=policy)))
        assert refused.code is grpc.StatusCode.NOT_FOUND
    else:
        assert [reply async for reply in client.containers.RunContainer(request(pull=policy))]

    assert asked(engine)[: len(expected)] == expected
    assert len([line for line in asked(engine) if "images" in line]) == len(expected) - 1


# What fails before the start


async def test_a_pull_that_fails_creates_nothing(engine: FakeEngine, client: Client) -> None:
    """A failure within the pull is the failure of the run."""
    engine.on("POST", "/containers/create", status=404, error="No such image: busybox:latest")
    engine.on("POST", "/images/create", lines=[{"status": "Pulling"}, {"error": "toomanyrequests: slow down"}])

    replies, refused = await until_refused(client.containers.RunContainer(request()))

    assert events(replies) == ["pull"]
    assert (refused.code, refused.reason) == (grpc.StatusCode.RESOURCE_EXHAUSTED, "REGISTRY_LIMIT")
    assert asked(engine) == ["POST /containers/create", "GET /images/busybox/json", "POST /images/create"]


@pytest.mark.parametrize("auto_remove", [False, True])
async def test_a_container_that_can_not_be_started_stays_unless_it_removes_itself(
    engine: FakeEngine, client: Client, auto_remove: bool
) -> None:
    """Its owner may look at it; START_FAILED says what was wrong."""
    engine.on("POST", "/containers/{id}/start", status=400, error="OCI runtime create failed: no such file: unknown")
    engine.on("POST", WAIT, Held(lambda exchange: exchange.head(200, {"Transfer-Encoding": "chunked"})))
    asking = request()
    asking.config.host_config.auto_remove = auto_remove

    replies, refused = await until_refused(client.containers.RunContainer(asking))

    assert events(replies) == ["created"]
    assert (refused.code, refused.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "START_FAILED")
    assert (f"DELETE {MADE}" in asked(engine)) == auto_remove
    assert await engine.until(lambda: engine.open_connections <= 1)


@pytest.mark.parametrize("where", ["attach", "wait", "start"])
async def test_a_host_that_hangs_before_the_start_ends_the_call_and_the_container_is_removed(
    engine: FakeEngine, client: Client, where: str
) -> None:
    """Without a deadline of the client the gateway's own holds, and the outcome is open (B2 3)."""
    held = Held()
    engine.on("POST", f"/containers/{{id}}/{where}", held)

    replies, refused = await until_refused(client.containers.RunContainer(request()))

    assert events(replies) == ["created"]
    assert (refused.code, refused.reason) in [
        (grpc.StatusCode.ABORTED, "OUTCOME_UNKNOWN"), (grpc.StatusCode.DEADLINE_EXCEEDED, "HOST_TIMEOUT"),
    ]  # fmt: skip
    await held.gone.wait()
    removal = await engine.request("DELETE", "/containers/{id}")
    assert dict(removal.query) == {"force": "true", "v": "true"}


async def test_the_failure_of_a_run_is_kept_when_the_removal_fails_too(engine: FakeEngine, client: Client) -> None:
    """An engine that breaks at the start, and is gone then, leaves the outcome open; the call ends with that."""

    async def die(exchange: ResponseParser) -> None:
        exchange.close()

    engine.on("POST", "/containers/{id}/start", die)
    engine.on("DELETE", "/containers/{id}", die)
    await engine.request("GET", "/info")  # the host is up
    engine.on("GET", "/_ping", die)

    _, refused = await until_refused(client.containers.RunContainer(request()))

    assert (refused.code, refused.reason) == (grpc.StatusCode.ABORTED, "OUTCOME_UNKNOWN")
    assert refused.metadata["retry_safe"] == "false"


@pytest.mark.parametrize("where", ["/containers/create", "/containers/{id}/attach", "/containers/{id}/start"])
async def test_a_client_that_leaves_before_the_start_leaves_no_container(
    engine: FakeEngine, client: Client, where: str
) -> None:
    """A container that the engine makes for it, even after it has left, is removed."""
    begun, go_on = asyncio.Event(), asyncio.Event()

    async def slow(exchange: ResponseParser) -> None:
        begun.set()
        await go_on.wait()
        if where == "/containers/create":
            await exchange.answer(status=201, json={"Id": CONTAINER})

    engine.on("POST", where, slow)
    call = client.containers.RunContainer(request())
    reading = asyncio.ensure_future(call.read())
    await begun.wait()
    call.cancel()
    await client.system.Ping(system_pb2.PingRequest(host="h1"))  # which comes after the cancel
    go_on.set()

    removal = await engine.request("DELETE", "/containers/{id}")
    assert removal.path == MADE
    await asyncio.gather(reading, return_exceptions=True)


async def test_a_client_that_leaves_a_host_that_leaves_too_leaves_no_container(
    engine: FakeEngine, client: Client
) -> None:
    """The call is ended a second time while the engine makes the container, which is removed all the same."""
    begun, go_on = asyncio.Event(), asyncio.Event()

    async def slow(exchange: ResponseParser) -> None:
        begun.set()
        await go_on.wait()
        await exchange.answer(status=201, json={"Id": CONTAINER})

    engine.on("POST", "/containers/create", slow)
    call = client.containers.RunContainer(request())
    reading = asyncio.ensure_future(call.read())
    await begun.wait()
    call.cancel()
    await client.system.Ping(system_pb2.PingRequest(host="h1"))  # which comes after the cancel
    client.hosts_of_gateway.remove("h1")
    go_on.set()

    assert (await engine.request("DELETE", "/containers/{id}")).path == MADE
    await asyncio.gather(reading, return_exceptions=True)


async def test_a_client_that_leaves_after_the_start_leaves_the_container_alone(
    engine: FakeEngine, client: Client
) -> None:
    """The container continues to run; only the connections are closed."""
    running = Held(lambda exchange: exchange.upgrade(frame(1, b"$ ")))
    engine.on("POST", "/containers/{id}/attach", running)
    engine.on("POST", WAIT, Held(lambda exchange: exchange.head(200, {"Transfer-Encoding": "chunked"})))
    call = client.containers.RunContainer(request())
    async for reply in call:
        if reply.WhichOneof("record") == "output":
            break
    call.cancel()
    await running.gone.wait()
    assert await engine.until(lambda: engine.open_connections <= 1)

    assert f"DELETE {MADE}" not in asked(engine)


@pytest.mark.parametrize("id", ["../images", "", "a\n"])
async def test_a_container_without_an_id_is_a_bad_answer(engine: FakeEngine, client: Client, id: str) -> None:
    """The id would become a part of paths; nothing more is asked for."""
    engine.on("POST", "/containers/create", status=201, json={"Id": id})

    with pytest.raises(grpc.aio.AioRpcError) as caught:
        [reply async for reply in client.containers.RunContainer(request())]

    refused = failed(caught.value)
    assert (refused.code, refused.reason) == (grpc.StatusCode.INTERNAL, "BAD_ENGINE_RESPONSE")
    assert asked(engine)[-1] == "POST /containers/create"


# What fails after it


@pytest.mark.parametrize(
    ("waited", "code", "reason"),
    [
        ({"lines": [{"StatusCode": 1, "Error": {"Message": "it vanished"}}]}, None, "it vanished"),
        ({"body": b"no json"}, grpc.StatusCode.INTERNAL, "BAD_ENGINE_RESPONSE"),
        ({"body": b"[]"}, grpc.StatusCode.INTERNAL, "BAD_ENGINE_RESPONSE"),
    ],
)
async def test_the_end_is_that_of_the_engine(
    engine: FakeEngine, client: Client, waited: Any, code: Any, reason: str
) -> None:
    """An error of the engine is in the exit; an answer that is none fails the call and is no defect."""
    engine.on("POST", WAIT, **waited)

    if code is None:
        replies = [reply async for reply in client.containers.RunContainer(request())]
        assert (replies[-1].end.exit_code, replies[-1].end.error) == (1, reason)
    else:
        refused = await refusal(client.containers.RunContainer(request()))
        assert (refused.code, refused.reason) == (code, reason)


async def test_an_exit_that_breaks_off_leaves_the_outcome_open(engine: FakeEngine, client: Client) -> None:
    """Output that came is delivered; how the container ended is not known, and it is left alone."""
    engine.on("POST", WAIT, torn(b'{"StatusCode":7}', 9, chunked=True))

    replies, refused = await until_refused(client.containers.RunContainer(request()))

    assert events(replies) == ["created", "started", "output"]
    assert refused.code in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.ABORTED)
    assert f"DELETE {MADE}" not in asked(engine)


async def test_output_that_is_torn_is_no_end(engine: FakeEngine, client: Client) -> None:
    """An output that was not whole has no exit code."""
    engine.on("POST", "/containers/{id}/attach", writes(frame(1, b"whole"), frame(1, b"half")[:9]))

    replies, refused = await until_refused(client.containers.RunContainer(request()))

    assert "end" not in events(replies)
    assert (refused.code, refused.reason) == (grpc.StatusCode.DATA_LOSS, "BAD_ENGINE_RESPONSE")
