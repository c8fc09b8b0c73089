"""A gateway that reads its configuration again, or is restarted, while clients follow logs and events."""

from __future__ import annotations

import asyncio
import signal
from pathlib import Path
from typing import Any

import grpc
import pytest
from dockfleet.fleet.v1 import fleet_pb2, hosts_pb2
from dockfleet.v1 import containers_pb2, system_pb2

from gateway.config.settings import HostSettings
from tests.real.processes import GatewayProcess
from tests.real.support import Containers, Fleet, news, until
from tests.support.gateway import Client, failed

WRITER = "n=0; while :; do n=$((n+1)); echo $n; sleep 0.05; done"


class Lines:
    """The numbers that a container writes, as one client gets them, and the token to continue with."""

    def __init__(self, **request: Any) -> None:
        self._request = request
        self._token = b""
        self.numbers: list[int] = []
        self.kinds: list[str] = []  # of records

    async def read(self, client: Client, more: int) -> None:
        """Follow the log until there are *more* numbers than before."""
        wanted = len(self.numbers) + more
        request = containers_pb2.StreamLogsRequest(follow=True, resume_token=self._token, **self._request)
        call = client.containers.StreamLogs(request)
        while len(self.numbers) < wanted:
            message = await news(call)
            self.numbers += [int(entry.data) for entry in message.batch.entries]
            self._token = message.resume_token or self._token
        call.cancel()

    @property
    def whole(self) -> bool:
        """Whether none is missing and none came twice."""
        return self.numbers == list(range(1, len(self.numbers) + 1))

    @property
    def seen(self) -> str:
        """In words, for a test that fails."""
        return f"{type(self).__name__}: {self.numbers}, {sorted(set(self.kinds))}"


class MergedLines(Lines):
    """The same, of a log of all hosts."""

    async def read(self, client: Client, more: int) -> None:
        """Follow the log until there are *more* numbers than before.

        A second host may have the same engine for a while: its records are those of another log.
        """
        request = fleet_pb2.StreamLogsRequest(request=containers_pb2.StreamLogsRequest(follow=True))
        request.hosts.all = True
        request.containers.names.append(self._request["id"])
        call = client.fleet.StreamLogs(request)
        while len(self.numbers) < more:
            response: Any = await call.read()
            for record in response.records:
                if record.host == self._request["host"]:
                    self.numbers += [int(entry.data) for entry in record.batch.entries]
                    self.kinds.append(str(record.WhichOneof("record")))
        call.cancel()

    @property
    def whole(self) -> bool:
        """Whether none is missing, none came twice, and nothing else was said of the host."""
        return super().whole and set(self.kinds) == {"batch"}


async def test_logs_and_events_continue_over_a_restart_without_a_configured_key(
    fleet: Fleet, client: Client, host: str, containers: Containers, tmp_path: Path
) -> None:
    """The gateway keeps a key of its own from one run to the next."""
    container = await containers.start("sh", "-c", WRITER)
    lines = Lines(host=host, id=container)
    request = system_pb2.StreamEventsRequest(host=host, filters=containers.filters)
    async with GatewayProcess.running(tmp_path, [fleet.hosts[host]]) as before:
        await lines.read(before.client, 10)
        call = before.client.system.StreamEvents(request)
        await call.initial_metadata()
        started = await containers.start("true")
        event = await news(call)
        call.cancel()
    missed = await containers.run("true")
    async with GatewayProcess.running(tmp_path, [fleet.hosts[host]]) as after:
        await lines.read(after.client, 30)
        request.resume_token = event.resume_token
        call = after.client.system.StreamEvents(request)
        created = []
        while missed not in created:
            message = await news(call)
            assert not message.HasField("gap")
            created += [message.event.actor.id] * (message.event.action == "create")
        call.cancel()

    assert lines.whole
    assert (event.event.action, event.event.actor.id) == ("create", started)
    assert created == [missed]
    assert "resume tokens end with this run" not in after.log
    assert (tmp_path / "state" / "resume.key").stat().st_mode & 0o777 == 0o600


@pytest.mark.usefixtures("private")
async def test_a_hundred_followers_do_not_notice_a_reload_of_other_hosts(
    fleet: Fleet, client: Client, containers: Containers, host: str, tmp_path: Path
) -> None:
    """A host is added, moved to another engine, removed, and a bad file comes by: all have the whole log of another."""
    container = await containers.start("sh", "-c", WRITER)
    other = fleet.engines["new" if host == "one" else "one"]
    guest, elsewhere = (HostSettings(name="guest", address=each.address) for each in (other, fleet.engines[host]))
    followers = [kind(host=host, id=container) for kind in (Lines, MergedLines) for _ in range(50)]
    async with GatewayProcess.running(tmp_path, [fleet.hosts[host]]) as gateway:
        reading = [asyncio.create_task(lines.read(gateway.client, 150)) for lines in followers]
        try:
            await reload(gateway, [fleet.hosts[host], guest])
            first = await system_id(gateway.client)
            events = gateway.client.system.StreamEvents(system_pb2.StreamEventsRequest(host="guest"))
            await events.initial_metadata()
            await reload(gateway, [fleet.hosts[host], elsewhere])
            with pytest.raises(grpc.aio.AioRpcError) as moved:
                while True:
                    await events.read()
            second = await system_id(gateway.client)
            gateway.file.write_text("{hosts: [")
            await signalled(gateway, "reload refused")
            await reload(gateway, [fleet.hosts[host]])
            known = (await gateway.client.hosts.ListHosts(hosts_pb2.ListHostsRequest())).hosts
        finally:
            await asyncio.gather(*reading)

    assert first != second
    assert failed(moved.value).reason == "HOST_REMOVED"
    assert [each.name for each in known] == [host]
    assert [lines.seen for lines in followers if not lines.whole] == []


async def system_id(client: Client) -> str:
    """The id of the engine of the host `guest`."""
    return (await client.system.GetInfo(system_pb2.GetInfoRequest(host="guest"))).info.id


async def reload(gateway: GatewayProcess, hosts: list[HostSettings]) -> None:
    """Give the gateway other hosts."""
    gateway.configure(hosts)
    await signalled(gateway, '"message":"reloaded"')


async def signalled(gateway: GatewayProcess, words: str) -> None:
    """Send SIGHUP, and wait until the gateway has said *words* once more."""
    before = gateway.log.count(words)
    gateway.signal(signal.SIGHUP)

    async def said() -> bool:
        return gateway.log.count(words) > before

    await until(said)
