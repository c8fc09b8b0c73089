"""Connections: which calls share one, which calls are repeated, and TLS."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import dockfleet
import dockfleet.aio
import grpc
import pytest
import trustme
from dockfleet.channels import CALLS_PER_CONNECTION, StreamChannels
from dockfleet.fleet.v1.hosts_pb2 import ListHostsResponse
from dockfleet.target import address
from dockfleet.v1 import containers_pb2 as containers

from clients.python.tests.scripted_gateway import RPCS, Ended, Gateway, fail


class Channel:
    """A channel that can be closed."""

    closed = False

    def close(self) -> None:
        self.closed = True


class Call:
    """A call that the test ends."""

    def add_done_callback(self, callback: Any) -> None:
        self.end = lambda: callback(self)


def test_short_calls_and_streams_have_connections_of_their_own(gateway: Gateway, fleet: dockfleet.Fleet) -> None:
    """Streams do not use up the calls that a connection allows."""
    ended = Ended()
    gateway.on("ListHosts", ListHostsResponse())
    gateway.on("StreamStats", ended.endless(containers.StreamStatsResponse()))

    with fleet.host("a").containers.rpc("StreamStats")(id="web") as stats:
        next(stats)
        fleet.hosts.list()

    assert len(gateway.peers["ListHosts"] | gateway.peers["StreamStats"]) == 2


def test_a_call_that_may_take_long_counts_as_a_stream(gateway: Gateway, fleet: dockfleet.Fleet) -> None:
    """`WaitContainer` has one response, which may take long: it uses the connections of the streams."""
    gateway.on("ListHosts", ListHostsResponse())
    gateway.on("WaitContainer", containers.WaitContainerResponse(exit_code=3))

    answer = fleet.host("a").containers.rpc("WaitContainer")(id="web")
    fleet.hosts.list()

    assert answer.exit_code == 3
    assert not gateway.peers["ListHosts"] & gateway.peers["WaitContainer"]


def test_streams_open_another_connection_when_one_is_full() -> None:
    """A proxy may allow 100 calls per connection and lets the next one wait, so no connection gets there."""
    dialled: list[Channel] = []
    channels = StreamChannels(lambda: dialled.append(Channel()) or dialled[-1], lambda: None)
    used: list[Channel] = []
    calls = [channels.start(lambda channel: used.append(channel) or Call()) for _ in range(CALLS_PER_CONNECTION + 1)]

    assert used.count(dialled[0]) == CALLS_PER_CONNECTION
    assert used.count(dialled[1]) == 1

    calls[0].end()
    channels.start(lambda channel: used.append(channel) or Call())
    assert used[-1] is dialled[0]
    assert len(dialled) == 2

    channels.close()
    assert all(channel.closed for channel in dialled)


def test_reads_are_repeated_when_the_gateway_refuses_them(gateway: Gateway, fleet: dockfleet.Fleet) -> None:
    """A read that fails with UNAVAILABLE is sent again; the caller does not notice."""

    def behave(request: Any, context: grpc.ServicerContext) -> Any:
        if len(gateway.requests) == 1:
            fail(context, message="stopping", reason="GOING_AWAY")
        return containers.ListContainersResponse(containers=[{"id": "c1"}])

    gateway.on("ListContainers", behave)

    assert len(fleet.host("a").containers.rpc("ListContainers")().containers) == 1
    assert len(gateway.requests) == 2


def test_a_change_is_never_repeated(gateway: Gateway, fleet: dockfleet.Fleet) -> None:
    """The caller decides about a start that fails with UNAVAILABLE."""
    gateway.on("StartContainer", lambda request, context: fail(context))

    with pytest.raises(dockfleet.DockfleetError):
        fleet.host("a").containers.rpc("StartContainer")(id="web")
    assert len(gateway.requests) == 1


def test_a_host_timeout_is_not_repeated(gateway: Gateway, fleet: dockfleet.Fleet) -> None:
    """`retry_safe` allows to repeat HOST_TIMEOUT, but that would triple the wait: the caller decides."""
    gateway.on(
        "InspectContainer",
        lambda request, context: fail(
            context, grpc.StatusCode.DEADLINE_EXCEEDED, "no answer within 30 s", "HOST_TIMEOUT", retry_safe="true"
        ),
    )

    with pytest.raises(dockfleet.DockfleetError) as raised:
        fleet.host("a").containers.rpc("InspectContainer")(id="web")

    assert (raised.value.reason, raised.value.retry_safe) == ("HOST_TIMEOUT", True)
    assert len(gateway.requests) == 1


def test_only_reads_that_send_one_request_are_repeatable() -> None:
    """The `idempotency_level` of the contract decides; there is no list here."""
    repeated = {name for name, method in RPCS.items() if method.reads}

    assert {"ListContainers", "InspectContainer", "StreamLogs", "ListHosts"} <= repeated
    assert not repeated & {"StartContainer", "RemoveContainer", "Exec", "CreateContainer", "PullImage", "BuildImage"}


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
                    hosts=[
                        {"name": context.auth_context()["x509_subject_alternative_name"][0].decode()},
                        {"name": dict(context.invocation_metadata()).get("authorization", "no token")},
                    ]
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


async def test_both_sides_have_certificates_and_a_token_is_sent(
    authority: trustme.CA, secure_gateway: str, tmp_path: Path
) -> None:
    """With `tls_ca`, `tls_cert` and `tls_key`, each side checks the other one; a proxy checks the token."""
    mine = authority.issue_cert("ci@example.org")
    ca, cert, key = tmp_path / "ca.pem", tmp_path / "cert.pem", tmp_path / "key.pem"
    authority.cert_pem.write_to_path(ca)
    mine.cert_chain_pems[0].write_to_path(cert)
    mine.private_key_pem.write_to_path(key)

    with dockfleet.connect(secure_gateway, tls_ca=ca, tls_cert=cert, tls_key=str(key)) as fleet:
        assert [host.name for host in fleet.hosts.list(deadline=10)] == ["ci@example.org", "no token"]
    async with dockfleet.aio.connect(
        secure_gateway, tls_ca=ca, tls_cert=cert, tls_key=str(key), token="secret"
    ) as fleet:
        found = await fleet.hosts.list(deadline=10)
    assert [host.name for host in found] == ["ci@example.org", "Bearer secret"]

    with (
        dockfleet.connect(secure_gateway, tls_ca=ca) as fleet,
        pytest.raises(dockfleet.DockfleetError, match="UNAVAILABLE: the gateway closed the connection at once"),
    ):
        fleet.hosts.list(deadline=10)


def test_a_wrong_use_of_tls_is_named(secure_gateway: str, gateway: Gateway, tmp_path: Path) -> None:
    """In plain words, before those of gRPC."""
    ca = tmp_path / "other.pem"
    trustme.CA().cert_pem.write_to_path(ca)

    with (
        dockfleet.connect(secure_gateway, tls_ca=ca) as fleet,
        pytest.raises(dockfleet.DockfleetError, match="no authority in tls_ca has signed the certificate"),
    ):
        fleet.hosts.list(deadline=10)
    with (
        dockfleet.connect(gateway.address, tls_ca=ca) as fleet,
        pytest.raises(dockfleet.DockfleetError, match="UNAVAILABLE: the gateway does not use TLS: leave out tls"),
    ):
        fleet.hosts.list(deadline=10)


@pytest.mark.parametrize(
    ("options", "text"),
    [({}, "a token is sent over TLS only"), ({"tls": True}, "characters that cannot be sent")],
)
def test_a_token_that_cannot_be_sent_is_refused(options: dict[str, bool], text: str) -> None:
    """Without TLS everybody on the way can read it; with a line break it would be two headers."""
    for connect in (dockfleet.connect, dockfleet.aio.connect):
        with pytest.raises(ValueError, match=text):
            connect(token="secret\n", **options)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    """A path that does not exist is an `OSError` of `connect`, not a failed handshake of the first call."""
    with pytest.raises(FileNotFoundError, match=r"ca\.pem"):
        dockfleet.connect(tls_ca=tmp_path / "ca.pem")


@pytest.mark.parametrize(("given", "missing"), [("tls_cert", "tls_key"), ("tls_key", "tls_cert")])
def test_a_certificate_and_its_key_belong_together(tmp_path: Path, given: str, missing: str) -> None:
    """gRPC ends the whole program when one is missing; `connect` raises a `ValueError` that names both."""
    for connect in (dockfleet.connect, dockfleet.aio.connect):
        with pytest.raises(ValueError, match=f"tls_cert and tls_key belong together: {given} .* without {missing}"):
            connect(**{given: tmp_path / "a.pem"})


WRONG_FILES = [  # what the files are, and what the error says
    ({"tls_ca": "text"}, r"text is not a certificate in PEM format"),
    ({"tls_ca": "damaged"}, r"damaged is not a certificate in PEM format"),
    ({"tls_ca": "key"}, r"key is not a certificate in PEM format"),
    ({"tls_ca": "empty"}, r"empty is not a certificate in PEM format"),
    ({"tls_cert": "text", "tls_key": "key"}, r"text is not a certificate in PEM format"),
    ({"tls_cert": "cert", "tls_key": "text"}, r"text is not a private key in PEM format without a password"),
    ({"tls_cert": "cert", "tls_key": "cert"}, r"cert is not a private key in PEM format without a password"),
    ({"tls_cert": "cert", "tls_key": "other"}, r"other is not the private key of .*cert$"),
    ({"tls_cert": "cert", "tls_key": "rsa"}, r"rsa is not the private key of .*cert$"),
]


@pytest.mark.parametrize(("names", "text"), WRONG_FILES)
def test_a_wrong_file_is_named(authority: trustme.CA, tmp_path: Path, names: dict[str, str], text: str) -> None:
    """`connect` checks the files; gRPC reports them at the first call and does not say which file it is."""
    mine, others = authority.issue_cert("a@example.org"), authority.issue_cert("b@example.org")
    mine.cert_chain_pems[0].write_to_path(tmp_path / "cert")
    mine.private_key_pem.write_to_path(tmp_path / "key")
    others.private_key_pem.write_to_path(tmp_path / "other")
    rsa = authority.issue_cert("c@example.org", key_type=trustme.KeyType.RSA)
    rsa.private_key_pem.write_to_path(tmp_path / "rsa")
    (tmp_path / "text").write_text("no PEM")
    (tmp_path / "empty").write_bytes(b"")
    (tmp_path / "damaged").write_bytes((tmp_path / "cert").read_bytes()[:300] + b"\n-----END CERTIFICATE-----\n")

    for connect in (dockfleet.connect, dockfleet.aio.connect):
        with pytest.raises(ValueError, match=text):
            connect(**{option: tmp_path / name for option, name in names.items()})


TARGETS = {
    "gateway": "gateway:50051",
    "gateway.example.org": "gateway.example.org:50051",
    "127.0.0.1": "127.0.0.1:50051",
    "gateway:1": "gateway:1",
    "::1": "[::1]:50051",
    "[::1]": "[::1]:50051",
    "[::1]:1": "[::1]:1",
    "dns:gateway": "dns:gateway:50051",
    "dns:///gateway": "dns:///gateway:50051",
    "dns:///gateway:1": "dns:///gateway:1",
    "unix:/run/dockfleet.sock": "unix:/run/dockfleet.sock",
    "unix:///run/dockfleet.sock": "unix:///run/dockfleet.sock",
    "unix-abstract:dockfleet": "unix-abstract:dockfleet",
    "ipv4:127.0.0.1:1": "ipv4:127.0.0.1:1",
}


@pytest.mark.parametrize("target", TARGETS)
def test_an_address_without_a_port_has_the_default_port(target: str) -> None:
    """gRPC would take 443; other names of gRPC stay as they are."""
    assert address(target) == TARGETS[target]


NO_TARGETS = ["http://127.0.0.1:50051", "https://gateway", "tcp://gateway:1", "grpc://a", "", " "]
NO_TARGETS += ["a:", "a:http", "a:0", "a:65536", "a b", "a/b", "u@a:1", ":1"]


@pytest.mark.parametrize("target", NO_TARGETS)
def test_a_url_and_what_is_no_port_are_no_address(target: str) -> None:
    """The error says what an address is."""
    for connect in (dockfleet.connect, dockfleet.aio.connect):
        with pytest.raises(ValueError, match="HOST:PORT"):
            connect(target)


def test_closing_the_fleet_ends_its_streams(gateway: Gateway) -> None:
    """Another thread's iteration ends with an error, and the gateway sees the call end."""
    ended = Ended()
    gateway.on("StreamStats", ended.endless(containers.StreamStatsResponse()))
    failed = threading.Event()
    fleet = dockfleet.connect(gateway.address)
    stats = fleet.host("a").containers.rpc("StreamStats")(id="web")
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
        fleet.host("a").containers.rpc("StreamStats")(id="web")
