"""Inspects the containers that were only listed, after the first list of a host."""

from __future__ import annotations

from contextlib import suppress

from gateway.engine.errors import CallError
from gateway.engine.inventory.clock import Moment
from gateway.engine.inventory.contents import Contents
from gateway.engine.inventory.details import inspected, state_of
from gateway.engine.inventory.gate import Gate
from gateway.engine.inventory.questions import Questions
from gateway.engine.inventory.refresh import Refresher


async def fill(contents: Contents, questions: Questions, refresher: Refresher, listed: Moment, gate: Gate) -> None:
    """Inspect all containers that were not inspected yet, whose rows were *listed* at a moment.

    *gate* limits the rate: this is not urgent, and after a start there are thousands of containers.
    """
    for row in contents.newest_first:
        if row.details.known or row.id in refresher.marks:
            continue
        document = None
        async with gate.question():
            with suppress(CallError):
                document = await questions.inspect(row.id)
        if contents.containers.get(row.id) is not row:
            continue
        fits = document is not None and state_of(document) == row.state and row.learn(inspected(document), listed)
        if fits:
            contents.learnt(row)
        else:
            refresher.touch(row.id, 0)  # it has changed, or the list did not show all
