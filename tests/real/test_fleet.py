"""Many real hosts as one: questions, batches, streams, copies and services over engines of several versions."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Callable
from typing import Any

import grpc
import pytest
from dockfleet.fleet.v1 import fleet_pb2 as pb
from dockfleet.fleet.v1 import hosts_pb2, selectors_pb2
from dockfleet.v1 import common_pb2, container_config_pb2, containers_pb2, images_pb2, system_pb2
from google.protobuf.duration_pb2 import Duration
from google.rpc.error_details_pb2 import BadRequest

from deploy.private_engines.engine import PrivateEngine
from gateway.config.settings import HostSettings
from tests.real.support import IMAGE, Containers, Fleet, until
from tests.support.gateway import Client, failed, gateway_of
from tests.support.oci import index_archive

ALL = selectors_pb2.HostSelector(all=True)


@pytest.fixture(scope="module")
async def client(fleet: Fleet) -> AsyncIterator[Client]:
    """A client of a gateway that keeps inventories of all hosts."""
    fleet.need("private")
    async with gateway_of(*fleet.hosts.values(), inventory=True, health_check_interval_seconds=1) as client:
        await until(lambda: is_known(client))
        yield client


async def is_known(client: Client) -> bool:
    """Whether the gateway knows the containers of all hosts."""
    request = pb.FindContainersRequest(hosts=ALL, containers=selectors_pb2.ContainerSelector(all=True))
    _, summary = await answers(client.fleet.FindContainers(request))
    return bool(summary.answered == summary.selected)


@pytest.fixture
async def everywhere(client: Client, fleet: Fleet) -> AsyncIterator[dict[str, Containers]]:
    """What makes containers on each host; all bear one label of this test alone."""
    label = f"dockfleet.test={uuid.uuid4()}"
    makers = {name: Containers(client, name) for name in fleet.hosts}
    for maker in makers.values():
        maker.label = label
    yield makers
    await asyncio.gather(*(maker.remove_all() for maker in makers.values()))


def labelled(makers: dict[str, Containers], **more: Any) -> selectors_pb2.ContainerSelector:
    """Select the containers of a test."""
    key, _, value = next(iter(makers.values())).label.partition("=")
    requirement = selectors_pb2.LabelRequirement(key=key, operator=selectors_pb2.LABEL_OPERATOR_EQUAL, values=[value])
    return selectors_pb2.ContainerSelector(labels=[requirement], **more)


async def responses(call: Any) -> list[Any]:
    """Return all responses of a stream."""
    return [response async for response in call]


async def answers(call: Any) -> tuple[dict[str, Any], Any]:
    """Return the answers to a question, by host, and the summary."""
    found: dict[str, Any] = {}
    summary = None
    async for response in call:
        found |= {answer.host: answer for answer in response.answers}
        summary = response.summary if response.HasField("summary") else summary
    return found, summary


async def results(call: Any) -> tuple[list[Any], Any]:
    """Return the results of a batch, and the summary."""
    found, summary = [], None
    async for response in call:
        found += response.results
        summary = response.summary if response.HasField("summary") else summary
    return found, summary


# Questions


async def test_every_host_answers_a_question(client: Client, fleet: Fleet) -> None:
    """The answers hold what each engine says itself."""
    found, summary = await answers(
        client.fleet.GetVersion(pb.GetVersionRequest(hosts=ALL, request=system_pb2.GetVersionRequest()))
    )

    assert found.keys() == fleet.hosts.keys()
    assert (summary.selected, summary.answered, list(summary.failures)) == (len(fleet.hosts), len(fleet.hosts), [])
    for name, answer in found.items():
        own = await client.system.GetVersion(system_pb2.GetVersionRequest(host=name))
        assert answer.response.version.version == own.version.version


async def test_lists_of_all_hosts_come_from_the_inventories(client: Client, everywhere: dict[str, Containers]) -> None:
    """They hold what was created a moment ago, and say where they come from."""
    made = {name: await maker.create("true") for name, maker in everywhere.items()}
    filters = next(iter(everywhere.values())).filters
    request = containers_pb2.ListContainersRequest(all=True, filters=filters)

    found, summary = await answers(client.fleet.ListContainers(pb.ListContainersRequest(hosts=ALL, request=request)))

    assert {name: [one.id for one in answer.response.containers] for name, answer in found.items()} == {
        name: [id] for name, id in made.items()
    }
    assert summary.answered == len(made)
    sources = {answer.response.freshness.source for answer in found.values()}
    assert sources == {common_pb2.ANSWER_SOURCE_INVENTORY}


async def test_containers_are_found_by_name_id_label_and_port(
    client: Client, everywhere: dict[str, Containers]
) -> None:
    """Where is it?  A name that nothing has is named."""
    host = next(iter(everywhere))
    name = f"find-{uuid.uuid4().hex[:8]}"
    id = await everywhere[host].create("true", name=name)

    for selector in (
        selectors_pb2.ContainerSelector(names=[name]),
        selectors_pb2.ContainerSelector(names=[f"*{name[2:]}"]),
        selectors_pb2.ContainerSelector(names=[id[:12]]),
        labelled(everywhere, states=["created"]),
    ):
        found, summary = await answers(
            client.fleet.FindContainers(pb.FindContainersRequest(hosts=ALL, containers=selector))
        )
        assert {name: [one.id for one in answer.containers] for name, answer in found.items()} == {host: [id]}
        assert list(summary.unmatched_names) == []
    nobody = selectors_pb2.ContainerSelector(names=["nobody-is-called-so"])
    found, summary = await answers(client.fleet.FindContainers(pb.FindContainersRequest(hosts=ALL, containers=nobody)))
    assert (found, list(summary.unmatched_names)) == ({}, ["nobody-is-called-so"])


@pytest.mark.parametrize(
    ("request_", "field"),
    [
        (pb.PingRequest(), "hosts"),
        (pb.PingRequest(hosts=selectors_pb2.HostSelector()), "hosts"),
        (pb.PingRequest(hosts=ALL, request=system_pb2.PingRequest(host="one")), "request.host"),
        (pb.PingRequest(hosts=ALL, host_timeout=Duration(seconds=-1)), "host_timeout"),
    ],
)
async def test_a_malformed_question_is_refused_as_a_whole(client: Client, request_: Any, field: str) -> None:
    """The error names the field; no host is asked."""
    with pytest.raises(grpc.aio.AioRpcError) as raised:
        await responses(client.fleet.Ping(request_))

    error = failed(raised.value)
    assert (error.code, error.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "INVALID_FIELD")
    assert error.detail(BadRequest).field_violations[0].field == field


async def test_what_is_wrong_in_the_request_of_each_host_is_named_with_its_path(client: Client) -> None:
    """The engines are not asked."""
    request = containers_pb2.ListContainersRequest(filters={"nope": common_pb2.StringList(items=["x"])})

    with pytest.raises(grpc.aio.AioRpcError) as raised:
        await responses(client.fleet.ListContainers(pb.ListContainersRequest(hosts=ALL, request=request)))

    assert failed(raised.value).code is grpc.StatusCode.INVALID_ARGUMENT


# Batches


async def test_a_batch_changes_all_that_are_selected_and_reports_each(
    client: Client, everywhere: dict[str, Containers]
) -> None:
    """First a dry run names the same targets and changes nothing."""
    started = {await maker.start("sleep", "60") for maker in everywhere.values() for _ in range(2)}
    request = containers_pb2.StopContainerRequest(timeout_seconds=0)
    wanted = pb.StopContainersRequest(hosts=ALL, containers=labelled(everywhere), request=request)

    wanted.batch.dry_run = True
    planned, summary = await results(client.fleet.StopContainers(wanted))
    assert {result.target.container_id for result in planned} == started
    assert (summary.succeeded, summary.failed, summary.skipped) == (0, 0, len(started))
    states = {(await maker.inspect(id)).state.status for maker in everywhere.values() for id in await maker.all_ids()}
    assert states == {"running"}

    wanted.batch.dry_run = False
    done, summary = await results(client.fleet.StopContainers(wanted))
    assert {result.target.container_id for result in done if result.HasField("response")} == started
    assert (summary.succeeded, summary.failed, summary.skipped) == (len(started), 0, 0)
    states = {(await maker.inspect(id)).state.status for maker in everywhere.values() for id in await maker.all_ids()}
    assert states == {"exited"}


async def test_a_target_that_fails_has_the_failure_of_its_host(
    client: Client, everywhere: dict[str, Containers]
) -> None:
    """The other targets are still changed."""
    names = list(everywhere)
    running = await everywhere[names[0]].start("sleep", "60")
    created = await everywhere[names[1]].create("true")
    request = pb.PauseContainersRequest(hosts=ALL, containers=labelled(everywhere))

    done, summary = await results(client.fleet.PauseContainers(request))

    by_id = {result.target.container_id: result for result in done}
    assert by_id[running].HasField("response")
    assert by_id[created].failure.host == names[1]
    assert by_id[created].failure.reason == common_pb2.ERROR_REASON_CONFLICT
    assert (summary.succeeded, summary.failed) == (1, 1)
    await results(
        client.fleet.UnpauseContainers(
            pb.UnpauseContainersRequest(hosts=ALL, containers=labelled(everywhere, states=["paused"]))
        )
    )


async def test_a_container_runs_on_every_host(client: Client, everywhere: dict[str, Containers]) -> None:
    """The results of a host are those of RunContainer; the last one is marked."""
    label = next(iter(everywhere.values())).label.partition("=")
    spec = container_config_pb2.ContainerSpec(image=IMAGE, cmd=["echo", "agent"], labels={label[0]: label[2]})
    spec.host_config.network_mode = "none"
    request = pb.RunContainersRequest(
        hosts=ALL, request=containers_pb2.RunContainerRequest(config=spec, pull=containers_pb2.PULL_POLICY_NEVER)
    )

    done, summary = await results(client.fleet.RunContainers(request))

    assert summary.succeeded == len(everywhere)
    for name in everywhere:
        own = [result for result in done if result.target.host == name]
        assert [result.last for result in own] == [False] * (len(own) - 1) + [True]
        assert b"".join(each.response.output.data for each in own) == b"agent\n"
        assert own[-1].response.end.exit_code == 0


async def test_a_container_is_placed_on_the_host_with_the_least_in_use(
    client: Client, everywhere: dict[str, Containers]
) -> None:
    """The answer says which host that is, and why."""
    names = [name for name in everywhere if name != "podman"]
    busy = names[0]
    for _ in range(3):
        await everywhere[busy].start("sleep", "60")
    label = everywhere[busy].label.partition("=")
    spec = container_config_pb2.ContainerSpec(image=IMAGE, cmd=["true"], labels={label[0]: label[2]})
    spec.host_config.network_mode = "none"
    request = pb.RunContainerRequest(
        hosts=selectors_pb2.HostSelector(names=names),
        request=containers_pb2.RunContainerRequest(config=spec, pull=containers_pb2.PULL_POLICY_NEVER),
    )

    came = await responses(client.fleet.RunContainer(request))

    placed = came[0].placed
    assert placed.host != busy
    assert placed.candidates[0].host == placed.host
    assert {each.host for each in placed.candidates} == set(names)
    assert placed.host in placed.explanation
    assert came[-1].response.end.exit_code == 0


# Streams


class Reader:
    """Reads merged logs, and continues with the last token."""

    def __init__(self, client: Client, request: pb.StreamLogsRequest) -> None:
        self._client = client
        self._request = request
        self.lines: list[tuple[str, int, int]] = []  # container, time in nanoseconds, number
        self.others: list[tuple[str, str]] = []  # host or container, and kind of record
        self.token = b""

    async def read(self, until: Any) -> None:
        """Read until *until* holds, or to the end."""
        self._request.resume_token = self.token
        call = self._client.fleet.StreamLogs(self._request)
        async for response in call:
            self.token = response.resume_token
            for record in response.records:
                kind = record.WhichOneof("record")
                if kind == "batch":
                    self.lines += [
                        (record.container_id, entry.time.ToNanoseconds(), int(entry.data))
                        for entry in record.batch.entries
                    ]
                else:
                    self.others.append((record.container_id or record.host, str(kind)))
            if until(self):
                break
        call.cancel()

    def numbers(self, id: str) -> list[int]:
        """What came of one container."""
        return [number for container, _, number in self.lines if container == id]


WRITER = "n=0; while [ $n -lt 300 ]; do n=$((n+1)); echo $n; [ $((n % 20)) = 0 ] && sleep 0.1; done"


async def test_logs_of_all_hosts_are_merged_in_the_order_of_their_times(
    client: Client, everywhere: dict[str, Containers]
) -> None:
    """Without following them, exactly; each log whole."""
    ids = [await maker.run("sh", "-c", WRITER) for maker in everywhere.values() for _ in range(2)]
    request = pb.StreamLogsRequest(hosts=ALL, containers=labelled(everywhere))
    reader = Reader(client, request)

    await reader.read(lambda reader: False)

    for id in ids:
        assert reader.numbers(id) == list(range(1, 301))
    times = [time for _, time, _ in reader.lines]
    assert times == sorted(times)
    assert sorted(reader.others) == sorted((id, "end") for id in ids)


async def test_merged_logs_continue_with_their_token(client: Client, everywhere: dict[str, Containers]) -> None:
    """Nothing is lost and nothing comes twice, wherever a response was the last; containers that start later join."""
    ids = [await maker.start("sh", "-c", WRITER) for maker in everywhere.values()]
    request = pb.StreamLogsRequest(
        hosts=ALL, containers=labelled(everywhere), request=containers_pb2.StreamLogsRequest(follow=True)
    )
    reader = Reader(client, request)
    for count in (50, 120, 200, 300):
        await reader.read(lambda reader, count=count: len(reader.lines) >= count)
    ids += [await maker.start("sh", "-c", WRITER) for maker in everywhere.values()]

    await reader.read(lambda reader: len(reader.lines) >= 300 * len(ids))

    for id in ids:
        assert reader.numbers(id) == list(range(1, 301))


async def test_events_of_all_hosts_are_merged(client: Client, everywhere: dict[str, Containers]) -> None:
    """In the order of their times; a token continues after the last response."""
    filters = next(iter(everywhere.values())).filters
    request = pb.StreamEventsRequest(hosts=ALL, request=system_pb2.StreamEventsRequest(filters=filters))
    request.max_wait.seconds = 60  # a host that is listened to later would not be in the token
    call = client.fleet.StreamEvents(request)
    await call.initial_metadata()
    for maker in everywhere.values():
        await maker.create("true")
    seen: list[Any] = []
    token = b""
    async for response in call:
        token = response.resume_token
        seen += [record for record in response.records if record.HasField("event")]
        if len(seen) >= 2:
            break
    call.cancel()
    await asyncio.gather(*(maker.create("true") for maker in everywhere.values()))
    request.resume_token = token
    call = client.fleet.StreamEvents(request)
    async for response in call:
        seen += [record for record in response.records if record.HasField("event")]
        if len(seen) >= 2 * len(everywhere):
            break
    call.cancel()

    assert sorted(record.host for record in seen) == sorted([*everywhere, *everywhere])
    assert len({(record.host, record.event.actor.id) for record in seen}) == len(seen)


async def test_stats_of_all_running_containers_come_in_one_stream(
    client: Client, everywhere: dict[str, Containers]
) -> None:
    """A container that is started later joins, one that ends leaves."""
    first = {await maker.start("sleep", "60") for maker in everywhere.values()}
    call = client.fleet.StreamStats(pb.StreamStatsRequest(hosts=ALL, containers=labelled(everywhere)))
    seen: set[str] = set()
    later, ended = "", False
    host = next(iter(everywhere))
    async for response in call:
        for record in response.records:
            if record.HasField("stats"):
                seen.add(record.container_id)
            elif record.HasField("not_running"):
                ended = record.container_id == later
        if first <= seen and not later:
            later = await everywhere[host].start("sh", "-c", "sleep 3")
        if ended:
            break
    call.cancel()

    assert first | {later} == seen


async def test_changes_of_containers_are_watched_and_resumed(
    client: Client, everywhere: dict[str, Containers], fleet: Fleet
) -> None:
    """First what there is, then each change; with a token only what has changed since."""
    host, maker = next(iter(everywhere.items()))
    before = await maker.create("sleep", "60")
    request = pb.WatchContainersRequest(hosts=ALL, containers=labelled(everywhere))
    call = client.fleet.WatchContainers(request)
    changes: list[Any] = []
    token = b""
    async for response in call:
        token = response.resume_token
        changes += response.changes
        if sum(change.HasField("synced") for change in changes) == len(fleet.hosts):
            break
    assert [(change.host, change.put.id) for change in changes if change.HasField("put")] == [(host, before)]
    await client.containers.StartContainer(containers_pb2.StartContainerRequest(host=host, id=before))
    states = []
    async for response in call:
        token = response.resume_token
        states += [change.put.state for change in response.changes if change.HasField("put")]
        if "running" in states:
            break
    call.cancel()

    kill = containers_pb2.RemoveContainerRequest(host=host, id=before, force=True)
    await client.containers.RemoveContainer(kill)
    request.resume_token = token
    call = client.fleet.WatchContainers(request)
    later: list[Any] = []
    async for response in call:
        later += response.changes
        if any(change.removed == before for change in later):
            break
    call.cancel()
    assert not any(change.HasField("forget") for change in later)


# Images and services


async def test_an_image_is_copied_to_all_hosts_without_a_registry(
    client: Client, fleet: Fleet, everywhere: dict[str, Containers]
) -> None:
    """Its id is the same everywhere; the second time all hosts have it."""
    source = next(iter(everywhere))
    name = f"copy-{uuid.uuid4().hex[:8]}:1"
    repo, _, tag = name.partition(":")
    maker = everywhere[source]
    container = await maker.run("sh", "-c", "head -c 9000000 /dev/urandom > /data")
    commit = images_pb2.CommitContainerRequest(host=source, container=container, repo=repo, tag=tag)
    image = (await client.images.CommitContainer(commit)).id
    request = pb.CopyImageRequest(host=source, image=name, to=ALL)
    try:
        done, summary = await results(client.fleet.CopyImage(request))

        copied = {result.host: result.copied.image_id for result in done if result.HasField("copied")}
        assert copied == {host: image for host in everywhere if host != source}
        assert (summary.succeeded, summary.failed) == (len(everywhere) - 1, 0)
        assert sum(result.HasField("progress") for result in done) >= len(copied)
        done, _ = await results(client.fleet.CopyImage(request))
        assert {result.host for result in done if result.HasField("present")} == copied.keys()
    finally:
        remove = images_pb2.RemoveImageRequest(name=name, force=True)
        await results(client.fleet.RemoveImages(pb.RemoveImagesRequest(hosts=ALL, request=remove)))


async def test_an_image_for_several_platforms_is_copied_between_image_stores(
    fleet: Fleet, start_engine: Callable[..., PrivateEngine]
) -> None:
    """containerd keeps the whole, and its id is that of the index; an older engine keeps its own platform, by another
    id.  Both have it the second time.
    """
    fleet.need("new")
    store = start_engine(
        "store", root=fleet.engines["new"].root, settings={"features": {"containerd-snapshotter": True}}
    )
    name, old = f"copy-{uuid.uuid4().hex[:8]}:1", fleet.hosts["one"]
    image, archive = index_archive(name, "amd64", "arm64")
    loaded = await asyncio.to_thread(store.request, "POST", "/images/load", archive)
    back = pb.CopyImageRequest(host=old.name, image=name, to=selectors_pb2.HostSelector(names=["store"]))
    async with gateway_of(HostSettings(name="store", address=store.address), old) as client:
        try:
            there = pb.CopyImageRequest(host="store", image=name, to=ALL)
            kinds = []
            for request in (there, there, back):
                done, _ = await results(client.fleet.CopyImage(request))
                kinds += [(each.WhichOneof("result"), each) for each in done if not each.HasField("progress")]
        finally:
            await client.images.RemoveImage(images_pb2.RemoveImageRequest(host=old.name, name=name))

    assert loaded[0] == 200
    assert [kind for kind, _ in kinds] == ["copied", "present", "present"], kinds
    (_, copied), (_, present), (_, again) = kinds
    assert copied.copied.image_id == present.present.image_id != image
    assert again.present.image_id == image


async def test_a_service_is_found_while_it_runs(client: Client, everywhere: dict[str, Containers]) -> None:
    """By its label, with address and port; it is gone when the container stops."""
    host, maker = next(iter(everywhere.items()))
    service = f"svc-{uuid.uuid4().hex[:8]}"
    key, _, value = maker.label.partition("=")
    config = container_config_pb2.HostConfig(network_mode="bridge")
    config.port_bindings["80/tcp"].items.add(host_port="", host_ip="0.0.0.0")
    labels = {key: value, "dockfleet.service": service}
    request = pb.DiscoverServicesRequest(hosts=ALL, services=[service])
    watch = client.fleet.WatchServices(pb.WatchServicesRequest(services=request))
    async for response in watch:
        if response.synced:
            break
    id = await maker.start("sleep", "60", labels=labels, host_config=config, exposed_ports=["80/tcp"])

    found = list((await client.fleet.DiscoverServices(request)).endpoints)

    assert [(each.host, each.container_id, each.container_port) for each in found] == [(host, id, 80)]
    assert found[0].address == "127.0.0.1"
    assert found[0].port > 0
    await client.containers.KillContainer(containers_pb2.KillContainerRequest(host=host, id=id))
    changes = []
    async for response in watch:
        changes += [change.WhichOneof("change") for change in response.changes]
        if changes[-1:] == ["removed"]:
            break
    watch.cancel()
    assert changes[0] == "put"
    assert list((await client.fleet.DiscoverServices(request)).endpoints) == []


# Hosts that hang


async def test_a_host_that_hangs_is_named_and_its_old_rows_are_shown(fleet: Fleet) -> None:
    """A list has them with the failure; a batch fails its targets without a wait; the other hosts are served."""
    fleet.need("new")
    hosts = {name: fleet.hosts[name] for name in ("one", "new")}
    async with gateway_of(*hosts.values(), inventory=True, health_check_interval_seconds=1) as client:
        makers = {name: Containers(client, name) for name in hosts}
        makers["new"].label = makers["one"].label
        ids = {name: await maker.start("sleep", "120") for name, maker in makers.items()}
        request = containers_pb2.ListContainersRequest(filters=makers["one"].filters)
        listing = pb.ListContainersRequest(hosts=ALL, request=request)
        await answers(client.fleet.ListContainers(listing))
        fleet.engines["new"].pause()
        try:
            await until(lambda: is_down(client, "new"))

            found, summary = await answers(client.fleet.ListContainers(listing))
            stop = pb.StopContainersRequest(hosts=ALL, containers=labelled(makers))
            stop.request.timeout_seconds = 0
            done, stopped = await results(client.fleet.StopContainers(stop))
        finally:
            fleet.engines["new"].resume()
        await until(lambda: is_up(client, "new"))
        await asyncio.gather(*(maker.remove_all() for maker in makers.values()))

    rows = {name: [row.id for row in answer.response.containers] for name, answer in found.items()}
    assert rows == {name: [id] for name, id in ids.items()}
    assert not found["one"].HasField("failure")
    assert found["new"].failure.host == "new"
    assert (summary.selected, summary.answered) == (2, 1)
    assert [each.host for each in summary.failures] == ["new"]
    by_host = {result.target.host: result for result in done}
    assert by_host["one"].HasField("response")
    assert by_host["new"].target.container_id == ids["new"]
    assert by_host["new"].failure.reason != 0
    assert (stopped.succeeded, stopped.failed, [each.host for each in stopped.failures]) == (1, 1, ["new"])


async def state_of(client: Client, name: str) -> int:
    """Return the state of a host."""
    return (await client.hosts.GetHost(hosts_pb2.GetHostRequest(host=name))).host.state


async def is_down(client: Client, name: str) -> bool:
    """Whether a host is known to be down."""
    return await state_of(client, name) == hosts_pb2.HOST_STATE_DOWN


async def is_up(client: Client, name: str) -> bool:
    """Whether a host is up."""
    return await state_of(client, name) == hosts_pb2.HOST_STATE_UP
