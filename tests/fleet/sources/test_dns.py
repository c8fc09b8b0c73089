"""Hosts in SRV records, from a name server that does what the test says."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import AsyncIterator
from typing import Any

import dns.asyncresolver
import dns.message
import dns.nameserver
import dns.rcode
import dns.rrset
import grpc
import pytest
from dockfleet.fleet.v1 import fleet_pb2, selectors_pb2

from gateway.fleet.sources import dns as source_of_hosts
from gateway.fleet.sources.dns_queries import ClosingBackend, answered
from tests.support.fleets import Fleet, fleet_of, gateway, source, until_source
from tests.support.upstream import refusal

NAME = "_docker._tcp.example.com"


class NameServer(asyncio.DatagramProtocol):
    """Answers with the records that there are, or with a failure."""

    def __init__(self) -> None:
        self.records: list[str] = []  # priority, weight, port, target
        self.rcode = dns.rcode.NOERROR
        self.address = ""
        self._transport: Any = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take note of the way to answer."""
        self._transport = transport
        self.address = "{}:{}".format(*transport.get_extra_info("sockname"))

    def datagram_received(self, data: bytes, address: tuple[str, int]) -> None:
        """Answer a question."""
        question = dns.message.from_wire(data)
        answer = dns.message.make_response(question)
        answer.set_rcode(self.rcode)
        if self.records and self.rcode == dns.rcode.NOERROR:
            answer.answer.append(dns.rrset.from_text(f"{NAME}.", 1, "IN", "SRV", *self.records))
        self._transport.sendto(answer.to_wire(), address)


@pytest.fixture
async def server(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[NameServer]:
    """A name server, which is asked often."""
    monkeypatch.setattr(source_of_hosts, "_LEAST_SECONDS", 0.05)
    monkeypatch.setattr(source_of_hosts, "_MOST_SECONDS", 0.05)
    loop = asyncio.get_running_loop()
    transport, server = await loop.create_datagram_endpoint(NameServer, local_addr=("127.0.0.1", 0))
    yield server
    transport.close()


def at(server: NameServer, **more: Any) -> dict[str, Any]:
    """The configuration of the source."""
    return {"dns": {"name": NAME, "servers": [server.address], "host_insecure": True}} | more


async def test_the_targets_of_the_records_are_the_hosts(server: NameServer) -> None:
    """A target of the same domain has its short name; a second record of a name is reported."""
    server.records = ["0 0 2375 North.example.com.", "0 0 2375 lab.example.org.", "0 0 2376 north.example.com."]
    async with gateway(**at(server)) as client:
        fleet = Fleet(client)
        hosts = await fleet.until_named("north", "lab.example.org")
        refused = [entry.place for entry in (await source(client, "dns")).refused_entries]
        server.records = ["0 0 2375 south.example.com."]
        await fleet.until_named("south")

    assert hosts["north"].address == "tcp://north.example.com:2375"
    assert refused == ["tcp://north.example.com:2376"]


async def test_a_name_server_that_fails_takes_no_host_with_it(server: NameServer) -> None:
    """Neither do a name that does not exist any more and an answer without records, for a while."""
    server.records = ["0 0 2375 north.example.com."]
    async with gateway(**at(server)) as patient, gateway(**at(server), absence_timeout_seconds=0.2) as hasty:
        await Fleet(patient).until_named("north")
        server.rcode = dns.rcode.SERVFAIL
        await until_source(patient, "dns", up=False)
        failed = await fleet_of(patient)
        server.rcode = dns.rcode.NXDOMAIN
        await until_source(patient, "dns", up=True)
        await Fleet(hasty).until_named()
        unknown = await fleet_of(patient)
        server.rcode, server.records = dns.rcode.NOERROR, ["0 0 2375 south.example.com."]
        await Fleet(patient).until_named("north", "south")
        await Fleet(hasty).until_named("south")

    assert failed.keys() == unknown.keys() == {"north"}


async def test_a_fleet_that_is_not_known_yet_is_not_shown_as_empty(server: NameServer) -> None:
    """Before the first answer of its source, a question to all hosts can be asked again."""
    server.rcode = dns.rcode.SERVFAIL
    async with gateway(**at(server)) as client:
        question = fleet_pb2.PingRequest(hosts=selectors_pb2.HostSelector(all=True))
        refused = await refusal(client.fleet.Ping(question).read())
        server.rcode = dns.rcode.NXDOMAIN
        await until_source(client, "dns", up=True)
        [answer] = [response async for response in client.fleet.Ping(question)]

    assert (refused.code, refused.reason) == (grpc.StatusCode.UNAVAILABLE, "UNKNOWN_HOST")
    assert refused.message == "no host is selected so far: no answer yet from its sources dns"
    assert answer.summary.selected == 0


async def test_plaintext_beyond_this_machine_is_refused_unless_told_so(server: NameServer) -> None:
    """A record cannot say what secures a host."""
    server.records = ["0 0 2375 north.example.com."]
    dns_keys = {"name": NAME, "servers": [server.address]}
    async with gateway(dns=dns_keys) as client:
        found = await until_source(client, "dns", up=True)

    [refused] = found.refused_entries
    assert (refused.place, found.hosts) == ("north.example.com:2375", 0)
    assert "in plaintext beyond this machine" in refused.message


def resolver_at(server: NameServer) -> dns.asyncresolver.Resolver:
    """Return what asks *server*."""
    resolver = dns.asyncresolver.Resolver(configure=False)
    host, _, port = server.address.partition(":")
    resolver.nameservers = [dns.nameserver.Do53Nameserver(host, int(port))]
    return resolver


def open_sockets() -> int:
    """Return how many UDP sockets of the loop are open.  Not all of them have a file descriptor yet."""
    transports: list[Any] = [each for each in gc.get_objects() if type(each).__name__ == "UDPTransport"]
    return sum(not transport.is_closing() for transport in transports)


@pytest.mark.parametrize("iterations", range(8))
async def test_a_query_that_is_cancelled_leaves_no_socket(server: NameServer, iterations: int) -> None:
    """Whenever that is: uvloop keeps a socket whose creation was cancelled, and a gateway that ends can wait for it."""
    before = open_sockets()

    query = asyncio.create_task(resolver_at(server).resolve(NAME, "SRV", backend=ClosingBackend()))
    for _ in range(iterations):
        await asyncio.sleep(0)
    query.cancel()
    await asyncio.gather(query, return_exceptions=True)

    assert open_sockets() == before


async def test_a_cancellation_that_comes_with_the_response_is_obeyed(server: NameServer) -> None:
    """Otherwise a gateway that ends would wait for its source for ever."""
    resolver = resolver_at(server)
    server.records = ["0 0 2375 north.example.com."]
    cancelled = []
    for iterations in range(1, 30):
        query = asyncio.create_task(answered(resolver.resolve(NAME, "SRV", backend=ClosingBackend())))
        for _ in range(iterations):
            await asyncio.sleep(0)
        if query.cancel():
            await asyncio.wait({query})
            cancelled.append(query.cancelled())

    assert 3 < len(cancelled) < 30
    assert all(cancelled)
