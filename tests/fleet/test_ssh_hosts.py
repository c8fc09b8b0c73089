"""Hosts of a gateway that are reached by ssh: what their clients, `HostService` and the log say."""

from __future__ import annotations

import asyncio
import logging

import grpc
import pytest
from dockfleet.v1 import containers_pb2

from gateway.config.settings import HostSettings
from gateway.config.ssh import HostSsh
from tests.fleet.support import DOWN, UP, list_of, state_of
from tests.support.fake_engine import FakeEngine
from tests.support.gateway import gateway_of
from tests.support.sshd import Sshd, silent
from tests.support.upstream import refusal

STOP = containers_pb2.StopContainerRequest(host="far", id="web")


def said(caplog: pytest.LogCaptureFixture, message: str) -> list[tuple[str, str]]:
    """Return the hosts and the reasons of the lines of the log with *message*."""
    fields = [vars(record)["fields"] for record in caplog.records if record.message == message]
    return [(each["host"], each["why"]) for each in fields if "why" in each]


async def test_another_key_of_the_host_is_a_matter_of_its_identity(
    sshd: Sshd, engine: FakeEngine, caplog: pytest.LogCaptureFixture
) -> None:
    """Its state, the log and a call that changes something give ssh's words; to try again does not help."""
    sshd.make_key(sshd.directory / "other")
    sshd.know(sshd.directory / "other.pub")
    async with gateway_of(sshd.host("far", engine.address)) as client:
        refused = await refusal(client.containers.StopContainer(STOP))
        host = await state_of(client, "far", DOWN)

    assert (refused.code, refused.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "HOST_IDENTITY_MISMATCH")
    assert refused.metadata["retry_safe"] == "false"
    assert host.message.startswith("ssh: Host key verification failed: the key of 127.0.0.1 has changed")
    assert refused.message.endswith(host.message)
    assert said(caplog, "ssh login failed") == [("far", host.message)]
    assert said(caplog, "host") == [("far", host.message)]


async def test_a_key_that_the_host_does_not_let_in_is_a_matter_of_credentials(sshd: Sshd, engine: FakeEngine) -> None:
    """Its owner has to be let in on the host."""
    sshd.make_key(sshd.key)
    async with gateway_of(sshd.host("far", engine.address)) as client:
        refused = await refusal(client.containers.StopContainer(STOP))
        host = await state_of(client, "far", DOWN)

    assert (refused.code, refused.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "HOST_CREDENTIALS_REJECTED")
    assert host.message.startswith(f"ssh: {sshd.user}@127.0.0.1: Permission denied (publickey)")
    assert refused.message.endswith(host.message)


async def test_a_refused_connection_may_be_tried_again(stopped: Sshd, engine: FakeEngine) -> None:
    """Also for a change it is known that nothing was sent."""
    async with gateway_of(stopped.host("far", engine.address)) as client:
        refused = await asyncio.gather(*(refusal(client.containers.StopContainer(STOP)) for _ in range(25)))

    words = f"ssh: connect to host {stopped.place}: Connection refused"
    assert {(each.code, each.reason, each.metadata["retry_safe"]) for each in refused} == {
        (grpc.StatusCode.UNAVAILABLE, "HOST_UNREACHABLE", "true")
    }
    assert all(each.message.endswith(words) for each in refused)


async def test_a_removed_host_closes_its_login(sshd: Sshd, engine: FakeEngine) -> None:
    """Neither a process of sshd nor a connection to the engine stays."""
    async with gateway_of(sshd.host("far", engine.address)) as client:
        await state_of(client, "far", UP)
        await list_of(client, "far")
        assert len(sshd.logins()) == 1
        client.hosts_of_gateway.remove("far")
        await sshd.until_logins(0)
        await engine.until(lambda: not engine.open_connections)

    assert sshd.accepted == 1


async def test_ten_hosts_log_in_when_the_gateway_starts(
    sshd: Sshd, engine: FakeEngine, caplog: pytest.LogCaptureFixture
) -> None:
    """Each once, and none is turned away; one without ssh is served as well."""
    caplog.set_level(logging.INFO)
    hosts = [sshd.host(f"far{n}", engine.address) for n in range(10)]
    async with gateway_of(HostSettings(name="near", address=engine.address), *hosts) as client:
        await list_of(client, "near")
        for host in hosts:
            await state_of(client, host.name, UP)

    assert sshd.accepted == 10
    assert sum(record.message == "ssh login" for record in caplog.records) == 10
    assert said(caplog, "ssh login failed") == []


async def test_hosts_that_never_answer_hold_up_no_other(engine: FakeEngine) -> None:
    """Twenty logins hang, and another host is still served."""
    async with silent() as port:
        stuck = [HostSettings(name=f"stuck{n}", address=f"ssh://127.0.0.1:{port}") for n in range(20)]
        async with gateway_of(*stuck, HostSettings(name="near", address=engine.address)) as client:
            await state_of(client, "near", UP)
            assert not (await list_of(client, "near")).containers


async def test_credentials_of_a_host_can_be_text(sshd: Sshd, engine: FakeEngine) -> None:
    """As those of a host that is added at run time are."""
    ssh = HostSsh(private_key=sshd.key.read_text(), known_hosts=sshd.known_hosts.read_text())
    async with gateway_of(sshd.host("far", engine.address).model_copy(update={"ssh": ssh})) as client:
        await state_of(client, "far", UP)

    assert "PRIVATE KEY" not in repr(ssh)
