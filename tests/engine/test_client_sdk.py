"""One engine: the methods of the docker SDK on our transport, and what the machine's configuration does not do."""

from __future__ import annotations

import asyncio
import base64
import json
import ssl
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import trustme
from docker import APIClient
from docker.errors import APIError, NotFound

from gateway.engine.client import Call, Endpoint, Engine
from gateway.engine.errors import BadResponse, TimedOut
from gateway.engine.transport.http import Request
from gateway.engine.transport.pool import Limits
from tests.support.fake_engine import FakeEngine
from tests.support.upstream import CONTAINER, EXEC, Held, address_of, engine_at

# Methods of the SDK


@pytest.fixture(params=["unix", "tcp", "tls"])
async def host(request: pytest.FixtureRequest) -> AsyncIterator[tuple[FakeEngine, Engine]]:
    """A scripted engine with a container and an exec, over every transport, and the gateway's engine of it."""
    server, client = None, None
    if request.param == "tls":
        authority = trustme.CA()
        server, client = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        authority.issue_cert("127.0.0.1").configure_cert(server)
        authority.configure_trust(client)
    port = None if request.param == "unix" else 0
    async with FakeEngine(port=port, tls=server) as fake, engine_at(fake.address, tls=client) as engine:
        fake.on("GET", "/containers/{id}/json", json={"Id": CONTAINER, "State": {"Running": True}})
        fake.on("GET", "/exec/{id}/json", json={"ID": EXEC, "ExitCode": 3})
        fake.on("GET", "/containers/json", json=[{"Id": CONTAINER}])
        fake.on("POST", "/containers/{id}/resize", status=200)
        yield fake, engine


async def test_methods_of_the_sdk_work_over_every_transport(host: tuple[FakeEngine, Engine]) -> None:
    """Reads and changes return the results of the SDK, on one connection."""
    fake, engine = host

    assert (await engine.call(APIClient.inspect_container, CONTAINER))["Id"] == CONTAINER
    assert (await engine.call(APIClient.exec_inspect, EXEC))["ExitCode"] == 3
    assert (await engine.call(APIClient.version))["ApiVersion"] == "1.41"
    assert await engine.call(APIClient.containers, all=True) == [{"Id": CONTAINER}]
    assert await engine.call(APIClient.ping) is True
    await engine.call(APIClient.resize, CONTAINER, height=24, width=80)

    assert dict(fake.requests[-1].query) == {"h": "24", "w": "80"}
    assert set(fake.requests[-1].headers) == {"host", "user-agent", "content-length"}
    assert fake.connections == 1


async def test_methods_of_the_sdk_run_at_the_same_time(host: tuple[FakeEngine, Engine]) -> None:
    """Sixty calls at once get their own answers, without a thread."""
    _, engine = host
    containers = [f"{number:064x}" for number in range(60)]

    async def inspect(exchange: Any) -> None:
        await asyncio.sleep(0)
        await exchange.answer(json={"Id": exchange.request.path.split("/")[2]})

    host[0].on("GET", "/containers/{id}/json", inspect)
    answers = await asyncio.gather(*(engine.call(APIClient.inspect_container, id) for id in containers))

    assert [answer["Id"] for answer in answers] == containers


@pytest.mark.parametrize(
    ("status", "body", "text"),
    [
        (404, b'{"message":"No such container: x"}', "No such container: x"),
        (404, b"404 page not found\n", "404 page not found"),
        (500, b'{"cause":"without a message"}', '{"cause":"without a message"}'),
        (500, b'["a list"]', '["a list"]'),
        (503, b"\xff\xfe", "\\xff\\xfe"),
    ],
)
async def test_errors_of_any_shape_are_the_sdks_exceptions(
    fake: FakeEngine, engine: Engine, status: int, body: bytes, text: str
) -> None:
    """Where the SDK itself raises a `KeyError` (sdk-notes 7), the engine's status and text are kept."""
    fake.on("GET", "/containers/{id}/json", status=status, body=body)

    with pytest.raises(NotFound if status == 404 else APIError) as failed:
        await engine.call(APIClient.inspect_container, CONTAINER)
    assert failed.value.status_code == status
    assert failed.value.explanation == text


@pytest.mark.parametrize("body", [b"", b"no json", b'{"a":', b"\xff\xfe\xfd"])
async def test_an_answer_to_the_sdk_that_is_no_json_is_a_bad_answer(
    fake: FakeEngine, engine: Engine, body: bytes
) -> None:
    """Not a defect of the gateway (A5 52)."""
    fake.on("GET", "/containers/{id}/json", body=body)

    with pytest.raises(BadResponse, match="JSON"):
        await engine.call(APIClient.inspect_container, CONTAINER)


async def test_a_method_that_is_cancelled_closes_its_connection(fake: FakeEngine, engine: Engine) -> None:
    """The cancellation reaches through the SDK."""
    held = Held()
    fake.on("GET", "/containers/{id}/json", held)
    call = asyncio.ensure_future(engine.call(APIClient.inspect_container, CONTAINER))
    await held.called.wait()
    call.cancel()

    await held.gone.wait()
    with pytest.raises(asyncio.CancelledError):
        await call


async def test_a_method_that_is_not_answered_is_given_up(fake: FakeEngine) -> None:
    """The SDK's calls have the time that every call has."""
    fake.on("GET", "/containers/{id}/json", Held())
    async with engine_at(fake.address, Limits(call_timeout_seconds=0.2)) as engine:
        with pytest.raises(TimedOut):
            await engine.call(APIClient.inspect_container, CONTAINER)


# What the environment does not do


async def test_the_machines_docker_configuration_stays_out_of_calls(
    fake: FakeEngine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No credentials, headers, proxies or detach keys of the machine reach an engine (A5 50, sdk-notes 7)."""
    auth = base64.b64encode(b"user:canary").decode()
    configuration = {
        "auths": {"https://index.docker.io/v1/": {"auth": auth}},
        "credsStore": "canary",
        "HttpHeaders": {"X-Canary": "canary"},
        "proxies": {"default": {"httpProxy": "http://canary:1"}},
        "detachKeys": "ctrl-c",
    }
    (tmp_path / "config.json").write_text(json.dumps(configuration))
    (tmp_path / ".netrc").write_text("default login canary password canary")
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    monkeypatch.setenv("NETRC", str(tmp_path / ".netrc"))
    monkeypatch.setenv("DOCKER_HOST", "tcp://127.0.0.1:1")
    fake.on("POST", "/images/create", lines=[])
    fake.on("GET", "/distribution/{name}/json", json={})
    async with engine_at(fake.address) as engine:
        await engine.call(APIClient.containers)
        await engine.call(APIClient.inspect_distribution, "busybox")
        async with engine.open(Call(Request("POST", "/images/create?fromImage=busybox"))) as (_, connection):
            await connection.read()

    assert len(fake.requests) == 4
    for request in fake.requests:
        assert not {"x-registry-auth", "x-registry-config", "x-canary", "authorization"} & set(request.headers)
        assert "canary" not in str(request)


@pytest.mark.parametrize("text", ["{", "[]", '{"auths": {"x": {"auth": "%%%"}}}', '{"auths": 5}', "\x00"])
def test_a_broken_docker_configuration_does_not_matter(
    text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An engine is made whatever the machine's own configuration is."""
    (tmp_path / "config.json").write_text(text)
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))

    assert Engine("h1", Endpoint("unix:///x", address_of("unix:///x"))).negotiated is None
