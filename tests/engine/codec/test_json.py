"""Messages and the Engine's JSON: what engines really send, and that nothing is lost or changed."""

from __future__ import annotations

from typing import Any, cast

import orjson
import pytest
from dockfleet.options.v1 import options_pb2 as pb
from dockfleet.v1 import (
    common_pb2,
    container_config_pb2,
    containers_pb2,
    exec_pb2,
    images_pb2,
    networks_pb2,
    oci_pb2,
    system_pb2,
    volumes_pb2,
)
from google.protobuf.descriptor import Descriptor
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message
from google.protobuf.struct_pb2 import Struct
from google.protobuf.timestamp_pb2 import Timestamp
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.engine.codec.json import NotEngineJson, dump, loader
from gateway.engine.errors import ApiTooOld, InvalidField
from gateway.engine.versions import Need
from tests.support import contract
from tests.support.messages import full, messages_of, without_own


def load(kind: type[Message], document: Any) -> Any:
    """The message that an engine's document makes."""
    return loader(descriptor_of(kind))(document)


def descriptor_of(kind: type[Message]) -> Descriptor:
    """The descriptor of a message, whatever implementation of protobuf it is of."""
    return cast(Descriptor, kind.DESCRIPTOR)


def dumped(message: Message) -> Any:
    """The JSON that a message makes, through its text, as it travels."""
    return orjson.loads(orjson.dumps(dump(message, [])))


def nested(depth: int, innermost: bytes = b"1") -> Any:
    """An object in an object in an object …"""
    return orjson.loads(b'{"a":' * depth + innermost + b"}" * depth)


def reachable() -> list[Descriptor]:
    """All messages that are the Engine's JSON: what bodies and answers consist of."""
    found: dict[str, Descriptor] = {}
    waiting: list[Descriptor | None] = []
    for method in contract.methods():
        if contract.endpoint(method):
            body, answer = contract.rules(method).engine.body, contract.rules(method).engine.answer
            asked, fields = contract.asked(method), method.output_type.fields_by_name
            waiting += [asked] if body == "*" else [asked.fields_by_name[body].message_type] if body else []
            waiting += [fields[answer].message_type] if answer else []
    while waiting:
        message = waiting.pop()
        if message is not None and message.full_name not in found and not message.full_name.startswith("google."):
            found[message.full_name] = message
            engines = (field for field in message.fields if not contract.rules(field).gateway_only)
            waiting += [contract.below(field) for field in engines]
    return list(found.values())


# Round trips


def test_every_field_of_every_message_survives_a_round_trip() -> None:
    """A message with all its fields set is the same after it was converted to the Engine's JSON and back."""
    lost = []
    for descriptor in reachable():
        message = without_own(full(descriptor))
        if loader(descriptor)(dumped(message)) != message:
            lost.append(descriptor.full_name)

    assert {container_config_pb2.HostConfig.DESCRIPTOR, containers_pb2.ContainerStats.DESCRIPTOR} <= set(reachable())
    assert lost == []


@settings(max_examples=150)
@given(st.sampled_from(reachable()).flatmap(messages_of))
def test_any_values_survive_a_round_trip(message: Message) -> None:
    """Whatever the values: the limits of numbers, times and lengths, empty texts, any characters."""
    assert loader(descriptor_of(type(message)))(dumped(message)) == message


def test_a_message_without_fields_is_an_empty_object() -> None:
    """Fields that are not set are left out, whatever their type."""
    free = [each for each in reachable() if each.fields and not any(contract.rules(f).required for f in each.fields)]
    empty = {pb.JSON_FORM_UNSPECIFIED: {}, pb.JSON_FORM_ARRAY: [], pb.JSON_FORM_TUPLE: [0, 0]}

    assert [dumped(full(each, filled=False)) for each in free] == [
        empty[contract.rules(each).json_form] for each in free
    ]


# What engines send


@pytest.mark.parametrize(
    "descriptor",
    sorted((m for m in reachable() if not contract.rules(m).json_form), key=contract.name_of),
    ids=contract.name_of,
)
def test_null_is_absence(descriptor: Descriptor) -> None:
    """Go writes null for empty lists, maps and pointers: all of them are fields that are not set."""
    nulls = {field.json_name: None for field in descriptor.fields if not contract.rules(field).null_is_empty}

    assert not loader(descriptor)(nulls).ListFields()


def test_null_in_the_place_of_an_object_is_an_empty_message() -> None:
    """An exposed port that is not published is null (Docker 20.10), as is the config of a network it is to join."""
    ports = load(containers_pb2.NetworkSettings, {"Ports": {"80/tcp": None, "81/tcp": [None, {"HostPort": "8081"}]}})
    networks = load(containers_pb2.NetworkSettings, {"Networks": {"bridge": None}})

    assert {name: len(bindings.items) for name, bindings in ports.ports.items()} == {"80/tcp": 0, "81/tcp": 2}
    assert ports.ports["81/tcp"].items[1].host_port == "8081"
    assert networks.networks == {"bridge": networks_pb2.EndpointSettings()}


def test_properties_that_the_contract_does_not_have_are_ignored() -> None:
    """A newer engine, or Podman, sends more than the contract has."""
    volume = load(volumes_pb2.Volume, {"Name": "data", "Anonymous": True, "Options": None, "New": {"deep": [1]}})

    assert volume == volumes_pb2.Volume(name="data")


@pytest.mark.parametrize(
    ("written", "seconds", "nanos"),
    [
        ("2024-03-01T12:00:00Z", 1709294400, 0),
        ("2024-03-01T12:00:00.5Z", 1709294400, 500_000_000),
        ("2024-03-01T12:00:00.123456789Z", 1709294400, 123_456_789),
        ("2024-03-01T12:00:00.1234567891Z", 1709294400, 123_456_789),
        ("2024-03-01T14:00:00.000000001+02:00", 1709294400, 1),
        ("2024-03-01T04:30:00-07:30", 1709294400, 0),
        ("1969-12-31T23:59:59.25Z", -1, 250_000_000),
        (1709294400, 1709294400, 0),
    ],
)
def test_times_keep_their_nanoseconds(written: str | int, seconds: int, nanos: int) -> None:
    """A time is RFC 3339 with any number of digits and any offset, or seconds since 1970."""
    image = load(images_pb2.ImageHistoryEntry, {"Created": written})

    assert image.created_at == Timestamp(seconds=seconds, nanos=nanos)


@pytest.mark.parametrize("written", ["0001-01-01T00:00:00Z", "", -62135596800])
def test_zero_times_are_absent(written: str | int) -> None:
    """Go's zero time means never: a container that has not ended, an image without a date."""
    assert not load(containers_pb2.ContainerState, {"FinishedAt": written}).HasField("finished_at")


def test_numbers_keep_64_bits() -> None:
    """No number passes through a double: neither a limit of 2^64-1 nor an odd one above 2^53."""
    most = 2**64 - 1
    stats = load(
        containers_pb2.ContainerStats,
        orjson.loads(b'{"pids_stats":{"limit":%d},"memory_stats":{"stats":{"anon":%d}}}' % (most, 2**53 + 1)),
    )

    assert stats.pids_stats.limit == most
    assert stats.memory_stats.stats["anon"] == 2**53 + 1
    assert dumped(container_config_pb2.HostConfig(memory_bytes=2**53 + 1, io_maximum_bandwidth=most)) == {
        "Memory": 2**53 + 1,
        "IOMaximumBandwidth": most,
    }


def test_false_zero_and_empty_text_are_not_absence() -> None:
    """An optional field that is set to its default is sent and read; one without presence never was different."""
    asked = container_config_pb2.HostConfig(cpu_shares=0, init=False, cpuset_cpus="")
    known = load(exec_pb2.ExecInstance, {"ExitCode": 0, "Running": False})

    assert dumped(asked) == {"CpuShares": 0, "Init": False, "CpusetCpus": ""}
    assert known.HasField("exit_code")


def test_a_set_is_the_keys_of_an_object() -> None:
    """`ExposedPorts` and `Volumes` have empty objects for values."""
    spec = container_config_pb2.ContainerConfig(exposed_ports=["80/tcp", "53/udp"], volumes=["/data"])
    written: Any = {"ExposedPorts": {"80/tcp": {}, "53/udp": {}}, "Volumes": {"/data": {}}}

    assert dumped(spec) == written
    assert load(container_config_pb2.ContainerConfig, written) == spec


def test_a_bare_array_is_a_message_of_items() -> None:
    """Where the Engine has an array in a map or in an array, the contract has a message around it."""
    config = container_config_pb2.HostConfig(
        port_bindings={
            "80/tcp": container_config_pb2.PortBindings(
                items=[container_config_pb2.PortBinding(host_port="8080"), container_config_pb2.PortBinding()]
            )
        },
        device_requests=[
            container_config_pb2.DeviceRequest(
                capabilities=[common_pb2.StringList(items=["gpu", "nvidia"]), common_pb2.StringList(items=[])]
            )
        ],
    )
    written = {
        "PortBindings": {"80/tcp": [{"HostPort": "8080"}, {}]},
        "DeviceRequests": [{"Capabilities": [["gpu", "nvidia"], []]}],
    }

    assert dumped(config) == written
    assert load(container_config_pb2.HostConfig, written) == config


@pytest.mark.parametrize(
    ("duration", "nanoseconds"),
    [
        (Duration(seconds=1, nanos=500_000_000), 1_500_000_000),
        (Duration(), 0),
        (Duration(nanos=-1), -1),
        (Duration(seconds=-2, nanos=-500_000_000), -2_500_000_000),
        (Duration(seconds=290 * 365 * 86400, nanos=1), 290 * 365 * 86400 * 1_000_000_000 + 1),
    ],
)
def test_durations_are_nanoseconds(duration: Duration, nanoseconds: int) -> None:
    """A duration is a 64-bit number, with a sign."""
    health = container_config_pb2.HealthConfig(interval=duration)

    assert dumped(health) == {"Interval": nanoseconds}
    assert load(container_config_pb2.HealthConfig, {"Interval": nanoseconds}) == health


def test_any_object_is_a_struct() -> None:
    """What a volume's driver says of it has a form of its own."""
    status: dict[str, Any] = {"id": "x", "ok": True, "size": 12.5, "none": None, "list": [1, {"a": "b"}], "map": {}}
    struct = Struct()
    struct.update(status)

    assert load(volumes_pb2.Volume, {"Status": status}).status == struct
    assert load(volumes_pb2.Volume, {"Status": {}}).HasField("status")
    assert not load(volumes_pb2.Volume, {"Status": None}).HasField("status")


def test_names_keep_the_engines_spelling() -> None:
    """Dots and dashes in names are no other characters in the Engine's JSON."""
    platform = oci_pb2.OciPlatform(os="windows", os_version="10.0.19041", os_features=["win32k"])

    assert dumped(platform) == {"os": "windows", "os.version": "10.0.19041", "os.features": ["win32k"]}


# What does not fit


@pytest.mark.parametrize(
    ("kind", "document", "text"),
    [
        (system_pb2.EngineInfo, [], "response is an array, not an object"),
        (system_pb2.EngineInfo, "OK", "response is a string, not an object"),
        (
            containers_pb2.CreateContainerResponse,
            {"Id": 5, "Warnings": []},
            "response.Id is the number 5",
        ),
        (
            containers_pb2.WaitContainerResponse,
            {"StatusCode": 2**63},
            "response.StatusCode is the number 9223372036854775808, which does not fit",
        ),
        (
            containers_pb2.WaitContainerResponse,
            {"StatusCode": "0"},
            "response.StatusCode is a string",
        ),
    ],
)
def test_a_document_without_what_was_asked_for_is_refused_by_the_name_of_its_property(
    kind: type[Message], document: Any, text: str
) -> None:
    """The error names the property that is wrong, and shows no other values."""
    with pytest.raises(NotEngineJson) as refused:
        load(kind, document)

    assert str(refused.value).startswith(text)


@pytest.mark.parametrize(
    ("kind", "document", "places", "fitting"),
    [
        (system_pb2.EngineInfo, {"NCPU": "four", "Name": "a"}, ["response.NCPU"], {"Name": "a"}),
        (system_pb2.EngineInfo, {"NCPU": 2**63, "Name": "a"}, ["response.NCPU"], {"Name": "a"}),
        (system_pb2.EngineInfo, {"NCPU": True, "MemTotal": 1}, ["response.NCPU"], {"MemTotal": 1}),
        (system_pb2.EngineInfo, {"Labels": ["a", 5, "b"]}, ["response.Labels[1]"], {"Labels": ["a", "b"]}),
        (system_pb2.EngineInfo, {"Labels": "ab"}, ["response.Labels"], {}),
        (system_pb2.EngineInfo, {"Labels": {"a": "b"}}, ["response.Labels"], {}),
        (
            system_pb2.EngineInfo,
            {"Swarm": {"Cluster": {"ID": "c", "Spec": {"Name": {"a": 1}}}}},
            ["response.Swarm.Cluster.Spec.Name"],
            {"Swarm": {"Cluster": {"ID": "c", "Spec": {}}}},
        ),
        (
            system_pb2.EngineInfo,
            {"Runtimes": {"a": {}, "runc": {"path": 1, "runtimeArgs": ["x"]}, "c": 7}},
            ["response.Runtimes['runc'].path", "response.Runtimes['c']"],
            {"Runtimes": {"a": {}, "runc": {"runtimeArgs": ["x"]}}},
        ),
        (
            system_pb2.EngineInfo,
            {"DriverStatus": [["a", "b"], [1, "c"], 2]},
            ["response.DriverStatus[1][0]", "response.DriverStatus[2]"],
            {"DriverStatus": [["a", "b"], ["c"]]},
        ),
        (system_pb2.EngineInfo, {"SystemTime": "yesterday"}, ["response.SystemTime"], {}),
        (system_pb2.EngineInfo, {"SystemTime": "9999-12-31T23:59:59-05:00"}, ["response.SystemTime"], {}),
        (system_pb2.EngineInfo, {"SystemTime": 10**30}, ["response.SystemTime"], {}),
        (system_pb2.EngineInfo, {"SystemTime": True}, ["response.SystemTime"], {}),
        (volumes_pb2.Volume, {"Labels": ["a"]}, ["response.Labels"], {}),
        (volumes_pb2.Volume, {"Labels": [["a", "b"]]}, ["response.Labels"], {}),
        (volumes_pb2.Volume, {"Labels": {"a": "b", "c": 5}}, ["response.Labels['c']"], {"Labels": {"a": "b"}}),
        (volumes_pb2.Volume, {"Name": "v", "Status": "fine"}, ["response.Status"], {"Name": "v"}),
        (
            volumes_pb2.Volume,
            {"Status": {"a": 1, "deep": nested(900)}},
            ["response.Status['deep']" + "['a']" * 23],
            {"Status": {"a": 1, "deep": nested(22, b"{}")}},
        ),
        (
            containers_pb2.Container,
            {"Mounts": [{}, {"RW": "no", "Name": "m"}, "x"]},
            ["response.Mounts[1].RW", "response.Mounts[2]"],
            {"Mounts": [{}, {"Name": "m"}]},
        ),
        (
            containers_pb2.Container,
            {"HostConfig": {"ConsoleSize": [1], "Runtime": "runc"}},
            ["response.HostConfig.ConsoleSize"],
            {"HostConfig": {"Runtime": "runc"}},
        ),
        (containers_pb2.Container, {"Config": {"ExposedPorts": 7}}, ["response.Config.ExposedPorts"], {"Config": {}}),
        (
            containers_pb2.Container,
            {"Config": {"ExposedPorts": "80"}, "Id": "c"},
            ["response.Config.ExposedPorts"],
            {"Config": {}, "Id": "c"},
        ),
    ],
)
def test_a_value_that_does_not_fit_costs_itself(
    kind: type[Message], document: Any, places: list[str], fitting: Any
) -> None:
    """Its neighbours arrive, also those in the same list, map or message; the error has its place."""
    skipped: list[str] = []

    found = loader(descriptor_of(kind))(document, skipped)

    assert skipped == places
    assert found == load(kind, fitting)


@pytest.mark.parametrize("written", [0, "1970-01-01T00:00:00Z"])
def test_the_epoch_is_a_time(written: str | int) -> None:
    """Images that are built reproducibly were made then."""
    image = load(images_pb2.ImageSummary, {"Created": written})

    assert image.HasField("created_at")
    assert image.created_at == Timestamp()


json_documents = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


@settings(max_examples=300)
@given(st.data(), st.sampled_from(reachable()), json_documents)
def test_whatever_a_hostile_engine_sends_is_read_or_refused(data: st.DataObject, kind: Descriptor, value: Any) -> None:
    """No document raises anything but `NotEngineJson`, whatever stands in the place of a property."""
    names = [field.json_name for field in kind.fields] or ["x"]
    document = value if data.draw(st.booleans()) else {data.draw(st.sampled_from(names)): value}

    try:
        found = loader(kind)(document).DESCRIPTOR.full_name
    except NotEngineJson as refused:
        found = str(refused)

    assert found.startswith((kind.full_name, "response"))


# What is asked


def test_what_is_newer_than_1_41_is_gathered_with_the_path_of_its_field() -> None:
    """Also fields within fields; each with the version that has introduced it."""
    spec = container_config_pb2.ContainerSpec(
        image="busybox",
        healthcheck=container_config_pb2.HealthConfig(start_interval=Duration(seconds=1)),
        host_config=container_config_pb2.HostConfig(
            mounts=[
                container_config_pb2.Mount(
                    type="bind", bind_options=container_config_pb2.MountBindOptions(create_mountpoint=True)
                )
            ],
            annotations={"a": "b"},
        ),
        networking_config=container_config_pb2.NetworkingConfig(
            endpoints_config={"lan": networks_pb2.EndpointSettings(gw_priority=1)}
        ),
    )

    needs: list[Need] = []
    dump(spec, needs)

    assert sorted((need.since, need.what) for need in needs) == [
        ("1.42", "host_config.mounts.bind_options.create_mountpoint"),
        ("1.43", "host_config.annotations"),
        ("1.44", "healthcheck.start_interval"),
        ("1.48", "networking_config.endpoints_config['lan'].gw_priority"),
    ]


def test_an_answer_that_is_written_back_leaves_out_what_the_host_does_not_take() -> None:
    """A running container's MAC address is in every answer; hosts below 1.44 do not take it in requests."""
    observed = networks_pb2.EndpointSettings(endpoint_id="e", mac_address="02:42:ac:11:00:02")
    wished = networks_pb2.EndpointSettings(mac_address="02:42:ac:11:00:02")
    documents = {}
    for version in ((1, 41), (1, 44)):
        needs: list[Need] = []
        documents[version] = dump(observed, needs)
        for need in needs:
            need.check(version)
    wishes: list[Need] = []
    dump(wished, wishes)

    assert documents == {(1, 41): {"EndpointID": "e"}, (1, 44): {"EndpointID": "e", "MacAddress": "02:42:ac:11:00:02"}}
    with pytest.raises(ApiTooOld):
        wishes[0].check((1, 41))


def test_an_empty_list_and_an_absent_one_differ_where_they_do_for_engines() -> None:
    """An empty entrypoint drops the image's, and empty masked paths mask nothing; absent keeps what there is."""
    spec = container_config_pb2.ContainerConfig(entrypoint=common_pb2.StringList(items=[]))

    assert dumped(spec) == {"Entrypoint": []}
    assert dumped(container_config_pb2.ContainerConfig()) == {}
    assert load(container_config_pb2.ContainerConfig, {"Entrypoint": []}).HasField("entrypoint")
    assert not load(container_config_pb2.ContainerConfig, {}).HasField("entrypoint")
    assert not load(container_config_pb2.HostConfig, {"MaskedPaths": None}).HasField("masked_paths")


def test_a_container_without_an_entrypoint_is_written_back_without_one() -> None:
    """Its inspection has null, which in a request would mean the entrypoint of the image: another program."""
    config = load(container_config_pb2.ContainerConfig, {"Entrypoint": None, "Cmd": ["true"]})

    assert dumped(config) == {"Entrypoint": [], "Cmd": ["true"]}


def test_an_empty_list_is_sent_where_engines_distinguish_it_from_an_absent_one() -> None:
    """Empty masked paths mask nothing."""
    assert dumped(
        container_config_pb2.HostConfig(
            masked_paths=common_pb2.StringList(), readonly_paths=common_pb2.StringList(items=["/proc"])
        )
    ) == {
        "MaskedPaths": [],
        "ReadonlyPaths": ["/proc"],
    }


def test_a_tuple_is_an_array_of_the_fields_in_their_order() -> None:
    """`ConsoleSize` is height and width."""
    config = container_config_pb2.HostConfig(console_size=common_pb2.TerminalSize(height=24, width=80))

    assert dumped(config) == {"ConsoleSize": [24, 80]}
    assert load(container_config_pb2.HostConfig, {"ConsoleSize": [24, 80]}) == config
    assert not load(container_config_pb2.HostConfig, {"ConsoleSize": None}).HasField("console_size")


def test_what_is_the_gateways_own_is_not_read_from_an_engine() -> None:
    """An engine that sends a property of that name cannot change the gateway's own field."""
    event = load(system_pb2.EngineEvent, {"Type": "container", "synthetic": True, "Synthetic": True})

    assert not event.synthetic


def test_a_name_deep_in_a_body_is_checked_like_one_in_a_path() -> None:
    """The error has the path of the field and says what it must be."""
    with pytest.raises(InvalidField) as refused:
        dump(
            networks_pb2.CreateNetworkRequest(name="lan", config_from=networks_pb2.ConfigReference(network="../x")), []
        )

    assert refused.value.field == "config_from.network"
    assert refused.value.remedy.startswith("must be a network's id or name of at most 255 characters")
