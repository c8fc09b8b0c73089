"""The HTTP listener: requests, connections, bounds and its end, over a real socket."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import pytest

from gateway.web import listener
from gateway.web.listener import Limits, Listener, Page
from gateway.web.messages import Request, Response, text
from tests.web.client import Address, connected, get, request

PATIENT = {"header_timeout_seconds": 60, "idle_timeout_seconds": 60, "stop_timeout_seconds": 60}


async def hello(request: Request) -> Response:
    """Say which page and query was asked for."""
    return text(f"{request.path} {request.query}".strip())


@asynccontextmanager
async def serving(pages: dict[str, Page] | None = None, **limits: Any) -> AsyncIterator[Address]:
    """Serve /hello and *pages*; no bound is reached but the given."""
    listener = Listener({"/hello": hello, **(pages or {})}, Limits(**PATIENT | limits))
    async with listener.listening("127.0.0.1", 0) as address:
        yield address


# Requests


async def test_a_page_is_found_by_its_path_alone() -> None:
    """A query does not matter, nor whether a proxy asks with the whole URL."""
    async with serving() as address:
        bodies = [(await get(address, target)).body for target in ("/hello", "/hello?a=1", "http://x:9464/hello?b")]

    assert bodies == [b"/hello\n", b"/hello a=1\n", b"/hello b\n"]


async def test_an_unknown_page_is_404_and_names_those_that_exist() -> None:
    """A user who opens the bare port sees the pages."""
    async with serving() as address:
        reply = await get(address, "/")

    assert (reply.status, reply.body) == (404, b"there is no such page; the pages are /hello\n")
    assert reply.headers["content-type"] == "text/plain; charset=utf-8"


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS"])
async def test_a_page_can_only_be_read(method: str) -> None:
    """Other methods are 405, and Allow has those that work."""
    async with serving() as address:
        reply = await get(address, "/hello", method)

    assert (reply.status, reply.headers["allow"]) == (405, "GET, HEAD")


async def test_head_is_get_without_the_body() -> None:
    """The headers are the same, and the connection can be used again."""
    async with serving() as address, connected(address) as browser:
        head, full = await browser.ask(request("/hello", "HEAD")), await browser.ask(request("/hello"))

    assert head.headers == full.headers
    assert (head.body, full.body) == (b"", b"/hello\n")


async def test_a_page_that_fails_is_500_and_keeps_its_secret() -> None:
    """The reason is for the log alone."""

    async def broken(_: Request) -> Response:
        raise ValueError("secret")

    async with serving({"/broken": broken}) as address:
        reply = await get(address, "/broken")

    assert reply.status == 500
    assert b"secret" not in reply.body


async def test_a_client_that_would_like_another_protocol_gets_this_one() -> None:
    """Java's client offers HTTP/2 in its first request."""
    async with serving() as address, connected(address) as browser:
        offer = request("/hello", Connection="Upgrade, HTTP2-Settings", Upgrade="h2c", HTTP2_Settings="AAMAAABk")
        replies = [await browser.ask(offer), await browser.ask(request("/hello"))]

    assert [reply.status for reply in replies] == [200, 200]


# Connections


async def test_a_connection_carries_one_request_after_another() -> None:
    """Keep-alive is the default of HTTP/1.1."""
    async with serving() as address, connected(address) as browser:
        replies = [await browser.ask(request(f"/hello?{number}")) for number in range(3)]

    assert [reply.body for reply in replies] == [b"/hello 0\n", b"/hello 1\n", b"/hello 2\n"]
    assert {reply.headers["connection"] for reply in replies} == {"keep-alive"}


async def test_requests_that_come_at_once_are_answered_one_after_the_other() -> None:
    """However the bytes are cut, the second page is not made before the first is sent."""
    open_pages, most = 0, 0

    async def counted(request: Request) -> Response:
        nonlocal open_pages, most
        open_pages += 1
        most = max(most, open_pages)
        await asyncio.sleep(0)
        open_pages -= 1
        return text(request.query)

    data = b"".join(request(f"/counted?{number}") for number in range(20))
    async with serving({"/counted": counted}) as address, connected(address) as browser:
        for cut in range(0, len(data), 50):
            browser.writer.write(data[cut : cut + 50])
        bodies = [(await browser.reply()).body for _ in range(20)]

    assert bodies == [f"{number}\n".encode() for number in range(20)]
    assert most == 1


@pytest.mark.parametrize(
    "data",
    [
        request("/hello", Connection="close"),
        request("/hello", Connection="close") + request("/hello"),
        b"GET /hello HTTP/1.0\r\n\r\n",
    ],
)
async def test_a_connection_ends_after_the_response_when_the_client_wants_it(data: bytes) -> None:
    """The response has `Connection: close`; it is the default of HTTP/1.0; later requests are not answered."""
    async with serving() as address, connected(address) as browser:
        reply = await browser.ask(data)

        assert (reply.status, reply.headers["connection"]) == (200, "close")
        assert await browser.end() == b""


async def test_http_1_0_can_keep_its_connection() -> None:
    """Old load generators ask for it, and wait for the header in the response."""
    async with serving() as address, connected(address) as browser:
        replies = [await browser.ask(b"GET /hello HTTP/1.0\r\nConnection: keep-alive\r\n\r\n") for _ in range(2)]

    assert [reply.headers["connection"] for reply in replies] == ["keep-alive", "keep-alive"]


async def test_a_client_that_ends_its_side_is_still_answered() -> None:
    """A request and then a half-close is what `nc` does."""
    async with serving() as address, connected(address) as browser:
        browser.writer.write(request("/hello"))
        browser.writer.write_eof()

        assert (await browser.reply()).body == b"/hello\n"
        assert await browser.end() == b""


# What could be read in two ways

TWICE = {
    "a length and chunks": b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "two lengths": b"Content-Length: 3\r\nContent-Length: 5\r\n\r\nabcde",
    "the same length twice": b"Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc",
    "a list of lengths": b"Content-Length: 3, 3\r\n\r\nabc",
    "a length with a sign": b"Content-Length: +3\r\n\r\nabc",
    "an empty length": b"Content-Length:\r\n\r\n",
    "a length beyond 64 bits": b"Content-Length: 99999999999999999999\r\n\r\n",
    "a chunk that is no number": b"Transfer-Encoding: chunked\r\n\r\nzz\r\nabc\r\n0\r\n\r\n",
    "a chunk beyond 64 bits": b"Transfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\nabc\r\n0\r\n\r\n",
    "an unknown encoding": b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
    "an encoding below chunks": b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
    "an encoding above chunks": b"Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
    "a vertical tab": b"Transfer-Encoding:\x0bchunked\r\n\r\n0\r\n\r\n",
    "a space before the colon": b"Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
    "a folded header": b"X: a\r\n b\r\n\r\n",
    "a bare line feed": b"X: a\nY: b\r\n\r\n",
    "a bare line feed at the end": b"X: a\r\n\n",
    "a bare carriage return": b"X: a\rY: b\r\n\r\n",
    "a null": b"X: a\0b\r\n\r\n",
    "a name without a colon": b"X\r\n\r\n",
    "a second host": b"Host: other\r\n\r\n",
    "a body": b"Content-Length: 3\r\n\r\nabc",
}


@pytest.mark.parametrize("rest", TWICE.values(), ids=TWICE.keys())
@pytest.mark.parametrize("whole", [True, False], ids=["at once", "byte by byte"])
async def test_what_another_server_could_read_differently_is_refused(rest: bytes, whole: bool) -> None:
    """It is 400, and what follows on the connection is never taken for a request."""
    data = b"GET /hello HTTP/1.1\r\nHost: gateway\r\n" + rest + request("/hello")
    async with serving() as address, connected(address) as browser:
        for piece in [data] if whole else [data[at : at + 1] for at in range(len(data))]:
            browser.writer.write(piece)
            await asyncio.sleep(0)
        reply = await browser.reply()

        assert (reply.status, reply.headers["connection"]) == (400, "close")
        assert await browser.end() == b""


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc", 400),  # TLS
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400),
        (b"GET /hello HTTP/1.1\nHost: gateway\n\n", 400),
        (b"GET /hello HTTP/1.1\r\n Host: gateway\r\n\r\n", 400),
        (b"GET /hello HTTP/1.1\r\n\r\n", 400),  # no Host
        (b"GET /h\xffllo HTTP/1.1\r\nHost: gateway\r\n\r\n", 400),
        (b"\r\n\r\nGET /hello HTTP/1.1\r\nHost: gateway\r\n\r\n", 400),
        (b"GET /\r\nGET /hello HTTP/1.1\r\nHost: gateway\r\n\r\n", 400),
        (b"GET /hello\r\n\r\n", 505),
        (b"GET /hello HTTP/2.0\r\nHost: gateway\r\n\r\n", 505),
    ],
)
async def test_what_is_not_http_1_is_refused_as_soon_as_it_is_seen(data: bytes, status: int) -> None:
    """No deadline has to pass before."""
    async with serving() as address, connected(address) as browser:
        reply = await browser.ask(data)

        assert (reply.status, reply.headers["connection"]) == (status, "close")
        assert await browser.end() == b""


# Bounds


@pytest.mark.parametrize(
    "data",
    [
        b"GET /" + b"a" * 200_000,
        b"GET /hello HTTP/1.1\r\nX: " + b"a" * 200_000,
        b"GET /hello HTTP/1.1\r\nHost: gateway\r\n" + b"X: a\r\n" * 20_000,
        b"GET /hello HTTP/1.1\r\nHost: gateway\r\n" + b"X: a\r\n" * 100 + b"\r\n",
    ],
    ids=["line", "header", "headers", "fields"],
)
async def test_headers_are_bounded(data: bytes) -> None:
    """Too many bytes or fields are 431, which arrives although the client was still sending."""
    async with serving() as address, connected(address) as browser:
        reply = await browser.ask(data)

        assert (reply.status, reply.headers["connection"]) == (431, "close")
        assert await browser.end() == b""


async def test_slow_headers_have_a_deadline() -> None:
    """It counts from the first byte of the request: more bytes do not move it."""
    async with serving(header_timeout_seconds=0.1) as address, connected(address) as browser:
        browser.writer.write(b"GET /hello HTTP/1.1\r\nX: ")
        answer = asyncio.create_task(browser.reply())
        while not answer.done():
            browser.writer.write(b"a")
            await asyncio.wait({answer}, timeout=0.01)

        assert (await answer).status == 408
        assert await browser.end() == b""


async def test_a_connection_without_a_request_is_closed_without_a_response() -> None:
    """There is no request to answer."""
    async with serving(header_timeout_seconds=0.1) as address, connected(address) as browser:
        assert await browser.end() == b""


async def test_an_idle_connection_is_closed_without_a_response() -> None:
    """Keeping it has its own, longer time."""
    async with serving(idle_timeout_seconds=0.1) as address, connected(address) as browser:
        reply = await browser.ask(request("/hello"))

        assert reply.headers["connection"] == "keep-alive"
        assert await browser.end() == b""


async def test_connections_beyond_the_bound_are_refused_and_counted() -> None:
    """They get a 503 at once; when one of the others ends, there is a place again."""
    refused = []
    listener = Listener({"/hello": hello}, Limits(max_connections=2), lambda: refused.append(1))
    async with listener.listening("127.0.0.1", 0) as address:
        async with connected(address) as first, connected(address) as second:
            statuses = [(await browser.ask(request("/hello"))).status for browser in (first, second)]
            async with connected(address) as third:
                statuses.append((await third.reply()).status)
                assert await third.end() == b""
        assert (statuses, len(refused)) == ([200, 200, 503], 1)
        assert await until_served(address) == 200


async def until_served(address: Address) -> int:
    """Ask for /hello until there is a place for the connection."""
    while True:
        async with connected(address) as browser:
            try:
                reply = await browser.ask(request("/hello"))
            except (ConnectionError, asyncio.IncompleteReadError):  # refused before it had asked
                continue
            if reply.status != 503:
                return reply.status


async def test_a_client_that_does_not_read_is_cut_off() -> None:
    """It does not hold its place and a big response's memory for longer than the deadline."""

    async def big(_: Request) -> Response:
        return Response(b"a" * (64 << 20))

    bounds = {"write_timeout_seconds": 0.2, "max_connections": 1}
    async with serving({"/big": big}, **bounds) as address, connected(address) as browser:
        browser.writer.write(request("/big"))
        await browser.reader.readuntil(b"\r\n\r\n")

        assert await until_served(address) == 200


async def test_silent_connections_cost_no_thread() -> None:
    """Two hundred of them are as many objects."""
    async with serving() as address, AsyncExitStack() as stack:
        before = threading.active_count()
        for _ in range(200):
            await stack.enter_async_context(connected(address))

        assert (await get(address, "/hello")).status == 200
        assert threading.active_count() <= before


# The start and the end


async def test_an_address_that_cannot_be_used_is_an_error_that_names_it() -> None:
    """A port that is taken, or a host that does not exist: the configuration has to change."""
    async with serving() as (host, port):
        for name, named in ((host, rf"'{host}', {port}"), ("no-such.invalid", f"no-such.invalid:{port}")):
            with pytest.raises(OSError, match=named):
                async with Listener({}).listening(name, port):
                    pass


async def test_every_address_of_ipv6_is_also_every_address_of_ipv4() -> None:
    """`[::]:9464` is how Kubernetes users say everywhere."""
    async with Listener({"/hello": hello}).listening("::", 0) as (_, port):
        pass
    async with Listener({"/hello": hello}).listening("::", port):
        statuses = [(await get((host, port), "/hello")).status for host in ("127.0.0.1", "::1")]

    assert statuses == [200, 200]


async def test_a_stop_does_not_wait_for_clients() -> None:
    """Connections that are silent, kept, or in the middle of a request end at once."""
    async with AsyncExitStack() as stack:
        async with serving() as address:
            silent, kept, halfway = [await stack.enter_async_context(connected(address)) for _ in range(3)]
            await kept.ask(request("/hello"))
            halfway.writer.write(b"GET /hello HTT")
            await get(address, "/hello")
            stopped = asyncio.get_running_loop().time()

        assert asyncio.get_running_loop().time() - stopped < 5
        assert [await browser.end() for browser in (silent, kept, halfway)] == [b"", b"", b""]


@pytest.mark.parametrize("finishes", [True, False])
async def test_a_stop_lets_a_response_finish_within_a_timeout(finishes: bool) -> None:
    """The last scrape of a gateway is worth a moment."""
    asked, finish = asyncio.Event(), asyncio.Event()

    async def slow(_: Request) -> Response:
        asked.set()
        await finish.wait()
        return text("done")

    async with AsyncExitStack() as stack:
        async with serving({"/slow": slow}, stop_timeout_seconds=60 if finishes else 0.05) as address:
            browser = await stack.enter_async_context(connected(address))
            browser.writer.write(request("/slow"))
            await asked.wait()
            if finishes:
                asyncio.get_running_loop().call_soon(finish.set)

        if finishes:
            reply = await browser.reply()
            assert (reply.body, reply.headers["connection"]) == (b"done\n", "close")
        assert await browser.end() == b""


async def test_a_large_page_arrives_whole() -> None:
    """It is sent in pieces."""
    body = bytes(range(256)) * 4096

    async def large(_: Request) -> Response:
        return Response(body)

    async with serving({"/large": large}) as address, connected(address) as browser:
        replies = [await browser.ask(request("/large")) for _ in range(2)]

    assert [reply.body == body for reply in replies] == [True, True]


async def test_requests_of_all_connections_are_answered_with_time_in_between(monkeypatch: pytest.MonkeyPatch) -> None:
    """However many there are: calls share the event loop with them."""
    monkeypatch.setattr(listener, "_APART_SECONDS", 3600.0)
    async with serving() as address, connected(address) as one, connected(address) as other:
        first = await one.ask(request("/hello"))
        other.writer.write(request("/hello"))
        waiting = asyncio.create_task(other.reply())
        done, _ = await asyncio.wait({waiting}, timeout=0.1)
        waiting.cancel()

    assert first.status == 200
    assert not done
