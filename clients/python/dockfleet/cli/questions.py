"""Questions to many hosts in one call."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import click

from dockfleet.cli.gateway import responses
from dockfleet.cli.output import say, say_failure


class Answers:
    """The answers of all hosts that were asked, by name; a host that failed may have an older answer."""

    def __init__(self, rpc: Callable[..., Any], *requests: Any) -> None:
        """Ask, and wait for the last answer.  Raises `DockfleetError` when the question itself is refused."""
        self.by_host: dict[str, Any] = {}
        self._failures: list[Any] = []
        self._selected = 0
        for response in (response for request in requests for response in responses(rpc, request)):
            self.by_host.update((each.host, each.response) for each in response.answers if each.HasField("response"))
            self._failures.extend(response.summary.failures)
            self._selected += response.summary.selected

    def each(self, field: str) -> list[tuple[str, Any]]:
        """Return what is in the list *field* of all answers, each with its host, by host."""
        return [(host, item) for host in sorted(self.by_host) for item in getattr(self.by_host[host], field)]

    def finish(self, context: click.Context) -> None:
        """Name the hosts that failed, and end the program: with 1 when there are any."""
        if not (self._selected or self.by_host or self._failures):
            say("no host was selected (`dockfleet hosts` lists the hosts)")
        for each in sorted(self._failures, key=lambda each: each.host):
            say_failure(each.host, each.failure)
        context.exit(1 if self._failures else 0)


def filters_of(texts: Iterable[str], option: str = "--filter") -> dict[str, Any]:
    """Return filters as the contract has them; *texts* are `name=value`.  Raises `click.UsageError`."""
    from dockfleet.v1.common_pb2 import StringList

    found: dict[str, Any] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not name or not equals:
            raise click.UsageError(f"{option}: {text!r} is not a filter: try status=running or label=site=north")
        found.setdefault(name, StringList()).items.append(value)
    return found


FILTER = click.option(
    "-f",
    "--filter",
    "filters",
    multiple=True,
    metavar="NAME=VALUE",
    help="Only what matches, like docker's filters.",
)
