"""One connection, without a network: requests, answers, and bytes that are no answer."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.engine.errors import BadResponse
from gateway.engine.transport.http import Request, Response
from tests.support.line import GET, HEAD, LIMIT, POST, Line, pieces
from tests.support.upstream import soon


@pytest.fixture
async def line() -> Line:
    """A connection."""
    return Line()


# Requests


def test_a_request_is_written_as_http() -> None:
    """A body has its length, and a header its line."""
    head = Request("POST", "/containers/create?name=web", {"Content-Type": "application/json"}, b"{}").encode()

    assert head.startswith(b"POST /containers/create?name=web HTTP/1.1\r\nHost: docker\r\n")
    assert b"\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n" in head


def test_a_change_without_a_body_has_the_length_zero() -> None:
    """A POST without a body has the length 0: proxies refuse one without any."""
    assert b"\r\nContent-Length: 0\r\n" in POST.encode()
    assert b"Content-Length" not in GET.encode()


@pytest.mark.parametrize(
    "target",
    ["", "info", "/a b", "/a\r\nX: y", "/a\n", "/a#b", "/../info", "/a/../b", "/a/..", "/a/./b", "/.", "/a\x00", "/ä",
     "/a\\..\\b", "http://other/", "/a?b c", "/a/..?x=1", "/<>"],
)  # fmt: skip
def test_a_target_that_is_not_safe_is_never_sent(target: str) -> None:
    """The connection checks targets itself, whatever was checked before (A5 19)."""
    with pytest.raises(ValueError, match="not a request target"):
        Request("GET", target).encode()


@pytest.mark.parametrize("value", ["a\r\nX-Injected: 1", "a\nb", "a\rb"])
def test_a_header_that_would_be_two_is_never_sent(value: str) -> None:
    """A value cannot add a header."""
    with pytest.raises(ValueError, match="line break"):
        Request("GET", "/a", {"X-Registry-Auth": value}).encode()


# Answers that are whole

OK = b"HTTP/1.1 200 OK\r\n"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n"
WHOLE: dict[str, tuple[Request, bytes, int, bytes, bool]] = {
    "length": (GET, OK + b"Content-Length: 5\r\n\r\nhello", 200, b"hello", True),
    "chunked": (GET, CHUNKED + b"\r\n2\r\nhe\r\n3;x=y\r\nllo\r\n0\r\n\r\n", 200, b"hello", True),
    "trailer": (GET, CHUNKED + b"\r\n5\r\nhello\r\n0\r\nX-Sum: 1\r\n\r\n", 200, b"hello", True),
    "empty": (GET, OK + b"Content-Length: 0\r\n\r\n", 200, b"", True),
    "204": (POST, b"HTTP/1.1 204 No Content\r\n\r\n", 204, b"", True),
    "304": (POST, b"HTTP/1.1 304 Not Modified\r\n\r\n", 304, b"", True),
    "close": (GET, OK + b"Connection: close\r\nContent-Length: 2\r\n\r\nhi", 200, b"hi", False),
    "HTTP/1.0": (GET, b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nhi", 200, b"hi", False),
    "continue": (GET, b"HTTP/1.1 100 Continue\r\n\r\n" + OK + b"Content-Length: 2\r\n\r\nhi", 200, b"hi", True),
    "HEAD": (HEAD, OK + b"Content-Length: 1000\r\n\r\n", 200, b"", True),
    "HEAD 404": (HEAD, b"HTTP/1.1 404 Not Found\r\nTransfer-Encoding: chunked\r\n\r\n", 404, b"", True),
    "HEAD close": (HEAD, OK + b"Connection: close\r\n\r\n", 200, b"", False),
}


@pytest.mark.parametrize("form", WHOLE)
async def test_a_whole_answer_arrives(line: Line, form: str) -> None:
    """Every form of a whole answer is taken, byte by byte too, and the connection is kept if it may be."""
    request_, data, status, body, reusable = WHOLE[form]
    answer: Response = await line.during(line.connection.fetch(request_, LIMIT, None), data)
    other = Line()
    again: Response = await other.during(
        other.connection.fetch(request_, LIMIT, None), *(bytes([byte]) for byte in data)
    )

    assert (answer.status, answer.body) == (again.status, again.body) == (status, body)
    assert line.connection.reusable == other.connection.reusable == reusable
    assert line.wire.aborted == (not reusable)


@given(body=st.binary(max_size=300), cuts=st.lists(st.integers(0, 1000), max_size=20), chunk=st.integers(1, 50))
async def test_any_split_of_the_bytes_gives_the_same_answer(body: bytes, cuts: list[int], chunk: int) -> None:
    """Where one read ends and the next begins means nothing."""
    line = Line()
    chunks = [body[start : start + chunk] for start in range(0, len(body), chunk)]
    data = b"HTTP/1.1 200 OK\r\nApi-Version: 1.41\r\nTransfer-Encoding: chunked\r\n\r\n"
    data += b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in chunks) + b"0\r\n\r\n"

    answer: Response = await line.during(line.connection.fetch(GET, LIMIT, None), *pieces(data, cuts))

    assert answer == Response(200, {"api-version": "1.41", "transfer-encoding": "chunked"}, body)


async def test_a_kept_connection_holds_nothing_of_a_long_answer(line: Line) -> None:
    """A thousand hosts have a thousand connections."""
    data: Any = bytearray(OK + b"Content-Length: 50000\r\n\r\n" + bytes(50_000))

    await line.during(line.connection.fetch(GET, 1 << 20, None), lambda: line.connection.data_received(data))

    assert line.connection.reusable
    data.clear()  # raises BufferError where somebody holds a view of it


async def test_one_connection_carries_one_exchange_after_the_other(line: Line) -> None:
    """A kept connection is as good as new, also after a HEAD."""
    for request, data in ((GET, b"first"), (HEAD, b""), (GET, b"third")):
        head = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % (len(data) or 99)
        answer: Response = await line.during(line.connection.fetch(request, LIMIT, None), head + data)

        assert answer.body == data
    assert line.connection.reusable


# Answers that are none

ELSEWHERE = b"HTTP/1.1 %d Moved\r\nLocation: http://169.254.169.254/\r\nContent-Length: 0\r\n\r\n"
BAD: dict[str, tuple[Request, bytes, str]] = {
    **{f"redirect {status}": (GET, ELSEWHERE % status, "redirect") for status in (300, 301, 302, 303, 307, 308)},
    "two lengths": (GET, OK + b"Content-Length: 2\r\nContent-Length: 5\r\n\r\nhello", "the host"),
    "length twice": (GET, OK + b"Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello", "the host"),
    "length and chunked": (GET, OK + b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "the host"),
    "chunked and length": (GET, CHUNKED + b"Content-Length: 2\r\n\r\n0\r\n\r\n", "the host"),
    "xchunked": (GET, OK + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n", "where it ends"),
    "bad chunk size": (GET, CHUNKED + b"\r\nXY\r\nhello\r\n", "not HTTP"),
    "chunk longer than its size": (GET, CHUNKED + b"\r\n2\r\nhello\r\n0\r\n\r\n", "not HTTP"),
    "negative length": (GET, OK + b"Content-Length: -1\r\n\r\n", "not HTTP"),
    "absurd length": (GET, OK + b"Content-Length: 99999999999999999999\r\n\r\n", "not HTTP"),
    "no length": (GET, OK + b"\r\nall that follows", "where it ends"),
    "TLS only": (GET, b"HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server.", "needs tls"),
    "two answers": (GET, OK + b"Content-Length: 2\r\n\r\nhi" + OK + b"Content-Length: 1\r\n\r\n!", "two responses"),
    "two answers, no body": (
        GET,
        b"HTTP/1.1 204 No Content\r\n\r\n" + OK + b"Content-Length: 0\r\n\r\n",
        "two responses",
    ),
    "more than its length": (GET, OK + b"Content-Length: 2\r\n\r\nhi and more", "the host"),
    "HEAD with a body": (HEAD, OK + b"Content-Length: 2\r\n\r\nhi", "HEAD"),
    "session unasked": (GET, b"HTTP/1.1 101 S\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\nraw", "was not requested"),
    "101 without upgrade": (GET, b"HTTP/1.1 101 Switching Protocols\r\n\r\n", "was not requested"),
    "ssh": (GET, b"SSH-2.0-OpenSSH_9.2\r\n", "not HTTP"),
    "TLS alert": (GET, b"\x15\x03\x01\x00\x02\x02\x16", "not HTTP"),
    "bad header": (GET, OK + b"Bad Header: x\r\nContent-Length: 0\r\n\r\n", "not HTTP"),
    "huge header": (GET, OK + b"X: " + b"x" * (80 << 10), "head"),
    "endless continues": (GET, b"HTTP/1.1 100 Continue\r\n\r\n" * 4000, "head"),
    "too long": (GET, OK + b"Content-Length: 1001\r\n\r\n" + b"x" * 1001, "1000 bytes"),
    "too long in chunks": (GET, CHUNKED + b"\r\n" + (b"64\r\n%b\r\n" % (b"x" * 100)) * 11 + b"0\r\n\r\n", "1000 bytes"),
}


@pytest.mark.parametrize("what", BAD)
async def test_an_answer_that_is_none_is_refused(line: Line, what: str) -> None:
    """It is an error and never an answer, in one packet as well as in many, and the connection is closed (A5 51-56)."""
    request_, data, text = BAD[what]
    with pytest.raises(BadResponse, match=text) as refused:
        await line.during(line.connection.fetch(request_, LIMIT, soon(5)), data)
    other = Line()
    many = [data[start : start + 7] for start in range(0, len(data), 7)]
    with pytest.raises(BadResponse):
        await other.during(other.connection.fetch(request_, LIMIT, soon(5)), *many)

    assert refused.value.sent
    assert line.wire.aborted
    assert other.wire.aborted
    assert not line.connection.reusable
    assert not other.connection.reusable


@pytest.mark.parametrize("what", [what for what in BAD if "too long" not in what])
async def test_a_stream_that_is_none_is_refused(line: Line, what: str) -> None:
    """A stream never ends well with such an answer."""
    request_, data, text = BAD[what]

    async def read_all() -> None:
        await line.connection.open(request_, soon(5))
        while await line.connection.read(5):
            pass

    with pytest.raises(BadResponse, match=text):
        await line.during(read_all(), data)

    assert line.wire.aborted


async def test_bytes_between_two_exchanges_end_the_connection(line: Line) -> None:
    """An answer that comes when none is awaited is not the next caller's (A5 56)."""
    await line.during(line.connection.fetch(GET, LIMIT, None), b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
    line.connection.data_received(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nsmugg")

    assert not line.connection.reusable
    assert line.wire.aborted


async def test_trailers_without_end_are_refused(line: Line) -> None:
    """Trailers are bounded like a head."""

    def trailers() -> None:
        for number in range(100):
            line.connection.data_received(b"X-%d: " % number + b"x" * 1000 + b"\r\n")

    with pytest.raises(BadResponse, match="chunks without data"):
        await line.during(
            line.connection.fetch(GET, LIMIT, soon(5)),
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n",
            trailers,
        )
