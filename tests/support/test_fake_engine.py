"""The scripted engine: what it answers without a script, what it records, and that its faults do happen."""

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Callable
from email.utils import parsedate_to_datetime
from itertools import repeat
from pathlib import Path
from time import time

import docker
import pytest
import trustme
from docker.errors import NotFound
from docker.tls import TLSConfig

from tests.support.fake_engine import TWO_ANSWERS, FakeEngine, ResponseParser, drip, frame, hang, torn

AUTHORITY = trustme.CA()


def tls_engine() -> FakeEngine:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    AUTHORITY.issue_cert("127.0.0.1").configure_cert(context)
    AUTHORITY.configure_trust(context)
    context.verify_mode = ssl.CERT_REQUIRED
    return FakeEngine.tls(context)


def client_context() -> ssl.SSLContext:
    context = ssl.create_default_context()
    AUTHORITY.configure_trust(context)
    AUTHORITY.issue_cert("client").configure_cert(context)
    return context


@contextlib.asynccontextmanager
async def connected(
    engine: FakeEngine, tls: ssl.SSLContext | None = None
) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    where = engine.address.partition("://")[2]
    host, _, port = where.partition(":")
    opening = asyncio.open_connection(host, port, ssl=tls) if port else asyncio.open_unix_connection(where)
    reader, writer = await opening
    try:
        yield reader, writer
    finally:
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()


async def ask(engine: FakeEngine, request: str) -> tuple[str, bytes]:
    """Send a request of one line; the head of the answer, and all that follows until the connection ends."""
    async with connected(engine) as (reader, writer):
        writer.write(f"{request} HTTP/1.1\r\nHost: docker\r\nConnection: close\r\n\r\n".encode())
        head, _, rest = (await reader.read(-1)).partition(b"\r\n\r\n")
        return head.decode(), rest


@pytest.fixture
async def engine() -> AsyncIterator[FakeEngine]:
    async with FakeEngine() as engine:
        yield engine


async def test_the_docker_sdk_takes_it_for_an_engine(engine: FakeEngine) -> None:
    """The SDK negotiates the version, lists, reads output and errors as it does with a real engine."""
    engine.on("GET", "/containers/json", json=[{"Id": "abc"}])
    engine.on("GET", "/containers/{id}/json", json={"Config": {"Tty": False}})
    engine.on("GET", "/containers/{id}/logs", frames=[(1, b"out\n"), (2, b"err\n")])
    engine.on("POST", "/containers/{id}/start", error="No such container: x", status=404)

    def use() -> None:
        with contextlib.closing(docker.APIClient(engine.address)) as client:
            assert client.api_version == "1.41"
            assert client.ping() is True
            assert client.containers() == [{"Id": "abc"}]
            assert list(client.logs("abc", stream=True)) == [b"out\n", b"err\n"]
            with pytest.raises(NotFound, match="No such container: x"):
                client.start("x")

    await asyncio.to_thread(use)
    assert [r.path for r in engine.requests[:3]] == ["/version", "/_ping", "/containers/json"]
    assert engine.requests[2].version == "1.41"
    assert ("limit", "-1") in engine.requests[2].query


async def test_tls_admits_who_has_a_certificate_of_the_clients_authority(tmp_path: Path) -> None:
    """With `verify_mode` required, a client without a certificate fails in the handshake."""
    AUTHORITY.cert_pem.write_to_path(tmp_path / "ca.pem")
    AUTHORITY.issue_cert("client").private_key_and_cert_chain_pem.write_to_path(tmp_path / "client.pem")

    def ping(address: str, certificate: tuple[str, str] | None) -> bool:
        config = TLSConfig(certificate, ca_cert=str(tmp_path / "ca.pem"), verify=True)
        with contextlib.closing(docker.APIClient(address, version="1.41", tls=config)) as sdk:
            sdk.trust_env = False
            return sdk.ping()

    async with tls_engine() as engine:
        pem = str(tmp_path / "client.pem")
        assert await asyncio.to_thread(ping, engine.address, (pem, pem))
        with pytest.raises(OSError, match=r"(?i)ssl|certificate|connection"):
            await asyncio.to_thread(ping, engine.address, None)


@pytest.mark.parametrize(
    ("asked", "status", "body"),
    [
        ("GET /_ping", "200 OK", b"OK"),
        ("HEAD /_ping", "200 OK", b""),
        ("GET /v1.41/_ping", "200 OK", b"OK"),
        ("GET /nothing", "404 Not Found", b'{"message":"page not found"}\n'),
        ("GET /v1.45/nothing", "404 Not Found", b'{"message":"page not found"}\n'),
        (
            "GET /v1.45/_ping",
            "400 Bad Request",
            b'{"message":"client version 1.45 is too new. Maximum supported API version is 1.41"}\n',
        ),
        (
            "GET /v1.11/_ping",
            "400 Bad Request",
            b'{"message":"client version 1.11 is too old. Minimum supported API version is 1.12, '
            b'please upgrade your client to a newer version"}\n',
        ),
    ],
)
async def test_an_engine_without_a_script(engine: FakeEngine, asked: str, status: str, body: bytes) -> None:
    """Ping, unknown paths and versions out of range are answered in the words of Docker 20.10."""
    head, answer = await ask(engine, asked)
    assert head.startswith(f"HTTP/1.1 {status}\r\nApi-Version: 1.41\r\n")
    assert answer == body


@pytest.mark.parametrize("lie", ["1.999", "0.1", "1" * 5000, None])
async def test_versions_and_clocks_may_lie(engine: FakeEngine, lie: str | None) -> None:
    """`api_version` and `clock_skew` are what the next answer says."""
    engine.api_version, engine.clock_skew = lie, -3600
    head, _ = await ask(engine, "GET /_ping")
    fields = dict(line.split(": ") for line in head.split("\r\n")[1:])
    assert fields.get("Api-Version") == lie
    assert parsedate_to_datetime(fields["Date"]).timestamp() == pytest.approx(time() - 3600, abs=60)


async def test_requests_are_recorded_as_they_came(engine: FakeEngine) -> None:
    """Bodies of either framing are read whole; the connection is kept for the next request."""
    engine.on("POST", "/x/{name}", status=204)
    async with connected(engine) as (reader, writer):
        for request in (
            b"POST /v1.41/x/a%20b?t=1&t=2&empty= HTTP/1.1\r\nX-Meta: e30=\r\nContent-Length: 4\r\n\r\nbody",
            b"POST /x/c HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nbo\r\n2\r\ndy\r\n0\r\n\r\n",
        ):
            writer.write(request)
            assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 204 No Content\r\n")
    first, second = engine.requests
    assert (first.method, first.path, first.version, first.body) == ("POST", "/x/a%20b", "1.41", b"body")
    assert first.query == [("t", "1"), ("t", "2"), ("empty", "")]
    assert first.headers["x-meta"] == "e30="
    assert (second.version, second.body) == ("", b"body")
    assert (first.connection, second.connection, engine.connections) == (1, 1, 1)


async def test_rows_with_times_are_used_up_before_the_lasting_one(engine: FakeEngine) -> None:
    """Successive answers are rows with `times`; of lasting rows the later replaces the earlier."""
    engine.on("GET", "/x", body=b"replaced")
    engine.on("GET", "/x", body=b"first", times=1)
    engine.on("GET", "/x", body=b"second", times=2)
    engine.on("GET", "/x", body=b"lasting")
    engine.on("GET", "/once", status=304, times=1)
    answers = [(await ask(engine, "GET /x"))[1] for _ in range(5)]
    assert answers == [b"first", b"second", b"second", b"lasting", b"lasting"]
    assert [(await ask(engine, "GET /once"))[0][9:12] for _ in range(2)] == ["304", "404"]


async def test_a_name_in_a_path_stands_for_anything_but_literal_paths_go_first(engine: FakeEngine) -> None:
    """`{name}` takes slashes, as the engine's own routes do; the most literal of the matching paths wins."""
    engine.on("GET", "/images/{name}", body=b"any")
    engine.on("GET", "/images/{name}/json", body=b"inspect")
    engine.on("GET", "/images/json", body=b"list")
    asked = ["/images/json", "/images/registry:5000/team/app:1/json", "/images/a%2Fb/json", "/images/x"]
    answers = [(await ask(engine, f"GET {path}"))[1] for path in asked]
    assert answers == [b"list", b"inspect", b"inspect", b"any"]
    assert (await engine.request("GET", "/images/{name}/json", nth=2)).path == "/images/a%2Fb/json"


async def test_requests_and_connections_can_be_awaited(engine: FakeEngine) -> None:
    """`request` and `until` return when it happens, without polling."""
    engine.on("GET", "/x", hang())
    async with connected(engine) as (_, writer):
        waiting = asyncio.create_task(engine.request("GET", "/x"))
        writer.write(b"GET /x HTTP/1.1\r\n\r\n")
        assert (await waiting).connection == engine.connections == engine.open_connections == 1
    await engine.until(lambda: not engine.open_connections)


@pytest.mark.parametrize(
    ("engine_version", "path", "typed"),
    [("1.51", "/v1.41/l", False), ("1.51", "/v1.42/l", True), ("1.51", "/l", True), ("1.41", "/l", False)],
)
async def test_output_is_typed_from_version_1_42_on(
    engine: FakeEngine, engine_version: str, path: str, typed: bool
) -> None:
    """Frames are multiplexed, a chunk each; engines before 1.42 do not name their type."""
    engine.on("GET", "/l", frames=[(1, b"out"), (9, b"")])
    engine.api_version = engine_version
    head, body = await ask(engine, f"GET {path}")
    assert ("Content-Type: application/vnd.docker.multiplexed-stream\r\n" in head) is typed
    assert ("Content-Type" in head) is typed
    assert body == b"b\r\n" + frame(1, b"out") + b"\r\n8\r\n" + frame(9, b"") + b"\r\n0\r\n\r\n"


async def test_streams_are_sent_line_by_line_and_held_until_the_client_leaves(engine: FakeEngine) -> None:
    """A held body stays open after its last line, and ends with the client."""
    engine.on("GET", "/events", lines=[{"n": 1}, {"n": 2}], hold=True)
    async with connected(engine) as (reader, writer):
        writer.write(b"GET /events HTTP/1.1\r\n\r\n")
        head = await reader.readuntil(b"\r\n\r\n")
        assert b"Transfer-Encoding: chunked" in head
        assert b"Content-Type: application/json" in head
        assert await reader.readexactly(26) == b'8\r\n{"n":1}\n\r\n8\r\n{"n":2}\n\r\n'
        assert engine.open_connections == 1
    await engine.until(lambda: not engine.open_connections)


async def test_an_early_row_refuses_an_upload_at_its_head(engine: FakeEngine) -> None:
    """The answer and the end of the connection come while the body is still on its way."""
    engine.on("PUT", "/containers/{id}/archive", error="no such directory", status=404, early=True)
    async with connected(engine) as (reader, writer):
        writer.write(b"PUT /containers/x/archive HTTP/1.1\r\nContent-Length: 1000000000\r\n\r\n")
        writer.write(bytes(1 << 20))
        answer = await reader.read(-1)
        assert answer.startswith(b"HTTP/1.1 404 Not Found\r\n")
        assert answer.endswith(b'{"message":"no such directory"}\n')
        writer.write(bytes(1 << 20))
        await writer.drain()
    assert engine.requests[0].body == b""


@pytest.mark.parametrize("made", [FakeEngine, FakeEngine.tcp, tls_engine], ids=["unix", "tcp", "tls"])
@pytest.mark.parametrize("reset", [False, True], ids=["fin", "rst"])
@pytest.mark.parametrize("chunked", [False, True], ids=["length", "chunked"])
async def test_a_torn_body_is_cut_short(made: Callable[[], FakeEngine], reset: bool, chunked: bool) -> None:
    """Everything up to the cut arrives, then FIN; or RST, where the transport knows it."""
    tls = client_context() if made is tls_engine else None
    async with made() as engine, connected(engine, tls) as (reader, writer):
        engine.on("GET", "/x", torn(b"0123456789", at=4, chunked=chunked, reset=reset))
        writer.write(b"GET /x HTTP/1.1\r\n\r\n")
        head = await reader.readuntil(b"\r\n\r\n")
        assert (b"Transfer-Encoding: chunked" if chunked else b"Content-Length: 10\r\n") in head
        received = b"a\r\n0123" if chunked else b"0123"
        assert await reader.readexactly(len(received)) == received
        resets = reset and made is not FakeEngine
        with pytest.raises(ConnectionResetError) if resets else contextlib.nullcontext():
            assert await reader.read() == b""


async def test_faults_last_no_longer_than_their_client(engine: FakeEngine) -> None:
    """Endless and dripping bodies keep coming, and stop when the client leaves."""
    engine.on("GET", "/endless", chunks=repeat(b"x" * 65536))
    engine.on("GET", "/drip", drip(0.001, b"HTTP/1.1 200 OK\r\n" + b"x" * 100_000))
    for path, size in (("endless", 1 << 22), ("drip", 20)):
        async with connected(engine) as (reader, writer):
            writer.write(f"GET /{path} HTTP/1.1\r\n\r\n".encode())
            await reader.readexactly(size)
        await engine.until(lambda: not engine.open_connections)


async def test_raw_bytes_are_sent_as_they_are_and_the_connection_goes_on(engine: FakeEngine) -> None:
    """An unasked second answer lies in wait on a connection that looks healthy."""
    engine.on("GET", "/x", raw=TWO_ANSWERS)
    async with connected(engine) as (reader, writer):
        for _ in range(2):
            writer.write(b"GET /x HTTP/1.1\r\n\r\n")
            assert await reader.readexactly(len(TWO_ANSWERS)) == TWO_ANSWERS
    assert engine.connections == 1


async def test_a_handler_may_hold_a_session(engine: FakeEngine) -> None:
    """101 brings the first output in its own packet; then both sides talk until each has closed."""

    async def exec_start(exchange: ResponseParser) -> None:
        assert exchange.request.body == b"{}"
        exchange.upgrade(frame(1, b"hello "))
        received = b""
        while data := await exchange.read(3):
            received += data
        exchange.write(frame(1, received))

    engine.on("POST", "/exec/{id}/start", exec_start)
    async with connected(engine) as (reader, writer):
        writer.write(b"POST /exec/e/start HTTP/1.1\r\nConnection: Upgrade\r\nContent-Length: 2\r\n\r\n{}")
        head, _, output = (await reader.read(4096)).partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 101 UPGRADED\r\n")
        assert output == frame(1, b"hello ")
        writer.write(b"and good bye")
        writer.write_eof()
        assert await reader.read(-1) == frame(1, b"and good bye")


async def test_leaving_the_context_ends_everything() -> None:
    """Silent connections, hung calls, unread responses, the socket and all tasks are gone."""
    before = asyncio.all_tasks()
    engine = FakeEngine()
    engine.on("GET", "/hang", hang())
    engine.on("GET", "/full", chunks=repeat(bytes(1 << 20)))
    async with contextlib.AsyncExitStack() as clients:
        async with engine:
            for call in (b"", b"GET /hang HTTP/1.1\r\n\r\n", b"GET /full HTTP/1.1\r\n\r\n"):
                _, writer = await clients.enter_async_context(connected(engine))
                writer.write(call)
            await engine.until(lambda: engine.open_connections == 3 and len(engine.requests) == 2)
        assert engine.open_connections == 0
        assert asyncio.all_tasks() == before
        with pytest.raises(FileNotFoundError):
            await asyncio.open_unix_connection(engine.address.removeprefix("unix://"))


async def test_an_exception_of_a_handler_comes_out_at_the_end() -> None:
    """An assertion in a handler fails the test, even when the client made nothing of it."""

    async def picky(exchange: ResponseParser) -> None:
        assert exchange.request.query, "no query"

    engine = FakeEngine()
    engine.on("GET", "/x", picky)
    await engine.__aenter__()
    assert await ask(engine, "GET /x") == ("", b"")
    with pytest.raises(AssertionError, match="no query"):
        await engine.__aexit__()
