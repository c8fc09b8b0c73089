"""Many scripted engines on unix sockets: `python -m tests.bench.flapping FOLDER COUNT FLAPPING`, so many come and go.

It says when all listen.  Each line on its standard input it answers with what it has counted since the last one: how
many requests came, and how many in the busiest tenth of a second.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import random
import sys
import time
from collections import Counter
from pathlib import Path

from tests.support.fake_engine import FakeEngine

PERIOD_SECONDS = 5.0  # for which such an engine is there, and then is not


class Counted(FakeEngine):
    """An engine that counts requests with others, and forgets them."""

    def __init__(self, path: str, counts: Counter[int]) -> None:
        super().__init__(path)
        self._counts = counts

    def _notify(self) -> None:
        self._counts[int(time.monotonic() * 10)] += len(self.requests)
        self.requests.clear()
        super()._notify()


async def flap(path: str, counts: Counter[int]) -> None:
    """Be there for a while, and away for a while, again and again."""
    await asyncio.sleep(random.uniform(0, 2 * PERIOD_SECONDS))
    while True:
        async with Counted(path, counts):
            await asyncio.sleep(PERIOD_SECONDS)
        os.unlink(path)
        await asyncio.sleep(PERIOD_SECONDS)


async def main(folder: Path, count: int, flapping: int) -> None:
    """Serve until standard input ends."""
    counts: Counter[int] = Counter()
    async with contextlib.AsyncExitStack() as stack:
        for number in range(flapping, count):
            await stack.enter_async_context(Counted(str(folder / f"{number}"), counts))
        flaps = [asyncio.create_task(flap(str(folder / f"{number}"), counts)) for number in range(flapping)]
        print("ready", flush=True)
        while await asyncio.to_thread(sys.stdin.readline):
            print(json.dumps({"requests": counts.total(), "most": max(counts.values(), default=0)}), flush=True)
            counts.clear()
        for task in flaps:
            task.cancel()
        await asyncio.gather(*flaps, return_exceptions=True)


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])))
