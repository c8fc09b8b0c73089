"""Plays the scenarios with the clients, against a scripted gateway.

python clients/conformance/run.py [-t TESTEE]... [-s BEGINNING-OF-SCENARIO]... [--write]
"""

from __future__ import annotations

import argparse
import asyncio
import json
import re
import sys
from collections.abc import Iterable
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "clients/python")]

from clients.conformance.certificates import Certificates  # noqa: E402
from clients.conformance.connections import PLACES  # noqa: E402
from clients.conformance.programs import Program, all_programs, build, missing  # noqa: E402
from clients.conformance.running import TESTEE_SECONDS, environment  # noqa: E402
from clients.conformance.scripted_gateway import ScriptedGateway  # noqa: E402
from clients.conformance.table import write  # noqa: E402

CANNOT = 3  # the exit code of a client that cannot do a command


def scenarios(beginnings: Iterable[str] = ()) -> dict[str, dict[str, Any]]:
    """Return the scenarios by the names of their files."""
    paths = sorted((HERE / "scenarios").glob("*.json"))
    chosen = tuple(beginnings) or ("",)
    return {path.stem: json.loads(path.read_text()) for path in paths if path.stem.startswith(chosen)}


async def play(testee: Program, scenario: dict[str, Any]) -> list[str] | None:
    """Play a scenario; return what was not as it must be, and None when the client cannot do the command."""
    certificates = shared_certificates()
    kind = scenario.get("gateway", "")
    credentials = None if kind in (*PLACES, "") else certificates.credentials(kind)
    async with ScriptedGateway(
        scenario["calls"], *scenario.get("or", ()), credentials=credentials, place=kind
    ) as gateway:
        process = await asyncio.create_subprocess_exec(
            *testee.command(*scenario["argv"]),
            env=environment(gateway.address, settings(scenario, certificates)),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        stdin = (scenario.get("stdin", "") * scenario.get("stdin_repeat", 1)).encode()
        try:
            async with asyncio.timeout(TESTEE_SECONDS):
                lines, err, _ = await asyncio.gather(
                    read_lines(process, gateway), read_errors(process), feed(process, stdin)
                )
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()
            return [*gateway.problems, f"it has not ended within {TESTEE_SECONDS:.0f} seconds"]
        if process.returncode == CANNOT and not lines:
            return None
        await gateway.finish()
    problems = gateway.problems + compared(lines, scenario.get("prints", []))
    if not re.search(says := scenario.get("says", ""), err):
        problems.append(f"its standard error has no {says!r}")
    if process.returncode != scenario.get("exit", 0):
        problems.append(f"its exit code was {process.returncode}, not {scenario.get('exit', 0)}")
    if problems and err:
        problems.append(f"its standard error: {err[-1000:]}")
    return problems


@cache
def shared_certificates() -> Certificates:
    """Return the certificates of all scenarios of this process."""
    return Certificates()


def settings(scenario: dict[str, Any], certificates: Certificates) -> dict[str, str]:
    """Return the variables of a testee; those of TLS name a file."""
    chosen = scenario.get("environment", {})
    return {name: certificates.files[value] if name.startswith("TLS_") else value for name, value in chosen.items()}


async def read_lines(process: asyncio.subprocess.Process, gateway: ScriptedGateway) -> list[str]:
    """Return what a testee prints; the gateway sees each line at once."""
    assert process.stdout is not None
    lines = []
    async for line in process.stdout:
        lines.append(line.decode(errors="replace").rstrip("\n"))
        await gateway.printed(lines[-1])
    return lines


async def read_errors(process: asyncio.subprocess.Process) -> str:
    """Return what a testee writes to standard error."""
    assert process.stderr is not None
    return (await process.stderr.read()).decode(errors="replace").strip()


async def feed(process: asyncio.subprocess.Process, stdin: bytes) -> None:
    """Write the input of a testee, which need not read it, and may have ended."""
    assert process.stdin is not None
    with suppress(ConnectionError, RuntimeError):  # the latter is uvloop's for a pipe that is closed
        process.stdin.write(stdin)
        await process.stdin.drain()
    process.stdin.close()


def compared(lines: list[str], wanted: list[str | list[str]]) -> list[str]:
    """Return how the lines differ from those that must be printed."""
    choices = [[each] if isinstance(each, str) else each for each in wanted]
    if len(lines) == len(choices) and all(line in choice for line, choice in zip(lines, choices, strict=True)):
        return []
    return [f"it printed {lines}, not {wanted}"]


def main() -> int:
    """Play what the command line chooses; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-t", "--testee", action="append", default=[], help="only this client")
    parser.add_argument("-s", "--scenario", action="append", default=[], help="only scenarios that begin so")
    parser.add_argument("--write", action="store_true", help="write to the table of clients/README.md")
    chosen = parser.parse_args()
    if chosen.write and chosen.scenario:
        parser.error("--write needs all scenarios")
    results: dict[str, dict[str, str]] = {}
    failed = 0
    for name, testee in all_programs().items():
        if chosen.testee and name not in chosen.testee:
            continue
        if reason := missing(testee) or build(testee):
            print(f"{name}: not run: {reason}")
            continue
        for title, scenario in scenarios(chosen.scenario).items():
            problems = asyncio.run(play(testee, scenario)) if title.startswith(testee.plays) else None
            result = "–" if problems is None else "no" if problems else "yes"
            results.setdefault(scenario["about"], {})[testee.client] = result
            failed += result == "no"
            print(f"{name}: {title}: {result}")
            for problem in problems or ():
                print(f"    {problem}")
    if chosen.write:
        write("scenarios", results)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
