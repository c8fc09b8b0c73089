"""Attacks a gateway and shows what it promises and what it does: `python -m tests.attacks [--full] [NAME…]`.

`--write FILE` puts the table into a page, between the comments `attacks` and `end of attacks`; a row of an attack
that was not run stays as it is.  `--bare` attacks a server of grpcio alone, and shows what its honest clients see.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import time
from pathlib import Path

from tests.attacks import report
from tests.attacks.catalogue import ATTACKS
from tests.attacks.harness import broken, measure, measure_bare


async def main() -> int:
    """Return how many promises are broken."""
    options = _options()
    rows, count, names, began = {}, 0, list(options.names or ATTACKS), time.monotonic()
    for number, name in enumerate(names, 1):
        print(f"{name} ({number} of {len(names)}, {time.monotonic() - began:.0f} s so far)", file=sys.stderr)
        attack = ATTACKS[name]("full" if options.full else "small")
        if options.bare:
            print(report.pings(name, await measure_bare(attack)), flush=True)
            continue
        try:
            row = await measure(attack)
        except (AssertionError, OSError) as error:
            print(f"{name}: could not be measured: {type(error).__name__} {error}", file=sys.stderr)
            count += 1
            continue
        rows[name] = report.row(attack, row)
        print(rows[name], report.pings(name, row), sep="\n", flush=True)
        if options.write:
            report.write(options.write, rows, ATTACKS)
        for promise in broken(attack, row):
            print(f"    broken: {promise}")
        if options.verbose:
            print(json.dumps(row, indent=2))
        count += len(broken(attack, row))
    print(f"{len(names)} attacks in {time.monotonic() - began:.0f} s: {count} promises broken", file=sys.stderr)
    return count


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.attacks", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("names", nargs="*", choices=[*ATTACKS, []], metavar="NAME", help=f"of {', '.join(ATTACKS)}")
    parser.add_argument("--full", action="store_true", help="in full size: minutes instead of seconds")
    parser.add_argument("--bare", action="store_true", help="attack grpcio alone: by frames and calls, not by hosts")
    parser.add_argument("--write", type=Path, metavar="FILE", help="put the table into this page")
    parser.add_argument("--verbose", action="store_true", help="show all that was measured")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(min(asyncio.run(main()), 1))
