"""Connections: who shares one, what is repeated, and how both sides prove who they are."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import dockfleet
import grpc
import pytest
import trustme
from dockfleet.channels import CALLS_PER_CONNECTION, Lanes
from dockfleet.fleet.v1.hosts_pb2 import ListHostsResponse
from dockfleet.v1 import containers_pb2 as containers

from clients.python.tests.scripted_gateway import RPCS, Ended, Gateway, fail


class Channel:
    """A channel that only knows whether it is closed."""

    closed = False

    def close(self) -> None:
        self.closed = True


class Call:
    """A call that ends when the test says so."""

    def add_done_callback(self, callback: Any) -> None:
        self.end = lambda: callback(self)


def test_short_calls_and_streams_have_connections_of_their_own(gateway: Gateway, fleet: dockfleet.Fleet) -> None:
    """Streams can not use up the places that a connection has for calls."""
    ended = Ended()
    gateway.on("ListHosts", ListHostsResponse())
    gateway.on("StreamStats", ended.endless(containers.StreamStatsResponse()))

    with fleet.host("a").containers.StreamStats(id="web") as stats:
        next(stats)
        fleet.list_hosts()

    assert len(gateway.peers["ListHosts"] | gateway.peers["StreamStats"]) == 2


def test_a_call_that_may_take_long_counts_as_a_stream(gateway: Gateway, fleet: dockfleet.Fleet) -> None:
    """`WaitContainer` has one answer, but no end in sight: it goes where the streams go."""
    gateway.on("ListHosts", ListHostsResponse())
    gateway.on("WaitContainer", containers.WaitContainerResponse(exit_code=3))

    answer = fleet.host("a").containers.WaitContainer(id="web")
    fleet.list_hosts()

    assert answer.exit_code == 3
    assert not gateway.peers["ListHosts"] & gateway.peers["WaitContainer"]


def test_streams_open_a_further_connection_when_one_is_full() -> None:
    """The gateway lets a connection carry 100 calls and makes the next one wait; so no connection gets there."""
    dialled: list[Channel] = []
    lanes = Lanes(lambda: dialled.append(Channel()) or dialled[-1])
    used: list[Channel] = []
    calls = [lanes.start(lambda channel: used.append(channel) or Call()) for _ in range(CALLS_PER_CONNECTION + 1)]

    assert used.count(dialled[0]) == CALLS_PER_CONNECTION
    assert used.count(dialled[1]) == 1

    calls[0].end()
    lanes.start(lambda channel: used.append(channel) or Call())
    assert used[-1] is dialled[0]
    assert len(dialled) == 2

    lanes.close()
    assert all(channel.closed for channel in dialled)


def test_reads_are_repeated_when_the_gateway_refuses_them(gateway: Gateway, fleet: dockfleet.Fleet) -> None:
    """A read that meets UNAVAILABLE is sent again; the caller does not notice."""

    def behave(request: Any, context: grpc.ServicerContext) -> Any:
        if len(gateway.requests) == 1:
            fail(context, message="stopping", reason="GOING_AWAY")
        return containers.ListContainersResponse(containers=[{"id": "c1"}])

    gateway.on("ListContainers", behave)

    assert len(fleet.host("a").containers.ListContainers().containers) == 1
    assert len(gateway.requests) == 2


def test_what_changes_something_is_never_repeated(gateway: Gateway, fleet: dockfleet.Fleet) -> None:
    """A start that meets UNAVAILABLE is the caller's to decide about."""
    gateway.on("StartContainer", lambda request, context: fail(context))

    with pytest.raises(dockfleet.DockfleetError):
        fleet.host("a").containers.StartContainer(id="web")
    assert len(gateway.requests) == 1


def test_a_host_that_did_not_answer_in_time_is_asked_once(gateway: Gateway, fleet: dockfleet.Fleet) -> None:
    """Nothing repeats HOST_TIMEOUT unasked, which would triple the wait, though `retry_safe` allows it."""
    gateway.on(
        "InspectContainer",
        lambda request, context: fail(
            context, grpc.StatusCode.DEADLINE_EXCEEDED, "no answer within 30 s", "HOST_TIMEOUT", retry_safe="true"
        ),
    )

    with pytest.raises(dockfleet.DockfleetError) as raised:
        fleet.host("a").containers.InspectContainer(id="web")

    assert (raised.value.reason, raised.value.retry_safe) == ("HOST_TIMEOUT", True)
    assert len(gateway.requests) == 1


def test_only_reads_that_send_one_request_are_repeatable() -> None:
    """The contract's `access` decides: no list is kept here."""
    repeated = {name for name, method in RPCS.items() if method.reads}

    assert {"ListContainers", "InspectContainer", "StreamLogs", "ListHosts"} <= repeated
    assert not repeated & {"StartContainer", "RemoveContainer", "Exec", "CreateContainer", "PullImage", "BuildImage"}


def test_a_token_goes_with_every_call(gateway: Gateway) -> None:
    """Without TLS it is sent to this machine only, which the tests' gateway is on."""
    gateway.on("ListHosts", ListHostsResponse())

    with dockfleet.connect(gateway.address, token="s3cret") as fleet:
        fleet.list_hosts()

    assert gateway.metadata[0]["authorization"] == "Bearer s3cret"


def test_a_token_is_not_sent_in_the_clear_over_a_network(gateway: Gateway) -> None:
    """To any address but loopback, a token without TLS is refused before it leaves."""
    gateway.on("ListHosts", ListHostsResponse())
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        if probe.connect_ex(("192.0.2.1", 9)):  # sends nothing; finds our own address
            pytest.skip("this machine is on no network")
        address = probe.getsockname()[0]
    server = grpc.server(ThreadPoolExecutor(4), handlers=[gateway])
    port = server.add_insecure_port(f"{address}:0")
    server.start()

    with dockfleet.connect(f"{address}:{port}", token="s3cret") as fleet, pytest.raises(dockfleet.DockfleetError):
        fleet.list_hosts(timeout=10)
    with dockfleet.connect(f"{address}:{port}") as fleet:
        fleet.list_hosts(timeout=10)

    server.stop(None).wait()
    assert ["authorization" in metadata for metadata in gateway.metadata] == [False]


def test_a_token_goes_over_a_unix_socket(gateway: Gateway, tmp_path: Path) -> None:
    """Which does not leave this machine either."""
    gateway.on("ListHosts", ListHostsResponse())
    server = grpc.server(ThreadPoolExecutor(4), handlers=[gateway])
    server.add_insecure_port(f"unix:{tmp_path}/gateway.sock")
    server.start()

    with dockfleet.connect(f"unix:{tmp_path}/gateway.sock", token="s3cret") as fleet:
        fleet.list_hosts(timeout=10)

    server.stop(None).wait()
    assert gateway.metadata[0]["authorization"] == "Bearer s3cret"


@pytest.fixture
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def secure_gateway(authority: trustme.CA) -> Iterator[str]:
    """The address of a gateway that wants a certificate from its clients."""
    own = authority.issue_cert("127.0.0.1")
    handler = grpc.method_handlers_generic_handler(
        "dockfleet.fleet.v1.HostService",
        {
            "ListHosts": grpc.unary_unary_rpc_method_handler(
                lambda request, context: ListHostsResponse(
                    hosts=[{"name": context.auth_context()["x509_subject_alternative_name"][0].decode()}]
                ),
                response_serializer=ListHostsResponse.SerializeToString,
            )
        },
    )
    server = grpc.server(ThreadPoolExecutor(4), handlers=[handler])
    chain = b"".join(part.bytes() for part in own.cert_chain_pems)
    port = server.add_secure_port(
        "127.0.0.1:0",
        grpc.ssl_server_credentials(
            [(own.private_key_pem.bytes(), chain)], authority.cert_pem.bytes(), require_client_auth=True
        ),
    )
    server.start()
    yield f"127.0.0.1:{port}"
    server.stop(None).wait()


def test_both_sides_prove_who_they_are(authority: trustme.CA, secure_gateway: str, tmp_path: Path) -> None:
    """With `tls_ca`, `tls_cert` and `tls_key`, the gateway knows its caller and the caller its gateway."""
    mine = authority.issue_cert("ci@example.org")
    ca, cert, key = tmp_path / "ca.pem", tmp_path / "cert.pem", tmp_path / "key.pem"
    authority.cert_pem.write_to_path(ca)
    mine.cert_chain_pems[0].write_to_path(cert)
    mine.private_key_pem.write_to_path(key)

    with dockfleet.connect(secure_gateway, tls_ca=ca, tls_cert=cert, tls_key=str(key)) as fleet:
        assert [host.name for host in fleet.list_hosts(timeout=10)] == ["ci@example.org"]

    with (
        dockfleet.connect(secure_gateway, tls_ca=ca) as fleet,
        pytest.raises(dockfleet.DockfleetError, match="UNAVAILABLE"),
    ):
        fleet.list_hosts(timeout=10)


def test_a_certificate_that_is_not_there_is_named(tmp_path: Path) -> None:
    """A path that does not exist is an `OSError` at once, not a failed handshake later."""
    with pytest.raises(FileNotFoundError, match=r"ca\.pem"):
        dockfleet.connect(tls_ca=tmp_path / "ca.pem")


def test_closing_the_fleet_ends_its_streams(gateway: Gateway) -> None:
    """Another thread's iteration ends with an error, and the gateway sees the call end."""
    ended = Ended()
    gateway.on("StreamStats", ended.endless(containers.StreamStatsResponse()))
    failed = threading.Event()
    fleet = dockfleet.connect(gateway.address)
    stats = fleet.host("a").containers.StreamStats(id="web")
    next(stats)

    def follow() -> None:
        try:
            list(stats)
        except dockfleet.DockfleetError:
            failed.set()

    thread = threading.Thread(target=follow)
    thread.start()
    fleet.close()

    assert failed.wait(10)
    assert ended.wait(10)
    thread.join(10)
    with pytest.raises(ValueError, match="closed"):
        fleet.host("a").containers.StreamStats(id="web")
