"""TLS of the listener: whom the gateway lets in."""

from __future__ import annotations

import asyncio
import json
import socket
import ssl
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import grpc
import pytest
import trustme
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.x509.oid import ExtendedKeyUsageOID
from dockfleet.v1 import system_pb2, system_pb2_grpc

from gateway.config.tls import ListenerTls
from tests.attacks.http2 import Connection
from tests.support.fake_engine import FakeEngine
from tests.support.gateway import gateway_of
from tests.support.process import Process

PING = system_pb2.PingRequest(host="h1")
CLIENT = "client@example.com"
NOW, DAY = datetime.now(UTC), timedelta(days=1)


def certificates(folder: Path, authority: trustme.CA) -> ListenerTls:
    """Write a server's certificate and its client authority into *folder*."""
    server = authority.issue_cert("localhost", "127.0.0.1")
    server.private_key_pem.write_to_path(str(folder / "key.pem"))
    server.cert_chain_pems[0].write_to_path(str(folder / "certificate.pem"))
    authority.cert_pem.write_to_path(str(folder / "ca.pem"))
    return ListenerTls(certificate=folder / "certificate.pem", key=folder / "key.pem", client_ca=folder / "ca.pem")


def for_servers_alone(authority: trustme.CA) -> trustme.LeafCert:
    """A certificate of *authority* that names what it is for, and clients are not among that."""
    key = serialization.load_pem_private_key(authority.private_key_pem.bytes(), None)
    issued = authority.issue_cert(CLIENT)
    found = x509.load_pem_x509_certificate(issued.cert_chain_pems[0].bytes())
    usage = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH])
    certificate = (
        x509.CertificateBuilder(found.issuer, found.subject, found.public_key(), found.serial_number)
        .not_valid_before(found.not_valid_before_utc)
        .not_valid_after(found.not_valid_after_utc)
        .add_extension(usage, critical=True)
        .sign(key, hashes.SHA256())  # type: ignore[arg-type]  # the key of an authority can sign
    )
    pem = certificate.public_bytes(serialization.Encoding.PEM)
    return trustme.LeafCert(issued.private_key_pem.bytes(), pem, [])


async def ping(port: int, authority: trustme.CA, client: trustme.LeafCert | None) -> grpc.StatusCode:
    """Call the gateway over TLS, with a client's certificate if given; return the status."""
    credentials = grpc.ssl_channel_credentials(
        authority.cert_pem.bytes(),
        client.private_key_pem.bytes() if client else None,
        client.cert_chain_pems[0].bytes() if client else None,
    )
    options = [("grpc.use_local_subchannel_pool", 1)]
    async with grpc.aio.secure_channel(f"localhost:{port}", credentials, options) as channel:
        call = system_pb2_grpc.SystemServiceStub(channel).Ping(PING, timeout=60)
        return await call.code()


REFUSED: dict[str, Callable[[trustme.CA], trustme.LeafCert | None]] = {
    "none": lambda authority: None,
    "of another authority": lambda authority: trustme.CA().issue_cert(CLIENT),
    "expired": lambda authority: authority.issue_cert(CLIENT, not_after=NOW - DAY),
    "not yet valid": lambda authority: authority.issue_cert(CLIENT, not_before=NOW + DAY, not_after=NOW + 2 * DAY),
    "not for clients": for_servers_alone,
}


async def test_mutual_tls_lets_in_only_who_has_a_certificate_of_the_authority_for_clients(tmp_path: Path) -> None:
    """With another one, or with none, no handler ever runs (A5 1, 2)."""
    authority = trustme.CA()
    async with FakeEngine() as engine, gateway_of(engine.address, tls=certificates(tmp_path, authority)) as client:
        friend = await ping(client.port, authority, authority.issue_cert(CLIENT))
        await engine.request("GET", "/info")  # the last that the gateway asks of its own accord
        seen = len(engine.requests)
        codes = {what: await ping(client.port, authority, make(authority)) for what, make in REFUSED.items()}

        assert friend is grpc.StatusCode.OK
        assert codes == dict.fromkeys(REFUSED, grpc.StatusCode.UNAVAILABLE)
        assert len(engine.requests) == seen


async def test_plaintext_gets_no_answer_where_tls_is_spoken(tmp_path: Path) -> None:
    """The connection is closed (A5 1)."""
    async with FakeEngine() as engine, gateway_of(engine.address, tls=certificates(tmp_path, trustme.CA())) as client:
        connection = await Connection.open("127.0.0.1", client.port, "127.0.0.9", {})
        connection.call("/dockfleet.v1.SystemService/Ping", PING.SerializeToString(), end=True)
        await connection.gone.wait()
        connection.close()

        assert connection.settings == {}
        assert engine.asked == []


async def test_an_authority_that_is_taken_out_of_several_lets_nobody_in_any_more(tmp_path: Path) -> None:
    """There are no revocation lists: that is how certificates are revoked without a restart (A5 2).

    A session of TLS from before does not help: the client is asked for its certificate again.
    """
    stays, leaves = trustme.CA(), trustme.CA()
    tls = certificates(tmp_path, stays)
    assert tls.client_ca is not None
    tls.client_ca.write_bytes(stays.cert_pem.bytes() + leaves.cert_pem.bytes())
    file = tmp_path / "config.json"
    async with FakeEngine() as engine:
        hosts = [{"name": "h1", "address": engine.address}]
        keys = {"tls": {name: str(value) for name, value in tls}, "sources": {"poll_interval_seconds": 0.05}}
        file.write_text(json.dumps({"hosts": hosts, **keys}))
        async with Process.running(tmp_path / "state", "--config", str(file)) as gateway:
            before = [await ping(gateway.port, stays, each.issue_cert(CLIENT)) for each in (stays, leaves)]
            context = ssl.create_default_context(cadata=stays.cert_pem.bytes().decode())
            leaves.issue_cert(CLIENT).configure_cert(context)
            context.set_alpn_protocols(["h2"])
            session = await greet(gateway.port, context, None)
            reused = await greet(gateway.port, context, session)
            stays.cert_pem.write_to_path(str(tls.client_ca))
            await gateway.said("reloaded")
            after = [await ping(gateway.port, stays, each.issue_cert(CLIENT)) for each in (stays, leaves)]
            with pytest.raises((ssl.SSLError, ConnectionError)):
                await greet(gateway.port, context, reused)
            assert all(line["logger"].startswith("gateway") for line in await gateway.stop())

    assert before == [grpc.StatusCode.OK, grpc.StatusCode.OK]
    assert after == [grpc.StatusCode.OK, grpc.StatusCode.UNAVAILABLE]


async def greet(port: int, context: ssl.SSLContext, session: ssl.SSLSession | None) -> ssl.SSLSession:
    """Shake hands and read until HTTP/2 begins; return the session.  Raises what the handshake fails with."""

    def connect() -> ssl.SSLSession:
        with (
            socket.create_connection(("localhost", port)) as plain,
            context.wrap_socket(plain, server_hostname="localhost", session=session) as secured,
        ):
            if not secured.recv(1):
                raise ConnectionError("the gateway has closed the connection")
            assert session is None or secured.session_reused
            assert secured.session is not None
            return secured.session

    return await asyncio.to_thread(connect)


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion:DeprecationWarning")
async def test_old_versions_of_tls_and_weak_ciphers_are_not_spoken(tmp_path: Path) -> None:
    """Also with a client that takes every cipher, or only weak ones (A5 10)."""
    authority = trustme.CA()
    tls = certificates(tmp_path, authority).model_copy(update={"client_ca": None})
    context = ssl.create_default_context(cadata=authority.cert_pem.bytes().decode())
    context.set_ciphers("ALL:@SECLEVEL=0")
    async with FakeEngine() as engine, gateway_of(engine.address, tls=tls) as client:
        for version in (ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1):
            context.minimum_version = context.maximum_version = version
            with pytest.raises((ssl.SSLError, ConnectionError)):
                await asyncio.open_connection("localhost", client.port, ssl=context)
        context.maximum_version = context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.set_alpn_protocols(["h2"])
        context.set_ciphers("ECDHE-ECDSA-AES128-SHA:ECDHE-ECDSA-AES256-SHA384:ECDHE-ECDSA-NULL-SHA:@SECLEVEL=0")
        with pytest.raises((ssl.SSLError, ConnectionError)):
            await asyncio.open_connection("localhost", client.port, ssl=context)
        context.set_ciphers("ALL:@SECLEVEL=0")
        _, writer = await asyncio.open_connection("localhost", client.port, ssl=context)
        writer.transport.abort()
