"""Followed logs with lines that the engine cuts into pieces: every piece is sent once."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from random import Random
from typing import Any

import pytest

from gateway.engine.codec.timestamps import nanoseconds, time_of
from gateway.engine.logs import follow_reader, pace
from gateway.engine.logs.cursor import LogCursor
from gateway.engine.logs.records import Batch, End, Gap, GapReason
from gateway.engine.logs.runs import Rotation
from gateway.engine.resumable import retry
from tests.engine.logs.test_following import Reader, following_of, read
from tests.support.fake_engine import FakeEngine, ResponseParser
from tests.support.fake_log import LOGS, NOON, STATE, Line, Log, state

ONE_FILE, FILES = {"max-size": "200m"}, {"max-size": "20m", "max-file": "5"}
CONFIGS = ["not rotated", "one file", "several files"]
SMALL_FILES, ONE_SMALL_FILE = {"max-size": "300k", "max-file": "3"}, {"max-size": "600k"}
SEEDS = int(os.environ.get("LONG_LINE_SEEDS", "6"))
END = (NOON, b"\n", 1)
PIECE = 4096  # bytes; the least that counts as a piece of a long line


@pytest.fixture
async def daemon() -> AsyncIterator[FakeEngine]:
    """The engine."""
    async with FakeEngine() as daemon:
        yield daemon


def piece(number: int) -> Line:
    """Return a piece of the long line; equal numbers mean equal text."""
    return NOON, b"%08d" % number * 2048, 1


def text(*pieces: Line) -> bytes:
    """Return what *pieces* say."""
    return b"".join(line for _, line, _ in pieces)


@pytest.mark.parametrize("config", [{}, ONE_FILE, {"max-size": "10m"}, FILES], ids=[*CONFIGS[:2], "10 MB", CONFIGS[2]])
async def test_a_log_that_begins_with_one_piece_is_sent_once(daemon: FakeEngine, config: dict[str, str]) -> None:
    """The first answer that is not empty has the first piece of a long line alone."""
    log, pieces = Log(), [piece(number) for number in range(20)]
    daemon.on(*LOGS, log)
    daemon.on(*STATE, json=state(log=config))

    async with following_of(daemon, state(log=config)) as follower:
        reading = asyncio.create_task(read(follower, 1))
        await daemon.until(lambda: log.followed)
        log.write(pieces[0])
        things = await reading
        for new in (pieces[1:2], pieces[2:10], [*pieces[10:], END]):
            reading = asyncio.create_task(read(follower, 1))
            log.write(*new)
            things += await reading
        log.write((NOON + 1, b"next\n", 1))
        things += await read(follower, 1)

    assert [one for one in things if not isinstance(one, bytes)] == []
    assert b"".join(things) == text(*pieces) + b"\nnext\n"


@pytest.mark.parametrize("config", [{}, ONE_FILE, FILES], ids=CONFIGS)
async def test_a_log_that_fills_while_it_is_found_empty_comes_whole(daemon: FakeEngine, config: dict[str, str]) -> None:
    """A reader of everything gets more than the few entries that show where a log ends."""
    lines = [b"%d\n" % number for number in range(200)]
    daemon.on(*LOGS, Log(*lines, plain=[(0, "end"), (0, "end")]))
    daemon.on(*STATE, json=state(log=config))

    async with following_of(daemon, state(log=config)) as follower:
        assert await read(follower, 200) == lines


@pytest.mark.parametrize("config", [{}, ONE_FILE, FILES], ids=CONFIGS)
async def test_the_end_of_a_line_that_repeats_itself_is_a_position(daemon: FakeEngine, config: dict[str, str]) -> None:
    """A reader of the last entries, which are pieces, gets every later piece once."""
    pieces = [piece(number % 2) for number in range(300)]
    log = Log(b"before\n", stamps=[-1])
    log.lines += pieces
    daemon.on(*LOGS, log)
    daemon.on(*STATE, json=state(log=config))

    async with following_of(daemon, state(log=config), tail=10) as follower:
        things = await read(follower, 1)
        log.write(*[piece(number % 2) for number in range(70)], END, (NOON + 1, b"next\n", 1))
        while not things[-1].endswith(b"next\n"):
            things += await read(follower, 1)

    assert b"".join(things) == text(*pieces[-10:], *pieces[:70]) + b"\nnext\n"


async def test_a_follow_answer_that_begins_within_a_line_is_found_in_order(daemon: FakeEngine) -> None:
    """The engine leaves out the first pieces of a line that repeats itself: later ones come once, after a gap."""
    log = Log(b"before\n", stamps=[-1])
    daemon.on(*LOGS, log)
    daemon.on(*STATE, json=state(log=FILES))

    async with following_of(daemon, state(log=FILES)) as follower:
        things = await read(follower, 1)
        reading = asyncio.create_task(read(follower, 1))
        await daemon.until(lambda: log.followed)
        log.write(piece(1), piece(2), skip=True)
        log.write(piece(0), piece(1), piece(2))
        things += await reading
        log.write(piece(0), END, (NOON + 1, b"next\n", 1))
        while things[-1] != b"next\n":
            things += await read(follower, 1)

    assert b"".join(one for one in things if isinstance(one, bytes)) == (
        b"before\n" + text(*map(piece, [0, 1, 2, 0])) + b"\nnext\n"
    )
    assert [one for one in things if not isinstance(one, bytes)] == [
        ("gap", time_of(NOON - 1), time_of(NOON), GapReason.ROTATED)
    ]


async def test_a_line_that_can_have_repeated_itself_unseen_has_a_gap(daemon: FakeEngine) -> None:
    """While the reader is away, a line fills more than the log, and the last piece that was sent comes again."""
    config = {"max-size": "200k", "max-file": "3"}
    log = Log()
    log.lines = [piece(number) for number in range(10)]
    daemon.on(*LOGS, log)
    daemon.on(*STATE, json=state(log=config))

    async with following_of(daemon, state(log=config)) as follower:
        things = await read(follower, 1)
        reading = asyncio.create_task(read(follower, 1))
        await daemon.until(lambda: log.followed)
        log.lines = [*[piece(number % 40) for number in range(45, 80)], END, (NOON + 1, b"next\n", 1)]
        log.cut()
        things += await reading
        gap = "gap", time_of(NOON), time_of(NOON), GapReason.ROTATED
        while gap not in things:  # the end of the answer shows it
            things += await read(follower, 1)

    expected = text(*map(piece, range(10)), *[piece(number % 40) for number in range(50, 80)]) + b"\nnext\n"
    assert b"".join(one for one in things if isinstance(one, bytes)) == expected


class RotatedLog(Log):
    """A log that has other lines at each of the next requests, plain ones and those that follow."""

    followed_lines: list[Line]
    plain_lines: list[Line]

    async def __call__(self, exchange: ResponseParser) -> None:
        """Answer one request."""
        follow = dict(exchange.request.query)["follow"] == "true"
        if follow and self.followed_lines:
            self.lines, self.followed_lines = self.followed_lines, []
        elif not (follow or self.followed_lines):
            self.lines = self.plain_lines
        await super().__call__(exchange)


async def test_after_a_loss_a_follow_answer_from_before_is_not_believed(daemon: FakeEngine) -> None:
    """It counts the pieces of a line from its beginning, which the log does not have any more."""
    pieces = [(NOON + 1, b"%08d" % (number % 100) * (PIECE // 8), 1) for number in range(170)]
    end = [(NOON + 1, b"end\n", 1), (NOON + 2, b"next\n", 1)]
    log = RotatedLog()
    log.lines, log.followed_lines, log.plain_lines = [piece(0)], pieces[:100], pieces[160:]
    daemon.on(*LOGS, log)
    daemon.on(*STATE, json=state(log=ONE_SMALL_FILE))

    async with following_of(daemon, state(log=ONE_SMALL_FILE)) as follower:
        things = await read(follower, 3)
        await daemon.until(lambda: log.followed)
        log.write(*end)
        while things[-1] != b"next\n":
            things += await read(follower, 1)

    texts = [one for one in things if isinstance(one, bytes)]
    assert b"".join(texts) == text(piece(0), *pieces[160:], *end)
    assert [one for one in things if not isinstance(one, bytes)] == [
        ("gap", time_of(NOON), time_of(NOON + 1), GapReason.ROTATED)
    ]


# Any history


def pieces_of(random: Random, size: int, time: int, stream: int) -> list[Line]:
    """Return *size* pieces of a line, and its end; the same pieces come again and again, at various distances."""
    period = random.choice([1, 2, 3, 9, 40, 200, size])
    kinds = [b"%08d" % random.randrange(10**8) * (PIECE // 8) for _ in range(period)]
    numbers = [number % period for number in range(size)]
    for number in random.sample(range(size), random.choice([0, 0, size // 50])):
        numbers[number] = 0
    return [*[(time, kinds[number], stream) for number in numbers], (time, b"end\n", stream)]


def history(random: Random) -> list[Line]:
    """Return what a container writes: long lines of both streams at the same time, and whole lines."""
    lines: list[Line] = []
    time = NOON
    for _ in range(random.choice([0, 0, 5, 100])):
        time += 1
        lines.append((time, b"before %d\n" % time, random.choice([1, 2])))
    for _ in range(random.randrange(1, 4)):
        first = pieces_of(random, random.randrange(1, 500), time + 1, 1)
        second = pieces_of(random, random.randrange(1, 100), time + 2, 2) if random.random() < 0.5 else []
        second += [(time + 3 + number, b"other %d\n" % number, 2) for number in range(random.choice([0, 20]))]
        order = [1] * len(first) + [2] * len(second)
        random.shuffle(order)
        lines += [(first if stream == 1 else second).pop(0) for stream in order]
        time += 1000
    return [*lines, (time, b"last\n", 1)]


class Files:
    """Rotates the log of a fake engine as an engine does."""

    def __init__(self, log: Log, config: dict[str, str]) -> None:
        """*config* are the options of the log driver; without any, the log does not rotate."""
        self._log = log
        rotation = Rotation.of({"Type": "json-file", "Config": config})
        self._size, self._count = rotation.max_size, rotation.max_files
        self._files: list[list[Line]] = [[]]
        self._used = 0  # bytes of the last file
        self.removed = 0

    def write(self, lines: list[Line], *, skip: bool) -> None:
        """Write *lines*; with *skip*, those who follow do not get them."""
        for line in lines:
            if self._size and self._used >= self._size:
                self._files.append([])
                self._used = 0
                if len(self._files) > self._count:
                    self.removed += len(self._files.pop(0))
            self._files[-1].append(line)
            self._used += len(line[1]) + 100
        self._log.write(*lines, skip=skip)
        self._log.lines = [line for file in self._files for line in file]


class Received:
    """What a reader has received, over all its calls."""

    def __init__(self) -> None:
        self.entries: list[Line] = []  # of both streams
        self.gaps: list[Gap] = []
        self.cursor: LogCursor | None = None

    async def read(self, follower: Reader, most: int) -> bool:
        """Read up to the end, or at least *most* entries; return whether the end came."""
        enough = len(self.entries) + most
        async with asyncio.timeout(60):
            while len(self.entries) < enough:
                for record in await follower.next():
                    self.cursor = record.cursor
                    if isinstance(record, Gap):
                        self.gaps.append(record)
                    if isinstance(record, Batch):
                        self.entries += [(nanoseconds(time), text, stream) for stream, time, text in record.entries]
                    if isinstance(record, End):
                        return True
        return False


async def follow_history(
    daemon: FakeEngine, random: Random, config: dict[str, str], *, breaks: bool, skips: bool = False, **query: Any
) -> tuple[list[Line], Received]:
    """Read a log, which *breaks* now and then, and is read on; follow answers can *skip* entries.

    Return what was in the log and was written to it, and what came.
    """
    lines, received, log = history(random), Received(), Log()
    files = Files(log, config)
    if breaks:
        log.plain = [(10**6, "end")] * random.randrange(3) + [(random.randrange(300), "cut")]
    daemon.on(*LOGS, log)
    daemon.on(*STATE, json=state(log=config))
    begin = random.choice([0, 0, 1, random.randrange(len(lines))])
    if config == ONE_SMALL_FILE:
        begin = max(begin, 1)  # an empty log of one file does not show what its first entry is
    files.write(lines[:begin], skip=True)
    there = lines[files.removed :]

    async def write() -> None:
        await daemon.until(lambda: received.entries or log.followed)  # what is removed before is not for the reader
        number = begin
        while number < len(lines):
            burst = lines[number : number + random.choice([1, 3, 20, 100, 300])]
            number += len(burst)
            files.write(burst, skip=skips and random.random() < 0.3)
            for _ in range(random.randrange(100)):
                await asyncio.sleep(0)
            if breaks and random.random() < 0.1:
                log.cut()
        daemon.on(*STATE, json=state(running=False, log=config))
        log.script += [(10**6, "end")] * 1000
        while True:  # also the answers that begin just now
            log.end()
            await asyncio.sleep(0.001)

    writing, has_ended = asyncio.create_task(write()), False
    while not has_ended:
        most = random.choice([10**6, random.randrange(1, 300)]) if breaks else 10**6
        async with following_of(daemon, state(log=config), received.cursor, **query) as follower:
            has_ended = await received.read(follower, most)
        query = {}
    writing.cancel()
    return there, received


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Readers that request a log as often as they like."""
    monkeypatch.setattr(pace, "_PAUSE_SECONDS", 0.001)
    monkeypatch.setattr(follow_reader, "_SILENT_SECONDS", 0.05)
    monkeypatch.setattr(follow_reader, "_REST_SECONDS", 0.01)
    monkeypatch.setattr(retry, "_FIRST_PAUSE", 0.001)


@pytest.mark.usefixtures("hasty")
@pytest.mark.parametrize(("config", "breaks"), [({}, True), (ONE_FILE, False), (FILES, True)], ids=CONFIGS)
@pytest.mark.parametrize("seed", range(SEEDS))
async def test_whatever_repeats_comes_as_it_was_written(
    daemon: FakeEngine, config: dict[str, str], breaks: bool, seed: int
) -> None:
    """Every entry comes once and in order, and no gap, from a log that keeps all."""
    lines, received = await follow_history(daemon, Random(seed), config, breaks=breaks)

    assert received.entries == lines
    assert not received.gaps


@pytest.mark.usefixtures("hasty")
@pytest.mark.parametrize(
    "config", [ONE_FILE, SMALL_FILES, ONE_SMALL_FILE], ids=["keeps all", "several files", "one file"]
)
@pytest.mark.parametrize("skips", [False, True])
@pytest.mark.parametrize("seed", range(SEEDS))
async def test_what_is_missing_is_not_lost_in_silence(
    daemon: FakeEngine, config: dict[str, str], skips: bool, seed: int
) -> None:
    """What comes is a part of what each output has, in order; if it is not everything, a gap says so."""
    lines, received = await follow_history(daemon, Random(seed), config, breaks=True, skips=skips)

    for stream in (1, 2):  # for a piece that was left out, an equal one can have come before
        rest = iter([line for line in lines if line[2] == stream])
        assert all(entry in rest for entry in received.entries if entry[2] == stream)
    assert received.gaps or received.entries == lines
