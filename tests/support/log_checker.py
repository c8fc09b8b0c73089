"""Compares what a client has read of a log with what was written: nothing lost, nothing twice, every gap named.

The container writes `RUN SEQUENCE`, each run from 1 on: see `WRITER`.  A `History` is what one client has got, in its
order, over all the calls that it needed.  (The lesson of etcd: validate whole histories, not single calls.)
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import grpc
from dockfleet.v1 import containers_pb2

from tests.support.gateway import failed

# About 200 lines a second, now and then one to standard error, now and then one of 40,000 bytes, which comes in parts.
WRITER = """
trap 'exit 0' TERM
read -r run < /proc/sys/kernel/random/uuid
long=$(head -c 40000 /dev/zero | tr '\\0' x)
i=0
while :; do
  n=0
  while [ $n -lt 20 ]; do
    n=$((n + 1)); i=$((i + 1))
    case $i in
      *33) echo "$run $i" >&2;;
      *500) echo "$run $i $long";;
      *) echo "$run $i";;
    esac
  done
  sleep 0.1
done
"""


@dataclass(frozen=True)
class Line:
    """A line that the container wrote."""

    run: str
    number: int
    length: int

    @property
    def to_stderr(self) -> bool:
        """Whether `WRITER` wrote it to standard error."""
        return self.number % 100 == 33

    def following(self, to_stderr: bool | None = None) -> int:
        """Return the number of the next line of the run on the same output, or on the one given."""
        to_stderr = self.to_stderr if to_stderr is None else to_stderr
        number = self.number + 1
        while (number % 100 == 33) != to_stderr:
            number += 1
        return number

    @classmethod
    def of(cls, data: bytes) -> Line:
        """Read a line; what is left of one whose beginning is lost, to a rotation or a crash, has no run."""
        if data.startswith(b"x"):
            return cls("", 0, len(data))
        run, number, *_ = data.split(b" ")
        return cls(run.decode(), int(number), len(data))


Event = Line | str  # a line, or the name of a marker


@dataclass
class History:
    """What a client has got, and the token of the last message."""

    events: list[Event] = field(default_factory=list)
    token: bytes = b""
    calls: int = 0
    codes: list[str] = field(default_factory=list)
    _begun: dict[int, tuple[int, bytes]] = field(default_factory=dict)  # by output: where a line began, and with what

    @property
    def lines(self) -> list[Line]:
        """The lines, in the order in which they came."""
        return [event for event in self.events if isinstance(event, Line)]

    def count(self, marker: str) -> int:
        """How many markers of a kind came."""
        return self.events.count(marker)

    def add(self, message: Any) -> None:
        """Take a message and its token in, together, as a client must."""
        assert message.resume_token
        if (record := message.WhichOneof("record")) not in ("batch", "heartbeat"):
            self.events.append(record)
        for entry in message.batch.entries:
            begun = self._begun.pop(entry.stream, None)
            place, data = begun or (len(self.events), b"")
            if begun is None:
                self.events.append("part")
            data += entry.data
            self.events[place] = Line.of(data)
            if entry.partial:
                self._begun[entry.stream] = place, data
        self.token = message.resume_token


async def follow(connect: Callable[[], Any], history: History, host: str, container: str) -> None:
    """Read a log into *history* forever, as a client that keeps its token: on to the next call after each failure.

    Only failures after which the same call may be repeated are accepted.
    """
    while True:
        history.calls += 1
        request = containers_pb2.StreamLogsRequest(
            host=host, id=container, follow=True, follow_restarts=True, resume_token=history.token
        )
        try:
            async for message in connect().StreamLogs(request):
                history.add(message)
            history.events.append("ended")
            return
        except grpc.aio.AioRpcError as error:
            safe = failed(error).metadata.get("retry_safe") == "true"
            if error.code() is not grpc.StatusCode.UNAVAILABLE and not safe:
                raise AssertionError(f"{error.code().name}: {failed(error)}") from error
            history.codes.append(error.details() or "")
            await asyncio.sleep(0.1)


def verify(history: History, log: list[Line], *, whole: bool) -> list[str]:
    """Return what is wrong with *history*, given the *log* as the engine has it in the end.

    *whole*: that is all that was ever in it; otherwise the beginning was rotated away.
    """
    lines = history.lines
    wrong = []
    seen = set()
    for line in lines:
        if line.run and (line.run, line.number) in seen:
            wrong.append(f"repeated: {line}")
        seen.add((line.run, line.number))
    gaps = history.count("gap")
    if whole and not gaps:
        wrong += [f"lost: {line}" for line in log if (line.run, line.number) not in seen]
        if not wrong and lines != log:
            at = next(index for index, pair in enumerate(zip(lines, log, strict=False)) if pair[0] != pair[1])
            wrong.append(f"another order, or other lines, from {at} on: {lines[at : at + 3]}, not {log[at : at + 3]}")
        return wrong
    if whole:
        wrong.append(f"{gaps} gaps in a log that has lost nothing")
    return wrong + _jumps(history.events, log)


def _jumps(events: list[Event], log: list[Line]) -> list[str]:
    """Return where the numbers of a run jump without a gap, or the end of the log is missing.

    Each of the two outputs has its own order; between them, the engine's is as good as any.
    """
    wrong = []
    last: dict[bool, Line] = {}
    for event in events:
        if event == "gap":
            last = {}
        if not isinstance(event, Line) or not event.run:
            continue
        before = last.get(event.to_stderr)
        if before is not None:
            expected = (
                before.following() if before.run == event.run else Line(event.run, 0, 0).following(event.to_stderr)
            )
            if event.number > expected:
                wrong.append(f"lost without a gap: from {expected} on, before {event}")
        last[event.to_stderr] = event
    ends = {line.to_stderr: line for line in log}
    return wrong + [f"ends with {last.get(key)}, not with {end}" for key, end in ends.items() if last.get(key) != end]


# Rotated logs: the engine itself loses lines; each loss must be named.


NEVER = 1 << 62  # nanoseconds; later than all times


@dataclass
class Rotated:
    """What one client has got of a log whose lines are `OUTPUT NUMBER FILLER`, numbered from 1 on for each output."""

    lines: list[tuple[int, int, int]] = field(default_factory=list)  # output, number, time
    gaps: list[tuple[int, int]] = field(default_factory=list)  # times after and before; 0 and a late time when absent
    end: Any = None
    token: bytes = b""
    calls: int = 0
    _last: str = ""

    def add(self, message: Any) -> str:
        """Take a message and its token in, and return what it was."""
        for entry in message.batch.entries:
            output, number, *_ = entry.data.split(b" ")
            assert entry.stream == int(output)
            self.lines.append((int(output), int(number), entry.time.ToNanoseconds()))
        record = message.WhichOneof("record")
        if record == "gap":
            before = message.gap.before.ToNanoseconds() if message.gap.HasField("before") else NEVER
            if self._last == "gap":  # the client left between the two, and what came next was rotated away meanwhile
                self.gaps[-1] = self.gaps[-1][0], before
            else:
                self.gaps.append((message.gap.after.ToNanoseconds(), before))
        self._last = str(record)
        if record == "end":
            self.end = message.end
        self.token = message.resume_token
        return self._last

    def verify(self, last: dict[int, int]) -> Verdict:
        """Compare with what was written; *last* are the numbers of the last lines, by output."""
        verdict = Verdict(lines=len(self.lines), gaps=len(self.gaps))
        times = {time for _, _, time in self.lines} | {0, NEVER}
        verdict.wrong += [f"no line has the time of the gap {gap}" for gap in self.gaps if not times.issuperset(gap)]
        holes = []
        for output, end in last.items():
            seen = [(number, time) for stream, number, time in self.lines if stream == output]
            verdict.repeated += len(seen) - len({number for number, _ in seen})
            if [number for number, _ in seen] != sorted(number for number, _ in seen):
                verdict.wrong.append(f"output {output} is not in order")
            begin = (seen[0][0] - 1, seen[0][1]) if seen else (0, 0)
            for (one, before), (other, after) in pairwise([begin, *sorted(seen), (end + 1, NEVER)]):
                if other > one + 1:
                    holes.append((before, after, other - one - 1))
        for before, after, count in holes:
            verdict.missing += count
            # A gap's times are of the neighbours of a hole in either output, or farther away.
            if not any(first <= after and before <= second for first, second in self.gaps):
                verdict.unnamed += count
        verdict.false = sum(
            not any(first <= after and before <= second for before, after, _ in holes) for first, second in self.gaps
        )
        return verdict


@dataclass
class Verdict:
    """What a comparison has shown, in lines and gaps."""

    lines: int = 0
    gaps: int = 0
    missing: int = 0
    unnamed: int = 0
    repeated: int = 0
    false: int = 0
    wrong: list[str] = field(default_factory=list)
