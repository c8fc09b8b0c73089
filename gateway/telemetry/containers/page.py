"""The page of one host: its series by metric, compressed; and the response for many hosts, joined from their pages.

In Prometheus' text all series of a metric must follow one another, so a page has a block for each metric.
"""

from __future__ import annotations

import functools
from collections.abc import Collection, Iterable, Mapping, Sequence

from gateway.telemetry.containers.blocks import Block, gzipped, plain
from gateway.telemetry.containers.families import CONTAINERS, HOSTS, Family, Number, Seen, Values

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
Page = Mapping[str, Block]
"""Blocks by the name of the metric."""

_TEXTS = {name: (kind, meaning) for name, kind, meaning in HOSTS} | {
    family.name: (family.kind, family.meaning) for family in CONTAINERS
}


class Sheet:
    """The series of one host while they are written."""

    def __init__(self, groups: Collection[str], max_series: int) -> None:
        """Write the default metrics and those of *groups*: of containers as many series as are allowed."""
        self._families = [family for family in CONTAINERS if not family.group or family.group in groups]
        self._lines: dict[str, list[str]] = {}
        self._room = max_series
        self.left_out = 0

    def container(self, labels: str, seen: Seen, least: int = 0) -> tuple[int, bool]:
        """Write the series of a container; once they do not fit, those of all further ones are counted instead.

        Return the number of series that the container takes, and whether they were written.  It takes at least *least*,
        the number that it had before.
        """
        found = [(family.name, line) for family in self._families for line in _lines(family, labels, seen)]
        count = max(len(found), least)
        if self.left_out or count > self._room:
            self.left_out += count
            return count, False
        self._room -= count
        for name, line in found:
            self._lines.setdefault(name, []).append(line)
        return count, True

    def series(self, name: str, labels: str, value: Number) -> None:
        """Write one series."""
        self._lines.setdefault(name, []).append(f"{name}{{{labels}}} {value}\n")

    def page(self) -> Page:
        """Compress what was written."""
        return {name: Block.of("".join(lines).encode()) for name, lines in self._lines.items()}


def response(pages: Sequence[Page], *, compressed: bool) -> bytes:
    """Return the pages as one text for Prometheus, as gzip if *compressed*.  The time is that of joining them."""
    return (gzipped if compressed else plain)(_in_order(pages))


def without_host(text: bytes, host: str) -> bytes:
    """Return a page's text without the label `host`, which begins the labels of each of its series."""
    label = f'{{host="{host}"'.encode()  # within a value, there would be a backslash before the quotation marks
    return text.replace(label + b",", b"{").replace(label + b"}", b"")


def _lines(family: Family, labels: str, seen: Seen) -> Iterable[str]:
    values: Values = family.values(seen)
    if values is None:
        return ()
    if isinstance(values, int | float):
        return (f"{family.name}{{{labels}}} {values}\n",)
    return [f"{family.name}{{{labels},{further}}} {value}\n" for further, value in values]


def _in_order(pages: Sequence[Page]) -> Iterable[Block]:
    for name in _TEXTS:
        blocks = [page[name] for page in pages if name in page]
        if blocks:
            yield _head(name)
            yield from blocks


@functools.cache
def _head(name: str) -> Block:
    kind, meaning = _TEXTS[name]
    return Block.of(f"# HELP {name} {meaning}\n# TYPE {name} {kind}\n".encode())
