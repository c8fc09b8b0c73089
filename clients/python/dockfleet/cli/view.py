"""The formats of lists: a table, ids, JSON, or a Go template."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import update_wrapper
from typing import Any, NamedTuple, TypeVar

import click

from dockfleet.cli.output import print_json
from dockfleet.cli.table import Table, printable, terminal_width
from dockfleet.cli.template import formatted

F = TypeVar("F", bound=Callable[..., Any])

Row = Mapping[str, Any]
"""The values of a line, by the names that docker's own templates use."""


class View(NamedTuple):
    """The format that the user has chosen."""

    quiet: bool = False
    as_json: bool = False
    template: str | None = None
    no_trunc: bool = False

    def show(self, rows: Sequence[Row], columns: Mapping[str, str], key: str, documents: Iterable[Any]) -> None:
        """Print *rows*: the *columns* are headers and the names of their values; *key* is the value of `-q`.

        *documents* are the same things in Docker's spelling.
        """
        if self.as_json:
            print_json(documents)
        elif self.quiet and not self.template:
            for row in rows:
                click.echo(row[key])
        elif self.template:
            for line in formatted(self.template, rows, {name: header for header, name in columns.items()}):
                click.echo(line)
        else:
            limit = None if self.no_trunc else terminal_width()
            table = Table(*columns, limit=limit, fixed=FIXED)
            cells = [[str(row[name]) for name in columns.values()] for row in rows]
            click.echo(
                "\n".join([table.head([[printable(each) for each in row] for row in cells]), *table.lines(cells)])
            )


FIXED = ("HOST", "CONTAINER ID", "IMAGE ID", "NETWORK ID", "ID", "SIZE", "STATE", "PORT")  # are never cut


FORMAT, SHORT_FORMAT = (
    click.option(
        *names, "template", metavar="TEMPLATE", help="Format each with a Go template, such as '{{.ID}}', or `json`."
    )
    for names in (("--format",), ("-f", "--format"))
)
JSON = click.option("--json", "as_json", is_flag=True, help="Print one JSON object each, in Docker's spelling.")
QUIET = click.option("-q", "--quiet", is_flag=True, help="Print the ids or names only.")
NO_TRUNC = click.option("--no-trunc", is_flag=True, help="Do not truncate the output.")


def listed(*, quiet: bool = True, short: bool = False) -> Callable[[F], F]:
    """Give a command the options that say how a list is shown; it gets them as `view`.

    With *short*, -f is --format, as docker has it where there is no --filter.
    """

    def decorate(command: F) -> F:
        def call(*args: Any, template: str | None, as_json: bool, no_trunc: bool, **rest: Any) -> Any:
            view = View(rest.pop("quiet") if quiet else False, as_json, template, no_trunc)
            return command(*args, view=view, **rest)

        wrapped: Any = update_wrapper(call, command)
        for option in (SHORT_FORMAT if short else FORMAT, JSON, NO_TRUNC, *([QUIET] if quiet else [])):
            wrapped = option(wrapped)
        return wrapped  # type: ignore[no-any-return]

    return decorate
