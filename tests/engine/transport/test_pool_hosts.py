"""Ways to a host: how they fail, and that only the address decides."""

from __future__ import annotations

import asyncio
import os
import socket
import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest
import trustme

from gateway.engine.errors import BadResponse, CredentialsRejected, IdentityMismatch, Unreachable
from gateway.engine.transport.http import Request
from gateway.engine.transport.pool import Address, Limits, Pool
from tests.support.fake_engine import FakeEngine
from tests.support.upstream import address_of, read_request, tls_server

PING = Request("GET", "/_ping")


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    """The authority of the engines' certificates."""
    return trustme.CA()


@pytest.fixture(scope="module")
def clients() -> trustme.CA:
    """The authority of the gateway's certificates."""
    return trustme.CA()


def server_tls(authority: trustme.CA, *names: str, clients: trustme.CA | None = None) -> ssl.SSLContext:
    """Return the context of an engine that bears *names*, and asks for a certificate of *clients*."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(*names).configure_cert(context)
    if clients:
        clients.configure_trust(context)
        context.verify_mode = ssl.CERT_REQUIRED
    return context


def client_tls(authority: trustme.CA, certificate: trustme.LeafCert | None = None) -> ssl.SSLContext:
    """Return the context of a gateway that trusts *authority* and presents *certificate*."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    authority.configure_trust(context)
    if certificate:
        certificate.configure_cert(context)
    return context


async def ask(address: Address, seconds: float = 5) -> bytes:
    """Ask for `/_ping` over a connection of its own."""
    pool = Pool(address, Limits(connect_timeout_seconds=seconds))
    try:
        return (await pool.fetch(PING)).body
    finally:
        pool.close()


@pytest.fixture
def silent_port() -> Iterator[int]:
    """A port that accepts connections, in the kernel, and sends nothing."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


@pytest.fixture
def deaf_port() -> Iterator[int]:
    """A port whose queue is full: the kernel drops what wants to connect, as a firewall would."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen(0)
        callers = []
        for _ in range(4):
            caller = socket.socket()
            caller.setblocking(False)
            caller.connect_ex(server.getsockname())
            callers.append(caller)
        yield server.getsockname()[1]
        for caller in callers:
            caller.close()


# No way


async def test_a_socket_that_is_not_there_is_unreachable(tmp_path: Path) -> None:
    """Nothing was sent, and the error does not show the path."""
    with pytest.raises(Unreachable) as refused:
        await ask(Address(path=str(tmp_path / "nothing.sock")))

    assert not refused.value.sent


async def test_a_socket_that_nobody_serves_is_unreachable(tmp_path: Path) -> None:
    """The socket of an engine that died is no engine."""
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(tmp_path / "left.sock"))

    with pytest.raises(Unreachable):
        await ask(Address(path=str(tmp_path / "left.sock")))


async def test_a_port_that_nobody_serves_is_unreachable() -> None:
    """A refused connection is an error at once."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]

    with pytest.raises(Unreachable):
        await ask(Address(host="127.0.0.1", port=port))


async def test_a_name_that_does_not_resolve_is_unreachable() -> None:
    """A host that DNS does not know cannot be reached (B2 20)."""
    with pytest.raises(Unreachable):
        await ask(Address(host="no-such-host.invalid", port=2375))


async def test_a_host_that_does_not_take_connections_is_given_up(deaf_port: int) -> None:
    """It costs the connect timeout and no more, and the error names that."""
    with pytest.raises(Unreachable, match=r"^no connection within 0\.2 s \(limits\.connect_timeout_seconds\)$"):
        await ask(Address(host="127.0.0.1", port=deaf_port), seconds=0.2)


async def test_a_socket_without_permission_has_a_reason_of_its_own(tmp_path: Path) -> None:
    """A missing permission is no outage: waiting does not help."""
    async with FakeEngine(str(tmp_path / "docker.sock")) as engine:
        previous = os.geteuid()
        os.chmod(tmp_path, 0)
        os.seteuid(65534 if previous == 0 else previous)  # the permissions of a socket do not bind root
        try:
            with pytest.raises(CredentialsRejected):
                await ask(address_of(engine.address))
        finally:
            os.seteuid(previous)
            os.chmod(tmp_path, 0o700)


# TLS


async def test_an_engine_that_proves_its_name_is_served(authority: trustme.CA, clients: trustme.CA) -> None:
    """Both sides present certificates, and both are accepted."""
    async with FakeEngine.tls(server_tls(authority, "127.0.0.1", clients=clients)) as engine:
        tls = client_tls(authority, clients.issue_cert("gateway.example"))

        assert await ask(address_of(engine.address, tls)) == b"OK"
        assert [request.path for request in engine.requests] == ["/_ping"]


async def test_an_engine_may_bear_another_name_than_its_address(authority: trustme.CA) -> None:
    """The name to prove can be configured."""
    async with FakeEngine.tls(server_tls(authority, "engine.example")) as engine:
        assert await ask(address_of(engine.address, client_tls(authority), "engine.example")) == b"OK"


@pytest.mark.parametrize("fault", ["another authority", "another name"])
async def test_an_engine_that_does_not_prove_its_name_is_refused(authority: trustme.CA, fault: str) -> None:
    """Nothing is sent to another machine than the host (A5 57)."""
    name = "other.example" if fault == "another name" else "127.0.0.1"
    trusted = trustme.CA() if fault == "another authority" else authority
    async with FakeEngine.tls(server_tls(authority, name)) as engine:
        with pytest.raises(IdentityMismatch) as refused:
            await ask(address_of(engine.address, client_tls(trusted)))

        assert not refused.value.sent
        assert not engine.requests


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
@pytest.mark.parametrize("fault", ["none", "another authority"])
async def test_an_engine_that_refuses_the_gateways_certificate_has_a_reason_of_its_own(
    authority: trustme.CA, clients: trustme.CA, fault: str, version: ssl.TLSVersion
) -> None:
    """A missing or foreign certificate means rejected credentials, with TLS 1.3 and with older TLS."""
    certificate = None if fault == "none" else trustme.CA().issue_cert("gateway.example")
    context = server_tls(authority, "127.0.0.1", clients=clients)
    context.minimum_version = context.maximum_version = version
    async with tls_server(context, lambda stream: stream.sendall(read_request(stream))) as address:
        with pytest.raises(CredentialsRejected) as refused:
            await ask(address_of(address, client_tls(authority, certificate)))

        assert not refused.value.sent


async def test_plain_http_on_a_tls_port_is_no_fallback(authority: trustme.CA) -> None:
    """An engine that does not speak TLS is not the host, and gets no plaintext (A5 57)."""
    async with FakeEngine.tcp() as engine:
        with pytest.raises((IdentityMismatch, Unreachable)):
            await ask(address_of(engine.address, client_tls(authority)), seconds=0.5)

        assert not engine.requests


async def test_a_plain_answer_to_a_tls_greeting_is_an_identity_mismatch(authority: trustme.CA) -> None:
    """What Go's HTTP server answers to a TLS greeting is recognised as no TLS."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(5)
        writer.write(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n")
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        with pytest.raises(IdentityMismatch):
            await ask(Address(host="127.0.0.1", port=port, tls=client_tls(authority)))


async def test_plaintext_to_a_tls_port_is_a_bad_answer(authority: trustme.CA) -> None:
    """A host that was configured without TLS and wants it does not answer in HTTP."""
    async with FakeEngine.tls(server_tls(authority, "127.0.0.1")) as engine:
        with pytest.raises(Exception) as refused:  # noqa: PT011
            await ask(address_of(engine.address))

        assert isinstance(refused.value, BadResponse) or refused.value.sent  # type: ignore[attr-defined]
        assert not engine.requests


async def test_a_handshake_that_hangs_is_given_up(authority: trustme.CA, silent_port: int) -> None:
    """The time to connect includes TLS."""
    with pytest.raises(Unreachable, match=r"within 0\.2 s"):
        await ask(Address(host="127.0.0.1", port=silent_port, tls=client_tls(authority)), seconds=0.2)


async def test_a_host_that_closes_during_the_handshake_is_unreachable(authority: trustme.CA) -> None:
    """Nothing was sent: it may be tried again."""

    async def close(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(5)
        writer.close()

    server = await asyncio.start_server(close, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        with pytest.raises(Unreachable) as refused:
            await ask(Address(host="127.0.0.1", port=port, tls=client_tls(authority)))

    assert not refused.value.sent


@pytest.mark.parametrize("scheme", ["tcp", "tls"])
async def test_the_environment_changes_nothing(
    scheme: str, authority: trustme.CA, monkeypatch: pytest.MonkeyPatch, silent_port: int
) -> None:
    """Neither proxies nor authorities of the environment change where calls go and whom they trust (A5 58, [V7])."""
    for name in ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{silent_port}")
    monkeypatch.setenv("NO_PROXY", "")
    with trustme.CA().cert_pem.tempfile() as bundle:
        for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE"):
            monkeypatch.setenv(name, bundle)
        context = server_tls(authority, "127.0.0.1") if scheme == "tls" else None
        async with FakeEngine(port=0, tls=context) as engine:
            assert await ask(address_of(engine.address, client_tls(authority) if context else None)) == b"OK"
