"""SIGHUP: the gateway reads its configuration again; calls of hosts that stay are not affected."""

from __future__ import annotations

import json
import signal
import ssl
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import grpc
import pytest
import trustme
from dockfleet.fleet.v1 import hosts_pb2
from dockfleet.v1 import containers_pb2, system_pb2
from google.protobuf.timestamp_pb2 import Timestamp
from grpc_health.v1 import health_pb2, health_pb2_grpc

from tests.support.fake_engine import FakeEngine
from tests.support.fake_events import Daemon
from tests.support.gateway import Client, Failed, failed, receive
from tests.support.process import Process
from tests.support.upstream import refusal


@pytest.fixture
async def daemons() -> AsyncIterator[tuple[Daemon, Daemon]]:
    """Two engines with events."""
    async with FakeEngine() as one, FakeEngine() as two:
        daemons = Daemon(one), Daemon(two)
        for daemon in daemons:
            daemon.happen("container", "start", "c1")
        yield daemons


QUICKLY = {"poll_interval_seconds": 0.05}


class File:
    """A configuration file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def write(self, *hosts: dict[str, Any], **keys: Any) -> None:
        """Write it anew."""
        self.path.write_text(json.dumps({"health_check_interval_seconds": 3600, "hosts": hosts, **keys}))


@pytest.fixture
def file(tmp_path: Path) -> File:
    """The file of the gateway's configuration."""
    return File(tmp_path / "gateway.yaml")


def running(file: File) -> AbstractAsyncContextManager[Process]:
    """A gateway with that configuration."""
    return Process.running(file.path.parent / "state", "--config", str(file.path))


def at(name: str, engine: FakeEngine | Daemon, **keys: Any) -> dict[str, Any]:
    """A host of the configuration."""
    address = engine.engine.address if isinstance(engine, Daemon) else engine.address
    return {"name": name, "address": address, **keys}


async def fleet(client: Client) -> dict[str, tuple[str, dict[str, str]]]:
    """The address and the labels of each host."""
    hosts = (await client.hosts.ListHosts(hosts_pb2.ListHostsRequest())).hosts
    return {host.name: (host.address, dict(host.labels)) for host in hosts}


def events(client: Client, host: str) -> Any:
    """The events of a host from the beginning."""
    return client.system.StreamEvents(system_pb2.StreamEventsRequest(host=host, since=Timestamp()))


async def news(stream: Any) -> Any:
    """The next message that is no heartbeat."""
    while (message := await receive(stream)).HasField("heartbeat"):
        pass
    return message


async def end(stream: Any) -> Failed:
    """How a stream that was read before fails."""
    with pytest.raises(grpc.aio.AioRpcError) as ended:
        while True:
            await receive(stream)
    return failed(ended.value)


async def reload(gateway: Process) -> dict[str, Any]:
    """Let it read its configuration again; return what it logs."""
    gateway.signal(signal.SIGHUP)
    return await gateway.said("reloaded")


async def test_a_file_is_read_again_when_it_changes(daemons: tuple[Daemon, Daemon], file: File) -> None:
    """Nobody need send a signal.  A file that is refused changes nothing; a host can be renamed."""
    one, _ = daemons
    file.write(at("stays", one), at("old", one), sources=QUICKLY)
    async with running(file) as gateway, gateway.client() as client:
        stays, renamed = events(client, "stays"), events(client, "old")
        await stays.read()
        await renamed.read()
        file.path.write_text("hosts:\n  - name: stays\n    adress: unix:///x\n")
        refused = await gateway.said("reload refused; nothing has changed")
        file.path.write_text("")
        empty = await gateway.said("reload refused; nothing has changed")
        before = await fleet(client)
        file.write(at("stays", one), at("new", one), sources=QUICKLY)
        await gateway.said("reloaded")
        ended = await end(renamed)
        one.happen("container", "stop", "c1")
        assert (await news(stays)).event.action == "stop"
        after = await fleet(client)
        stays.cancel()

    assert f"file {file.path}, line 3, column 5: hosts[0].adress is unknown" in refused["why"]
    assert empty["why"] == f"file {file.path} is empty: write `hosts: []` for a fleet without hosts"
    assert ended.reason == "HOST_REMOVED"
    assert (set(before), set(after)) == ({"stays", "old"}, {"stays", "new"})


async def test_a_hundred_followers_do_not_notice_reloads(daemons: tuple[Daemon, Daemon], file: File) -> None:
    """By a good file and by a bad one."""
    one, two = daemons
    file.write(at("stays", one), at("other", two))
    async with running(file) as gateway, gateway.client() as client:
        streams = [events(client, "stays") for _ in range(100)]
        for stream in streams:
            await stream.read()
        file.path.write_text("hosts: [")
        gateway.signal(signal.SIGHUP)
        await gateway.said("reload refused; nothing has changed")
        file.write(at("stays", one, labels={"site": "north"}), at("third", two))
        await reload(gateway)
        one.happen("container", "stop", "c1")
        seen = [(await news(stream)).event.action for stream in streams]
        for stream in streams:
            stream.cancel()

    assert seen == ["stop"] * 100


async def test_hosts_come_go_and_move_and_the_others_are_not_affected(
    daemons: tuple[Daemon, Daemon], file: File, tmp_path: Path
) -> None:
    """Streams of a host that stays continue; those of one that leaves or moves end with HOST_REMOVED."""
    one, two = daemons
    file.write(at("stays", one), at("leaves", one), at("moves", one))
    async with running(file) as gateway, gateway.client() as client:
        streams = {host: events(client, host) for host in ("stays", "leaves", "moves")}
        for stream in streams.values():
            assert (await receive(stream)).event.action == "start"

        file.write(at("stays", one, labels={"site": "north"}), at("moves", two), at("comes", two))
        gateway.signal(signal.SIGHUP)
        said = await gateway.said("hosts have changed")
        ended = [await end(streams[host]) for host in ("leaves", "moves")]
        one.happen("container", "stop", "c1")
        assert (await news(streams["stays"])).event.action == "stop"
        assert (await receive(events(client, "moves"))).event.action == "start"
        assert (await receive(events(client, "comes"))).event.action == "start"
        known = await fleet(client)
        health = health_pb2_grpc.HealthStub(client.channel)
        stays, leaves = [health_pb2.HealthCheckRequest(service=f"host/{name}") for name in ("stays", "leaves")]
        status = (await health.Check(stays)).status
        unknown = await refusal(health.Check(leaves))
        streams["stays"].cancel()

    assert status == health_pb2.HealthCheckResponse.SERVING
    assert unknown.code is grpc.StatusCode.NOT_FOUND
    assert {key: said[key] for key in ("added", "removed", "moved")} == {
        "added": ["comes"],
        "removed": ["leaves"],
        "moved": ["moves"],
    }
    assert {(each.code, each.reason) for each in ended} == {(grpc.StatusCode.FAILED_PRECONDITION, "HOST_REMOVED")}
    assert known == {
        "comes": (two.engine.address, {}),
        "moves": (two.engine.address, {}),
        "stays": (one.engine.address, {"site": "north"}),
    }


async def test_a_file_that_is_refused_changes_nothing(
    daemons: tuple[Daemon, Daemon], file: File, tmp_path: Path
) -> None:
    """The log names the key and the remedy; streams continue, and a good file is accepted afterwards."""
    one, two = daemons
    file.write(at("h1", one))
    async with running(file) as gateway, gateway.client() as client:
        stream = events(client, "h1")
        await receive(stream)
        file.write({"name": "h2", "adress": two.engine.address})
        gateway.signal(signal.SIGHUP)
        refused = await gateway.said("reload refused; nothing has changed")
        before = await fleet(client)
        file.write(at("h1", one), at("h2", two))
        await reload(gateway)
        after = await fleet(client)
        stream.cancel()

    assert "hosts[0].adress is unknown; did you mean hosts[].address?" in refused["why"]
    assert str(file.path) in refused["why"]
    assert (set(before), set(after)) == ({"h1"}, {"h1", "h2"})


async def test_keys_that_need_a_restart_are_named(daemons: tuple[Daemon, Daemon], file: File, tmp_path: Path) -> None:
    """The keys that can be changed are still changed."""
    one, two = daemons
    file.write(at("h1", one))
    async with running(file) as gateway, gateway.client() as client:
        file.write(at("h2", two), log_level="debug", limits={"read_timeout_seconds": 7})
        gateway.signal(signal.SIGHUP)
        said = await gateway.said("these keys need a restart")
        known = await fleet(client)

    assert said["keys"] == ["log_level", "limits.read_timeout_seconds"]
    assert set(known) == {"h2"}


async def test_certificates_of_the_listener_are_renewed(
    daemons: tuple[Daemon, Daemon], file: File, tmp_path: Path
) -> None:
    """New handshakes see the new certificate, and the authority that clients need; streams continue."""
    old, new = trustme.CA(), trustme.CA()
    tls = {"certificate": "server.pem", "key": "key.pem", "client_ca": "ca.pem"}
    issue(tmp_path, old)
    file.write(at("h1", daemons[0].engine), tls=tls)
    async with running(file) as gateway, secure(gateway.port, old) as client:
        stream = events(client, "h1")
        await receive(stream)
        issue(tmp_path, new)
        await reload(gateway)
        async with secure(gateway.port, new) as other:
            assert (await receive(events(other, "h1"))).event.action == "start"
        async with secure(gateway.port, old) as late:
            refused = await refusal(late.hosts.ListHosts(hosts_pb2.ListHostsRequest(), timeout=20))
        assert (await fleet(client)).keys() == {"h1"}
        stream.cancel()

    assert refused.code is grpc.StatusCode.UNAVAILABLE


async def test_certificates_are_renewed_when_their_files_change(
    daemons: tuple[Daemon, Daemon], file: File, tmp_path: Path
) -> None:
    """Nobody need send a signal.  A key that does not belong to its certificate yet changes nothing."""
    old, new = trustme.CA(), trustme.CA()
    tls = {"certificate": "server.pem", "key": "key.pem"}
    issue(tmp_path, old)
    file.write(at("h1", daemons[0].engine), tls=tls, sources=QUICKLY)
    async with running(file) as gateway:
        server = new.issue_cert("localhost")
        server.private_key_pem.write_to_path(str(tmp_path / "key.pem"))
        await gateway.said("reload refused; nothing has changed")
        async with secure(gateway.port, old) as client:
            assert (await fleet(client)).keys() == {"h1"}
        server.cert_chain_pems[0].write_to_path(str(tmp_path / "server.pem"))
        await gateway.said("reloaded")
        async with secure(gateway.port, new) as client:
            assert (await fleet(client)).keys() == {"h1"}


def issue(folder: Path, authority: trustme.CA) -> None:
    """Write a server's certificate of *authority* and the authority itself into *folder*."""
    server = authority.issue_cert("localhost")
    server.private_key_pem.write_to_path(str(folder / "key.pem"))
    server.cert_chain_pems[0].write_to_path(str(folder / "server.pem"))
    authority.cert_pem.write_to_path(str(folder / "ca.pem"))


@asynccontextmanager
async def secure(port: int, authority: trustme.CA, own: trustme.CA | None = None) -> AsyncIterator[Client]:
    """A client that trusts *authority* alone, with a certificate of it, or of its *own*."""
    mine = (own or authority).issue_cert("client@example.com")
    credentials = grpc.ssl_channel_credentials(
        authority.cert_pem.bytes(), mine.private_key_pem.bytes(), mine.cert_chain_pems[0].bytes()
    )
    options = [("grpc.use_local_subchannel_pool", 1)]
    async with grpc.aio.secure_channel(f"localhost:{port}", credentials, options) as channel:
        yield Client(channel)


async def test_a_reload_does_not_change_whether_clients_need_certificates(
    daemons: tuple[Daemon, Daemon], file: File, tmp_path: Path
) -> None:
    """A client_ca that is left out by mistake does not open the gateway; the log says that this needs a restart."""
    authority = trustme.CA()
    tls = {"certificate": "server.pem", "key": "key.pem"}
    issue(tmp_path, authority)
    file.write(at("h1", daemons[0]), tls=tls | {"client_ca": "ca.pem"})
    async with running(file) as gateway:
        file.write(at("h1", daemons[0]), tls=tls)
        gateway.signal(signal.SIGHUP)
        said = await gateway.said("these keys need a restart")
        async with secure(gateway.port, authority) as client:
            assert (await fleet(client)).keys() == {"h1"}
        async with secure(gateway.port, authority, own=trustme.CA()) as stranger:
            refused = await refusal(stranger.hosts.ListHosts(hosts_pb2.ListHostsRequest(), timeout=20))

    assert said["keys"] == ["tls"]
    assert refused.code is grpc.StatusCode.UNAVAILABLE


async def test_certificates_for_an_engine_are_renewed(file: File, tmp_path: Path) -> None:
    """When their files change: new connections use the new authority; an open stream continues."""
    old, new = trustme.CA(), trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    old.issue_cert("127.0.0.1").configure_cert(context)
    old.cert_pem.write_to_path(str(tmp_path / "engine.pem"))
    export = containers_pb2.ExportContainerRequest(host="h1", id="web")
    async with FakeEngine.tls(context) as engine:
        daemon = Daemon(engine)
        daemon.happen("container", "start", "c1")
        engine.on("GET", "/containers/{id}/export", chunks=[b"tar"])
        file.write(at("h1", engine, tls={"ca": "engine.pem"}), sources=QUICKLY)
        async with running(file) as gateway, gateway.client() as client:
            stream = events(client, "h1")
            await receive(stream)
            new.issue_cert("127.0.0.1").configure_cert(context)
            refused = await refusal(client.containers.ExportContainer(export))
            (tmp_path / "engine.pem").write_text("half")
            said = await gateway.said("new certificates of a host are unusable; the old ones stay")
            new.cert_pem.write_to_path(str(tmp_path / "engine.pem"))
            await gateway.said("certificates of hosts renewed")
            data = (await receive(client.containers.ExportContainer(export))).data
            daemon.happen("container", "stop", "c1")
            assert (await news(stream)).event.action == "stop"
            stream.cancel()

    assert refused.reason == "HOST_IDENTITY_MISMATCH"
    assert said["why"] == f"tls.ca '{tmp_path}/engine.pem' has no certificate in PEM form"
    assert data == b"tar"
