"""Rows, made of what engines list."""

from __future__ import annotations

import json
from typing import Any

from gateway.engine.inventory.clock import EngineClock, Moment
from gateway.engine.inventory.contents import Contents
from gateway.engine.inventory.convert import Converter
from gateway.engine.inventory.details import inspected
from gateway.engine.inventory.rows import ContainerRow

CLOCK = EngineClock()


def row(container: dict[str, Any]) -> ContainerRow:
    """Return the row of a container of `fake_objects`, listed and inspected now."""
    text = json.dumps({key: value for key, value in container.items() if key != "inspection"}).encode()
    now = CLOCK.now()
    details = inspected(container["inspection"])
    return Converter(CLOCK, lambda rpc, count: None).container(text, Moment(now, now), lambda _: details)


def contents(*containers: dict[str, Any], **others: list[dict[str, Any]]) -> Contents:
    """Return what there is: containers, and as *image*, *network* and *volume* the JSON of lists."""
    found = Contents(CLOCK)
    for container in containers:
        found.put(row(container))
    for kind, documents in others.items():
        rows = [Converter(CLOCK, lambda rpc, count: None).other(kind, json.dumps(each).encode()) for each in documents]
        found.others[kind] = {each.id: each for each in rows}
    return found
