"""Questions and batches to many hosts, when hosts are slow, hung or gone: what each was asked, and what comes back."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import grpc
import pytest
from dockfleet.fleet.v1 import fleet_pb2 as pb
from dockfleet.fleet.v1 import hosts_pb2, selectors_pb2
from dockfleet.v1 import common_pb2, containers_pb2, images_pb2, system_pb2, volumes_pb2
from google.protobuf.duration_pb2 import Duration

from gateway.config.settings import HostSettings
from tests.fleet.support import UP, state_of
from tests.support.fake_engine import FakeEngine, hang
from tests.support.gateway import Client, failed, gateway_of
from tests.support.upstream import Held

ALL = selectors_pb2.HostSelector(all=True)
HOSTS = 4
QUICK = {"health_check_interval_seconds": 0.1, "health_check_timeout_seconds": 0.4}


@pytest.fixture
async def engines() -> AsyncIterator[list[FakeEngine]]:
    """Engines that answer, each of a version of its own."""
    async with AsyncExitStack() as stack:
        engines = [await stack.enter_async_context(FakeEngine()) for _ in range(HOSTS)]
        for number, engine in enumerate(engines):
            engine.on("GET", "/version", json={"Version": f"20.10.{number}", "ApiVersion": "1.41"})
            engine.on("DELETE", "/volumes/{name}", status=204)
        yield engines


@pytest.fixture
async def client(engines: list[FakeEngine]) -> AsyncIterator[Client]:
    """A client of a gateway in front of them: h0, h1 …; every second one has the label `even`."""
    hosts = [
        HostSettings(name=f"h{number}", address=engine.address, labels={} if number % 2 else {"even": "yes"})
        for number, engine in enumerate(engines)
    ]
    async with gateway_of(*hosts, health_check_interval_seconds=3600) as client:
        yield client


def version(**fields: Any) -> pb.GetVersionRequest:
    """A question to all hosts."""
    return pb.GetVersionRequest(**{"hosts": ALL, "request": system_pb2.GetVersionRequest()} | fields)


async def read(call: Any) -> tuple[list[Any], Any]:
    """Return the answers or the results of a call, in the order in which they came, and its summary."""
    items, summary = [], None
    async for response in call:
        items += [*getattr(response, "answers", ()), *getattr(response, "results", ())]
        assert summary is None, "the summary is the last response"
        summary = response.summary if response.HasField("summary") else None
    return items, summary


async def refused(call: Any) -> Any:
    """Return why a call fails."""
    with pytest.raises(grpc.aio.AioRpcError) as raised:
        await read(call)
    return failed(raised.value)


async def test_each_selected_host_is_asked_once(client: Client, engines: list[FakeEngine]) -> None:
    """The others are not."""
    requirement = selectors_pb2.LabelRequirement(key="even", operator=selectors_pb2.LABEL_OPERATOR_EXISTS)
    asked = version(hosts=selectors_pb2.HostSelector(labels=[requirement]))

    answers, summary = await read(client.fleet.GetVersion(asked))

    assert {answer.host: answer.response.version.version for answer in answers} == {
        "h0": "20.10.0",
        "h2": "20.10.2",
    }
    assert (summary.selected, summary.answered) == (2, 2)
    assert [sum(one.path == "/version" for one in engine.requests) for engine in engines] == [1, 0, 1, 0]


async def test_a_hung_host_costs_its_own_answer_alone(client: Client, engines: list[FakeEngine]) -> None:
    """The others answer at once; it is named when its time is over, in its answer and in the summary."""
    held = Held()
    engines[1].on("GET", "/version", held)

    answers, summary = await read(client.fleet.GetVersion(version(host_timeout=Duration(seconds=1))))

    assert {answer.host for answer in answers[:-1]} == {"h0", "h2", "h3"}
    assert answers[-1].host == "h1"
    assert not answers[-1].HasField("response")
    failure = answers[-1].failure
    assert (failure.code, failure.reason, failure.host) == (4, common_pb2.ERROR_REASON_HOST_TIMEOUT, "h1")
    assert "host_timeout" in failure.message
    assert failure.retry_safe
    assert [(each.host, each.failure) for each in summary.failures] == [("h1", failure)]
    assert (summary.selected, summary.answered) == (HOSTS, HOSTS - 1)


async def test_a_host_that_is_gone_is_named_with_its_reason(engines: list[FakeEngine], tmp_path: Path) -> None:
    """Unknown is not empty."""
    gone = f"unix://{tmp_path}/gone.sock"
    async with gateway_of(engines[0].address, gone, health_check_interval_seconds=3600) as client:
        answers, summary = await read(client.fleet.GetVersion(version()))

    by_host = {answer.host: answer for answer in answers}
    assert by_host["h1"].HasField("response")
    assert not by_host["h2"].HasField("response")
    assert by_host["h2"].failure.reason == common_pb2.ERROR_REASON_HOST_UNREACHABLE
    assert [each.host for each in summary.failures] == ["h2"]


async def test_a_client_that_leaves_ends_the_questions(client: Client, engines: list[FakeEngine]) -> None:
    """Each engine sees its connection close."""
    helds = [Held() for _ in engines]
    for engine, held in zip(engines, helds, strict=True):
        engine.on("GET", "/version", held)
    call = client.fleet.GetVersion(version())
    reading = asyncio.create_task(call.read())
    for held in helds:
        await held.called.wait()

    call.cancel()

    for held in helds:
        await held.gone.wait()
    with pytest.raises(asyncio.CancelledError):
        await reading


@pytest.mark.parametrize(
    ("selector", "code", "reason"),
    [
        (selectors_pb2.HostSelector(names=["h0", "nowhere"]), grpc.StatusCode.NOT_FOUND, "UNKNOWN_HOST"),
        (selectors_pb2.HostSelector(), grpc.StatusCode.INVALID_ARGUMENT, "INVALID_FIELD"),
        (selectors_pb2.HostSelector(all=True, names=["h0"]), grpc.StatusCode.INVALID_ARGUMENT, "INVALID_FIELD"),
    ],
)
async def test_a_selector_that_cannot_be_is_refused(
    client: Client, engines: list[FakeEngine], selector: Any, code: grpc.StatusCode, reason: str
) -> None:
    """No host is asked."""
    error = await refused(client.fleet.GetVersion(version(hosts=selector)))

    assert (error.code, error.reason) == (code, reason)
    assert not any(one.path == "/version" for engine in engines for one in engine.requests)


async def test_a_batch_reports_what_each_host_said(client: Client, engines: list[FakeEngine]) -> None:
    """A failure of one is no failure of the call."""
    engines[3].on("DELETE", "/volumes/{name}", status=409, json={"message": "volume is in use"})
    request = pb.RemoveVolumesRequest(hosts=ALL, request=volumes_pb2.RemoveVolumeRequest(name="cache"))

    results, summary = await read(client.fleet.RemoveVolumes(request))

    assert {result.target.host: result.WhichOneof("result") for result in results} == {
        **dict.fromkeys(("h0", "h1", "h2"), "response"),
        "h3": "failure",
    }
    assert all(result.last for result in results)
    assert next(result for result in results if result.target.host == "h3").failure.engine_status == 409
    assert (summary.succeeded, summary.failed, summary.skipped) == (3, 1, 0)


async def test_a_target_that_hangs_has_an_unknown_outcome(client: Client, engines: list[FakeEngine]) -> None:
    """The others are done long before."""
    held = Held()
    engines[0].on("DELETE", "/volumes/{name}", held)
    request = pb.RemoveVolumesRequest(hosts=ALL, request=volumes_pb2.RemoveVolumeRequest(name="cache"))
    request.batch.target_timeout.seconds = 1
    request.batch.parallelism = 2

    results, summary = await read(client.fleet.RemoveVolumes(request))

    assert [result.target.host for result in results][-1] == "h0"
    assert results[-1].failure.reason == common_pb2.ERROR_REASON_OUTCOME_UNKNOWN
    assert not results[-1].failure.retry_safe
    assert (summary.succeeded, summary.failed) == (3, 1)


async def test_a_batch_does_not_wait_for_a_host_that_turns_out_to_be_down(engines: list[FakeEngine]) -> None:
    """What was sent to it has an unknown outcome; nothing more is sent.  A prune may take an hour by itself."""
    held = Held()
    engines[0].on("POST", "/containers/prune", held)
    engines[1].on("POST", "/containers/prune", json={"ContainersDeleted": []})
    request = pb.PruneContainersRequest(hosts=ALL, request=containers_pb2.PruneContainersRequest())
    async with gateway_of(engines[0].address, engines[1].address, **QUICK) as client:
        for name in ("h1", "h2"):
            await state_of(client, name, UP)
        reading = asyncio.create_task(read(client.fleet.PruneContainers(request)))
        await held.called.wait()
        engines[0].on("GET", "/_ping", hang())
        results, summary = await reading

    by_host = {result.target.host: result for result in results}
    assert by_host["h2"].HasField("response")
    assert by_host["h1"].failure.reason == common_pb2.ERROR_REASON_OUTCOME_UNKNOWN
    assert "the host is down" in by_host["h1"].failure.message
    assert (summary.succeeded, summary.failed) == (1, 1)


async def test_a_host_that_leaves_during_a_batch_has_a_failure(engines: list[FakeEngine]) -> None:
    """Nothing is sent to another engine that has its name now, because it was not selected."""
    held = Held()
    engines[0].on("DELETE", "/volumes/{name}", held)
    async with gateway_of() as client:

        async def add(name: str, engine: FakeEngine) -> None:
            spec = hosts_pb2.HostSpec(name=name, address=engine.address)
            await client.hosts.AddHost(hosts_pb2.AddHostRequest(spec=spec))

        for name, engine in zip(("h0", "h1", "h2"), engines, strict=False):
            await add(name, engine)
        request = pb.RemoveVolumesRequest(hosts=ALL, request=volumes_pb2.RemoveVolumeRequest(name="cache"))
        request.batch.parallelism = 1
        reading = asyncio.create_task(read(client.fleet.RemoveVolumes(request)))
        await held.called.wait()
        await client.hosts.RemoveHost(hosts_pb2.RemoveHostRequest(host="h1"))
        await add("h1", engines[3])
        await client.hosts.RemoveHost(hosts_pb2.RemoveHostRequest(host="h0"))
        results, summary = await reading

    by_host = {result.target.host: result for result in results}
    assert by_host["h0"].failure.reason == common_pb2.ERROR_REASON_OUTCOME_UNKNOWN
    assert by_host["h1"].failure.reason == common_pb2.ERROR_REASON_HOST_REMOVED
    assert by_host["h2"].HasField("response")
    assert (summary.succeeded, summary.failed) == (1, 2)
    assert not any(one.method == "DELETE" for engine in (engines[1], engines[3]) for one in engine.requests)


async def test_a_batch_that_fails_too_often_stops(client: Client, engines: list[FakeEngine]) -> None:
    """The targets that are left are reported, and nothing is sent to them."""
    for engine in engines[:2]:
        engine.on("DELETE", "/volumes/{name}", status=500, json={"message": "broken"})
    request = pb.RemoveVolumesRequest(hosts=ALL, request=volumes_pb2.RemoveVolumeRequest(name="cache"))
    request.batch.parallelism, request.batch.max_failures = 1, 2

    results, summary = await read(client.fleet.RemoveVolumes(request))

    assert [result.WhichOneof("result") for result in results] == ["failure", "failure", "skipped", "skipped"]
    assert {result.skipped.reason for result in results[2:]} == {pb.SKIP_REASON_TOO_MANY_FAILURES}
    assert (summary.succeeded, summary.failed, summary.skipped) == (0, 2, 2)
    assert not any(one.method == "DELETE" for engine in engines[2:] for one in engine.requests)


async def test_a_dry_run_sends_nothing(client: Client, engines: list[FakeEngine]) -> None:
    """It names every target."""
    request = pb.RemoveVolumesRequest(hosts=ALL, request=volumes_pb2.RemoveVolumeRequest(name="cache"))
    request.batch.dry_run = True

    results, summary = await read(client.fleet.RemoveVolumes(request))

    assert [result.target.host for result in results] == ["h0", "h1", "h2", "h3"]
    assert {result.skipped.reason for result in results} == {pb.SKIP_REASON_DRY_RUN}
    assert summary.skipped == HOSTS
    assert not any(one.method == "DELETE" for engine in engines for one in engine.requests)


@pytest.mark.parametrize("dry_run", [False, True])
async def test_what_is_wrong_for_one_is_wrong_for_all(client: Client, engines: list[FakeEngine], dry_run: bool) -> None:
    """The call is refused, with the path of the field within the request, and so is a dry run."""
    request = pb.RemoveVolumesRequest(hosts=ALL, request=volumes_pb2.RemoveVolumeRequest(name=".."))
    request.batch.dry_run = dry_run

    error = await refused(client.fleet.RemoveVolumes(request))

    assert error.code is grpc.StatusCode.INVALID_ARGUMENT
    assert error.details[0].field_violations[0].field == "request.name"
    assert not any(one.method == "DELETE" for engine in engines for one in engine.requests)


@pytest.mark.parametrize("dry_run", [False, True])
@pytest.mark.parametrize("wrong", [{"config": {"image": ".."}}, {"config": {"image": "a"}, "name": "a/b"}, {}])
async def test_a_run_that_is_wrong_everywhere_is_refused(
    client: Client, engines: list[FakeEngine], dry_run: bool, wrong: dict[str, Any]
) -> None:
    """It is several requests of an engine; a dry run checks the one that creates the container."""
    request = pb.RunContainersRequest(hosts=ALL, request=containers_pb2.RunContainerRequest(**wrong, detach=True))
    request.batch.dry_run = dry_run

    error = await refused(client.fleet.RunContainers(request))

    assert error.code is grpc.StatusCode.INVALID_ARGUMENT
    assert error.details[0].field_violations[0].field.startswith("request.")
    assert not any(one.method == "POST" for engine in engines for one in engine.requests)


async def test_reports_of_progress_come_as_they_are_there(client: Client, engines: list[FakeEngine]) -> None:
    """A target has several results; the last is marked, and is the failure where it fails in the end."""
    done = [{"status": "Pulling", "id": "a"}, {"status": "Pull complete", "id": "a"}]
    for engine in engines:
        engine.on("POST", "/images/create", lines=done)
    engines[1].on("POST", "/images/create", lines=[done[0], {"errorDetail": {"message": "manifest unknown"}}])
    request = pb.PullImagesRequest(hosts=ALL, request=images_pb2.PullImageRequest(image="busybox", tag="1"))

    results, summary = await read(client.fleet.PullImages(request))

    for host in ("h0", "h1", "h2", "h3"):
        own = [result for result in results if result.target.host == host]
        assert [result.last for result in own] == [False] * (len(own) - 1) + [True]
        assert own[0].response.progress.status == "Pulling"
        assert own[-1].WhichOneof("result") == ("failure" if host == "h1" else "response")
    assert (summary.succeeded, summary.failed) == (3, 1)


async def test_a_host_that_leaves_ends_its_part_of_a_call(client: Client, engines: list[FakeEngine]) -> None:
    """The others answer as if nothing were."""
    held = Held()
    engines[1].on("GET", "/version", held)
    call = client.fleet.GetVersion(version(host_timeout=Duration(seconds=60)))
    reading = asyncio.create_task(read(call))
    await held.called.wait()

    client.hosts_of_gateway.remove("h1")
    answers, summary = await reading

    by_host = {answer.host: answer for answer in answers}
    assert by_host["h1"].failure.reason == common_pb2.ERROR_REASON_HOST_REMOVED
    assert summary.answered == HOSTS - 1
