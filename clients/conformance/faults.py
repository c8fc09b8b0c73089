"""Runs the testees against a real gateway in front of two private engines, and breaks things.

    python clients/conformance/faults.py [-t TESTEE]... [--write]

Root and a dockerd are needed: it starts two engines of its own.  All testees meet a fault at the same time.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import AsyncExitStack, ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "clients/python")]

from clients.conformance.programs import Program, all_programs, build, missing  # noqa: E402
from clients.conformance.real_gateway import RealGateway  # noqa: E402
from clients.conformance.running import Running  # noqa: E402
from clients.conformance.table import write  # noqa: E402
from deploy.private_engines.engine import PrivateEngine  # noqa: E402

IMAGE = "dockfleet-test:latest"
WRITER = ("sh", "-c", "i=0; while :; do i=$((i + 1)); echo $i; usleep 50000; done")
SOME_LINES = 20
SECONDS = 60.0  # within which something must happen


@dataclass
class Place:
    """Where the faults happen: a gateway, and two hosts; on each a container writes numbers."""

    gateway: RealGateway
    host: str
    other: str
    container: str
    pause: Callable[[], None]
    """Stops the engine of `host`, which then does not answer."""
    resume: Callable[[], None]


Problems = dict[str, str]
"""What went wrong, by the client; empty when nothing did."""


async def follow(place: Place, programs: Sequence[Program], fault: Callable[[], Awaitable[None]]) -> Problems:
    """Let all follow a log during a fault; every line must come, and none twice."""
    async with AsyncExitStack() as stack:
        followers = {
            each.client: await stack.enter_async_context(
                Running.start(each, place.gateway.address, "logs", place.host, place.container, "0")
            )
            for each in programs
        }
        for follower in followers.values():
            await follower.wait_lines(SOME_LINES)
        await fault()
        last = max(len(each.lines) for each in followers.values())
        return {client: await _contiguous(follower, last + SOME_LINES) for client, follower in followers.items()}


async def _contiguous(follower: Running, lines: int) -> str:
    """Wait for so many lines, and return what is wrong with them."""
    if not await follower.wait_lines(lines):
        return f"it ended after {len(follower.lines)} lines: {follower.lines[-1:]} {await follower.errors()}"
    wrong = [line for number, line in enumerate(follower.lines, 1) if line != f"line stdout {number}"]
    return f"not the next line: {wrong[0]}" if wrong else ""


async def replaced(place: Place, *, kill: bool) -> None:
    """Stop or kill the gateway, and start another in its place."""
    await place.gateway.stop(kill=kill)
    await place.gateway.start()


async def terminated(place: Place, programs: Sequence[Program]) -> Problems:
    """The gateway gets SIGTERM, and another takes its place."""
    return await follow(place, programs, partial(replaced, place, kill=False))


async def killed(place: Place, programs: Sequence[Program]) -> Problems:
    """The gateway gets SIGKILL, and another takes its place."""
    return await follow(place, programs, partial(replaced, place, kill=True))


async def hung(place: Place, programs: Sequence[Program]) -> Problems:
    """A host hangs: calls of it end in time, calls of the other host are not held up, and its log continues."""
    problems: Problems = {}

    async def fault() -> None:
        place.pause()
        try:
            for each in programs:
                problems[each.client] = await _beside(place, each)
        finally:
            place.resume()

    followed = await follow(place, programs, fault)
    return {client: problem or followed[client] for client, problem in problems.items()}


async def _beside(place: Place, program: Program) -> str:
    """Call the host that hangs, and the other one."""
    code, lines, _ = await Running.run(program, place.gateway.address, "deadline", place.host, place.container, "0.5")
    if code != 1 or not lines or not lines[0].startswith("error DEADLINE_EXCEEDED "):
        return f"a call of the host that hangs printed {lines}"
    code, lines, errors = await Running.run(program, place.gateway.address, "error", place.other, place.container)
    return "" if lines == [f"container {place.container}"] else f"a call of the other host: {lines} {errors}"


async def cancelled(place: Place, programs: Sequence[Program]) -> Problems:
    """A client cancels a log and an exec: the streams end at the gateway, the process ends, and the client lives."""
    problems: Problems = {}
    for number, each in enumerate(programs):
        command = ("sh", "-c", f"echo started; sleep {4200 + number}")
        run = partial(Running.run, each, place.gateway.address, "cancel", place.host, place.container)
        for arguments in ((), command):
            code, lines, errors = await run(*arguments)
            if code != 0 or "cancelled" not in lines or f"host {place.host} UP" not in lines:
                problems[each.client] = f"it printed {lines}, exit code {code}: {errors}"
        problems.setdefault(
            each.client, await place.gateway.left(place.host, place.container, f"sleep {4200 + number}")
        )
    return problems


async def client_killed(place: Place, programs: Sequence[Program]) -> Problems:
    """A client gets SIGKILL: its log ends at the gateway, and the process of its exec ends."""
    problems: Problems = {}
    for number, each in enumerate(programs):
        command = ("exec", place.host, place.container, "sleep", str(4300 + number))
        where = (place.host, place.container, f"sleep {4300 + number}")
        async with (
            Running.start(each, place.gateway.address, "logs", place.host, place.container, "0") as log,
            Running.start(each, place.gateway.address, *command),
        ):
            await log.wait_lines(SOME_LINES)
            begun = await place.gateway.begins(*where)
        problems[each.client] = await place.gateway.left(*where) if begun else "its command did not begin"
    return problems


FAULTS = {
    "the gateway is stopped (SIGTERM): the log continues": terminated,
    "the gateway is killed (SIGKILL): the log continues": killed,
    "a host hangs: calls of it end, the other host answers, the log continues": hung,
    "a log and a session are cancelled: nothing is left": cancelled,
    "the client is killed (SIGKILL): nothing is left": client_killed,
}
"""The faults by the titles of their rows."""


def ready(names: Sequence[str] = ()) -> list[Program]:
    """Return the testees that can be built, built."""
    chosen = []
    for name, testee in all_programs().items():
        if names and name not in names:
            continue
        if reason := missing(testee) or build(testee):
            print(f"{name}: not run: {reason}")
        else:
            chosen.append(testee)
    return chosen


@contextmanager
def engines(directory: Path) -> Iterator[tuple[PrivateEngine, PrivateEngine]]:
    """Run two engines."""
    with ExitStack() as stack:
        pair = PrivateEngine(directory, "left"), PrivateEngine(directory, "right")
        for engine in pair:
            stack.callback(engine.remove)
            engine.start()
            engine.load_busybox(IMAGE)
        yield pair


async def play(
    directory: Path, left: PrivateEngine, right: PrivateEngine, programs: Sequence[Program]
) -> dict[str, Problems]:
    """Play all faults; return what went wrong, by the title of the row."""
    hosts = {"left": left.address, "right": right.address}
    async with RealGateway(directory, hosts) as gateway:
        container = await gateway.writers(IMAGE, WRITER)
        place = Place(gateway, "left", "right", container, left.pause, left.resume)
        return {
            title: await fault(place, [each for each in programs if title.startswith(each.plays)])
            for title, fault in FAULTS.items()
        }


def main() -> int:
    """Play the faults with what the command line chooses; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-t", "--testee", action="append", default=[], help="only this client")
    parser.add_argument("--write", action="store_true", help="write to the table of clients/README.md")
    chosen = parser.parse_args()
    programs = ready(chosen.testee)
    with tempfile.TemporaryDirectory() as directory, engines(Path(directory)) as (left, right):
        results = asyncio.run(play(Path(directory), left, right, programs))
    rows = results.items()
    for title, problems in rows:
        for client, problem in problems.items():
            print(f"{client}: {title}: {problem or 'ok'}")
    if chosen.write:
        write(
            "faults", {title: {client: "no" if what else "yes" for client, what in row.items()} for title, row in rows}
        )
    return 1 if any(problem for _, row in rows for problem in row.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
