"""Sessions over every way to a host: input, half-close, output, and how they end."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import trustme

from gateway.engine.client import Call, Engine
from gateway.engine.codec.frames import STDERR, STDOUT, Frame
from gateway.engine.errors import (
    BadResponse,
    ExecStartFailed,
    OperationFailed,
    OutcomeUnknown,
    StartedBefore,
    TornStream,
)
from gateway.engine.process import session
from gateway.engine.process.session import Detached, Exited, Session, StartFailed, Unknown, exec_exit, start
from gateway.engine.resumable.subscription import Idle
from gateway.engine.transport.http import Request
from gateway.engine.transport.pool import Limits
from tests.support.fake_engine import FakeEngine, ResponseParser, frame
from tests.support.upstream import EXEC, engine_at, read_request, tls_server

START = Call(Request("POST", f"/exec/{EXEC}/start", {"Content-Type": "application/json"}, b'{"Detach":false}'))
SWITCHING = (
    b"HTTP/1.1 101 UPGRADED\r\nContent-Type: application/vnd.docker.raw-stream\r\n"
    b"Connection: Upgrade\r\nUpgrade: tcp\r\n\r\n"
)
PONG = b"HTTP/1.1 200 OK\r\nApi-Version: 1.41\r\nContent-Length: 2\r\n\r\nOK"


async def count_input(exchange: ResponseParser) -> None:
    """Be `wc -c`, greeting first: answer the end of the input with how much it was."""
    exchange.upgrade(frame(1, b"ready\n"))
    count = 0
    while data := await exchange.read(65536):
        count += len(data)
    exchange.write(frame(1, b"%d\n" % count))
    await exchange.drain()
    exchange.close()


def count_input_over_tls(stream: ssl.SSLSocket) -> None:
    """Do the same over TLS, where the end of the input is a close_notify."""
    while b"/_ping" in read_request(stream):
        stream.sendall(PONG)
    stream.sendall(SWITCHING + frame(1, b"ready\n"))
    count = 0
    while data := stream.recv(65536):
        count += len(data)
    stream.sendall(frame(1, b"%d\n" % count))
    stream.unwrap()


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    """The authority of the engines' certificates."""
    return trustme.CA()


def both_sides(authority: trustme.CA) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """Return the contexts of an engine and of a gateway that trusts it."""
    server, client = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    authority.issue_cert("127.0.0.1").configure_cert(server)
    authority.configure_trust(client)
    return server, client


@pytest.fixture(params=["unix", "tcp", "tls"])
async def counting(request: pytest.FixtureRequest, authority: trustme.CA) -> AsyncIterator[Engine]:
    """The gateway's engine of a host whose only command is `wc -c`."""
    async with contextlib.AsyncExitStack() as stack:
        if request.param == "tls":
            server, client = both_sides(authority)
            address = await stack.enter_async_context(tls_server(server, count_input_over_tls))
            yield await stack.enter_async_context(engine_at(address, tls=client))
        else:
            fake = await stack.enter_async_context(FakeEngine() if request.param == "unix" else FakeEngine.tcp())
            fake.on("POST", "/exec/{id}/start", count_input)
            yield await stack.enter_async_context(engine_at(fake.address))


@asynccontextmanager
async def session_of(
    fake: FakeEngine, engine: Engine, *output: bytes, terminal: bool = False, of_exec: bool = True
) -> AsyncIterator[Session]:
    """Give a session whose process writes *output*, piece by piece, and ends."""

    async def write(exchange: ResponseParser) -> None:
        exchange.upgrade(output[0] if output else b"")
        for data in output[1:]:
            await exchange.drain()
            await asyncio.sleep(0.02)  # so that the pieces are read one by one
            exchange.write(data)
        await exchange.drain()
        exchange.close()

    fake.on("POST", "/exec/{id}/start", write)
    async with start(engine, START, terminal=terminal, exec_id=EXEC if of_exec else "") as session:
        yield session


async def output_of(session: Session) -> bytes:
    """Return all output."""
    return b"".join([frame.data for frame in await frames_of(session)])


async def frames_of(session: Session) -> list[Frame]:
    """Return all output, in frames."""
    return [frame async for frames in session.frames() if not isinstance(frames, Idle) for frame in frames]


# Input and its end


async def test_a_process_reads_the_end_of_its_input_and_its_output_continues(counting: Engine) -> None:
    """Over unix, TCP and TLS, the output continues after the end of the input (fact 8, B2 37)."""
    async with start(counting, START, terminal=False) as session:
        await session.write(b"hello ")
        await session.write(b"world")
        session.close_stdin()

        assert await output_of(session) == b"ready\n11\n"


async def test_much_input_arrives_whole(counting: Engine) -> None:
    """Eight megabytes of input go through, with both sides as slow as they are."""
    async with start(counting, START, terminal=False) as session:

        async def feed() -> None:
            for _ in range(128):
                await session.write(b"x" * (64 << 10))
            session.close_stdin()

        _, output = await asyncio.gather(feed(), output_of(session))

        assert output == b"ready\n%d\n" % (8 << 20)


async def test_input_after_its_end_goes_nowhere(counting: Engine) -> None:
    """The engine gets one end of the input."""
    async with start(counting, START, terminal=False) as session:
        session.close_stdin()
        await session.write(b"too late")
        session.close_stdin()

        assert await output_of(session) == b"ready\n0\n"


async def test_a_process_that_does_not_read_is_no_failure(fake: FakeEngine, engine: Engine) -> None:
    """A process that ends before it has read its input has ended well (`head -c1`, B2 37)."""
    async with session_of(fake, engine, frame(1, b"x")) as session:

        async def feed() -> None:
            with contextlib.suppress(Exception):
                for _ in range(1000):
                    await session.write(b"y" * (64 << 10))

        forward_input = asyncio.ensure_future(feed())
        assert await output_of(session) == b"x"
        await forward_input


# Output and its end


async def test_output_that_comes_with_the_answer_is_kept(fake: FakeEngine, engine: Engine) -> None:
    """What the SDK loses is the first that arrives (sdk-notes 4)."""
    async with session_of(fake, engine, frame(1, b"first"), frame(2, b"second")) as session:
        frames = await frames_of(session)

    assert frames == [Frame(STDOUT, b"first", True), Frame(STDERR, b"second", True)]


async def test_a_terminal_has_no_frames(fake: FakeEngine, engine: Engine) -> None:
    """A terminal's output is delivered unchanged."""
    async with session_of(fake, engine, b"\x01\0\0\0\0\0\0\x09$ ", terminal=True) as session:
        assert await output_of(session) == b"\x01\0\0\0\0\0\0\x09$ "


@pytest.mark.parametrize("seen", [3, 8, 10])
async def test_output_that_ends_within_a_frame_is_torn(fake: FakeEngine, engine: Engine, seen: int) -> None:
    """A torn header and torn data are no end (A5 54)."""
    async with session_of(fake, engine, frame(1, b"whole"), frame(1, b"torn")[:seen]) as session:
        with pytest.raises(TornStream):
            await output_of(session)


async def test_a_stream_that_does_not_exist_is_no_output(fake: FakeEngine, engine: Engine) -> None:
    """Bytes that are no frames are not delivered as output (A5 54)."""
    async with session_of(fake, engine, frame(9, b"what")) as session:
        with pytest.raises(TornStream):
            await output_of(session)


async def test_a_report_of_the_engine_is_a_failure(fake: FakeEngine, engine: Engine) -> None:
    """Stream 3 ends the session with the engine's words, after the output before it (A5 54)."""
    async with session_of(fake, engine, frame(1, b"out") + frame(3, b"it broke\n")) as session:
        frames = session.frames()
        seen = await anext(frames)
        with pytest.raises(OperationFailed, match=r"^it broke$"):
            await anext(frames)

    assert seen == [Frame(STDOUT, b"out", True)]


async def test_a_report_that_comes_in_pieces_is_whole(fake: FakeEngine, engine: Engine) -> None:
    """The engine's words do not depend on the borders of reads."""
    report = frame(3, b"it broke\n")
    async with session_of(fake, engine, report[:10], report[10:]) as session:
        with pytest.raises(OperationFailed, match=r"^it broke$"):
            await output_of(session)


async def test_a_session_that_is_reset_has_not_ended() -> None:
    """After a reset, the state of the process is unknown."""

    async def reset(exchange: ResponseParser) -> None:
        exchange.upgrade(frame(1, b"half"))
        await exchange.drain()
        exchange.abort()

    async with FakeEngine.tcp() as fake, engine_at(fake.address) as engine:
        fake.on("POST", "/exec/{id}/start", reset)
        with pytest.raises(OutcomeUnknown):
            async with start(engine, START, terminal=False) as session:
                await output_of(session)


async def test_a_session_over_tls_that_is_cut_has_not_ended(authority: trustme.CA) -> None:
    """With TLS, an end without a close_notify is a break: engines always send one."""

    def cut(stream: ssl.SSLSocket) -> None:
        while b"/_ping" in read_request(stream):
            stream.sendall(PONG)
        stream.sendall(SWITCHING + frame(1, b"half of it"))
        stream.shutdown(2)  # of the TCP connection, without a close_notify

    server, client = both_sides(authority)
    async with tls_server(server, cut) as address, engine_at(address, tls=client) as engine:
        with pytest.raises(OutcomeUnknown):
            async with start(engine, START, terminal=True) as session:
                await output_of(session)


@pytest.mark.parametrize("status", [200, 204])
async def test_an_answer_that_is_no_session_is_refused(fake: FakeEngine, engine: Engine, status: int) -> None:
    """An engine that does not upgrade the connection has not started a session (A5 55)."""
    fake.on("POST", "/exec/{id}/start", status=status, body=b"")

    with pytest.raises(BadResponse):
        async with start(engine, START, terminal=False):
            pass
    assert await fake.until(lambda: fake.open_connections == 1)


# Words of the engine in the place of output

FAILED = b'OCI runtime exec failed: exec failed: "nope": executable file not found in $PATH: unknown\r\n'
BEFORE = f"Error: Exec command {EXEC} is already running\n".encode()
DETACHED = b"exec attach failed: error on attach stdin: read escape sequence\r\n"


@pytest.mark.parametrize("words", [FAILED, BEFORE])
async def test_words_of_the_engine_are_held_back_to_the_end(fake: FakeEngine, engine: Engine, words: bytes) -> None:
    """Words that may report a failed start are kept until the exit code is known (B2 35)."""
    async with session_of(fake, engine, frame(1, words[:40]), frame(1, words[40:])) as session:
        assert await output_of(session) == b""
        fake.on("GET", "/exec/{id}/json", json={"Running": False, "ExitCode": 1})
        end, rest = await session.end_of_exec(engine, EXEC)

    if words is BEFORE:
        assert isinstance(end, StartFailed)
        assert isinstance(end.error, StartedBefore)
        assert rest == []
    else:
        assert end == Exited(1)  # with which no process fails to start
        assert b"".join(frame.data for frame in rest) == words


@pytest.mark.parametrize("code", [126, 127])
async def test_a_command_that_cannot_be_started_has_failed_to_start(
    fake: FakeEngine, engine: Engine, code: int
) -> None:
    """The engine's words and the exit code together show it; the words are in the failure."""
    fake.on("GET", "/exec/{id}/json", json={"Running": False, "ExitCode": code})
    async with session_of(fake, engine, FAILED, terminal=True) as session:
        assert await output_of(session) == b""
        end, rest = await session.end_of_exec(engine, EXEC)

    assert isinstance(end, StartFailed)
    assert isinstance(end.error, ExecStartFailed)
    assert str(end.error) == FAILED.decode().strip()
    assert rest == []


@pytest.mark.parametrize(("code", "detached"), [(126, True), (127, True), (0, False)])
async def test_a_client_that_detaches_is_not_a_process_that_ends(
    fake: FakeEngine, engine: Engine, code: int, detached: bool
) -> None:
    """The engine's words about it are no output; after any other exit code they are."""
    fake.on("GET", "/exec/{id}/json", json={"Running": False, "ExitCode": code})
    async with session_of(fake, engine, b"$ " + DETACHED, terminal=True) as session:
        before = await output_of(session)
        end, rest = await session.end_of_exec(engine, EXEC)

    output = before + b"".join(frame.data for frame in rest)
    assert (end, output) == ((Detached(), b"$ ") if detached else (Exited(code), b"$ " + DETACHED))


async def test_words_like_the_engines_within_output_are_output(fake: FakeEngine, engine: Engine) -> None:
    """A process that writes such words continues, and its output does too."""
    async with session_of(fake, engine, DETACHED, b"$ ", FAILED, b"$ ", terminal=True) as session:
        assert await output_of(session) == DETACHED + b"$ " + FAILED + b"$ "


async def test_no_more_than_words_are_held_back(fake: FakeEngine, engine: Engine) -> None:
    """A process whose output begins like a failure is not gathered in memory."""
    async with session_of(fake, engine, FAILED, b"x" * (1 << 20), terminal=True) as session:
        assert await output_of(session) == FAILED + b"x" * (1 << 20)


async def test_output_of_an_attached_container_is_never_a_report(fake: FakeEngine, engine: Engine) -> None:
    """Only execs are started within their session: of an attached container, all is output."""
    async with session_of(fake, engine, FAILED, terminal=True, of_exec=False) as session:
        assert await output_of(session) == FAILED


@pytest.mark.parametrize(
    ("words", "terminal"),
    [
        (b"unable to find user nobody: no matching entries in passwd file\r\n", False),
        (b"unable to find user nobody: no matching entries in passwd file\r\n", True),
        (b"words of a version that nobody knows yet\r\n", False),
        (FAILED, True),
        (b"OCI runtime exec failed: " + b"x" * 40_000 + b"\r\n", False),
    ],
)
async def test_what_never_was_a_process_has_not_been_started(
    fake: FakeEngine, engine: Engine, words: bytes, terminal: bool
) -> None:
    """Whatever the words are: the engine has no process id of the exec, and the exit code is its own."""
    fake.on("GET", "/exec/{id}/json", json={"Running": False, "ExitCode": 128, "Pid": 0})
    whole = words if terminal else frame(1, words)
    async with session_of(fake, engine, whole[:300], whole[300:], terminal=terminal) as session:
        assert await output_of(session) == b""
        end, rest = await session.end_of_exec(engine, EXEC)

    assert isinstance(end, StartFailed)
    assert isinstance(end.error, ExecStartFailed)
    assert str(end.error) == words.decode().strip()
    assert rest == []


@pytest.mark.parametrize("state", [{"Running": True, "Pid": 7}, {"Running": False, "Pid": 7, "ExitCode": 127}])
async def test_a_process_that_writes_like_the_engine_is_not_held_back(
    fake: FakeEngine, engine: Engine, state: dict[str, object]
) -> None:
    """A terminal's lines end like reports: the engine is asked for the process, and the line is sent at once."""
    fake.on("GET", "/exec/{id}/json", json=state)
    async with session_of(fake, engine, b"sh: nope: not found\r\n", terminal=True) as session:
        assert await output_of(session) == b"sh: nope: not found\r\n"


async def test_an_engine_that_forgets_its_processes_is_known_by_its_words(fake: FakeEngine, engine: Engine) -> None:
    """Podman forgets the process id of an exec that has ended: output that is not one of its reports stays output."""
    fake.on("GET", "/_ping", body=b"OK", headers={"Libpod-Api-Version": "4.3.1"})
    fake.on("GET", "/exec/{id}/json", json={"Running": False, "ExitCode": 127, "Pid": 0})
    report = b"Error: runc: exec failed: unable to start container process: OCI runtime attempted to invoke\n"
    async with session_of(fake, engine, frame(2, report)) as session:
        assert await output_of(session) == b""
        end, _ = await session.end_of_exec(engine, EXEC)
        assert isinstance(end, StartFailed)
    async with session_of(fake, engine, b"sh: nope: not found\r\n", terminal=True) as session:
        assert await output_of(session) == b""
        end, rest = await session.end_of_exec(engine, EXEC)
        assert end == Exited(127)
        assert b"".join(frame.data for frame in rest) == b"sh: nope: not found\r\n"


@pytest.mark.parametrize(
    "words", ["Error: Exec command {} has already run\r\n", "exec command {} is already running\r\n"]
)
async def test_a_second_start_is_known_in_both_spellings(fake: FakeEngine, engine: Engine, words: str) -> None:
    """Docker 28 has another spelling."""
    fake.on("GET", "/exec/{id}/json", json={"Running": True, "Pid": 7})
    async with session_of(fake, engine, frame(1, words.format(EXEC).encode())) as session:
        assert await output_of(session) == b""
        end, rest = await session.end_of_exec(engine, EXEC)

    assert isinstance(end, StartFailed)
    assert isinstance(end.error, StartedBefore)
    assert rest == []


# The exit code


async def test_the_exit_code_is_asked_for_until_it_is_there(fake: FakeEngine, engine: Engine) -> None:
    """The output may end before the process has (B2 34)."""
    fake.on("GET", "/exec/{id}/json", json={"Running": True, "ExitCode": None}, times=2)
    fake.on("GET", "/exec/{id}/json", json={"Running": False, "ExitCode": None}, times=1)
    fake.on("GET", "/exec/{id}/json", json={"Running": False, "ExitCode": 137})

    assert await exec_exit(engine, EXEC) == Exited(137)
    assert len([request for request in fake.requests if request.path == f"/exec/{EXEC}/json"]) == 4


async def test_a_process_that_outlives_its_output_has_no_exit_code(
    fake: FakeEngine, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After some seconds the end says that there is none, and why (`sh -c 'sleep 30 & echo x'`, [V19])."""
    monkeypatch.setattr(session, "_EXIT_SECONDS", 0.2)
    fake.on("GET", "/exec/{id}/json", json={"Running": True, "ExitCode": None})

    end = await exec_exit(engine, EXEC)

    assert end == Unknown("the process still runs, but its output has ended", running=True)


async def test_an_exec_that_is_gone_has_no_exit_code(fake: FakeEngine, engine: Engine) -> None:
    """With its container, an exec is removed."""
    fake.on("GET", "/exec/{id}/json", status=404, error=f"No such exec instance: {EXEC}")

    end = await exec_exit(engine, EXEC)

    assert isinstance(end, Unknown)
    assert "removed" in end.reason


@pytest.mark.parametrize("document", [[], {}, {"Running": False}, "null", None])
async def test_an_exec_that_is_none_is_a_bad_answer(fake: FakeEngine, engine: Engine, document: object) -> None:
    """JSON of another shape is no defect of the gateway (A5 52)."""
    fake.on("GET", "/exec/{id}/json", json=document)

    with pytest.raises(BadResponse):
        await exec_exit(engine, EXEC)


async def test_sessions_are_bounded_with_the_streams(fake: FakeEngine) -> None:
    """A session takes a stream's place, and gives it back."""
    async with engine_at(fake.address, Limits(streams=1)) as engine:
        for _ in range(3):
            async with session_of(fake, engine, b"x", terminal=True) as session:
                assert engine.open_streams == 1
                assert await output_of(session) == b"x"
        assert engine.open_streams == 0
