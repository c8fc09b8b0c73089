"""Hosts in the files of a directory, and in docker contexts, while they change."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import Any

import grpc
import pytest
from dockfleet.fleet.v1 import hosts_pb2 as pb
from dockfleet.fleet.v1 import selectors_pb2

from gateway.config.settings import DockerConfiguration, HostSettings
from tests.support.fake_engine import FakeEngine
from tests.support.fake_events import Daemon
from tests.support.fleets import Fleet, fleet_of, gateway, source
from tests.support.gateway import Client, gateway_of
from tests.support.upstream import refusal
from tests.test_server_reload import end, events, news


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The directory."""
    folder = tmp_path / "hosts.d"
    folder.mkdir()
    return folder


async def refused_of(client: Client, name: str = "directory") -> dict[str, str]:
    """The entries that are not right, by place."""
    return {Path(entry.place).name: entry.message for entry in (await source(client, name)).refused_entries}


async def test_hosts_come_change_and_go_with_their_files(folder: Path, engine: FakeEngine) -> None:
    """One host or several in a file; a host that is not concerned keeps its streams.  Hidden files do not count."""
    daemon = Daemon(engine)
    daemon.happen("container", "start", "c1")
    (folder / "stays.yaml").write_text(f"name: stays\naddress: {engine.address}\n")
    address = engine.address
    (folder / "two.json").write_text(json.dumps([{"name": name, "address": address} for name in ("a", "b")]))
    (folder / ".draft.yaml").write_text("{")
    (folder / "README.md").write_text("# hosts")
    async with gateway(directory=folder) as client:
        fleet = Fleet(client)
        await fleet.until_named("stays", "a", "b")
        stays, gone = events(client, "stays"), events(client, "a")
        await stays.read()
        await gone.read()
        (folder / "two.json").write_text(json.dumps([{"name": "b", "address": address}]))
        (folder / "new.yml").write_text("- {name: new, address: 'unix:///x', labels: {site: north}}\n")
        await fleet.until_named("stays", "b", "new")
        ended = await end(gone)
        (folder / "two.json").unlink()
        hosts = await fleet.until_named("stays", "new")
        daemon.happen("container", "stop", "c1")
        assert (await news(stays)).event.action == "stop"
        stays.cancel()

    assert ended.reason == "HOST_REMOVED"
    assert (hosts["new"].labels["site"], hosts["new"].source) == ("north", "directory")


async def test_a_file_that_is_not_right_keeps_its_hosts(folder: Path) -> None:
    """The log names the line, the column and the key; other files still count."""
    (folder / "lab.yaml").write_text("name: lab\naddress: unix:///lab\n")
    async with gateway(directory=folder) as client:
        fleet = Fleet(client)
        await fleet.until_named("lab")
        (folder / "lab.yaml").write_text("name: lab\nadress: unix:///lab\n")
        (folder / "bad.yaml").write_text("- name: x\n  address: [\n")
        (folder / "empty.yaml").write_text("")
        (folder / "other.yaml").write_text("name: other\naddress: unix:///other\n")
        await fleet.until_named("lab", "other")
        refused = await refused_of(client)
        (folder / "lab.yaml").write_text("name: lab\naddress: unix:///moved\n")
        await fleet.until(lambda hosts: hosts["lab"].address == "unix:///moved")
        (folder / "bad.yaml").unlink()
        (folder / "empty.yaml").write_text("[]")
        (folder / "last.yaml").write_text("name: last\naddress: unix:///last\n")
        await fleet.until_named("lab", "other", "last")
        after = await refused_of(client)

    assert f"file {folder}/lab.yaml, line 2, column 1: adress is unknown; did you mean" in refused["lab.yaml"]
    assert f"file {folder}/bad.yaml, line 3, column 1: invalid YAML" in refused["bad.yaml"]
    assert refused["empty.yaml"] == f"file {folder}/empty.yaml is empty: remove it, or write [] for no hosts"
    assert after == {}


async def test_two_files_with_the_same_host_are_reported(folder: Path) -> None:
    """The first counts, by the names of the files."""
    (folder / "1.yaml").write_text("name: lab\naddress: unix:///1\n")
    (folder / "2.yaml").write_text("name: lab\naddress: unix:///2\n")
    async with gateway(directory=folder) as client:
        hosts = await Fleet(client).until_named("lab")
        refused = await refused_of(client)
        (folder / "1.yaml").unlink()
        await Fleet(client).until(lambda hosts: bool(hosts) and hosts["lab"].address == "unix:///2")

    assert hosts["lab"].address == "unix:///1"
    assert refused == {"2.yaml": f"{folder}/1.yaml has a host lab already: give it another name"}


async def test_a_directory_that_is_gone_keeps_its_hosts(folder: Path) -> None:
    """As when it is not mounted for a while; one that was never there leaves names open."""
    (folder / "lab.yaml").write_text("name: lab\naddress: unix:///lab\n")
    elsewhere = folder.with_name("elsewhere")
    async with gateway(directory=folder) as client, gateway(directory=elsewhere) as other:
        await Fleet(client).until_named("lab")
        unknown = await refusal(events(other, "lab"))
        selected = await refusal(
            other.hosts.ListHosts(pb.ListHostsRequest(selector=selectors_pb2.HostSelector(names=["lab"])))
        )
        os.rename(folder, elsewhere)
        await Fleet(other).until_named("lab")
        known = await fleet_of(client)

    for refused in (unknown, selected):
        assert (refused.code, refused.reason) == (grpc.StatusCode.UNAVAILABLE, "UNKNOWN_HOST")
    assert known == {"lab": "unix:///lab"}


async def test_sources_are_joined_in_their_order(folder: Path) -> None:
    """A host of the configuration counts before one that a call has added, and that before one of a file."""
    for name in ("a", "b", "c"):
        (folder / f"{name}.yaml").write_text(f"name: {name}\naddress: unix:///file\n")
    async with gateway(HostSettings(name="a", address="unix:///flag"), directory=folder) as client:
        await Fleet(client).until_named("a", "b", "c")
        taken = await refusal(
            client.hosts.AddHost(pb.AddHostRequest(spec=pb.HostSpec(name="b", address="unix:///call")))
        )
        (folder / "b.yaml").unlink()
        await Fleet(client).until_named("a", "c")
        await client.hosts.AddHost(pb.AddHostRequest(spec=pb.HostSpec(name="b", address="unix:///call")))
        (folder / "b.yaml").write_text("name: b\naddress: unix:///file\n")
        fleet = Fleet(client)
        hosts = await fleet.until(lambda hosts: "b" in hosts and list(hosts["b"].ignored_sources) == ["directory"])
        sources = [each.name for each in (await client.hosts.ListHosts(pb.ListHostsRequest())).sources]

    assert taken.reason == "NAME_IN_USE"
    assert {name: (host.address, host.source, list(host.ignored_sources)) for name, host in hosts.items()} == {
        "a": ("unix:///flag", "configuration", ["directory"]),
        "b": ("unix:///call", "calls", ["directory"]),
        "c": ("unix:///file", "directory", []),
    }
    assert sources == ["configuration", "calls", "directory"]


class DockerContexts:
    """A Docker configuration folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def put(self, name: str, context: Any) -> None:
        """Write a context: an address, or a text that is none."""
        meta = self.folder / "contexts/meta" / hashlib.sha256(name.encode()).hexdigest() / "meta.json"
        meta.parent.mkdir(parents=True, exist_ok=True)
        meta.write_text(json.dumps({"Name": name, "Endpoints": {"docker": {"Host": context}}}))

    def remove(self, name: str) -> None:
        """Remove a context."""
        meta = self.folder / "contexts/meta" / hashlib.sha256(name.encode()).hexdigest() / "meta.json"
        meta.unlink()
        meta.parent.rmdir()


async def test_docker_contexts_come_and_go(tmp_path: Path) -> None:
    """While nothing else is configured, the local socket is there when they are not."""
    contexts = DockerContexts(tmp_path)
    docker = DockerConfiguration(tmp_path, "", None, alone=True)
    settings = {"sources": {"poll_interval_seconds": 0.05}, "health_check_interval_seconds": 3600}
    async with gateway_of(contexts=docker, **settings) as client:
        fleet = Fleet(client)
        await fleet.until_named("local")
        contexts.put("edge", "unix:///edge.sock")
        hosts = await fleet.until_named("edge")
        contexts.put("bad", "npipe:////./pipe/docker_engine")
        contexts.put("lab", "unix:///lab.sock")
        await fleet.until_named("edge", "lab")
        refused = await refused_of(client, "contexts")
        contexts.remove("edge")
        contexts.remove("lab")
        contexts.remove("bad")
        await fleet.until_named("local")

    assert hosts["edge"].source == "contexts"
    assert "is not unix:///path" in refused["bad"]
