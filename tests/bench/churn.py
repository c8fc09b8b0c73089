"""Does the gateway grow with the containers that have been?  `python -m tests.bench.churn`.

A fake engine replaces its containers again and again, while somebody scrapes: see `generations`.  In the end there have
been so many.  The table has what the gateway takes and shows on the way.
"""

from __future__ import annotations

import argparse
import asyncio
import re
import tempfile
from pathlib import Path

import uvloop

from tests.bench.scrapes import _gateway, _scrape
from tests.support.fake_engine import FakeEngine
from tests.support.generations import Generations

_RUNNING = re.compile(rb'^container_start_time_seconds\{host="h1",id="/docker/(\w+)"', re.MULTILINE)


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--containers", type=int, default=50_000, help="in all")
    parser.add_argument("--each", type=int, default=500, help="at once")
    uvloop.run(_replace(parser.parse_args()))


async def _replace(options: argparse.Namespace) -> None:
    rows = max(options.containers // options.each // 20, 1)
    async with FakeEngine() as engine:
        generations = Generations(engine)
        with (
            tempfile.TemporaryDirectory(prefix="dfs") as folder,
            _gateway(Path(folder), {"h1": engine.address}, interval_seconds=1) as (port, meter),
        ):
            print("| containers so far | series | MiB |\n| --- | --- | --- |")
            while generations.made < options.containers:
                page = await _shown(port, {id.encode() for id in generations.next(options.each)})
                if generations.made // options.each % rows == 0:
                    series = sum(not line.startswith(b"#") for line in page.splitlines())
                    print(f"| {generations.made} | {series} | {meter.rss() / (1 << 20):.1f} |", flush=True)


async def _shown(port: int, ids: set[bytes]) -> bytes:
    """Return the page as soon as it shows these containers and no others."""
    while True:
        page = await asyncio.to_thread(_scrape, port)
        if set(_RUNNING.findall(page)) == ids:
            return page
        await asyncio.sleep(0.2)


if __name__ == "__main__":
    main()
