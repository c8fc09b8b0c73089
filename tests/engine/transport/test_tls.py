"""TLS without I/O, against a server made of the same parts."""

from __future__ import annotations

import contextlib
import ssl

import pytest
import trustme

from gateway.engine.transport.tls import TlsStream


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    """The authority that both sides trust."""
    return trustme.CA()


class Peer:
    """The other end of a TLS connection; only `exchange` moves bytes."""

    def __init__(self, context: ssl.SSLContext, client: TlsStream) -> None:
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = context.wrap_bio(self._incoming, self._outgoing, server_side=True)
        self.client = client
        self.to_client = b""  # what is on its way

    def take(self) -> None:
        """Take what the client has to send."""
        self._incoming.write(self.client.outgoing())

    def give(self) -> bytes:
        """Deliver the data of the server; return the plaintext that the client decrypts."""
        return self.client.receive(self._outgoing.read())

    def flight(self) -> bytes:
        """Return what the server has written instead of delivering it."""
        return self._outgoing.read()

    def handshake(self) -> None:
        """Set up TLS."""
        self.client.handshake()
        while not self.client.ready:
            self.take()
            self.step()
            self.give()
        self.take()
        self.step()

    def step(self) -> None:
        """Let the server continue the handshake."""
        with contextlib.suppress(ssl.SSLWantReadError):
            self.tls.do_handshake()


def server_context(authority: trustme.CA, *names: str) -> ssl.SSLContext:
    """Return the context of a server that bears *names*."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(*names).configure_cert(context)
    return context


def client_context(authority: trustme.CA) -> ssl.SSLContext:
    """Return the context of a client that trusts *authority* alone."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    authority.configure_trust(context)
    return context


@pytest.fixture
def peer(authority: trustme.CA) -> Peer:
    """A connection that is set up."""
    client = TlsStream(client_context(authority), "engine.example")
    peer = Peer(server_context(authority, "engine.example"), client)
    peer.handshake()
    return peer


def test_both_directions_carry_plaintext(peer: Peer) -> None:
    """What is sent arrives, in both directions."""
    peer.client.send(b"question")
    peer.take()
    peer.tls.write(b"answer")

    assert peer.tls.read() == b"question"
    assert peer.give() == b"answer"


def test_ciphertext_that_arrives_byte_by_byte_gives_the_same_plaintext(peer: Peer) -> None:
    """Records may be split over reads anywhere."""
    peer.tls.write(b"one")
    peer.tls.write(b"two")

    assert b"".join(peer.client.receive(bytes([byte])) for byte in peer.flight()) == b"onetwo"


def test_data_that_arrive_with_the_end_of_the_handshake_are_kept(authority: trustme.CA) -> None:
    """Data of the server that come with the end of the handshake are read."""
    client = TlsStream(client_context(authority), "engine.example")
    context = server_context(authority, "engine.example")
    context.maximum_version = ssl.TLSVersion.TLSv1_2  # there the server completes the handshake
    peer = Peer(context, client)
    client.handshake()
    peer.take()
    peer.step()
    peer.give()
    peer.take()
    peer.step()
    peer.tls.write(b"first words")

    assert peer.give() == b"first words"
    assert client.ready


def test_closing_one_direction_leaves_the_other_open(peer: Peer) -> None:
    """The peer reads end-of-file, and what it writes afterwards still arrives (fact 8, [V24])."""
    peer.client.send(b"the input")
    assert peer.client.close_writing() == b""
    peer.take()

    assert peer.tls.read() == b"the input"
    assert peer.tls.read() == b""
    peer.tls.write(b"the output, after the input has ended")
    assert peer.give() == b"the output, after the input has ended"


def test_closing_one_direction_hands_out_what_was_not_read_yet(peer: Peer) -> None:
    """Plaintext that is here already is not lost by closing, nor does it prevent it."""
    peer.tls.write(b"early output")
    peer.client._incoming.write(peer.flight())  # arrived, and not taken yet

    assert peer.client.close_writing() == b"early output"
    peer.take()
    assert peer.tls.read() == b""


def test_closing_after_the_peer_has_closed_is_no_error(peer: Peer) -> None:
    """A peer that closed first does not make our own closing fail."""
    with pytest.raises(ssl.SSLWantReadError):
        peer.tls.unwrap()
    assert peer.give() == b""

    assert peer.client.close_writing() == b""


@pytest.mark.parametrize("name", ["other.example", "127.0.0.1"])
def test_a_certificate_of_another_name_is_refused(authority: trustme.CA, name: str) -> None:
    """An engine of another name is not the host."""
    peer = Peer(server_context(authority, "engine.example"), TlsStream(client_context(authority), name))

    with pytest.raises(ssl.SSLCertVerificationError):
        peer.handshake()
    assert not peer.client.ready


def test_a_certificate_of_another_authority_is_refused(authority: trustme.CA) -> None:
    """Only the configured authority counts."""
    client = TlsStream(client_context(trustme.CA()), "engine.example")

    with pytest.raises(ssl.SSLCertVerificationError):
        Peer(server_context(authority, "engine.example"), client).handshake()


def test_the_environment_adds_no_authorities(authority: trustme.CA, monkeypatch: pytest.MonkeyPatch) -> None:
    """`SSL_CERT_FILE` and similar variables add no authorities (A5 58)."""
    with trustme.CA().cert_pem.tempfile() as other:
        for variable in ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
            monkeypatch.setenv(variable, other)
        peer = Peer(server_context(authority, "engine.example"), TlsStream(client_context(authority), "engine.example"))

        peer.handshake()

        assert peer.client.ready


def test_plain_http_in_place_of_tls_is_an_error(authority: trustme.CA) -> None:
    """A peer that answers in plaintext is no peer."""
    client = TlsStream(client_context(authority), "engine.example")
    client.handshake()

    with pytest.raises(ssl.SSLError):
        client.receive(b"HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server.\n")


def test_bytes_that_are_no_records_are_an_error(peer: Peer) -> None:
    """Ciphertext that was tampered with never becomes plaintext."""
    peer.tls.write(b"genuine")
    tampered = bytearray(peer.flight())
    tampered[-1] ^= 1

    with pytest.raises(ssl.SSLError):
        peer.client.receive(bytes(tampered))
