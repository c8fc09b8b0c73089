"""`dockfleet exec`."""

from __future__ import annotations

import os
import re
from contextlib import ExitStack
from typing import Any

import click

from dockfleet import terminal
from dockfleet.client import Fleet
from dockfleet.commands.group import dockfleet
from dockfleet.commands.output import flush, say, write
from dockfleet.errors import DockfleetError
from dockfleet.session import Session
from dockfleet.shell import CommandError, Failure, explain
from dockfleet.v1.exec_pb2 import ON_DISCONNECT_KEEP

NOT_RUN = 125  # the exit codes of `docker exec` and `env`
NOT_EXECUTABLE = 126
NOT_FOUND = 127
UNKNOWN = 255  # as ssh reports a broken connection

START_FAILED = "EXEC_START_FAILED"
NOT_STARTED = (  # by the engine's message, as the docker command does
    (re.compile(r"executable file not found|no such file or directory|cannot find the file", re.I), NOT_FOUND),
    (re.compile(r"permission denied|is a directory", re.I), NOT_EXECUTABLE),
)


@dockfleet.command(context_settings={"allow_interspersed_args": False})
@click.option("-i", "--interactive", is_flag=True, help="Send standard input to the command.")
@click.option("-t", "--tty", is_flag=True, help="Give the command a terminal.")
@click.option(
    "-e",
    "--env",
    multiple=True,
    metavar="NAME[=VALUE]",
    help="Set a variable, or pass on yours of this name; may be repeated.",
)
@click.option("-u", "--user", metavar="USER[:GROUP]", help="Run it as this user.")
@click.option("-w", "--workdir", "working_dir", metavar="DIRECTORY", help="Run it in this directory.")
@click.option("--keep", is_flag=True, help="Keep it running when this client ends first; without it, it is killed.")
@click.argument("host")
@click.argument("container")
@click.argument("cmd", metavar="COMMAND...", nargs=-1, required=True, type=click.UNPROCESSED)
@click.pass_context
def exec(
    context: click.Context,
    /,
    host: str,
    container: str,
    interactive: bool,
    tty: bool,
    keep: bool,
    env: tuple[str, ...],
    **how: Any,
) -> None:
    """Run a command in a container.

    The exit code is that of the command.  Other exit codes are: 125, the command was not run; 126, it is not
    executable; 127, it does not exist; 255, it was started and its exit code is not known, because a connection broke
    or the container was removed.

    \b
    Examples:
      dockfleet exec north-1 web ls -l /
      dockfleet exec -it north-1 web sh
      pg_dump shop | dockfleet exec -i north-1 db psql shop
      dockfleet exec --keep north-1 db sh -c 'vacuumdb --all > /tmp/vacuum.log 2>&1'
    """
    fleet: Fleet = context.obj
    if interactive and tty and not os.isatty(terminal.STDIN):
        raise click.UsageError("Standard input is not a terminal: leave out -t.")
    how["env"] = [_variable(each) for each in env]
    how["console_size"] = terminal.size() if tty else None
    how["on_disconnect"] = ON_DISCONNECT_KEEP if keep else None
    session: Session = fleet.host(host).exec.Exec(id=container, attach_stdin=interactive, tty=tty, **how)
    try:
        _connect(session, interactive=interactive, tty=tty)
    except DockfleetError as error:
        if session.started and error.reason != START_FAILED:  # the gateway may learn only later that it did not start
            report = f"{explain(error, context.find_root().params)}; the command may still be running in {container}"
            raise CommandError(report, UNKNOWN) from error
        raise Failure(error, context, _exit_code(error)) from error
    if session.exit_code is None:
        say(f"the exit code is not known: {session.unknown_reason or 'the session ended without its last response'}")
    context.exit(UNKNOWN if session.exit_code is None else session.exit_code)


def _connect(session: Session, *, interactive: bool, tty: bool) -> None:
    """Connect the terminal, or the standard input and output, with *session* until its end."""
    with ExitStack() as stack:
        stack.enter_context(session)
        if tty:
            stack.enter_context(terminal.size_changes(session.resize))
        if tty and interactive:
            stack.enter_context(terminal.raw())
        if interactive:
            terminal.feed(session.write, session.close_stdin)
        for output in session:
            write(output.stream, output.data)
            flush()


def _variable(text: str) -> str:
    """Return NAME=VALUE; NAME alone takes the value of this program's environment, if there is one."""
    return f"{text}={os.environ[text]}" if "=" not in text and text in os.environ else text


def _exit_code(error: DockfleetError) -> int:
    if error.reason != START_FAILED:
        return NOT_RUN
    return next((code for pattern, code in NOT_STARTED if pattern.search(error.message)), NOT_RUN)
