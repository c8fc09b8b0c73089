"""Views: the services of the contract, bound to a host."""

from __future__ import annotations

import gc
import io
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import dockfleet
import pytest
from dockfleet.calls import Shape
from dockfleet.v1 import containers_pb2 as containers
from dockfleet.v1 import images_pb2 as images
from dockfleet.v1.common_pb2 import Progress, StringList
from dockfleet.v1.exec_pb2 import ExecResponse
from dockfleet.v1.system_pb2 import StreamEventsResponse

from clients.python.tests.scripted_gateway import RPCS, Ended, Gateway, drained


def test_a_view_fills_in_the_host(gateway: Gateway, fleet: dockfleet.Fleet) -> None:
    """A call through `fleet.host("a")` has `host: "a"`; its keyword arguments are the other fields."""
    gateway.on("ListContainers", containers.ListContainersResponse(containers=[{"id": "c1"}]))

    answer = fleet.host("a").containers.rpc("ListContainers")(all=True)

    assert [containers.ListContainersRequest(host="a", all=True)] == gateway.requests
    assert answer.containers[0].id == "c1"


def test_filters_may_be_plain_lists_or_single_strings(gateway: Gateway, fleet: dockfleet.Fleet) -> None:
    """A map of `StringList` takes them."""
    gateway.on("ListContainers", containers.ListContainersResponse())

    fleet.host("a").containers.rpc("ListContainers")(
        filters={"status": ["exited", "dead"], "label": "x=1", "name": StringList(items=["web"])}
    )

    filters = gateway.requests[0].filters
    assert {name: list(values.items) for name, values in filters.items()} == {
        "status": ["exited", "dead"],
        "label": ["x=1"],
        "name": ["web"],
    }


def test_messages_and_times_may_be_plain_values(gateway: Gateway, fleet: dockfleet.Fleet) -> None:
    """A message field takes a dictionary, and a `Timestamp` takes a `datetime`."""
    gateway.on("CreateContainer", containers.CreateContainerResponse(id="c1"))
    gateway.on("StreamLogs", [])
    host = fleet.host("a")

    host.containers.rpc("CreateContainer")(name="web", config={"image": "nginx"})
    list(host.logs("web", since=datetime(2024, 5, 1, tzinfo=UTC)))

    assert gateway.requests[0].config.image == "nginx"
    assert gateway.requests[1].since.seconds == 1714521600


@pytest.mark.parametrize("wrap", [list, tuple, lambda items: {"items": items}, lambda items: StringList(items=items)])
def test_a_list_message_may_be_a_plain_list(gateway: Gateway, fleet: dockfleet.Fleet, wrap: Callable[..., Any]) -> None:
    """Also in nested dicts; an empty list is not absent."""
    gateway.on("CreateContainer", containers.CreateContainerResponse(id="c1"))

    fleet.host("a").containers.rpc("CreateContainer")(
        name="web",
        config={
            "image": "nginx",
            "entrypoint": wrap(["sh", "-c"]),
            "host_config": {"masked_paths": wrap([]), "binds": ["/srv:/srv"]},
        },
    )

    (request,) = gateway.requests
    assert (request.host, request.name, request.config.image) == ("a", "web", "nginx")
    assert request.config.entrypoint == StringList(items=["sh", "-c"])
    assert request.config.host_config.HasField("masked_paths")
    assert request.config.host_config.masked_paths == StringList()
    assert not request.config.host_config.HasField("readonly_paths")
    assert request.config.host_config.binds == ["/srv:/srv"]


@pytest.mark.parametrize("wrap", [list, tuple, lambda items: {"items": items}, lambda items: StringList(items=items)])
def test_a_list_of_list_messages_may_be_plain_lists(
    gateway: Gateway, fleet: dockfleet.Fleet, wrap: Callable[..., Any]
) -> None:
    """As in the JSON of the Engine."""
    gateway.on("CreateContainer", containers.CreateContainerResponse(id="c1"))

    devices = [{"driver": "nvidia", "capabilities": [wrap(["gpu", "compute"]), wrap(["video"])]}]
    fleet.host("a").containers.rpc("CreateContainer")(
        config={"image": "x", "host_config": {"device_requests": devices}}
    )

    (device,) = gateway.requests[0].config.host_config.device_requests
    assert device.driver == "nvidia"
    assert [list(each.items) for each in device.capabilities] == [["gpu", "compute"], ["video"]]


def test_a_misspelt_field_of_a_dictionary_is_refused(gateway: Gateway, fleet: dockfleet.Fleet) -> None:
    """At any depth."""
    with pytest.raises(TypeError, match='no "masked_path" field; did you mean masked_paths'):
        fleet.host("a").containers.rpc("CreateContainer")(config={"image": "x", "host_config": {"masked_path": []}})

    assert gateway.requests == []


def test_a_field_that_does_not_exist_is_refused_before_anything_is_sent(
    gateway: Gateway, fleet: dockfleet.Fleet
) -> None:
    """A misspelt field is a `TypeError` here, not an error of the gateway."""
    with pytest.raises(TypeError, match='no "al" field; did you mean all'):
        fleet.host("a").containers.rpc("ListContainers")(al=True)

    assert gateway.requests == []


def test_an_rpc_a_method_or_a_service_that_does_not_exist_is_an_error(fleet: dockfleet.Fleet) -> None:
    """Misspelt names fail as attributes do, and `dir` lists the names."""
    host: Any = fleet.host("a")

    with pytest.raises(ValueError, match="Containers has no RPC 'ListContainer'; did you mean ListContainers"):
        host.containers.rpc("ListContainer")
    with pytest.raises(AttributeError, match="pul"):
        _ = host.images.pul
    with pytest.raises(AttributeError, match="pods"):
        _ = host.pods
    assert {"containers", "exec", "logs"} <= set(dir(host))
    assert {"list", "get", "run", "log_messages"} <= set(dir(host.containers))


def test_a_fleet_a_host_and_a_service_show_what_they_are(gateway: Gateway, fleet: dockfleet.Fleet) -> None:
    """Their `repr` names the address, the host and the methods."""
    host = fleet.host("a")

    assert repr(fleet) == f"<Fleet {gateway.address}>"
    assert repr(host) == "<HostView a>"
    assert repr(host.networks).startswith("<Networks of a: connect, create, ")


@pytest.mark.parametrize("name", sorted(RPCS))
def test_every_rpc_has_a_shape_and_takes_a_deadline(name: str) -> None:
    """No field of a request is called `deadline`."""
    method = RPCS[name]
    fields = set(method.first.DESCRIPTOR.fields_by_name)

    assert isinstance(method.shape, Shape)
    assert not fields & {"deadline", "self"}
    assert "host" in fields or name in {"AddHost", "ListHosts", "UpdateHost", "WatchHosts"}


def test_a_stream_ends_its_call_when_it_is_closed(gateway: Gateway, fleet: dockfleet.Fleet) -> None:
    """Leaving the `with` block of a stream cancels the call."""
    ended = Ended()
    gateway.on("StreamStats", ended.endless(containers.StreamStatsResponse()))

    with fleet.host("a").containers.rpc("StreamStats")(id="web") as stats:
        next(stats)

    assert ended.wait(10)
    assert list(stats) == []


def test_an_upload_is_a_start_and_chunks(gateway: Gateway, fleet: dockfleet.Fleet) -> None:
    """A file is sent as `start` with the arguments, then as `data` of at most 256 KiB."""
    gateway.on("PutContainerArchive", drained(containers.PutContainerArchiveResponse()))
    tar = bytes(range(256)) * 2500  # 640,000 bytes

    fleet.host("a").containers.rpc("PutContainerArchive")(io.BytesIO(tar), id="web", path="/srv")

    start, *frames = gateway.requests
    assert (start.start.host, start.start.id, start.start.path) == ("a", "web", "/srv")
    assert [len(frame.data) for frame in frames] == [262_144, 262_144, 115_712]
    assert tar == b"".join(frame.data for frame in frames)


@pytest.mark.parametrize("source", [b"ab" * 200_000, memoryview(b"ab" * 200_000), [b"ab" * 200_000], [b"ab", b""] * 4])
def test_an_upload_takes_bytes_files_and_pieces(gateway: Gateway, fleet: dockfleet.Fleet, source: Any) -> None:
    """One piece or many, of any size; empty ones are not sent."""
    gateway.on("LoadImages", drained([images.LoadImagesResponse(progress=Progress(status="x"))]))

    reports = list(fleet.host("a").images.rpc("LoadImages")(source, quiet=True))

    whole = source if isinstance(source, (bytes, memoryview)) else b"".join(source)
    assert [report.progress.status for report in reports] == ["x"]
    assert whole == b"".join(frame.data for frame in gateway.requests[1:])
    assert all(0 < len(frame.data) <= dockfleet.CHUNK for frame in gateway.requests[1:])


@pytest.mark.parametrize(
    ("rpc", "answer"), [("PutContainerArchive", containers.PutContainerArchiveResponse()), ("LoadImages", [])]
)
def test_a_source_that_fails_ends_the_upload_with_its_error(
    gateway: Gateway, fleet: dockfleet.Fleet, rpc: str, answer: Any
) -> None:
    """The caller gets the source's error; the gateway sees a cancelled call and never takes a part for the whole."""
    ended = Ended()
    host = fleet.host("a")
    gateway.on(rpc, lambda requests, context: ended.watch(context) or drained(answer)(requests, context))
    upload: dict[str, Callable[[Any], Any]] = {
        "PutContainerArchive": lambda source: host.containers.rpc("PutContainerArchive")(source, id="web", path="/"),
        "LoadImages": lambda source: list(host.images.rpc("LoadImages")(source)),
    }

    def broken() -> Iterator[bytes]:
        yield b"first"
        raise OSError("disk gone")

    with pytest.raises(OSError, match="disk gone"):
        upload[rpc](broken())
    assert ended.wait(10)


def test_a_download_yields_the_bytes_alone(gateway: Gateway, fleet: dockfleet.Fleet) -> None:
    """`download` skips the first response, which describes the file."""
    gateway.on(
        "GetContainerArchive",
        [
            containers.GetContainerArchiveResponse(stat={"name": "etc"}),
            containers.GetContainerArchiveResponse(data=b"tar "),
            containers.GetContainerArchiveResponse(data=b"bytes"),
        ],
    )

    archive = fleet.host("a").containers.rpc("GetContainerArchive")(id="web", path="/etc")

    assert b"".join(dockfleet.download(archive)) == b"tar bytes"


def test_logs_are_unbatched(gateway: Gateway, fleet: dockfleet.Fleet) -> None:
    """`logs` yields the entries of all batches in their order, bytes as they are."""
    gateway.on(
        "StreamLogs",
        [
            containers.StreamLogsResponse(
                batch={"entries": [{"data": b"one"}, {"data": b"\xff\x00", "partial": True}]}
            ),
            containers.StreamLogsResponse(reconnected={}),
            containers.StreamLogsResponse(batch={"entries": [{"data": b"end"}]}),
        ],
    )

    entries = list(fleet.host("a").logs("web", tail=3))

    assert [containers.StreamLogsRequest(host="a", id="web", tail=3, strict=True)] == gateway.requests
    assert [(each.data, each.partial) for each in entries] == [(b"one", False), (b"\xff\x00", True), (b"end", False)]


def test_leaving_a_log_ends_the_call(gateway: Gateway, fleet: dockfleet.Fleet) -> None:
    """Closing the iterator ends the call on the gateway's side."""
    ended = Ended()
    gateway.on("StreamLogs", ended.endless(containers.StreamLogsResponse(batch={"entries": [{"data": b"x"}]})))

    entries = fleet.host("a").logs("web", follow=True)
    next(entries)
    entries.close()

    assert ended.wait(10)


FIRST_RESPONSES = {
    "StreamLogs": containers.StreamLogsResponse(batch={"entries": [{"data": b"x"}]}),
    "StreamStats": containers.StreamStatsResponse(stats={"id": "c1"}),
    "StreamEvents": StreamEventsResponse(event={"action": "start"}),
    "Exec": ExecResponse(output={"data": b"x"}),
}
UNREAD: dict[str, Callable[[dockfleet.HostView], Iterator[Any]]] = {
    "StreamLogs": lambda host: host.logs("web", follow=True),
    "StreamStats": lambda host: host.stats("web"),
    "StreamEvents": lambda host: host.system.rpc("StreamEvents")(),
    "Exec": lambda host: host.exec.open("web", cmd=["cat"], attach_stdin=True),
}


@pytest.mark.parametrize("rpc", UNREAD)
def test_a_stream_that_nobody_reads_any_more_ends_its_call(gateway: Gateway, fleet: dockfleet.Fleet, rpc: str) -> None:
    """Leaving a loop over it is enough: no name is left for the stream."""
    ended = Ended()
    gateway.on(rpc, ended.endless(FIRST_RESPONSES[rpc]))

    for _ in UNREAD[rpc](fleet.host("a")):
        break

    gc.collect()  # an exception may still have held it
    assert ended.wait(10)


def test_a_closed_fleet_refuses_every_call(gateway: Gateway) -> None:
    """With the same error for every kind."""
    fleet = dockfleet.connect(gateway.address)
    host = fleet.host("a")
    fleet.close()

    with pytest.raises(ValueError, match="the fleet is closed"):
        fleet.hosts.list()
    with pytest.raises(ValueError, match="the fleet is closed"):
        host.containers.put_archive(b"x", "web", "/")
    with pytest.raises(ValueError, match="the fleet is closed"):
        host.logs("web")


def test_the_generated_code_comes_without_the_client() -> None:
    """Importing messages imports neither the client nor gRPC, which the engine layer of the gateway must not import."""
    imported = subprocess.run(
        [sys.executable, "-c", "import sys, dockfleet.v1.containers_pb2; print(*sys.modules)"],
        capture_output=True,
        text=True,
    ).stdout.split()

    assert "dockfleet.v1.containers_pb2" in imported
    assert not {"grpc", "dockfleet.client"} & set(imported)
