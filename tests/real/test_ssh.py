"""Hosts behind a real sshd: what works, and what a caller learns when ssh does not let the gateway through."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import grpc
import pytest
from dockfleet.fleet.v1 import hosts_pb2
from dockfleet.v1 import containers_pb2, system_pb2

from deploy.private_engines.provision import PATH, EngineError, install
from gateway.config.settings import HostSettings
from tests.real.sshd import Sshd, in_front
from tests.real.support import Containers, Fleet, execute, news, until
from tests.support.gateway import Client, gateway_of
from tests.support.upstream import refusal

UNREACHABLE = (grpc.StatusCode.UNAVAILABLE, "HOST_UNREACHABLE", "true")
STOP = containers_pb2.StopContainerRequest(host="far", id="web")


@pytest.fixture
def sshd(fleet: Fleet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Sshd:
    """An sshd in front of an engine of 20.10; it does not run yet."""
    fleet.need("private")
    try:
        install("sshd")
    except EngineError as error:
        pytest.skip(f"sshd cannot be had: {error}")
    if not shutil.which("sshd", path=PATH):
        pytest.skip("there is no sshd")
    sshd = Sshd(tmp_path, fleet.engines["one"].socket)
    monkeypatch.setenv("PATH", in_front(sshd.ssh))
    return sshd


@pytest.fixture
async def running(sshd: Sshd) -> AsyncIterator[Sshd]:
    """The same, and it runs."""
    sshd.start()
    yield sshd
    sshd.stop()


def far(sshd: Sshd) -> HostSettings:
    """The host behind *sshd*."""
    return HostSettings(name="far", address=sshd.address)


async def until_state(client: Client, state: int) -> hosts_pb2.Host:
    """Wait until the gateway thinks so of the host, and return what it knows of it."""
    found = hosts_pb2.Host()

    async def there() -> bool:
        found.CopyFrom((await client.hosts.GetHost(hosts_pb2.GetHostRequest(host="far"))).host)
        return found.state == state

    await until(there)
    return found


async def test_twenty_five_execs_at_once_all_reach_the_host(running: Sshd) -> None:
    """No more log in at once than a stock sshd lets in."""
    async with gateway_of(far(running)) as client:
        containers = Containers(client, "far")
        try:
            container = await containers.start("sleep", "1000")
            ran = await asyncio.gather(*(execute(client, "far", container, "echo", str(n)) for n in range(25)))
        finally:
            await containers.remove_all()

    assert [each.stdout for each in ran] == [b"%d\n" % n for n in range(25)]


async def test_a_refused_connection_is_a_host_that_cannot_be_reached(
    sshd: Sshd, caplog: pytest.LogCaptureFixture
) -> None:
    """Also of a change it is known that nothing was sent; ssh's words are in the status, of the host and in the log."""
    async with gateway_of(far(sshd)) as client:
        refused = await asyncio.gather(*(refusal(client.containers.StopContainer(STOP)) for _ in range(25)))
        host = await until_state(client, hosts_pb2.HOST_STATE_DOWN)

    words = f"connect to host 127.0.0.1 port {sshd.port}: Connection refused"
    assert {(each.code, each.reason, each.metadata["retry_safe"]) for each in refused} == {UNREACHABLE}
    assert {each.message for each in refused} == {f"far: ssh: {words}"}
    assert host.message == f"ssh: {words}"
    said = [record.fields for record in caplog.records if record.message == "command failed"]
    assert {(fields["host"], fields["said"]) for fields in said} == {("far", f"ssh: {words}")}


async def test_a_crowd_that_sshd_turns_away_may_try_again(sshd: Sshd) -> None:
    """An sshd that takes one login at a time and cuts off the others leaves no outcome unknown."""
    config = sshd.directory / "sshd_config"
    config.write_text(config.read_text() + "MaxStartups 1:100:1\n")
    sshd.start()
    try:
        async with gateway_of(far(sshd)) as client:
            calls = [
                client.containers.StopContainer(containers_pb2.StopContainerRequest(host="far", id="no-such"))
                for _ in range(12)
            ]
            ends = [await refusal(call) for call in calls]
    finally:
        sshd.stop()

    assert {end.reason for end in ends} <= {"HOST_UNREACHABLE", "NOT_FOUND"}
    assert "HOST_UNREACHABLE" in {end.reason for end in ends}


async def test_a_host_with_another_key_is_not_spoken_to(running: Sshd) -> None:
    """It may be another machine that has taken the address."""
    running.make_key(running.directory / "other")
    running.know(running.directory / "other.pub")
    async with gateway_of(far(running)) as client:
        refused = await refusal(client.containers.StopContainer(STOP))
        host = await until_state(client, hosts_pb2.HOST_STATE_DOWN)

    assert (refused.code, refused.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "HOST_IDENTITY_MISMATCH")
    assert refused.metadata["retry_safe"] == "false"
    assert refused.message.startswith("far: ssh: ")
    assert refused.message.endswith("Host key verification failed.")
    assert host.message.endswith("Host key verification failed.")


async def test_a_key_that_the_host_does_not_know_is_a_refusal_of_this_gateway(running: Sshd) -> None:
    """Its owner has to be let in on the host; to try again helps nobody."""
    running.make_key(running.key)
    async with gateway_of(far(running)) as client:
        refused = await refusal(client.containers.StopContainer(STOP))

    assert (refused.code, refused.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "HOST_CREDENTIALS_REJECTED")
    assert refused.message == "far: ssh: root@127.0.0.1: Permission denied (publickey)."


async def test_a_program_that_the_host_does_not_have_is_named(sshd: Sshd) -> None:
    """The engine is reached by docker's own command, which must be there."""
    config = sshd.directory / "sshd_config"
    config.write_text(config.read_text().replace("docker system", "no-such-docker system"))
    sshd.start()
    try:
        async with gateway_of(far(sshd)) as client:
            refused = await refusal(client.system.Ping(system_pb2.PingRequest(host="far")))
    finally:
        sshd.stop()

    assert (refused.code, refused.reason, refused.metadata["retry_safe"]) == UNREACHABLE
    assert "no-such-docker" in refused.message


async def test_a_log_goes_on_when_sshd_is_stopped_and_started_again(running: Sshd) -> None:
    """Open connections outlive the listener, new ones are refused meanwhile, and all is well afterwards."""
    async with gateway_of(far(running), health_check_interval_seconds=0.2) as client:
        containers = Containers(client, "far")
        try:
            script = "n=0; while :; do n=$((n+1)); echo $n; sleep 0.1; done"
            container = await containers.start("sh", "-c", script)
            export = containers_pb2.ExportContainerRequest(host="far", id=container)
            request = containers_pb2.StreamLogsRequest(host="far", id=container, follow=True)
            log = client.containers.StreamLogs(request)
            lines = await entries(log, 5)
            running.stop()
            refused = await refusal(client.containers.ExportContainer(export))
            lines += await entries(log, 5)
            running.start()
            ran = await execute(client, "far", container, "echo", "again")
            lines += await entries(log, 5)
            log.cancel()
        finally:
            await containers.remove_all()

    assert (refused.code, refused.reason, refused.metadata["retry_safe"]) == UNREACHABLE
    assert ran.stdout == b"again\n"
    assert lines == list(range(1, len(lines) + 1))


async def entries(log: grpc.aio.UnaryStreamCall, number: int) -> list[int]:
    """Read at least *number* lines, each a number."""
    lines: list[int] = []
    while len(lines) < number:
        message = await news(log)
        lines += [int(entry.data) for entry in message.batch.entries]
    return lines
