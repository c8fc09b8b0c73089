"""Changes of many targets in one call: the options, and the confirmation."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from functools import update_wrapper
from typing import Any, NamedTuple, TypeVar

import click

from dockfleet.cli.group import CommandError

F = TypeVar("F", bound=Callable[..., Any])

SHOWN = 20  # targets in a question; the others are counted


class Batch(NamedTuple):
    """How the user wants a batch to proceed."""

    dry_run: bool = False
    yes: bool = False
    parallelism: int | None = None
    group_size: int | None = None
    max_failures: int | None = None

    @property
    def asks(self) -> bool:
        """Whether the user is to be asked."""
        return not (self.dry_run or self.yes)

    def options(self) -> Any:
        """Return it as the contract has it."""
        from dockfleet.fleet.v1 import fleet_pb2 as pb

        return pb.BatchOptions(
            parallelism=self.parallelism,
            group_size=self.group_size,
            max_failures=self.max_failures,
            dry_run=self.dry_run,
        )

    def confirm(self, verb: str, targets: Sequence[str]) -> None:
        """Ask whether to *verb* the *targets*, unless the user has said yes.  Raises `CommandError` when not."""
        if not self.asks or not targets:
            return
        if not sys.stdin.isatty():
            shown = ", ".join(targets[:3]) + (f" and {len(targets) - 3} more" if len(targets) > 3 else "")
            raise CommandError(f"{verb} {shown}? --yes is needed without a terminal")
        for target in targets[:SHOWN]:
            click.echo(f"  {target}", err=True)
        if len(targets) > SHOWN:
            click.echo(f"  and {len(targets) - SHOWN} more", err=True)
        if not click.confirm(f"{verb.capitalize()} {len(targets)}?", err=True):
            raise CommandError("nothing was changed")


def batched(*, groups: bool = True) -> Callable[[F], F]:
    """Give a command the options of a batch; it gets them as `batch`."""

    def decorate(command: F) -> F:
        def call(*args: Any, **rest: Any) -> Any:
            return command(*args, batch=Batch(*(rest.pop(name, None) for name in Batch._fields)), **rest)

        wrapped: Any = update_wrapper(call, command)
        for option in OPTIONS if groups else OPTIONS[-2:]:
            wrapped = option(wrapped)
        return wrapped  # type: ignore[no-any-return]

    return decorate


OPTIONS = (
    click.option("--max-failures", type=click.IntRange(min=1), metavar="N", help="Begin no more after N failures."),
    click.option("--group-size", type=click.IntRange(min=1), metavar="N", help="Change N, then the next N."),
    click.option("--parallelism", type=click.IntRange(min=1), metavar="N", help="Change N at once.  Default: 64."),
    click.option("-y", "--yes", is_flag=True, help="Do not ask."),
    click.option("--dry-run", is_flag=True, help="Change nothing; print what would be changed."),
)
