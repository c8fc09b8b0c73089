"""Whether the clients of all languages do what the scenarios of clients/conformance say."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from clients.conformance.programs import Program, all_programs, build, missing
from clients.conformance.run import play, scenarios
from clients.conformance.table import README

pytestmark = pytest.mark.timeout(900)  # the first time, a client is built

AT_ONCE = 4
TESTEES = all_programs()


@pytest.mark.parametrize("name", TESTEES)
async def test_a_client_plays_all_scenarios(name: str) -> None:
    """A client sends what the scenarios say, prints what they say, and ends as they say."""
    testee = TESTEES[name]
    if reason := await asyncio.to_thread(missing, testee):
        pytest.skip(reason)
    assert await asyncio.to_thread(build, testee) == ""
    room = asyncio.Semaphore(AT_ONCE)

    async def played(scenario: dict[str, Any]) -> list[str] | None:
        async with room:
            return await play(testee, scenario)

    chosen = scenarios(testee.plays)
    problems = dict(zip(chosen, await asyncio.gather(*map(played, chosen.values())), strict=True))

    assert {title: found for title, found in problems.items() if found} == {}


async def test_a_client_that_does_something_else_is_found() -> None:
    """The scenarios fail for a program that does nothing."""
    nothing = Program("nothing", "", ".", run=("{python}", "-c", ""))

    problems = [await play(nothing, scenario) for scenario in scenarios(["01", "09", "19"]).values()]

    assert all(problems)


def test_the_table_has_every_scenario_and_every_client() -> None:
    """clients/README.md has a row for each scenario and a column for each client: `run.py --write` makes them."""
    begin, end = (README.read_text().index(f"<!-- scenarios: {word} -->") for word in ("begin", "end"))
    head, _, *rows = README.read_text()[begin:end].splitlines()[1:]

    assert {cell.strip() for cell in head.split("|")} - {""} == {each.client for each in TESTEES.values()}
    assert [row.split("|")[1].strip() for row in rows] == [each["about"] for each in scenarios().values()]
