"""Go templates, as docker's `--format` has them."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import click

from dockfleet.cli.table import Table

ESCAPES = (("\\t", "\t"), ("\\n", "\n"))


class Values(dict[str, Any]):
    """What a template shows.  A name that is not known is an error, and not an empty text."""

    def __init__(
        self,
        values: Mapping[str, Any],
        absent: Iterable[str] = (),
        labels: Mapping[str, str] = {},
        document: Mapping[str, Any] | None = None,
    ) -> None:
        """Show *values*; those called *absent* have none.  `{{.Label "key"}}` shows one of *labels*.

        `{{json .}}` shows the *document*, where docker has other names in it.
        """
        super().__init__(values)
        self.document = values if document is None else document
        self._absent = absent
        self._labels = labels

    def label(self, key: str) -> str:
        """Return the label called *key*."""
        return self._labels.get(key, "")

    def __gotemplate_lookup__(self, name: str) -> Any:
        if name in self:
            return self[name]
        if name == "Label":
            return self.label
        if name in self._absent:
            return None
        from difflib import get_close_matches

        known = [*self, *self._absent]
        close = get_close_matches(name, known, 1)
        hint = f"did you mean .{close[0]}?" if close else f"there are {', '.join(f'.{each}' for each in known)}"
        raise click.UsageError(f"--format: there is no .{name}; {hint}")


class Headers(Values):
    """The headers of a table, by the names of its values."""

    def label(self, key: str) -> str:
        """Return the header of a label."""
        return key

    def __gotemplate_lookup__(self, name: str) -> Any:
        if name == "Label":
            return self.label
        return self.get(name) or re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name).upper()


def formatted(template: str, rows: Iterable[Any], headers: Mapping[str, str] | None = None) -> list[str]:
    """Return a line for each of *rows*, as the Go *template* says.  `json` alone is the row as JSON.

    With `table` before the template the lines are aligned, below a line of *headers*.  Raises `click.UsageError`.
    """
    if template == "json":
        return [_json(row) for row in rows]
    if template == "table":  # docker's own columns
        template = "table " + "\t".join(f"{{{{.{name}}}}}" for name in headers or {})
    as_table = template.startswith("table ")
    for written, meant in ESCAPES:
        template = template.replace(written, meant)
    lines = _rendered(template.removeprefix("table "), [*([Headers(headers or {})] if as_table else []), *rows])
    if not as_table:
        return lines
    cells = [line.split("\t") for line in lines]
    return Table(*cells[0]).lines(cells)


def _rendered(template: str, rows: Iterable[Any]) -> list[str]:
    import gotpl

    try:
        compiled = gotpl.Template(template, functions=FUNCTIONS)
        return [compiled.render(row if isinstance(row, Values) else Values(row)) for row in rows]
    except gotpl.TemplateError as error:
        raise click.UsageError(f"--format: {error}") from error


def _json(value: Any) -> str:
    value = value.document if isinstance(value, Values) else value
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _truncated(text: str, length: int) -> str:
    return text[:length]


FUNCTIONS: dict[str, Callable[..., Any]] = {  # docker's own
    "json": _json,
    "split": lambda text, separator: text.split(separator) if separator else list(text),
    "join": lambda parts, separator: separator.join(parts),
    "title": lambda text: text.title(),
    "lower": lambda text: text.lower(),
    "upper": lambda text: text.upper(),
    "pad": lambda text, before, after: " " * before + text + " " * after if text else text,
    "truncate": _truncated,
}
