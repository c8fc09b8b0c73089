"""Warnings about sources of hosts that the gateway does not know completely: hosts may be missing from an answer."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import click

from dockfleet.cli.output import say


def warn(response: Any) -> None:
    """Print a line for each incomplete source that *response* names; each line once for a command."""
    context = click.get_current_context(silent=True)
    if context is None or context.resilient_parsing:
        return
    said: set[str] = context.find_root().meta.setdefault(__name__, set())
    for text in _texts(response):
        if text not in said:
            said.add(text)
            say(f"warning: {text}")


def _texts(response: Any) -> Iterator[str]:
    for part in (response, getattr(response, "summary", None), getattr(response, "placed", None)):
        for source in getattr(part, "incomplete_sources", ()):
            yield from _silence(source)
            if source.refused_entries:
                first, *more = source.refused_entries
                yield _invalid(source, first) + (
                    f" (and {len(more)} more: see `dockfleet hosts sources`)" if more else ""
                )
    for source in getattr(response, "sources", ()):
        yield from _silence(source)
        for entry in source.refused_entries:
            yield _invalid(source, entry)


def _silence(source: Any) -> Iterator[str]:
    if not source.HasField("last_success_time"):
        why = source.message or "the gateway waits for the first answer"
        yield f"the source of hosts {source.name} has not answered yet, so its hosts are missing: {why}"
    elif not source.up:
        since = source.last_success_time.ToJsonString()[:19]
        yield f"the source of hosts {source.name} has not answered since {since}Z; its hosts stay: {source.message}"


def _invalid(source: Any, entry: Any) -> str:
    place = "" if entry.place in entry.message else f", {entry.place}"  # texts about files begin with the place
    return f"the source of hosts {source.name} has an invalid entry{place}: {entry.message}"
