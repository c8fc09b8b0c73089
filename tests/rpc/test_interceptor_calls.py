"""What is counted and logged of calls that end in every way; strangers cannot make the metrics grow."""

from __future__ import annotations

import asyncio
import base64
import io
import json
from typing import Any

import grpc
import pytest
from dockfleet.v1 import common_pb2, containers_pb2, exec_pb2, images_pb2, system_pb2
from prometheus_client import generate_latest

from tests.support.fake_engine import FakeEngine
from tests.support.fixtures import client_fixture, engine_fixture
from tests.support.gateway import Client, gateway_of
from tests.support.upstream import EXEC, Held, cat, refusal, until

LIST = containers_pb2.ListContainersRequest(host="h1")


def script(engine: FakeEngine) -> None:
    """Have no containers."""
    engine.on("GET", "/containers/json", json=[])


engine = engine_fixture(script)
client = client_fixture()


def counted(client: Client, method: str) -> dict[str, float]:
    """Return what has been counted of a method of ContainerService or ExecService: by status, and otherwise."""
    found: dict[str, float] = {}
    for family in client.metrics.registry.collect():
        for sample in family.samples:
            is_its = sample.labels.get("grpc_method") == method and ".fleet." not in sample.labels["grpc_service"]
            if is_its and sample.name.endswith(("_total", "_seconds_count")):
                name = sample.name.removeprefix("grpc_server_").removesuffix("_total")
                found[sample.labels.get("grpc_code", name)] = sample.value
    return found


def difference(before: dict[str, float], after: dict[str, float]) -> dict[str, float]:
    """Return what has been added."""
    return {name: value - before.get(name, 0) for name, value in after.items() if value != before.get(name, 0)}


async def test_a_call_is_counted_once_with_its_status(engine: FakeEngine, client: Client) -> None:
    """Started, handled with a code, timed, and its messages."""
    before = counted(client, "ListContainers")
    await client.containers.ListContainers(LIST)
    engine.on("GET", "/containers/json", status=500, error="it broke")
    await refusal(client.containers.ListContainers(LIST))
    await refusal(client.containers.ListContainers(containers_pb2.ListContainersRequest()))

    await until(lambda: difference(before, counted(client, "ListContainers")).get("handling_seconds_count") == 3)
    assert difference(before, counted(client, "ListContainers")) == {
        "started": 3, "OK": 1, "Internal": 1, "InvalidArgument": 1, "handling_seconds_count": 3, "msg_received": 3,
        "msg_sent": 1,
    }  # fmt: skip


async def test_a_conversation_is_counted_by_its_messages(engine: FakeEngine, client: Client) -> None:
    """Every message of the client, and every one that it gets."""
    engine.on("POST", "/containers/{id}/exec", status=201, json={"Id": EXEC})
    engine.on("POST", "/exec/{id}/start", cat)
    engine.on("GET", "/exec/{id}/json", json={"Running": False, "ExitCode": 0})
    before = counted(client, "Exec")
    start = exec_pb2.ExecRequest(start=exec_pb2.ExecStart(host="h1", id="web", cmd=["cat"], attach_stdin=True))
    replies = [reply async for reply in client.exec.Exec(iter([start, exec_pb2.ExecRequest(stdin=b"x")]))]

    assert difference(before, counted(client, "Exec")) == {
        "started": 1, "OK": 1, "handling_seconds_count": 1, "msg_received": 2, "msg_sent": len(replies),
    }  # fmt: skip


@pytest.mark.parametrize("kind", ["unary", "stream", "stalled"])
async def test_a_client_that_leaves_is_counted_as_that_and_is_no_error(
    engine: FakeEngine, client: Client, kind: str, logged: io.StringIO
) -> None:
    """It ends in CANCELLED; nothing in the log looks like a failure of the gateway."""
    held = Held(lambda exchange: exchange.head(200, {"Transfer-Encoding": "chunked"}) if kind != "unary" else None)
    method = {"unary": "ListContainers", "stream": "ExportContainer", "stalled": "ExportContainer"}[kind]
    engine.on("GET", "/containers/json", held)
    engine.on("GET", "/containers/{id}/export", held)
    export = containers_pb2.ExportContainerRequest(host="h1", id="web")
    before = counted(client, method)
    call: Any = client.containers.ListContainers(LIST) if kind == "unary" else client.containers.ExportContainer(export)
    await held.called.wait()
    if kind == "stalled":
        for _ in range(300):
            held.exchange.write(b"10000\r\n" + b"x" * 65536 + b"\r\n")
        await call.read()
        await asyncio.sleep(0.2)  # until nothing more fits between the gateway and its client
    call.cancel()
    await held.gone.wait()
    await until(lambda: "handling_seconds_count" in difference(before, counted(client, method)))

    assert difference(before, counted(client, method))["Canceled"] == 1
    lines = [json.loads(line) for line in logged.getvalue().splitlines()]
    ours = [line for line in lines if line["logger"].startswith("gateway")]
    assert [line for line in ours if line["level"] in ("error", "warning")] == []


async def test_methods_that_do_not_exist_leave_no_series(client: Client) -> None:
    """Any number of invented methods counts in one series; none has a handler, or a line above debug (A5 16)."""
    await refusal(client.unary("/dockfleet.v1.ContainerService/Nothing")(b""))
    series = len(generate_latest(client.metrics.registry).splitlines())
    for number in range(300):
        path = f"/made.up.Service{number}/Method{number}"
        refused = await refusal(client.unary(path)(b""))
        assert refused.code is grpc.StatusCode.UNIMPLEMENTED

    assert len(generate_latest(client.metrics.registry).splitlines()) == series
    labels = {"grpc_type": "unary", "grpc_service": "unknown", "grpc_method": "unknown"}
    value = client.metrics.registry.get_sample_value
    assert value("grpc_server_started_total", labels) == 301
    assert value("grpc_server_handled_total", {**labels, "grpc_code": "Unimplemented"}) == 301


async def test_every_method_has_series_before_its_first_call(engine: FakeEngine) -> None:
    """So the first call is an increase; and no counter has a second series that says when it began."""
    async with gateway_of(engine.address, metrics_listen="127.0.0.1:0") as client:
        text = generate_latest(client.metrics.registry).decode()

    for metric, more in (("started", ""), ("handled", 'grpc_code="OK",')):
        labels = 'grpc_method="StopContainer",grpc_service="dockfleet.v1.ContainerService",grpc_type="unary"'
        assert f"grpc_server_{metric}_total{{{more}{labels}}} 0.0\n" in text
    assert "_created " not in text
    assert "_created{" not in text


@pytest.mark.parametrize("path", ["dockfleet.v1.SystemService/Ping", "//dockfleet.v1.SystemService/Ping",
                                  "/dockfleet.v1.SystemService/Ping/", "/DOCKFLEET.V1.SYSTEMSERVICE/PING",
                                  "/dockfleet.v1.SystemService/%50ing", "/"])  # fmt: skip
async def test_a_path_that_is_nearly_a_methods_is_none(engine: FakeEngine, client: Client, path: str) -> None:
    """There is one spelling of a method (A5 12)."""
    asked = len(engine.asked)
    request = system_pb2.PingRequest(host="h1").SerializeToString()

    refused = await refusal(client.unary(path)(request))

    assert refused.code is not grpc.StatusCode.OK
    assert len(engine.asked) == asked


async def test_objects_leave_no_series(engine: FakeEngine, client: Client) -> None:
    """Names and ids that come and go do not make the metrics grow (A5 73)."""
    engine.on("GET", "/containers/{id}/json", status=404, error="No such container")
    await refusal(client.containers.InspectContainer(containers_pb2.InspectContainerRequest(host="h1", id="first")))
    series = len(generate_latest(client.metrics.registry).splitlines())
    for number in range(200):
        request = containers_pb2.InspectContainerRequest(host="h1", id=f"name-{number}")
        await refusal(client.containers.InspectContainer(request))
        await refusal(client.system.Ping(system_pb2.PingRequest(host=f"host-{number}")))

    grown = len(generate_latest(client.metrics.registry).splitlines()) - series
    assert grown < 60  # the first Ping that finds no host is counted with its own labels
    assert b"name-199" not in generate_latest(client.metrics.registry)
    assert b"host-199" not in generate_latest(client.metrics.registry)


@pytest.mark.parametrize("host", ["a\nb", "\x1b]0;owned\x07", "\u202e gpj", '","level":"fake', "h1\u200b", "H1", "*"])
async def test_a_host_that_does_not_exist_stays_within_its_line(client: Client, logged: io.StringIO, host: str) -> None:
    """There is no wildcard and no other spelling of a host, and its name is a value like any other (A5 27, 71)."""
    refused = await refusal(client.system.Ping(system_pb2.PingRequest(host=host)))

    assert (refused.code, refused.reason) == (grpc.StatusCode.NOT_FOUND, "UNKNOWN_HOST")
    assert refused.message.isprintable()
    await until(lambda: '"call"' in logged.getvalue())  # the status is sent first, and logged then
    calls = [line for line in map(json.loads, logged.getvalue().split("\n")[:-1]) if line["message"] == "call"]
    assert [line["host"] for line in calls] == [host]
    assert logged.getvalue().isascii()


SECRETS = ["pa55-word", "env-5ecret", "t0ken-identity", "t0ken-registry", "auth-ba5e64"]


async def test_secrets_go_only_to_the_engine(engine: FakeEngine, client: Client, logged: io.StringIO) -> None:
    """Credentials and environments are on the wire to the engine and nowhere else, whatever fails (A5 72)."""
    auth = common_pb2.AuthConfig(
        username="user", password=SECRETS[0], identity_token=SECRETS[2], registry_token=SECRETS[3], auth=SECRETS[4]
    )
    pull = images_pb2.PullImageRequest(host="h1", image="busybox", tag="latest", registry_auth=auth)
    create = exec_pb2.CreateExecRequest(host="h1", id="web", cmd=["env"], env=[f"PASSWORD={SECRETS[1]}"])
    check = system_pb2.CheckAuthRequest(host="h1", credentials=auth)
    failures = []
    faults: list[Any] = [{"error": "it broke"}, {"raw": b"no HTTP"}, {"status": 307, "headers": {"Location": "/"}}]
    for fault in faults:
        for path in ("/images/create", "/containers/{id}/exec", "/auth"):
            engine.on("POST", path, **fault)
        failures += [
            await refusal(client.images.PullImage(pull)),
            await refusal(client.exec.CreateExec(create)),
            await refusal(client.system.CheckAuth(check)),
        ]

    bodies = b"".join(request.body for request in engine.requests if request.method == "POST")
    [header, *_] = [request.headers["x-registry-auth"] for request in engine.requests if "images" in request.path]
    sent = bodies + base64.urlsafe_b64decode(header)
    assert [secret for secret in SECRETS if secret.encode() not in sent] == []
    for trace in (logged.getvalue(), repr(failures), generate_latest(client.metrics.registry).decode()):
        assert not [secret for secret in SECRETS if secret in trace]
