"""What the typed methods send, and what they make of the answers.  Each scenario runs in both clients."""

from __future__ import annotations

import asyncio
import inspect
import io
import tarfile
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import dockfleet
import dockfleet.aio
import grpc
import pytest
from dockfleet.fleet.v1 import fleet_pb2, hosts_pb2
from dockfleet.fleet.v1 import selectors_pb2 as selectors
from dockfleet.selectors import requirement
from dockfleet.v1 import common_pb2 as common
from dockfleet.v1 import containers_pb2 as containers
from dockfleet.v1 import images_pb2 as images
from dockfleet.v1.container_config_pb2 import ContainerSpec
from google.protobuf.json_format import MessageToDict

from clients.python.tests.scripted_gateway import Gateway, drained, fail

Ask = Callable[[Callable[[Any], Any]], Any]


@pytest.fixture(params=["blocking", "asyncio"])
def ask(request: pytest.FixtureRequest, gateway: Gateway) -> Ask:
    """Call a method of a fleet, in one of the two clients, and return its result."""

    def blocking(call: Callable[[Any], Any]) -> Any:
        with dockfleet.connect(gateway.address) as fleet:
            result = call(fleet)
            return list(result) if isinstance(result, dockfleet.ResumingStream) else result

    async def aio(call: Callable[[Any], Any]) -> Any:
        async with dockfleet.aio.connect(gateway.address) as fleet:
            result = call(fleet)
            if isinstance(result, dockfleet.aio.ResumingStream):
                return [each async for each in result]
            return await result if inspect.isawaitable(result) else result

    return blocking if request.param == "blocking" else lambda call: asyncio.run(aio(call))


def tar_of(requests: Iterable[Any]) -> dict[str, bytes]:
    """The files in the tar of an upload."""
    data = b"".join(request.data for request in requests)
    with tarfile.open(fileobj=io.BytesIO(data)) as tar:
        return {each.name: file.read() for each in tar if (file := tar.extractfile(each)) is not None}


def tar(**files: bytes) -> bytes:
    """A tar with *files*."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name, data in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return buffer.getvalue()


def test_a_list_has_the_objects_and_the_whole_response(gateway: Gateway, ask: Ask) -> None:
    freshness = common.Freshness(source=common.ANSWER_SOURCE_INVENTORY)
    response = containers.ListContainersResponse(containers=[{"id": "1"}, {"id": "2"}], freshness=freshness)
    gateway.on("ListContainers", response)

    found = ask(lambda fleet: fleet.host("a").containers.list(all=True, filters={"label": "app=shop"}))

    assert [each.id for each in found] == ["1", "2"]
    assert found.response.freshness == freshness
    assert MessageToDict(gateway.requests[0]) == {
        "host": "a",
        "all": True,
        "filters": {"label": {"items": ["app=shop"]}},
    }


def test_get_returns_the_object(gateway: Gateway, ask: Ask) -> None:
    gateway.on("InspectContainer", containers.InspectContainerResponse(container={"id": "1"}))

    assert ask(lambda fleet: fleet.host("a").containers.get("web")).id == "1"
    assert gateway.requests[0] == containers.InspectContainerRequest(host="a", id="web")


def test_timeout_of_a_stop_is_the_grace_period_of_docker(gateway: Gateway, ask: Ask) -> None:
    """The deadline of the call is called `deadline`, and is not sent as a field."""
    gateway.on("StopContainer", containers.StopContainerResponse())

    ask(lambda fleet: fleet.host("a").containers.stop("web", timeout=2, deadline=30))

    assert gateway.requests[0] == containers.StopContainerRequest(host="a", id="web", timeout_seconds=2)


def test_run_returns_the_output_and_the_exit_code(gateway: Gateway, ask: Ask) -> None:
    gateway.on("RunContainer", ran(b"hi\n", exit_code=0))

    result = ask(lambda fleet: fleet.host("a").run("alpine", "echo hi", remove=True, mem_limit="64m"))

    assert result == ("c1", 0, b"hi\n", b"warned", "a")
    config = {"image": "alpine", "cmd": ["echo", "hi"], "host_config": {"auto_remove": True, "memory_bytes": 64 << 20}}
    assert gateway.requests[0] == containers.RunContainerRequest(host="a", config=config)


def ran(output: bytes, **end: Any) -> list[Any]:
    """What a gateway answers to a run."""
    answer = containers.RunContainerResponse
    return [
        answer(created={"id": "c1"}),
        answer(started={}),
        answer(output={"stream": common.STANDARD_STREAM_STDOUT, "data": output}),
        answer(output={"stream": common.STANDARD_STREAM_STDERR, "data": b"warned"}),
        answer(end=end),
    ]


def test_run_raises_when_the_container_fails(gateway: Gateway, ask: Ask) -> None:
    """The error has the result, and shows the end of standard error."""
    gateway.on("RunContainer", ran(b"hi\n", exit_code=3))

    with pytest.raises(dockfleet.ContainerFailed, match="a: container c1: exit code 3: warned") as caught:
        ask(lambda fleet: fleet.host("a").run("alpine", ["false"]))

    assert caught.value.result.stdout == b"hi\n"
    assert ask(lambda fleet: fleet.host("a").run("alpine", ["false"], check=False)).exit_code == 3


def test_run_raises_when_the_exit_code_is_not_known(gateway: Gateway, ask: Ask) -> None:
    gateway.on("RunContainer", ran(b"", unknown_reason="the engine stopped"))

    with pytest.raises(dockfleet.ContainerFailed, match="the engine stopped"):
        ask(lambda fleet: fleet.host("a").run("alpine"))


def test_a_detached_run_returns_the_id(gateway: Gateway, ask: Ask) -> None:
    gateway.on("RunContainer", ran(b"")[:2])

    assert ask(lambda fleet: fleet.host("a").run("alpine", detach=True, name="job")) == ("c1", None, b"", b"", "a")
    assert gateway.requests[0].detach
    assert gateway.requests[0].name == "job"


def test_create_takes_the_arguments_of_docker_py_and_a_config_beside(gateway: Gateway, ask: Ask) -> None:
    """They become one container; ports are exposed and published."""
    gateway.on("CreateContainer", containers.CreateContainerResponse(id="c1"))

    created = ask(
        lambda fleet: fleet.host("a").containers.create(
            "nginx",
            ports={"80/tcp": 8080},
            environment={"A": 1},
            volumes={"/srv": {"bind": "/srv", "mode": "ro"}},
            restart_policy={"Name": "on-failure", "MaximumRetryCount": 3},
            config={"host_config": {"shm_size_bytes": "1g"}, "Labels": {"a": "b"}},
        )
    )

    assert created.id == "c1"
    assert gateway.requests[0].config == ContainerSpec(
        image="nginx",
        env=["A=1"],
        labels={"a": "b"},
        exposed_ports=["80/tcp"],
        host_config={
            "binds": ["/srv:/srv:ro"],
            "port_bindings": {"80/tcp": {"items": [{"host_port": "8080"}]}},
            "restart_policy": {"name": "on-failure", "maximum_retry_count": 3},
            "shm_size_bytes": 1 << 30,
        },
    )


def test_what_is_in_the_config_and_among_the_arguments_is_refused(gateway: Gateway, ask: Ask) -> None:
    with pytest.raises(ValueError, match=r"config\.host_config\.network_mode is given twice"):
        ask(lambda fleet: fleet.host("a").run("alpine", network="x", config={"host_config": {"network_mode": "y"}}))

    assert gateway.requests == []


def test_a_pull_is_read_to_its_end(gateway: Gateway, ask: Ask) -> None:
    """Each report goes to `progress`."""
    reports = [common.Progress(id="1f", status="Pulling"), common.Progress(status="Status: Downloaded")]
    gateway.on("PullImage", [images.PullImageResponse(progress=each) for each in reports])
    seen: list[Any] = []

    result = ask(lambda fleet: fleet.host("a").images.pull("alpine", tag="3", progress=seen.append))

    assert result.statuses == ("Status: Downloaded",)
    assert seen == reports


def test_a_build_sends_the_directory_without_what_is_ignored(gateway: Gateway, ask: Ask, tmp_path: Path) -> None:
    reports = [common.Progress(stream="Step 1\n"), common.Progress(result={"id": "sha256:1"})]
    gateway.on("BuildImage", drained([images.BuildImageResponse(progress=each) for each in reports]))
    (tmp_path / "Dockerfile").write_text("FROM scratch\n")
    (tmp_path / ".dockerignore").write_text("*.log\n")
    (tmp_path / "app.log").write_text("x")
    (tmp_path / "app.py").write_text("y")

    result = ask(lambda fleet: fleet.host("a").build(tmp_path, tag="app:1", buildargs={"V": "2"}))

    start, *frames = gateway.requests
    assert (result.id, result.output) == ("sha256:1", "Step 1\n")
    assert start.start == images.BuildImageStart(
        host="a", tags=["app:1"], dockerfile="Dockerfile", build_args={"V": "2"}, remove_intermediate=True
    )
    assert sorted(tar_of(frames)) == [".dockerignore", "Dockerfile", "app.py"]


def test_a_copy_to_a_container_goes_into_a_directory_or_gets_the_name(
    gateway: Gateway, ask: Ask, tmp_path: Path
) -> None:
    """As `docker cp` does it."""
    (tmp_path / "app.conf").write_bytes(b"x")
    gateway.on("PutContainerArchive", drained(containers.PutContainerArchiveResponse()))
    gateway.on("StatContainerArchive", containers.StatContainerArchiveResponse(stat={"mode": 1 << 31}))
    ask(lambda fleet: fleet.host("a").copy_to("web", tmp_path / "app.conf", "/etc"))
    gateway.on("StatContainerArchive", lambda request, context: fail(context, reason="NOT_FOUND"))
    ask(lambda fleet: fleet.host("a").copy_to("web", str(tmp_path / "app.conf"), "/etc/new.conf"))

    uploads = [each for each in gateway.requests if isinstance(each, containers.PutContainerArchiveRequest)]
    starts = [index for index, each in enumerate(uploads) if each.HasField("start")]
    assert [uploads[index].start.path for index in starts] == ["/etc", "/etc"]
    assert tar_of(uploads[: starts[1]]) == {"app.conf": b"x"}
    assert tar_of(uploads[starts[1] :]) == {"new.conf": b"x"}


def test_a_copy_of_what_is_not_there_names_it(gateway: Gateway, ask: Ask, tmp_path: Path) -> None:
    gateway.on("StatContainerArchive", containers.StatContainerArchiveResponse())

    with pytest.raises(FileNotFoundError, match="nope does not exist"):
        ask(lambda fleet: fleet.host("a").copy_to("web", tmp_path / "nope", "/etc"))


def test_a_copy_from_a_container_gets_the_name_or_goes_into_a_directory(
    gateway: Gateway, ask: Ask, tmp_path: Path
) -> None:
    answer = containers.GetContainerArchiveResponse
    gateway.on("GetContainerArchive", [answer(stat={"name": "app.conf"}), answer(data=tar(**{"app.conf": b"x"}))])

    ask(lambda fleet: fleet.host("a").copy_from("web", "/etc/app.conf", tmp_path))
    ask(lambda fleet: fleet.host("a").copy_from("web", "/etc/app.conf", tmp_path / "mine"))

    assert (tmp_path / "app.conf").read_bytes() == (tmp_path / "mine").read_bytes() == b"x"


def test_a_list_of_the_fleet_has_hosts_objects_and_failures(gateway: Gateway, ask: Ask) -> None:
    """A host that does not respond is never missing in silence."""
    failure = common.Failure(
        code=grpc.StatusCode.UNAVAILABLE.value[0],
        reason=common.ERROR_REASON_HOST_UNREACHABLE,
        message="connection refused",
        host="b",
    )
    answer = fleet_pb2.ListContainersAnswer
    gateway.on(
        "fleet.ListContainers",
        [
            fleet_pb2.ListContainersResponse(answers=[answer(host="a", response={"containers": [{"id": "1"}]})]),
            fleet_pb2.ListContainersResponse(heartbeat={}),
            fleet_pb2.ListContainersResponse(
                answers=[answer(host="b", failure=failure)], summary={"failures": [{"host": "b", "failure": failure}]}
            ),
        ],
    )

    found = ask(lambda fleet: fleet.containers.list(hosts=["a", "b*"], host_label="site=n", label="app=shop", all=True))

    assert [(host, container.id) for host, container in found] == [("a", "1")]
    assert type(found.failures["b"]) is dockfleet.HostUnreachable
    assert repr(found) == "<1 of 2 hosts, no answer of b>"
    with pytest.raises(dockfleet.FleetFailed, match="b: HOST_UNREACHABLE: connection refused"):
        found.raise_failures()
    equal = selectors.LabelRequirement(key="site", operator=selectors.LABEL_OPERATOR_EQUAL, values=["n"])
    assert gateway.requests[0] == fleet_pb2.ListContainersRequest(
        hosts={"names": ["a", "b*"], "labels": [equal]},
        request={"all": True, "filters": {"label": {"items": ["app=shop"]}}},
    )


def test_a_host_that_is_remembered_is_in_the_list_and_among_the_failures(gateway: Gateway, ask: Ask) -> None:
    """What the gateway remembers is shown, and that it is old is said."""
    answer = fleet_pb2.ListContainersAnswer(
        host="b",
        response={"containers": [{"id": "1"}], "freshness": {"source": common.ANSWER_SOURCE_INVENTORY}},
        failure={"code": 14, "reason": common.ERROR_REASON_HOST_TIMEOUT, "message": "no answer", "host": "b"},
    )
    gateway.on("fleet.ListContainers", [fleet_pb2.ListContainersResponse(answers=[answer])])

    found = ask(lambda fleet: fleet.containers.list())

    assert [(host, container.id) for host, container in found] == [("b", "1")]
    assert list(found.failures) == ["b"]
    assert found.answers[0].response.freshness.source == common.ANSWER_SOURCE_INVENTORY


def test_a_question_without_hosts_asks_all(gateway: Gateway, ask: Ask) -> None:
    version = fleet_pb2.GetVersionAnswer(host="a", response={"version": {"version": "26.1"}})
    gateway.on("fleet.GetVersion", [fleet_pb2.GetVersionResponse(answers=[version])])

    found = ask(lambda fleet: fleet.system.version())

    assert [(host, version.version) for host, version in found] == [("a", "26.1")]
    assert gateway.requests[0].hosts == selectors.HostSelector(all=True)


def batch(*failed: str) -> list[Any]:
    """The results of a restart of two containers."""
    failure = common.Failure(code=9, reason=common.ERROR_REASON_START_FAILED, message="no such file")
    result = fleet_pb2.RestartContainersResult
    results = []
    for name in ("web", "db"):
        target = fleet_pb2.BatchTarget(host="a", container_name=name)
        outcome: dict[str, Any] = {"failure": failure} if name in failed else {"response": {}}
        results.append(result(target=target, last=True, **outcome))
    return [fleet_pb2.RestartContainersResponse(results=results), fleet_pb2.RestartContainersResponse(summary={})]


def test_a_batch_selects_containers_and_returns_the_results(gateway: Gateway, ask: Ask) -> None:
    gateway.on("fleet.RestartContainers", batch())
    seen: list[Any] = []

    results = ask(
        lambda fleet: fleet.containers.restart(
            "web*", label="!canary", timeout=10, batch={"parallelism": 2}, progress=seen.append
        )
    )

    assert [each.target.container_name for each in results] == ["web", "db"]
    assert seen == results
    absent = selectors.LabelRequirement(key="canary", operator=selectors.LABEL_OPERATOR_NOT_EXISTS)
    assert gateway.requests[0] == fleet_pb2.RestartContainersRequest(
        hosts={"all": True},
        containers={"names": ["web*"], "labels": [absent]},
        batch={"parallelism": 2},
        request={"timeout_seconds": 10},
    )


def test_a_batch_that_selects_nothing_selects_nothing(gateway: Gateway, ask: Ask) -> None:
    """The gateway refuses it; `every=True` is all containers."""
    gateway.on("fleet.RestartContainers", batch())

    ask(lambda fleet: fleet.containers.restart())
    ask(lambda fleet: fleet.containers.restart(every=True))

    assert [request.containers.all for request in gateway.requests] == [False, True]


def test_a_batch_in_which_something_fails_raises_after_all_is_done(gateway: Gateway, ask: Ask) -> None:
    gateway.on("fleet.RestartContainers", batch("db"))

    with pytest.raises(dockfleet.FleetFailed, match="1 failed: a/db: START_FAILED: no such file") as caught:
        ask(lambda fleet: fleet.containers.restart(label="app"))

    assert len(caught.value.results) == 2
    assert list(ask(lambda fleet: fleet.containers.restart(label="app", check=False)).failures) == ["a/db"]


def test_a_run_that_the_fleet_places_has_the_host(gateway: Gateway, ask: Ask) -> None:
    answers = [fleet_pb2.RunContainerResponse(placed={"host": "b"})]
    answers += [fleet_pb2.RunContainerResponse(response=each) for each in ran(b"hi", exit_code=0)]
    gateway.on("fleet.RunContainer", answers)

    result = ask(lambda fleet: fleet.containers.run("alpine", "echo hi", host_label="site=n"))

    assert (result.host, result.stdout) == ("b", b"hi")
    assert gateway.requests[0].request.config.cmd == ["echo", "hi"]


def test_hosts_are_administered(gateway: Gateway, ask: Ask) -> None:
    gateway.on("AddHost", hosts_pb2.AddHostResponse(host={"name": "north"}))
    gateway.on("DrainHost", hosts_pb2.DrainHostResponse(host={"name": "north"}))
    gateway.on("ListHosts", hosts_pb2.ListHostsResponse(hosts=[{"name": "north"}]))

    assert ask(lambda fleet: fleet.hosts.add("north", "tcp://10.0.0.1:2376", labels={"site": "n"})).name == "north"
    assert ask(lambda fleet: fleet.hosts.drain("north")).name == "north"
    assert [host.name for host in ask(lambda fleet: fleet.hosts.list("north*"))] == ["north"]
    assert gateway.requests == [
        hosts_pb2.AddHostRequest(spec={"name": "north", "address": "tcp://10.0.0.1:2376", "labels": {"site": "n"}}),
        hosts_pb2.DrainHostRequest(host="north"),
        hosts_pb2.ListHostsRequest(selector={"names": ["north*"]}),
    ]


TWO_LABELS = ["a=b,c=d", "a=b, c!=d", "a!=b,!c", "a=b,!c,d", "a=b,c in (d)"]


@pytest.mark.parametrize("label", TWO_LABELS)
def test_two_labels_in_one_text_are_refused(label: str) -> None:
    """kubectl takes them; they would be one value here, which no host has."""
    with pytest.raises(ValueError, match=r"is wrong at character \d: give each label on its own, or write key==value"):
        requirement(label)


@pytest.mark.parametrize(
    ("label", "value"), [("a=b,c", "b,c"), ("a==b,c=d", "b,c=d"), ("a=b=c", "b=c"), ("a=b,", "b,")]
)
def test_the_value_of_a_label_may_have_commas(label: str, value: str) -> None:
    """As in docker's own filters; where it looks like two labels, `==` makes it one."""
    assert list(requirement(label).values) == [value]


def test_a_wrong_label_is_refused_before_anything_is_sent(gateway: Gateway, ask: Ask) -> None:
    with pytest.raises(ValueError, match=r"'app in \(' is wrong at character"):
        ask(lambda fleet: fleet.containers.find(label="app in ("))

    assert gateway.requests == []


def test_a_discovery_returns_endpoints(gateway: Gateway, ask: Ask) -> None:
    gateway.on("fleet.DiscoverServices", fleet_pb2.DiscoverServicesResponse(endpoints=[{"service": "shop"}]))

    assert [each.service for each in ask(lambda fleet: fleet.discover(services=["shop"])).endpoints] == ["shop"]


def test_logs_of_the_fleet_resume_with_the_token(gateway: Gateway, ask: Ask) -> None:
    """`since` and `tail` are left out then: the token says where to continue."""
    broken = [True]

    def logs(request: Any, context: grpc.ServicerContext) -> Any:
        yield fleet_pb2.StreamLogsResponse(resume_token=b"t", records=[{"host": "a"}])
        if broken.pop():
            fail(context, reason="GOING_AWAY")

    gateway.on("fleet.StreamLogs", logs)
    broken.insert(0, False)

    responses = ask(lambda fleet: fleet.containers.logs("web", tail=5, follow=True))

    assert [each.records[0].host for each in responses] == ["a", "a"]
    first, second = gateway.requests
    assert (first.request.tail, first.resume_token) == (5, b"")
    assert (second.request.HasField("tail"), second.resume_token, second.request.follow) == (False, b"t", True)


def test_from_env_reads_the_variables_of_the_command_line(gateway: Gateway, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKFLEET_ADDRESS", gateway.address)

    with dockfleet.from_env() as fleet:
        assert repr(fleet) == f"<Fleet {gateway.address}>"
