"""Logs that are rotated while they are followed, on real engines: nothing hangs, and nothing is lost silently.

An engine that is followed skips what was rotated away before it came to it, and says nothing; it repeats files, and
answers that begin near the end of a log may never end.  `DOCKFLEET_LONG=1` runs all writers on all logs, and longer.
`DOCKFLEET_SEED` repeats a run.
"""

from __future__ import annotations

import asyncio
import os
import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import grpc
import pytest
from dockfleet.v1 import containers_pb2

from deploy.private_engines.engine import PrivateEngine
from deploy.private_engines.provision import debian_root
from tests.real.conftest import CACHE
from tests.real.support import Containers
from tests.support.gateway import Client, failed, gateway_of
from tests.support.log_checker import Rotated, Verdict

LONG = bool(os.environ.get("DOCKFLEET_LONG"))
SEED = int(os.environ.get("DOCKFLEET_SEED", "0")) or random.SystemRandom().randrange(1, 1 << 32)
SECONDS = 8 if LONG else 3
COMPLETE = 3  # the exit code of a writer

# By driver, size and number of files.
LOGS = {
    "64k x1": ("json-file", "64k", "1"),
    "64k x3": ("json-file", "64k", "3"),
    "1m x3": ("json-file", "1m", "3"),
    "10m x3": ("json-file", "10m", "3"),
    "local 64k x3": ("local", "64k", "3"),
}
# Each writes numbered lines to both outputs until its time is over, waits a moment, and says how many there were.
COUNT = 'n=$((n+1)); echo "1 $n $f"; [ $((n%9)) = 0 ] && { m=$((m+1)); echo "2 $m $f" >&2; }'
BURST = "awk -v n=$n -v c={0} -v f=$f 'BEGIN {{ for (i=1; i<=c; i++) print 1, n+i, f }}'; n=$((n+{0}))"
WRITERS = {
    "slow": f"while [ $(date +%s) -lt $end ]; do {COUNT}; usleep 20000; done",
    "bursts": f"while [ $(date +%s) -lt $end ]; do {BURST.format(200)}; {COUNT}; usleep 100000; done",
    "large bursts": f"while [ $(date +%s) -lt $end ]; do {BURST.format(2000)}; {COUNT}; usleep 300000; done",
    "full speed": f"while [ $(date +%s) -lt $end ]; do {BURST.format(20000)}; {COUNT}; done",
}
SCRIPT = """
n=0; m=0; f=$(head -c $2 /dev/zero | tr '\\0' .); read go; end=$(($(date +%s) + $1)); {}
sleep 1; echo "1 $((n+1)) end $m"; exit 3
"""
SHORT = [
    ("slow", "64k x1"), ("bursts", "64k x1"),
    ("slow", "64k x3"), ("bursts", "64k x3"), ("full speed", "64k x3"),
    ("large bursts", "1m x3"), ("full speed", "1m x3"),
    ("slow", "10m x3"), ("full speed", "10m x3"),
    ("bursts", "local 64k x3"), ("full speed", "local 64k x3"),
]  # fmt: skip
RUNS = [(writer, log) for log in LOGS for writer in WRITERS] if LONG else SHORT


@dataclass
class Reader:
    """A client that follows a log, leaves it now and then, and resumes with its last token."""

    client: Client
    host: str
    chance: random.Random
    leaves: bool

    async def read(self, container: str) -> Rotated:
        """Read a log to its end."""
        log = Rotated()
        while log.end is None:
            log.calls += 1
            stay = self.chance.randrange(1, 400) if self.leaves else 1 << 62
            request = containers_pb2.StreamLogsRequest(
                host=self.host, id=container, follow=True, resume_token=log.token
            )
            call = self.client.containers.StreamLogs(request)
            try:
                async for message in call:
                    record = log.add(message)
                    stay -= 1
                    if (stay <= 0 or (record == "gap" and self.leaves)) and log.end is None:
                        call.cancel()
                        break
            except grpc.aio.AioRpcError as error:
                if error.code() is not grpc.StatusCode.UNAVAILABLE:
                    raise AssertionError(failed(error)) from error
        return log


def log_config(log: str) -> dict[str, Any]:
    """Return how a container keeps its log."""
    driver, size, files = LOGS[log]
    return {"type": driver, "config": {"max-size": size, "max-file": files}}


async def write(containers: Containers, writer: str, log: str, seconds: int = SECONDS) -> str:
    """Start a container that writes."""
    command = ("sh", "-c", SCRIPT.format(WRITERS[writer]).replace("read go; ", ""), "sh", str(seconds), "100")
    return await containers.start(*command, host_config={"log_config": log_config(log), "network_mode": "none"})


async def followed(
    client: Client, host: str, containers: Containers, writer: str, log: str, *, leaves: bool = False
) -> Verdict:
    """Follow a container that writes, and verify what has come."""
    chance = random.Random(f"{SEED} {writer} {log} {leaves}")
    container = await write(containers, writer, log)
    rotated = await Reader(client, host, chance, leaves).read(container)
    assert (rotated.end.reason, rotated.end.exit_code) in (
        (containers_pb2.LOG_END_REASON_EXITED, COMPLETE), (containers_pb2.LOG_END_REASON_NOT_RUNNING, COMPLETE),
    )  # fmt: skip
    return rotated.verify(await truth(client, host, container))


async def truth(client: Client, host: str, container: str) -> dict[int, int]:
    """Return how many lines the container has written to each output: its last line has the numbers."""
    call = client.containers.StreamLogs(containers_pb2.StreamLogsRequest(host=host, id=container, tail=1))
    entries = [entry async for message in call for entry in message.batch.entries]
    _, n, _, m = entries[-1].data.split(b" ")
    return {1: int(n), 2: int(m)}


def requests(client: Client, host: str) -> float:
    """Return how many answers the host has begun that are read piece by piece: those to requests for logs."""
    labels = {"host": host, "kind": "stream", "outcome": "200"}
    return client.metrics.registry.get_sample_value("dockfleet_engine_calls_total", labels) or 0


@pytest.mark.timeout(900 if LONG else 240)
@pytest.mark.parametrize("leaves", [False, True], ids=["stays", "leaves"])
async def test_a_follower_gets_all_lines_or_a_gap_in_their_place(
    client: Client, host: str, containers: Containers, leaves: bool
) -> None:
    """However fast logs are rotated away: lines come in order and once, gaps name those lost, and there is an end.

    The same for a client that cancels its call, also right after a gap, and resumes.
    """
    print(f"DOCKFLEET_SEED={SEED}")
    wrong = []
    for start in range(0, len(RUNS), 3):
        runs = RUNS[start : start + 3]
        began, before = time.monotonic(), requests(client, host)
        verdicts = await asyncio.gather(*(followed(client, host, containers, *run, leaves=leaves) for run in runs))
        seconds, asked = time.monotonic() - began, requests(client, host) - before
        lines = sum(verdict.lines for verdict in verdicts)
        print(f"{asked} requests for logs in {seconds:.1f} s: {asked / lines:.4f} a line")
        if not leaves:  # each follower may send a few at once, and one every tenth of a second
            assert asked <= len(runs) * (10 * seconds + 10)
        for run, verdict in zip(runs, verdicts, strict=True):
            print(run, verdict)
            wrong += [(run, verdict)] if verdict.unnamed or verdict.repeated or verdict.wrong else []
    assert not wrong, f"DOCKFLEET_SEED={SEED}"


@pytest.mark.timeout(240)
@pytest.mark.parametrize("engine", ["old", "new"])
async def test_a_killed_engine_loses_nothing_of_a_rotated_log_silently(
    request: pytest.FixtureRequest, start_engine: Callable[..., PrivateEngine], engine: str
) -> None:
    """While dockerd is away containers wait for it; the follower continues, with gaps where files were put aside."""
    root = None
    if engine == "new":
        request.getfixturevalue("fleet").need("new")
        root = debian_root(CACHE)
    daemon = start_engine("e", root=root, settings={"live-restore": True})
    async with gateway_of(daemon.address, health_check_interval_seconds=0.2) as client:
        containers = Containers(client, "h1")
        container = await write(containers, "bursts", "64k x3", seconds=6)
        reading = asyncio.create_task(Reader(client, "h1", random.Random(SEED), leaves=False).read(container))
        for _ in range(2):
            await asyncio.sleep(1.5)
            await asyncio.to_thread(daemon.kill)
            await asyncio.to_thread(daemon.start)
        rotated = await reading
        verdict = rotated.verify(await truth(client, "h1", container))
        print(f"DOCKFLEET_SEED={SEED}", verdict)
        assert (verdict.unnamed, verdict.repeated, verdict.wrong) == (0, 0, [])
