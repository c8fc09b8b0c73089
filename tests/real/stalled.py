"""The kinds of streams whose reader may stop reading: how each is opened, and what its reader gets."""

from __future__ import annotations

import asyncio
import hashlib
import io
import json
import os
import secrets
import tarfile
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import grpc
from dockfleet.v1 import common_pb2, containers_pb2, exec_pb2, images_pb2, system_pb2

from tests.real.support import IMAGE, Containers, chunks, execute, messages, tar, until, uploading
from tests.real.test_run import run_request
from tests.support.gateway import Client, failed, receive

if TYPE_CHECKING:
    from deploy.private_engines.engine import PrivateEngine

LONG = bool(os.environ.get("DOCKFLEET_LONG"))
STALL = 60.0 if LONG else 3.0  # seconds without reading
BLOCKS = 800  # of BLOCK bytes, which no buffers between an engine and a client hold together
BLOCK = 60_000
PAD = b"x" * (BLOCK - 9) + b"\n"
MEMORY = 24 << 20  # bytes by which the gateway may grow for one stream

# Counts in $1/count, and once $1/go is there writes a block each time, up to $2 of them; until $1/stop is there.
WRITER = f"""
mkdir -p $1
head -c {BLOCK - 9} /dev/zero | tr '\\0' x >$1/pad
echo >>$1/pad
echo ready
i=0 n=0
while [ ! -e $1/stop ] && [ $n -lt $2 ]; do
    i=$((i + 1))
    echo $i >$1/next
    mv $1/next $1/count
    if [ -e $1/go ]; then
        printf %08d $n
        cat $1/pad
        n=$((n + 1))
    fi
    usleep {60_000 if LONG else 2_000}
done
echo end $n
"""
BESIDE = "sleep 98765"
READY = b"ready\n"


def written(blocks: int) -> bytes:
    """All that a writer has written when it ends."""
    return READY + b"".join(b"%08d" % number + PAD for number in range(blocks)) + b"end %d\n" % blocks


def writer(directory: str = "/tmp/main", blocks: int = 1 << 30, *, at_once: bool = False) -> list[str]:
    """The command of a writer that counts in *directory*."""
    return ["sh", "-c", f"mkdir -p $1; >$1/go; {WRITER}" if at_once else WRITER, "sh", directory, str(blocks)]


@dataclass
class Stage:
    """A host with a container that counts, and writes after `go`; *client* is that of the tested gateway."""

    client: Client
    host: str
    containers: Containers
    engine: PrivateEngine
    container: str
    disturbances: list[Callable[[], Awaitable[None]]] = field(default_factory=list)
    tasks: list[asyncio.Task[None]] = field(default_factory=list)

    @classmethod
    async def of(cls, client: Client, host: str, containers: Containers, engine: PrivateEngine, driver: str) -> Stage:
        """Set it up, with the log driver *driver*."""
        config = {"network_mode": "none", "log_config": {"type": driver}, "tmpfs": {"/tmp": ""}}
        container = await containers.start(*writer(), host_config=config)
        stage = cls(client, host, containers, engine, container)
        await until(stage.counts)  # so that READY is written: a reader that attaches does not get it
        return stage

    async def counts(self) -> bool:
        """Whether the container's writer has begun to count."""
        return (await execute(self.client, self.host, self.container, "test", "-e", "/tmp/main/count")).exit_code == 0

    async def latency(self) -> float:
        """The seconds that a call takes that makes an event of the engine."""
        began = time.perf_counter()
        request = exec_pb2.CreateExecRequest(host=self.host, id=self.container, cmd=["true"])
        await self.client.exec.CreateExec(request)
        return time.perf_counter() - began

    async def count(self, directory: str = "/tmp/main", container: str = "") -> int:
        """How far a writer has come."""
        said = await execute(self.client, self.host, container or self.container, "cat", f"{directory}/count")
        return int(said.stdout)

    async def count_beyond(self, count: int) -> int:
        """How far the writer has come, once it has come further than *count*.  The test ends when it never does."""

        async def beyond() -> bool:
            return await self.count() > count

        await until(beyond)
        return await self.count()

    async def tell(self, word: str) -> None:
        """Tell the container's writer to `go` or to `stop`."""
        assert (await execute(self.client, self.host, self.container, "touch", f"/tmp/main/{word}")).exit_code == 0

    async def go(self) -> None:
        """Begin with what the reader does not read."""
        await self.tell("go")
        self.tasks = [asyncio.ensure_future(disturb()) for disturb in self.disturbances]

    async def runs(self, words: str) -> bool:
        """Whether there is a process with these *words* in its command."""
        request = containers_pb2.TopContainerRequest(host=self.host, id=self.container, ps_args="-eo pid,args")
        processes = (await self.client.containers.TopContainer(request)).processes
        return any(words in process.items[-1] for process in processes)


Afterwards = Callable[[], Awaitable[None]]


@dataclass(frozen=True)
class Kind:
    """A kind of stream: *open* opens one, and returns what looks whether its reader gets what it is promised.

    `limited`: whether the gateway's patience ends while the reader stands still; `driver`, of the container's log;
    `rare`: whether others show nearly the same.
    """

    name: str
    open: Callable[[Stage], Awaitable[Afterwards]]
    limited: bool = False
    driver: str = "none"
    budget: int = MEMORY
    least_seconds: float = 0.0
    rare: bool = False


# Output: sessions and runs


@dataclass
class Heard:
    """What a session or a run has sent: pieces of output and where they stand, what is missing, and how it ended."""

    pieces: list[tuple[int, bytes]] = field(default_factory=list)
    place: int = 0
    dropped: int = 0
    end: Any = None
    error: grpc.aio.AioRpcError | None = None

    @classmethod
    async def to_the_end(cls, call: Any) -> Heard:
        """Read the rest of a call; the frames before the output were read."""
        heard = cls()
        try:
            while (message := await call.read()) is not grpc.aio.EOF:
                name = message.WhichOneof("record")
                if name == "output":
                    heard.pieces.append((heard.place, message.output.data))
                    heard.place += len(message.output.data)
                elif name == "dropped":
                    heard.place += message.dropped.bytes
                    heard.dropped += message.dropped.bytes
                elif name == "end":
                    heard.end = message.end
        except grpc.aio.AioRpcError as error:
            heard.error = error
        return heard

    def fits(self, begin: bytes = READY) -> bool:
        """Whether all pieces are what was written at their places; without *begin*, the first place is after READY."""
        truth = memoryview(written((self.place + len(READY)) // BLOCK + 1)[len(READY) - len(begin) :])
        blocks, rest = divmod(self.place - len(begin), BLOCK)
        if self.error is None:  # then this is how it ends
            truth = memoryview(written(blocks)[len(READY) - len(begin) :])
            assert rest == len(b"end %d\n" % blocks)
        return all(truth[place : place + len(data)] == data for place, data in self.pieces)


def says_slow_reader(error: grpc.aio.AioRpcError | None) -> bool:
    """Whether that is how a call ended."""
    assert error is not None
    return (failed(error).code, failed(error).reason) == (grpc.StatusCode.RESOURCE_EXHAUSTED, "SLOW_READER")


async def attach(stage: Stage, slow_reader: common_pb2.SlowReader.ValueType) -> Any:
    """Attach to the container."""
    call = stage.client.containers.AttachContainer()
    start = containers_pb2.AttachContainerStart(
        host=stage.host, id=stage.container, stream=True, attach_stdout=True, slow_reader=slow_reader
    )
    await call.write(containers_pb2.AttachContainerRequest(start=start))
    assert (await receive(call)).HasField("started")
    return call


async def attach_and_drop(stage: Stage) -> Afterwards:
    """Attach: the oldest output is dropped, and a message says where and how much."""
    call = await attach(stage, common_pb2.SLOW_READER_DROP)

    async def afterwards() -> None:
        await stage.tell("stop")
        heard = await Heard.to_the_end(call)
        assert heard.error is None
        assert heard.fits(b"")
        assert heard.dropped > BLOCK
        assert (heard.end.running, heard.end.exit_code) == (False, 0)

    return afterwards


async def attach_and_close(stage: Stage) -> Afterwards:
    """Attach: all comes up to a place, and then the reason why there is no more."""
    call = await attach(stage, common_pb2.SLOW_READER_CLOSE)

    async def afterwards() -> None:
        heard = await Heard.to_the_end(call)
        assert says_slow_reader(heard.error)
        assert heard.fits(b"")
        assert heard.place >= 1 << 20
        assert heard.dropped == 0

    return afterwards


async def execute_writer(
    stage: Stage, slow_reader: common_pb2.SlowReader.ValueType = common_pb2.SLOW_READER_UNSPECIFIED
) -> Any:
    """Run a writer of BLOCKS blocks, and beside it what does not notice when nobody listens any more."""
    call = stage.client.exec.Exec()
    shell, option, script, *arguments = writer("/tmp/exec", BLOCKS, at_once=True)
    cmd = [shell, option, f"{BESIDE} >/dev/null 2>&1 & {script}", *arguments]
    start = exec_pb2.ExecStart(host=stage.host, id=stage.container, cmd=cmd, slow_reader=slow_reader)
    await call.write(exec_pb2.ExecRequest(start=start))
    await call.done_writing()
    assert (await receive(call)).HasField("started")
    return call


async def ended(stage: Stage) -> bool:
    """Whether the writer that was executed has ended."""
    return not await stage.runs("/tmp/exec")


async def killed(stage: Stage) -> bool:
    """Whether it has, and what it has started as well."""
    return await ended(stage) and not await stage.runs(BESIDE)


async def execute_and_wait(stage: Stage) -> Afterwards:
    """Exec: the process waits, and its reader loses nothing."""
    call = await execute_writer(stage)

    async def afterwards() -> None:
        waiting = await stage.count("/tmp/exec")
        assert waiting < BLOCKS
        await stage.latency()
        assert await stage.count("/tmp/exec") == waiting
        heard = await Heard.to_the_end(call)
        assert heard.error is None
        assert heard.fits()
        assert heard.place == len(written(BLOCKS))
        assert heard.end.exit_code == 0

    return afterwards


async def execute_too_long(stage: Stage) -> Afterwards:
    """Exec: when the gateway's patience ends, the process is killed, and the reader gets what came before."""
    call = await execute_writer(stage)

    async def afterwards() -> None:
        await until(lambda: killed(stage), 5)
        heard = await Heard.to_the_end(call)
        assert says_slow_reader(heard.error)
        assert heard.fits()

    return afterwards


async def execute_and_drop(stage: Stage) -> Afterwards:
    """Exec: the process does not wait, and its reader learns what is missing, and the exit code."""
    call = await execute_writer(stage, common_pb2.SLOW_READER_DROP)

    async def afterwards() -> None:
        await until(lambda: ended(stage))
        heard = await Heard.to_the_end(call)
        assert heard.error is None
        assert heard.fits()
        assert heard.place == len(written(BLOCKS))
        assert heard.dropped > BLOCK
        assert heard.end.exit_code == 0

    return afterwards


async def execute_and_close(stage: Stage) -> Afterwards:
    """Exec: with more than is kept for the reader, nobody listens any more; the rest is killed when the call ends."""
    call = await execute_writer(stage, common_pb2.SLOW_READER_CLOSE)

    async def afterwards() -> None:
        await until(lambda: ended(stage), 5)
        heard = await Heard.to_the_end(call)
        assert says_slow_reader(heard.error)
        assert heard.fits()
        await until(lambda: killed(stage), 5)

    return afterwards


async def run_writer(stage: Stage, slow_reader: common_pb2.SlowReader.ValueType) -> tuple[Any, str]:
    """Run a container that writes BLOCKS blocks; return the call, and the id."""
    request = run_request(
        stage.host, stage.containers, *writer("/tmp/run", BLOCKS, at_once=True), slow_reader=slow_reader
    )
    request.config.host_config.log_config.type = "none"
    call = stage.client.containers.RunContainer(request)
    container = (await receive(call)).created.id
    assert (await receive(call)).HasField("started")
    return call, container


async def run_and_wait(stage: Stage) -> Afterwards:
    """RunContainer: the container that is run waits, no other does, and the reader loses nothing."""
    call, container = await run_writer(stage, common_pb2.SLOW_READER_WAIT)

    async def afterwards() -> None:
        waiting = await stage.count("/tmp/run", container)
        assert waiting < BLOCKS
        await stage.latency()
        assert await stage.count("/tmp/run", container) == waiting
        heard = await Heard.to_the_end(call)
        assert heard.error is None
        assert heard.fits()
        assert heard.place == len(written(BLOCKS))
        assert heard.end.exit_code == 0

    return afterwards


async def run_too_long(stage: Stage) -> Afterwards:
    """RunContainer: when the gateway's patience ends, the call does; the container runs on, to its own end."""
    call, container = await run_writer(stage, common_pb2.SLOW_READER_UNSPECIFIED)

    async def afterwards() -> None:
        assert await stage.containers.wait(container) == 0
        heard = await Heard.to_the_end(call)
        assert says_slow_reader(heard.error)
        assert heard.fits()

    return afterwards


async def run_and_drop(stage: Stage) -> Afterwards:
    """RunContainer: the container does not wait, and the reader learns what is missing, and the exit code."""
    call, container = await run_writer(stage, common_pb2.SLOW_READER_DROP)

    async def afterwards() -> None:
        assert await stage.containers.wait(container) == 0
        heard = await Heard.to_the_end(call)
        assert heard.error is None
        assert heard.fits()
        assert heard.place == len(written(BLOCKS))
        assert heard.dropped > BLOCK
        assert heard.end.exit_code == 0

    return afterwards


# Logs


def follow(stage: Stage, **request: Any) -> Any:
    """Follow the container's log."""
    return stage.client.containers.StreamLogs(
        containers_pb2.StreamLogsRequest(host=stage.host, id=stage.container, follow=True, **request)
    )


@dataclass
class Log:
    """What a follower has read."""

    lines: list[bytes] = field(default_factory=list)
    partial: bool = False
    token: bytes = b""
    markers: list[Any] = field(default_factory=list)

    async def read(self, call: Any) -> None:
        """Read to the end."""
        while (message := await call.read()) is not grpc.aio.EOF:
            self.take(message)

    def take(self, message: containers_pb2.StreamLogsResponse) -> None:
        """Take in one message; lines that came in parts, for their rest was long in coming, are put together."""
        self.token = message.resume_token
        for entry in message.batch.entries:
            if self.partial:
                self.lines[-1] += entry.data
            else:
                self.lines.append(entry.data)
            self.partial = entry.partial
        # Reconnected: 20.10 may drop the end of a log that is followed; it is read again then.
        marker = message.WhichOneof("record")
        if marker is not None and marker not in ("batch", "heartbeat", "reconnected"):
            self.markers.append(getattr(message, marker))

    def verify(self) -> None:
        """Make sure that these are all lines of a writer, each once."""
        pairs = zip(self.lines, written(len(self.lines) - 2).splitlines(), strict=True)
        wrong = [(number, line[:16], len(line)) for number, (line, truth) in enumerate(pairs) if line != truth]
        assert not wrong, f"{len(wrong)} lines of {len(self.lines)} are wrong, such as {wrong[:3]}"
        [end] = self.markers
        assert (end.reason, end.exit_code) == (containers_pb2.LOG_END_REASON_EXITED, 0)


async def follow_log(stage: Stage) -> Afterwards:
    """StreamLogs: all lines come late, and none is lost."""
    call, log = follow(stage), Log()
    log.take(await receive(call))

    async def afterwards() -> None:
        await stage.tell("stop")
        await log.read(call)
        log.verify()

    return afterwards


async def follow_log_too_long(stage: Stage) -> Afterwards:
    """StreamLogs: when the gateway's patience ends, the call does; its token continues without loss."""
    call, log = follow(stage), Log()
    log.take(await receive(call))

    async def afterwards() -> None:
        error = None
        try:
            await log.read(call)
        except grpc.aio.AioRpcError as caught:
            error = caught
        assert says_slow_reader(error)
        again = follow(stage, resume_token=log.token)
        log.take(await receive(again))
        await stage.tell("stop")
        await log.read(again)
        log.verify()

    return afterwards


# Events and stats


EVENTS = 700  # each takes this many bytes and more: more than a buffer keeps
LABEL = "x" * (48 << 10)


async def watch_events(stage: Stage) -> Afterwards:
    """StreamEvents: a watcher that is too slow learns how many events are missing, exactly there."""
    stalled, reading = (
        stage.client.system.StreamEvents(system_pb2.StreamEventsRequest(host=stage.host)) for _ in range(2)
    )
    for call in (stalled, reading):
        await call.initial_metadata()
    busy = await stage.containers.start("sleep", "1000", labels=_labels(stage, large=LABEL))
    last = secrets.token_hex(8)

    async def disturb() -> None:
        for _ in range(EVENTS):
            request = exec_pb2.CreateExecRequest(host=stage.host, id=busy, cmd=["true"])
            await stage.client.exec.CreateExec(request)

    async def to_the_last(call: Any) -> list[Any]:
        read: list[Any] = []
        while not read or not read[-1].event.action.startswith(f"exec_create: {last}"):
            read.append(await receive(call))
        return [message for message in read if not message.HasField("heartbeat")]

    stage.disturbances.append(disturb)
    all_heard = asyncio.ensure_future(to_the_last(reading))

    async def afterwards() -> None:
        await asyncio.gather(*stage.tasks)
        await stage.client.exec.CreateExec(exec_pb2.CreateExecRequest(host=stage.host, id=busy, cmd=[last]))
        truth = [message.event for message in await all_heard]
        heard = await to_the_last(stalled)
        assert all(event.time_nano for event in truth)  # the watcher that reads has no gap
        [place] = [number for number, message in enumerate(heard) if message.HasField("gap")]
        gap = heard[place].gap
        assert gap.reason == common_pb2.GAP_REASON_SLOW_READER
        assert gap.count > 0
        assert [message.event for message in heard[:place]] == truth[:place]
        assert [message.event for message in heard[place + 1 :]] == truth[place + gap.count :]
        for call in (stalled, reading):
            call.cancel()

    return afterwards


async def watch_stats(stage: Stage) -> Afterwards:
    """StreamStats: the next sample is the newest, and says how many were left out."""
    # So long a name is in each sample that few of them fill what is between the gateway and a client.
    name = "n" * (900 << 10)
    config = {"Image": IMAGE, "Cmd": ["sleep", "1000"], "Labels": _labels(stage), "HostConfig": {"NetworkMode": "none"}}
    status, body = await asyncio.to_thread(stage.engine.request, "POST", f"/containers/create?name={name}", config)
    assert status == 201, body
    container = str(json.loads(body)["Id"])
    request = containers_pb2.StartContainerRequest(host=stage.host, id=container)
    await stage.client.containers.StartContainer(request)
    call = stage.client.containers.StreamStats(containers_pb2.StreamStatsRequest(host=stage.host, id=container))
    assert (await receive(call)).HasField("stats")

    async def afterwards() -> None:
        sample = before = await receive(call)
        while not sample.stats.skipped:
            before, sample = sample, await receive(call)
        now = time.time()
        passed = (sample.stats.read_at.ToNanoseconds() - before.stats.read_at.ToNanoseconds()) / 1e9
        assert abs(passed - sample.stats.skipped - 1) < 0.5 + 0.1 * passed  # there is one every second
        assert now - sample.stats.read_at.ToNanoseconds() / 1e9 < 2.5
        assert not (await receive(call)).stats.skipped
        call.cancel()

    return afterwards


def _labels(stage: Stage, **others: str) -> dict[str, str]:
    key, _, value = stage.containers.label.partition("=")
    return {key: value} | others


# Work and downloads


async def build(stage: Stage) -> Afterwards:
    """BuildImage: what a build prints comes late, and whole."""
    dockerfile = f"FROM {IMAGE}\nCOPY writer /\nRUN {json.dumps([*writer()[:1], '/writer', '/tmp/run', str(BLOCKS)])}\n"
    context = tar({"Dockerfile": dockerfile.encode(), "writer": writer(at_once=True)[2].encode()})
    start = images_pb2.BuildImageStart(
        host=stage.host, network_mode="none", force_remove_intermediate=True, no_cache=True
    )
    call = stage.client.images.BuildImage(uploading(images_pb2.BuildImageRequest, start, chunks(context)))
    assert (await receive(call)).progress.stream.startswith("Step 1/3")

    async def afterwards() -> None:
        reports = [message.progress for message in await messages(call)]
        assert written(BLOCKS).decode() in "".join(report.stream for report in reports)
        [image] = [report.result.id for report in reports if report.result.id]
        await stage.client.images.RemoveImage(images_pb2.RemoveImageRequest(host=stage.host, name=image))

    return afterwards


async def export(stage: Stage) -> Afterwards:
    """ExportContainer: the archive comes late, and whole."""
    script = f"yes 0123456789abcde | head -c {BLOCK * BLOCKS} >/big && sha256sum /big"
    said = await execute(stage.client, stage.host, stage.container, "sh", "-c", script)
    call = stage.client.containers.ExportContainer(
        containers_pb2.ExportContainerRequest(host=stage.host, id=stage.container)
    )
    begin = (await receive(call)).data

    async def afterwards() -> None:
        archive = io.BytesIO(begin + b"".join([message.data for message in await messages(call)]))
        with tarfile.open(fileobj=archive) as files:
            big = files.extractfile("big")
            assert big is not None
            assert hashlib.sha256(big.read()).hexdigest().encode() == said.stdout.split()[0]

    return afterwards


KINDS = [
    Kind("logs", follow_log, driver="json-file"),
    Kind("logs too long", follow_log_too_long, driver="json-file", limited=True),
    Kind("events", watch_events, budget=64 << 20),
    Kind("stats", watch_stats, least_seconds=7),
    Kind("attach, drop", attach_and_drop, limited=True),
    Kind("attach, close", attach_and_close),
    Kind("exec", execute_and_wait),
    Kind("exec too long", execute_too_long, limited=True),
    Kind("exec, drop", execute_and_drop, limited=True),
    Kind("exec, close", execute_and_close, rare=True),
    Kind("run", run_and_wait),
    Kind("run too long", run_too_long, limited=True, rare=True),
    Kind("run, drop", run_and_drop, limited=True, rare=True),
    Kind("build", build),
    Kind("export", export),
]
