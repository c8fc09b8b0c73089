"""A real engine that is reached through a real sshd: one login carries all, and what breaks with it comes back."""

from __future__ import annotations

import asyncio
import shutil
import signal
from typing import Any

import grpc
import pytest
from dockfleet.v1 import containers_pb2

from deploy.private_engines.provision import PATH
from gateway.config.settings import HostSettings
from tests.fleet.support import DOWN, state_of
from tests.real.support import Containers, Fleet, execute, news
from tests.support.gateway import gateway_of
from tests.support.sshd import Sshd
from tests.support.upstream import refusal

COUNT = "n=0; while :; do n=$((n+1)); echo $n; sleep 0.1; done"


@pytest.fixture
def far(fleet: Fleet, stopped: Sshd) -> HostSettings:
    """An engine of 20.10 as a host that is reached through the sshd."""
    fleet.need("private")
    return stopped.host("far", str(fleet.engines["one"].socket))


def log_of(container: str) -> containers_pb2.StreamLogsRequest:
    """Return the request for a log to be followed."""
    return containers_pb2.StreamLogsRequest(host="far", id=container, follow=True)


async def numbers(log: Any, count: int) -> list[int]:
    """Read at least *count* lines, each a number."""
    found: list[int] = []
    while len(found) < count:
        message = await news(log)
        found += [int(entry.data) for entry in message.batch.entries]
    return found


async def test_fifty_calls_and_twenty_followers_share_one_login(sshd: Sshd, far: HostSettings) -> None:
    """Where ten sessions are allowed in a login, and ten logins at once."""
    async with gateway_of(far) as client:
        containers = Containers(client, "far")
        try:
            started = await asyncio.gather(*(containers.start("sh", "-c", COUNT) for _ in range(4)))
            logs = [client.containers.StreamLogs(log_of(container)) for container in started * 5]
            read = asyncio.gather(*(numbers(log, 3) for log in logs))
            ran = await asyncio.gather(*(execute(client, "far", started[n % 4], "echo", str(n)) for n in range(50)))
            lines = await read
            for log in logs:
                log.cancel()
        finally:
            await containers.remove_all()

    assert [each.stdout for each in ran] == [b"%d\n" % n for n in range(50)]
    assert all(found == list(range(1, len(found) + 1)) for found in lines)
    assert sshd.accepted == 1


@pytest.mark.parametrize("forwarding", [True, False])
async def test_the_input_of_an_exec_is_closed_through_ssh(stopped: Sshd, far: HostSettings, forwarding: bool) -> None:
    """It reads every byte and then the end, also where docker's own command carries the session."""
    if not forwarding:
        if not shutil.which("docker", path=PATH):
            pytest.skip("there is no docker command")
        stopped.configure("AllowStreamLocalForwarding no")
    stopped.start()
    async with gateway_of(far) as client:
        containers = Containers(client, "far")
        try:
            container = await containers.start("sleep", "1000")
            ran = await execute(client, "far", container, "wc", "-c", stdin=bytes(300_000))
        finally:
            await containers.remove_all()

    assert ran.stdout.strip() == b"300000"
    assert ran.exit_code == 0
    assert stopped.accepted == 1


async def test_a_log_continues_when_sshd_is_stopped_and_started_again(sshd: Sshd, far: HostSettings) -> None:
    """Its logins are killed, new ones are refused for some time, and nothing is missing afterwards."""
    async with gateway_of(far, health_check_interval_seconds=0.2) as client:
        containers = Containers(client, "far")
        try:
            container = await containers.start("sh", "-c", COUNT)
            log = client.containers.StreamLogs(log_of(container))
            lines = await numbers(log, 5)
            logins = sshd.logins()
            sshd.stop()
            for login in logins:
                login.send_signal(signal.SIGKILL)
            await state_of(client, "far", DOWN)
            stop = containers_pb2.StopContainerRequest(host="far", id=container)
            refused = await refusal(client.containers.StopContainer(stop))
            sshd.start()
            lines += await numbers(log, 5)
            ran = await execute(client, "far", container, "echo", "again")
            log.cancel()
        finally:
            await containers.remove_all()

    assert (refused.code, refused.reason) == (grpc.StatusCode.UNAVAILABLE, "HOST_UNREACHABLE")
    assert refused.metadata["retry_safe"] == "true"
    assert refused.message.endswith(f"ssh: connect to host {sshd.place}: Connection refused")
    assert ran.stdout == b"again\n"
    assert lines == list(range(1, len(lines) + 1))
