"""Hosts in a real etcd, which is stopped, killed, wiped, compacted and cut off."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import grpc
import pytest
import trustme
from dockfleet.fleet.v1 import hosts_pb2 as pb
from dockfleet.v1 import containers_pb2

from deploy.private_engines.provision import EngineError, install
from deploy.private_engines.stores import Etcd
from gateway.config.settings import HostSettings
from gateway.etcd.client import Client as EtcdClient
from tests.real.stores import Keys, encoded
from tests.support.fake_engine import FakeEngine
from tests.support.fake_events import Daemon
from tests.support.fleets import Fleet, fleet_of, gateway, source, until_source
from tests.support.gateway import failed, handled
from tests.support.link import Link
from tests.support.upstream import refusal, until
from tests.test_server_reload import end, events, news

ROOT = {"name": "root", "password": "secret"}


@pytest.fixture(scope="module")
def etcd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Etcd]:
    """An etcd."""
    try:
        install("etcd")
    except EngineError as error:
        pytest.skip(f"there is no etcd: {error}")
    with Etcd(tmp_path_factory.mktemp("etcd")) as etcd:
        yield etcd


@pytest.fixture
def keys(etcd: Etcd) -> Keys:
    """The keys of a fleet of this test's own."""
    return Keys(etcd)


@pytest.fixture
async def daemon() -> AsyncIterator[Daemon]:
    """An engine with an event."""
    async with FakeEngine() as engine:
        daemon = Daemon(engine)
        daemon.happen("container", "start", "c1")
        yield daemon


def at(keys: Keys, address: str = "", **more: Any) -> dict[str, Any]:
    """The configuration of the source."""
    return {"etcd": {"endpoints": [address or keys.etcd.address], "prefix": keys.prefix} | more}


async def restarted(etcd: Etcd) -> None:
    """Start etcd again, without holding up the gateway."""
    await asyncio.to_thread(etcd.start)


async def test_hosts_come_change_and_go_and_the_others_do_not_notice(keys: Keys, daemon: Daemon) -> None:
    """A host keeps its streams while its labels change, and while others come and go."""
    address = daemon.engine.address
    keys.put("hosts/stays", {"address": address, "labels": {"site": "north"}})
    keys.put("hosts/moves", {"address": address})
    async with FakeEngine() as other, gateway(**at(keys)) as client:
        fleet = Fleet(client)
        await fleet.until_named("stays", "moves")
        stays, moves = events(client, "stays"), events(client, "moves")
        await stays.read()
        await moves.read()

        keys.put("hosts/comes", f"address: {other.address}")
        keys.put("hosts/stays", {"address": address, "labels": {"site": "south"}})
        keys.put("hosts/moves", {"address": other.address})
        await fleet.until(lambda hosts: hosts["moves"].address == other.address and "comes" in hosts)
        ended = await end(moves)
        keys.delete("hosts/moves")
        hosts = await fleet.until_named("stays", "comes")
        daemon.happen("container", "stop", "c1")
        assert (await news(stays)).event.action == "stop"
        stays.cancel()

    assert ended.reason == "HOST_REMOVED"
    assert (dict(hosts["stays"].labels), hosts["stays"].source) == ({"site": "south"}, "etcd")


async def test_an_entry_that_is_not_right_keeps_what_it_said(keys: Keys) -> None:
    """It is named, with the place in it; an entry that was never right is no host."""
    keys.put("hosts/lab", {"address": "unix:///lab.sock"})
    async with gateway(**at(keys)) as client:
        fleet = Fleet(client)
        await fleet.until_named("lab")
        keys.put("hosts/lab", "address: unix:///lab.sock\nlabel: {site: north}\n")
        keys.put("hosts/other", "{")
        keys.put("hosts/path", {"address": "tcp://10.0.0.7:2376", "tls": {"ca": "ca.pem"}})
        keys.put("hosts/Upper", {"address": "unix:///x"})
        keys.put("hosts/last", {"address": "unix:///last.sock"})
        await fleet.until_named("lab", "last")
        refused = {entry.place: entry.message for entry in (await source(client, "etcd")).refused_entries}
        keys.put("hosts/lab", {"address": "unix:///lab.sock", "labels": {"site": "north"}})
        await fleet.until(lambda hosts: hosts["lab"].labels.get("site") == "north")
        after = [entry.place for entry in (await source(client, "etcd")).refused_entries]

    assert refused.keys() == {"hosts/lab", "hosts/other", "hosts/path", "hosts/Upper"}
    assert refused["hosts/lab"] == ("key hosts/lab, line 2, column 1: label is unknown; did you mean hosts[].labels?")
    assert "hosts/lab" not in after


async def test_a_host_vanishes_with_the_lease_of_its_entry(keys: Keys, daemon: Daemon) -> None:
    """Nobody keeps it alive any more; its streams end."""
    lease = keys.lease(1)
    keys.put("hosts/lab", {"address": daemon.engine.address}, lease=lease)
    keys.put("hosts/stays", {"address": daemon.engine.address})
    async with gateway(**at(keys)) as client:
        fleet = Fleet(client)
        await fleet.until_named("lab", "stays")
        ended = await end(events(client, "lab"))
        await fleet.until_named("stays")

    assert ended.reason == "HOST_REMOVED"


@pytest.mark.parametrize("stop", ["stop", "kill"])
async def test_an_etcd_that_is_away_takes_no_host_with_it(keys: Keys, daemon: Daemon, stop: str) -> None:
    """Its hosts stay, with their streams.  The gateway shows since when it is away, and follows it again."""
    keys.put("hosts/lab", {"address": daemon.engine.address})
    async with gateway(**at(keys)) as client:
        fleet = Fleet(client)
        await fleet.until_named("lab")
        stream = events(client, "lab")
        await stream.read()
        before = (await source(client, "etcd")).last_success_time.ToNanoseconds()

        await asyncio.to_thread(getattr(keys.etcd, stop))
        away = await until_source(client, "etcd", up=False)
        up = client.metrics.registry.get_sample_value("dockfleet_host_source_up", {"source": "etcd"})
        known = await fleet_of(client)
        refused = await refusal(
            client.hosts.AddHost(pb.AddHostRequest(spec=pb.HostSpec(name="a", address="unix:///a")))
        )
        await restarted(keys.etcd)
        keys.put("hosts/new", {"address": "unix:///new.sock"})
        await fleet.until_named("lab", "new")
        daemon.happen("container", "stop", "c1")
        assert (await news(stream)).event.action == "stop"
        stream.cancel()
        back = await until_source(client, "etcd", up=True)

    assert (away.hosts, up) == (1, 0)
    assert keys.etcd.address in away.message
    assert before <= away.last_success_time.ToNanoseconds() < back.last_success_time.ToNanoseconds()
    assert known == {"lab": daemon.engine.address}
    assert (refused.code, refused.reason) == (grpc.StatusCode.UNAVAILABLE, "HOST_STORE_UNAVAILABLE")


async def test_an_etcd_that_hangs_is_away(keys: Keys, daemon: Daemon) -> None:
    """Its kernel keeps the connection alive, and acknowledges all that the gateway sends."""
    keys.put("hosts/lab", {"address": daemon.engine.address})
    async with gateway(**at(keys)) as client:
        fleet = Fleet(client)
        await fleet.until_named("lab")
        await asyncio.to_thread(keys.etcd.pause)
        try:
            away = await until_source(client, "etcd", up=False)
        finally:
            keys.etcd.resume()
        await until_source(client, "etcd", up=True)
        keys.put("hosts/new", {"address": "unix:///new.sock"})
        await fleet.until_named("lab", "new")

    assert away.hosts == 1


@pytest.mark.parametrize("compact", [False, True])
async def test_what_changed_while_the_link_was_cut_is_known_afterwards(
    keys: Keys, daemon: Daemon, compact: bool
) -> None:
    """Also when etcd has forgotten the changes; a host that is still there keeps its streams."""
    for name in ("stays", "goes"):
        keys.put(f"hosts/{name}", {"address": daemon.engine.address})
    async with Link.to(keys.etcd.address) as link, gateway(**at(keys, link.address)) as client:
        fleet = Fleet(client)
        await fleet.until_named("stays", "goes")
        stream = events(client, "stays")
        await stream.read()
        await link.cut()
        await until_source(client, "etcd", up=False)
        keys.delete("hosts/goes")
        keys.delete("hosts/stays")
        keys.put("hosts/comes", {"address": "unix:///comes.sock"})
        revision = keys.put("hosts/stays", {"address": daemon.engine.address})
        if compact:
            keys.call("kv/compaction", {"revision": revision, "physical": True})
        await link.mend()
        await fleet.until_named("stays", "comes")
        daemon.happen("container", "stop", "c1")
        assert (await news(stream)).event.action == "stop"
        stream.cancel()


async def test_a_follower_behind_a_compaction_takes_a_new_snapshot(keys: Keys, monkeypatch: pytest.MonkeyPatch) -> None:
    """etcd has forgotten what happened between the snapshot and the watch."""
    keys.put("hosts/first", {"address": "unix:///first.sock"})
    watch = EtcdClient.watch

    async def late(self: EtcdClient, create: Any) -> AsyncIterator[Any]:
        if not keys.get("hosts/second"):
            keys.put("hosts/second", {"address": "unix:///2.sock"})
            keys.delete("hosts/first")
            keys.call("kv/compaction", {"revision": keys.put("x", ""), "physical": True})
        async for response in watch(self, create):
            yield response

    monkeypatch.setattr(EtcdClient, "watch", late)
    async with gateway(**at(keys)) as client:
        await Fleet(client).until_named("second")


async def test_an_etcd_that_has_lost_its_data_does_not_empty_the_fleet_at_once(etcd: Etcd, daemon: Daemon) -> None:
    """A host stays that is not missing for long; one that is not written again goes then."""
    keys = Keys(etcd)
    for name in ("back", "lost"):
        keys.put(f"hosts/{name}", {"address": daemon.engine.address})
    async with (
        gateway(**at(keys)) as patient,
        gateway(**at(keys), absence_timeout_seconds=0.3) as hasty,
    ):
        for client in (patient, hasty):
            await Fleet(client).until_named("back", "lost")
        stream = events(patient, "back")
        await stream.read()
        await asyncio.to_thread(etcd.kill)
        etcd.wipe()
        await restarted(etcd)
        for client in (patient, hasty):
            await until_source(client, "etcd", up=True)
        keys.put("hosts/back", {"address": daemon.engine.address})
        keys.put("hosts/new", {"address": "unix:///new.sock"})
        await Fleet(hasty).until_named("back", "new")
        await Fleet(patient).until_named("back", "lost", "new")
        daemon.happen("container", "stop", "c1")
        assert (await news(stream)).event.action == "stop"
        stream.cancel()


async def test_two_gateways_with_one_etcd_serve_the_same_fleet(keys: Keys, daemon: Daemon) -> None:
    """A host that is added, drained, changed or removed at one is so at the other."""
    spec = pb.HostSpec(name="lab", address=daemon.engine.address)
    create = containers_pb2.CreateContainerRequest(host="lab")
    async with gateway(**at(keys)) as one, gateway(**at(keys)) as two:
        fleet = Fleet(two)
        added = (await one.hosts.AddHost(pb.AddHostRequest(spec=spec))).host
        await fleet.until_named("lab")
        twice = await refusal(two.hosts.AddHost(pb.AddHostRequest(spec=spec)))
        await two.hosts.DrainHost(pb.DrainHostRequest(host="lab"))
        await Fleet(one).until(lambda hosts: bool(hosts) and hosts["lab"].draining)
        drained = [await refusal(each.containers.CreateContainer(create)) for each in (one, two)]
        await one.hosts.UndrainHost(pb.UndrainHostRequest(host="lab"))
        spec.labels["site"] = "north"
        await two.hosts.UpdateHost(pb.UpdateHostRequest(spec=spec))
        await Fleet(one).until(lambda hosts: bool(hosts) and hosts["lab"].labels.get("site") == "north")
        probed = (await one.hosts.ProbeHost(pb.ProbeHostRequest(host="lab"))).host
        await one.hosts.RemoveHost(pb.RemoveHostRequest(host="lab"))
        await fleet.until_named()
        gone = await refusal(one.hosts.RemoveHost(pb.RemoveHostRequest(host="lab")))
        fleet.leave()
        await until(lambda: handled(two).get(("dockfleet.fleet.v1.HostService.WatchHosts", "Canceled")))

    assert (added.source, probed.state) == ("calls", pb.HOST_STATE_UP)
    assert twice.reason == "NAME_IN_USE"
    assert [each.reason for each in drained] == ["HOST_DRAINING"] * 2
    assert gone.reason == "UNKNOWN_HOST"
    assert (keys.get("calls/lab"), keys.get("drained/lab")) == (None, None)


async def test_of_many_gateways_that_add_one_name_at_once_one_succeeds(keys: Keys) -> None:
    """etcd decides."""
    async with AsyncExitStack() as stack:
        clients = [await stack.enter_async_context(gateway(**at(keys))) for _ in range(3)]
        requests = [pb.AddHostRequest(spec=pb.HostSpec(name="lab", address=f"unix:///{n}.sock")) for n in range(3)]
        calls = [client.hosts.AddHost(request) for client, request in zip(clients, requests, strict=True)]
        results = await asyncio.gather(*calls, return_exceptions=True)
        [added] = [each.host.address for each in results if isinstance(each, pb.AddHostResponse)]
        for client in clients:
            hosts = await Fleet(client).until_named("lab")
            assert hosts["lab"].address == added

    reasons = [failed(each).reason for each in results if isinstance(each, grpc.aio.AioRpcError)]
    assert reasons == ["NAME_IN_USE"] * 2


async def test_an_answer_of_etcd_that_is_lost_is_not_guessed(keys: Keys, monkeypatch: pytest.MonkeyPatch) -> None:
    """The host may be stored or not; who asks again learns which."""
    request = pb.AddHostRequest(spec=pb.HostSpec(name="a", address="unix:///a"))
    async with gateway(**at(keys)) as client:
        with monkeypatch.context() as patched:
            patched.setattr("gateway.etcd.client._CALL_SECONDS", 0.3)
            keys.etcd.pause()
            try:
                refused = await refusal(client.hosts.AddHost(request))
            finally:
                keys.etcd.resume()
        try:
            await client.hosts.AddHost(request)
            again = "OK"
        except grpc.aio.AioRpcError as error:
            again = failed(error).reason
        await Fleet(client).until_named("a")

    assert (refused.code, refused.reason) == (grpc.StatusCode.ABORTED, "OUTCOME_UNKNOWN")
    assert again in ("OK", "NAME_IN_USE")


async def test_a_host_of_the_configuration_counts_before_one_of_etcd(keys: Keys) -> None:
    """The other one is named, and cannot be changed by calls."""
    keys.put("hosts/lab", {"address": "unix:///etcd.sock"})
    keys.put("hosts/other", {"address": "unix:///other.sock"})
    async with gateway(HostSettings(name="lab", address="unix:///mine.sock"), **at(keys)) as client:
        hosts = await Fleet(client).until_named("lab", "other")
        refused = await refusal(client.hosts.RemoveHost(pb.RemoveHostRequest(host="other")))

    assert hosts["lab"].address == "unix:///mine.sock"
    assert (hosts["lab"].source, list(hosts["lab"].ignored_sources)) == ("configuration", ["etcd"])
    assert (refused.reason, "source etcd" in refused.message) == ("HOST_READ_ONLY", True)


async def test_a_gateway_starts_without_etcd_and_knows_that_it_does_not_know(keys: Keys, daemon: Daemon) -> None:
    """What it has from elsewhere is served; a name that etcd may have is not called unknown."""
    keys.put("hosts/lab", {"address": daemon.engine.address})
    async with Link.to(keys.etcd.address) as link:
        await link.cut()
        async with gateway(daemon.engine.address, **at(keys, link.address)) as client:
            served = await fleet_of(client)
            unknown = await refusal(events(client, "lab"))
            await link.mend()
            await Fleet(client).until_named("h1", "lab")
            never = await refusal(events(client, "nobody"))

    assert served == {"h1": daemon.engine.address}
    assert (unknown.code, unknown.reason) == (grpc.StatusCode.UNAVAILABLE, "UNKNOWN_HOST")
    assert unknown.metadata["retry_safe"] == "true"
    assert "etcd" in unknown.message
    assert (never.code, never.reason) == (grpc.StatusCode.NOT_FOUND, "UNKNOWN_HOST")


async def test_the_next_endpoint_is_asked_when_one_does_not_answer(keys: Keys) -> None:
    """A member of etcd may be away."""
    keys.put("hosts/lab", {"address": "unix:///lab.sock"})
    endpoints = ["127.0.0.1:1", keys.etcd.address]
    async with gateway(etcd={"endpoints": endpoints, "prefix": keys.prefix}) as client:
        await Fleet(client).until_named("lab")


async def test_etcd_may_want_a_user(tmp_path: Path) -> None:
    """Its token ends with every restart; the gateway logs in again.  A wrong password is said."""
    (tmp_path / "password").write_text("secret\n")
    (tmp_path / "wrong").write_text("guess\n")
    with Etcd(tmp_path, "guarded") as etcd:
        keys = Keys(etcd)
        for name in ("root", "fleet"):
            keys.call("auth/user/add", ROOT | {"name": name})
        keys.call("auth/role/add", {"name": "root"})
        keys.call("auth/user/grant", {"user": "root", "role": "root"})
        keys.call("auth/role/add", {"name": "fleet"})
        perm = {"permType": "READWRITE", "key": encoded(keys.prefix), "range_end": encoded(keys.prefix[:-1] + "0")}
        keys.call("auth/role/grant", {"name": "fleet", "perm": perm})
        keys.call("auth/user/grant", {"user": "fleet", "role": "fleet"})
        keys.put("hosts/lab", {"address": "unix:///lab.sock"})
        keys.call("auth/enable", {})
        user: dict[str, Any] = {"user": "fleet", "password_file": tmp_path / "password"}
        async with gateway(**at(keys, **user)) as client:
            await Fleet(client).until_named("lab")
            await restarted(etcd)
            keys.headers = {"Authorization": keys.call("auth/authenticate", ROOT)["token"]}
            keys.put("hosts/new", {"address": "unix:///new.sock"})
            await Fleet(client).until_named("lab", "new")
            await client.hosts.AddHost(pb.AddHostRequest(spec=pb.HostSpec(name="added", address="unix:///added.sock")))
            known = await fleet_of(client)
        async with gateway(**at(keys, user="fleet", password_file=tmp_path / "wrong")) as client:
            refused = await source(client, "etcd")

    assert known.keys() == {"lab", "new", "added"}
    assert (refused.up, refused.hosts) == (False, 0)
    assert "authentication failed" in refused.message
    assert "guess" not in refused.message


async def test_etcd_may_want_a_certificate(tmp_path: Path) -> None:
    """Both sides prove who they are; a server of another authority is not believed."""
    authority, stranger = trustme.CA(), trustme.CA()
    server = authority.issue_cert("127.0.0.1")
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    stranger.cert_pem.write_to_path(str(tmp_path / "stranger.pem"))
    server.cert_chain_pems[0].write_to_path(str(tmp_path / "server.pem"))
    server.private_key_pem.write_to_path(str(tmp_path / "server-key.pem"))
    own = {"certificate": tmp_path / "server.pem", "key": tmp_path / "server-key.pem"}
    with Etcd(tmp_path, "secured", tls=tmp_path) as etcd:
        keys = Keys(etcd)
        async with gateway(**at(keys, tls=own | {"ca": tmp_path / "ca.pem"})) as client:
            await client.hosts.AddHost(pb.AddHostRequest(spec=pb.HostSpec(name="lab", address="unix:///lab.sock")))
            known = await fleet_of(client)
        async with gateway(**at(keys, tls=own | {"ca": tmp_path / "stranger.pem"})) as client:
            refused = await source(client, "etcd")

    assert known == {"lab": "unix:///lab.sock"}
    assert not refused.up
