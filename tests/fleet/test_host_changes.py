"""Hosts that calls add, change, remove and drain."""

from __future__ import annotations

import asyncio
import json
import sqlite3
import ssl
from pathlib import Path
from typing import Any

import grpc
import pytest
import trustme
from dockfleet.fleet.v1 import hosts_pb2 as pb
from dockfleet.v1 import container_config_pb2, containers_pb2
from google.protobuf.duration_pb2 import Duration
from google.rpc.error_details_pb2 import BadRequest

from gateway.config.settings import HostSettings
from gateway.fleet.sources import database
from tests.fleet.support import UP, state_of
from tests.support.fake_engine import FakeEngine
from tests.support.fake_events import Daemon
from tests.support.fleets import until_source
from tests.support.gateway import Client, failed, gateway_of
from tests.support.upstream import refusal
from tests.test_server_reload import end, events, news

QUIET = {"health_check_interval_seconds": 3600}


async def add(client: Client, name: str, address: str, **spec: Any) -> pb.Host:
    """Add a host."""
    return (await client.hosts.AddHost(pb.AddHostRequest(spec=pb.HostSpec(name=name, address=address, **spec)))).host


async def hosts(client: Client) -> dict[str, pb.Host]:
    """The hosts, by name."""
    return {host.name: host for host in (await client.hosts.ListHosts(pb.ListHostsRequest())).hosts}


async def test_a_host_that_was_added_is_there_after_a_restart(engine: FakeEngine, tmp_path: Path) -> None:
    """With its labels, and still drained; its file can be read by its owner alone."""
    keys = QUIET | {"state_directory": tmp_path / "state"}
    async with gateway_of(**keys) as client:
        added = await add(client, "lab", engine.address, labels={"site": "north"})
        assert (added.state, added.source) == (pb.HOST_STATE_CONNECTING, "calls")
        await client.containers.ListContainers(containers_pb2.ListContainersRequest(host="lab"))
        await client.hosts.DrainHost(pb.DrainHostRequest(host="lab"))
    async with gateway_of(**keys) as client:
        found = (await hosts(client))["lab"]
        refused = await refusal(client.containers.CreateContainer(containers_pb2.CreateContainerRequest(host="lab")))
        await client.hosts.UndrainHost(pb.UndrainHostRequest(host="lab"))
        await client.hosts.RemoveHost(pb.RemoveHostRequest(host="lab"))
    async with gateway_of(**keys) as client:
        left = await hosts(client)

    assert (found.address, dict(found.labels), found.draining) == (engine.address, {"site": "north"}, True)
    assert refused.reason == "HOST_DRAINING"
    assert left == {}
    assert (tmp_path / "state/hosts.db").stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "state").stat().st_mode & 0o777 == 0o700


async def test_an_update_at_the_same_address_disturbs_no_stream(engine: FakeEngine) -> None:
    """Another address is another host: its streams end."""
    daemon = Daemon(engine)
    daemon.happen("container", "start", "c1")
    async with FakeEngine() as other, gateway_of(**QUIET) as client:
        await add(client, "lab", engine.address, labels={"site": "north"})
        stream = events(client, "lab")
        await stream.read()

        spec = pb.HostSpec(name="lab", address=engine.address, labels={"site": "south"})
        updated = (await client.hosts.UpdateHost(pb.UpdateHostRequest(spec=spec))).host
        daemon.happen("container", "stop", "c1")
        assert (await news(stream)).event.action == "stop"
        spec.address = other.address
        await client.hosts.UpdateHost(pb.UpdateHostRequest(spec=spec))
        ended = await end(stream)

    assert dict(updated.labels) == {"site": "south"}
    assert ended.reason == "HOST_REMOVED"


async def test_a_host_with_certificates_of_its_own_is_reached(tmp_path: Path) -> None:
    """They are texts.  No part of them is shown again."""
    authority = trustme.CA()
    issued = authority.issue_cert("127.0.0.1")
    tls = {
        "ca": authority.cert_pem.bytes().decode(),
        "certificate": issued.cert_chain_pems[0].bytes().decode(),
        "key": issued.private_key_pem.bytes().decode(),
    }
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    issued.configure_cert(context)
    context.verify_mode = ssl.CERT_REQUIRED
    authority.configure_trust(context)
    async with FakeEngine.tls(context) as engine, gateway_of(state_directory=tmp_path) as client:
        await add(client, "lab", engine.address, tls=tls)
        shown = await state_of(client, "lab", UP)

    assert "PRIVATE" not in str(shown)
    assert "PRIVATE" in (tmp_path / "hosts.db").read_bytes().decode(errors="replace")


@pytest.mark.parametrize(
    ("spec", "field", "words"),
    [
        ({"name": ""}, "spec.name", "String should match"),
        ({"name": "Lab"}, "spec.name", "'Lab'"),
        ({"address": "10.0.0.1"}, "spec.address", "is not unix:///path"),
        ({"address": "tcp://10.0.0.1:2375"}, "spec", "is in plaintext beyond this machine"),
        ({"address": f"unix:///{'x' * 107}"}, "spec.address", "is longer than the path of a socket can be"),
        ({"labels": {"a b": "c"}}, "spec.labels", "'a b' should match"),
        ({"labels": {"a": "c" * 1025}}, "spec.labels.a", "should have at most 1024 characters"),
        ({"labels": {f"a{n}": "" for n in range(257)}}, "spec.labels", "should have at most 256 items"),
        ({"tls": {"ca": "/etc/passwd"}, "address": "tcp://10.0.0.1:2376"}, "spec.tls.ca", "must be PEM text"),
        ({"address": "ssh://ops@lab", "ssh": {"private_key": "x"}}, "spec.ssh", "not in OpenSSH or PEM format"),
        (
            {"address": "ssh://ops@lab", "ssh": {"known_hosts": "# lab\nlab AAAA"}},
            "spec.ssh",
            "known_hosts whose line 2",
        ),
        ({"address": "ssh://ops@lab", "ssh": {"jump_host": "-x"}}, "spec.ssh.jump_host", "should match"),
        ({"tls": {}, "address": "tcp://10.0.0.1:2376"}, "spec.tls.ca", "is missing"),
        (
            {"tls": {"ca": "-----BEGIN CERTIFICATE-----"}, "address": "tcp://10.0.0.1:2376"},
            "spec.tls.ca",
            "has no certificate in PEM form",
        ),
    ],
)
async def test_a_host_that_is_not_right_is_refused_by_the_name_of_its_field(
    spec: dict[str, Any], field: str, words: str
) -> None:
    """Nothing is stored."""
    async with gateway_of(**QUIET) as client:
        with pytest.raises(grpc.aio.AioRpcError) as error:
            await add(client, **{"name": "lab", "address": "unix:///lab.sock"} | spec)
        known = await hosts(client)

    refused = failed(error.value)
    [bad] = [detail for detail in refused.details if isinstance(detail, BadRequest)]
    assert (refused.code, known) == (grpc.StatusCode.INVALID_ARGUMENT, {})
    assert bad.field_violations[0].field == field
    assert words.removeprefix("String ") in refused.message


async def test_plaintext_beyond_this_machine_is_accepted_on_request() -> None:
    """By `insecure`."""
    async with gateway_of(**QUIET) as client:
        added = await add(client, "lab", "tcp://192.0.2.1:2375", insecure=True)

    assert added.address == "tcp://192.0.2.1:2375"


async def test_two_who_add_the_same_name_at_once_do_not_both_succeed() -> None:
    """One gets NAME_IN_USE, and its host is not the one that is there."""
    async with gateway_of(**QUIET) as client:
        calls = [add(client, "lab", f"unix:///{number}.sock") for number in range(4)]
        results = await asyncio.gather(*calls, return_exceptions=True)
        known = await hosts(client)

    [added] = [each for each in results if isinstance(each, pb.Host)]
    refused = [failed(each) for each in results if isinstance(each, grpc.aio.AioRpcError)]
    assert [each.reason for each in refused] == ["NAME_IN_USE"] * 3
    assert known["lab"].address == added.address


async def test_a_host_of_the_configuration_counts_before_one_that_was_added(tmp_path: Path) -> None:
    """It comes with the next start; the host that was added stays stored, and is named."""
    keys = QUIET | {"state_directory": tmp_path}
    async with gateway_of(**keys) as client:
        await add(client, "lab", "unix:///added.sock")
    async with gateway_of(HostSettings(name="lab", address="unix:///configured.sock"), **keys) as client:
        shadowed = (await hosts(client))["lab"]
        with pytest.raises(grpc.aio.AioRpcError, match="source configuration: choose another name, or change it there"):
            await add(client, "lab", "unix:///other.sock")
    async with gateway_of(**keys) as client:
        back = (await hosts(client))["lab"]

    assert (shadowed.address, shadowed.source, list(shadowed.ignored_sources)) == (
        "unix:///configured.sock",
        "configuration",
        ["calls"],
    )
    assert (back.address, back.source) == ("unix:///added.sock", "calls")


async def test_any_host_can_be_drained(engine: FakeEngine) -> None:
    """Also one of the configuration; its streams continue, and it takes work again."""
    daemon = Daemon(engine)
    daemon.happen("container", "start", "c1")
    create = containers_pb2.CreateContainerRequest(host="h1", config=container_config_pb2.ContainerSpec(image="app"))
    engine.on("POST", "/containers/create", status=201, json={"Id": "c" * 64})
    async with gateway_of(engine.address, **QUIET) as client:
        stream = events(client, "h1")
        await stream.read()
        await state_of(client, "h1", UP)
        drained = (await client.hosts.DrainHost(pb.DrainHostRequest(host="h1"))).host
        refused = await refusal(client.containers.CreateContainer(create))
        daemon.happen("container", "stop", "c1")
        assert (await news(stream)).event.action == "stop"
        stream.cancel()
        again = (await client.hosts.UndrainHost(pb.UndrainHostRequest(host="h1"))).host
        created = await client.containers.CreateContainer(create)

    assert (drained.draining, again.draining) == (True, False)
    assert (drained.state, again.state) == (pb.HOST_STATE_DRAINING, UP)
    assert (refused.code, refused.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "HOST_DRAINING")
    assert created.id == "c" * 64


async def test_a_database_of_a_newer_gateway_is_left_alone(tmp_path: Path) -> None:
    """Its hosts are not known; the gateway serves the others and says why."""
    with sqlite3.connect(tmp_path / "hosts.db") as connection:
        connection.execute("PRAGMA user_version = 99")
    connection.close()
    async with gateway_of("unix:///h1.sock", **QUIET, state_directory=tmp_path) as client:
        [_, calls] = (await client.hosts.ListHosts(pb.ListHostsRequest())).sources
        unknown = await refusal(client.hosts.GetHost(pb.GetHostRequest(host="lab")))
        refused = await refusal(
            client.hosts.AddHost(pb.AddHostRequest(spec=pb.HostSpec(name="a", address="unix:///a")))
        )

    assert (calls.name, calls.up) == ("calls", False)
    assert "made by a newer gateway" in calls.message
    assert (unknown.code, unknown.reason) == (grpc.StatusCode.UNAVAILABLE, "UNKNOWN_HOST")
    assert refused.reason == "HOST_STORE_UNAVAILABLE"


async def test_an_entry_of_the_database_that_is_not_right_is_named(tmp_path: Path) -> None:
    """The others are there."""
    keys = QUIET | {"state_directory": tmp_path}
    async with gateway_of(**keys) as client:
        await add(client, "good", "unix:///good.sock")
    with sqlite3.connect(tmp_path / "hosts.db") as connection:
        connection.execute("INSERT INTO hosts VALUES ('bad', ?)", (json.dumps({"adress": "unix:///x"}),))
    connection.close()
    async with gateway_of(**keys) as client:
        response = await client.hosts.ListHosts(pb.ListHostsRequest())

    assert [host.name for host in response.hosts] == ["good"]
    [refused] = response.sources[1].refused_entries
    assert "adress is unknown; did you mean hosts[].address?" in refused.message


@pytest.mark.parametrize("value", [b"\xff\x1b[31m", b"{", 7, 1e300, "[" * 100_000, "address: !!bool maybe"])
async def test_a_value_of_the_database_that_is_no_host_is_named(tmp_path: Path, value: Any) -> None:
    """A column of SQLite has values of any type.  The others are there."""
    keys = QUIET | {"state_directory": tmp_path}
    async with gateway_of(**keys) as client:
        await add(client, "good", "unix:///good.sock")
    with sqlite3.connect(tmp_path / "hosts.db") as connection:
        connection.executemany("INSERT INTO hosts VALUES (?, ?)", [("bad", value), (b"\xff", value), (None, value)])
        connection.executemany("INSERT INTO drained VALUES (?)", [(b"\xff",), (None,)])
    connection.close()
    async with gateway_of(**keys) as client:
        response = await client.hosts.ListHosts(pb.ListHostsRequest())

    assert [host.name for host in response.hosts] == ["good"]
    assert (response.sources[1].up, len(response.sources[1].refused_entries)) == (True, 3)


@pytest.mark.parametrize("spoil", [b"no database " * 1000, b""])
async def test_a_database_that_is_none_is_read_again_when_it_was_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, spoil: bytes
) -> None:
    """Until then, the gateway says why, and stores nothing."""
    monkeypatch.setattr(database, "_AGAIN_SECONDS", 0.01)
    file = tmp_path / "hosts.db"
    file.write_bytes(spoil)
    if not spoil:
        with sqlite3.connect(file) as connection:
            connection.execute("CREATE TABLE hosts (something_else)")
        connection.close()
    async with gateway_of("unix:///h1.sock", **QUIET, state_directory=tmp_path) as client:
        [_, calls] = (await client.hosts.ListHosts(pb.ListHostsRequest())).sources
        refused = await refusal(
            client.hosts.AddHost(pb.AddHostRequest(spec=pb.HostSpec(name="a", address="unix:///a")))
        )
        file.unlink()
        await until_source(client, "calls", up=True)
        await add(client, "a", "unix:///a")

    assert "cannot be read" in calls.message
    assert refused.reason == "HOST_STORE_UNAVAILABLE"


async def test_a_probe_is_made_at_once(engine: FakeEngine, tmp_path: Path) -> None:
    """The state that it finds is in the response."""
    path = str(tmp_path / "docker.sock")
    async with gateway_of(f"unix://{path}", **QUIET) as client:
        await state_of(client, "h1", pb.HOST_STATE_DOWN)
        async with FakeEngine(path):
            up = (await client.hosts.ProbeHost(pb.ProbeHostRequest(host="h1"))).host
        down = (await client.hosts.ProbeHost(pb.ProbeHostRequest(host="h1", host_timeout=Duration(seconds=2)))).host
        refused = await refusal(
            client.hosts.ProbeHost(pb.ProbeHostRequest(host="h1", host_timeout=Duration(seconds=3600)))
        )

    assert (up.state, down.state) == (pb.HOST_STATE_UP, pb.HOST_STATE_DOWN)
    assert (refused.code, refused.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "INVALID_FIELD")
