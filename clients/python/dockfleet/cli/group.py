"""Groups of commands whose modules are imported when they are used, and how the program ends."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from importlib import import_module
from itertools import islice
from typing import Any, NamedTuple

import click

INTERRUPTED = 130  # as a shell reports Ctrl-C
PIPE_BROKEN = 141  # as a shell reports SIGPIPE
NOT_RUN = 125  # as docker and `env` report that a command was not run
RUNNING = ("run", "create", "exec", "attach", "start")  # wrong use of them ends as docker ends: with 125


class Verb(NamedTuple):
    """A command that is not imported yet."""

    where: str
    """Its module below `dockfleet.cli` and its name there: `listing:ps`."""

    summary: str
    """What it does, for the help of its group.  It is the first sentence of its own help."""


ALIASES = {"list": "ls", "remove": "rm"}
"""Docker's other names of commands in a group."""

MEANT = {"true": True, "1": True, "t": True, "false": False, "0": False, "f": False}
"""Go's words for the values of flags."""

Sections = Mapping[str, Mapping[str, Verb]]
"""Commands by the section of the help that shows them, and by name."""


class LazyGroup(click.Group):
    """A group that imports the module of a command when the command is used."""

    def __init__(self, *args: Any, sections: Sections, **kwargs: Any) -> None:
        """Offer the commands in *sections*."""
        super().__init__(*args, **kwargs)
        self._sections = sections
        self._verbs = {name: verb for section in sections.values() for name, verb in section.items()}

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of all commands."""
        return list(self._verbs)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import a command, also by docker's other name of it; None when there is none of this name."""
        if cmd_name not in self._verbs:
            cmd_name = ALIASES.get(cmd_name, "")
        if cmd_name not in self._verbs:
            return None
        module, _, name = self._verbs[cmd_name].where.partition(":")
        command: click.Command = getattr(import_module(f"dockfleet.cli.{module}"), name)
        return command

    def resolve_command(self, ctx: click.Context, args: list[str]) -> Any:
        """Find the command; an unknown one gets the names that are like it."""
        try:
            name, command, rest = super().resolve_command(ctx, args)
            return name, command, with_plain_flags(command, rest) if command else rest
        except click.UsageError as error:
            from difflib import get_close_matches

            close = " or ".join(repr(name) for name in get_close_matches(args[0], self._verbs))
            raise click.UsageError(f"{error.message} Did you mean {close}?" if close else error.message, ctx) from None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the sections, without an import."""
        for title, verbs in self._sections.items():
            with formatter.section(title):
                formatter.write_dl([(name, verb.summary) for name, verb in verbs.items()])

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[Any]:
        """Return the commands that begin with *incomplete*, without an import."""
        from click.shell_completion import CompletionItem

        names = [name for name in self._verbs if name.startswith(incomplete)]
        items: list[Any] = [CompletionItem(name, help=self._verbs[name].summary) for name in names]
        return items if not incomplete.startswith("-") else click.Command.shell_complete(self, ctx, incomplete)


def with_plain_flags(command: click.Command, words: Sequence[str]) -> list[str]:
    """Return *words* with docker's `--rm=true` as `--rm`, and without `--rm=false`."""
    options = [option for option in command.params if isinstance(option, click.Option)]
    flags = {name: option for option in options if option.is_flag for name in option.opts}
    valued = {name for option in options if not option.is_flag for name in option.opts}
    stops_at_argument = not command.context_settings.get("allow_interspersed_args", True)
    found: list[str] = []
    rest = iter(words)
    for word in rest:
        is_option = word.startswith("-")
        if word == "--" or (stops_at_argument and not is_option):
            return [*found, word, *rest]
        before, last = _letters(word)
        if not is_option or any(f"-{each}" not in flags for each in before):
            found.append(word)
        elif last in flags:
            found += _plain(word, before, last, flags[last])
        else:
            takes_next = "=" not in word and last in valued
            found += [word, *islice(rest, 1 if takes_next else 0)]
    return found


def _letters(word: str) -> tuple[str, str]:
    """Return the flags before the last option of *word*, and this option: `it` and `-w` of `-itw=x`."""
    name = word.partition("=")[0]
    return ("", name) if name.startswith("--") else (name[1:-1], f"-{name[-1:]}")


def _plain(word: str, before: str, last: str, flag: click.Option) -> list[str]:
    """Return *word* without the value of its *last* flag; false is the flag's opposite, or nothing."""
    value = word.partition("=")[2].lower()
    if value not in MEANT:
        return [word]
    meant = last if MEANT[value] else next(iter(flag.secondary_opts), "")
    return [each for each in (before and f"-{before}", meant) if each]


class Shell(LazyGroup):
    """The program: it reports a failure in one line, and an interruption or a closed pipe with nothing."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command."""
        try:
            try:
                return super().invoke(ctx)
            finally:
                sys.stdout.flush()  # at its own exit, Python would report a failure with a traceback
        except KeyboardInterrupt:
            ctx.exit(INTERRUPTED)
        except BrokenPipeError:
            _discard_output(sys.stdout, sys.stderr)
            ctx.exit(PIPE_BROKEN)
        except click.UsageError as error:
            if (error.ctx.command.name if error.ctx else ctx.invoked_subcommand) in RUNNING:
                error.exit_code = NOT_RUN  # type: ignore[misc]  # click reads it from the instance
            raise
        except (click.ClickException, click.exceptions.Exit, click.Abort, OSError):
            raise
        except Exception as error:
            from dockfleet.cli.failures import failure_of

            if (failure := failure_of(error, ctx)) is not None:
                raise failure from error
            raise

    def main(self, *args: Any, **extra: Any) -> Any:
        """Run the program, and report a full disk in one line."""
        if os.environ.get("_DOCKFLEET_COMPLETE", "").startswith("bash"):
            from dockfleet.cli import bash

            bash.install()
        try:
            return super().main(*args, **extra)
        except OSError as error:
            _discard_output(sys.stdout)
            place = error.filename or "the output"
            CommandError(f"cannot write {place}: {error.strerror}").show()
            sys.exit(1)


class CommandError(click.ClickException):
    """A failure, reported in one line."""

    def __init__(self, message: str, exit_code: int = 1) -> None:
        """End the program with *message* and *exit_code*."""
        super().__init__(message)
        self.exit_code = exit_code  # type: ignore[misc]  # click reads it from the instance

    def show(self, file: Any = None) -> None:
        """Write it to standard error."""
        from dockfleet.cli.table import printable

        click.echo(f"dockfleet: {printable(self.message)}", err=True)


def _discard_output(*streams: Any) -> None:
    """Send buffered output to nowhere, so that Python reports no error at its exit."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in streams:
        with suppress(OSError, ValueError):  # tests have streams without a descriptor
            os.dup2(nowhere, stream.fileno())
