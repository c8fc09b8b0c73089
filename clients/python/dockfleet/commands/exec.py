"""`dockfleet exec`."""

from __future__ import annotations

import os
from contextlib import ExitStack
from typing import Any

import click

from dockfleet import terminal
from dockfleet.client import Fleet
from dockfleet.commands.group import dockfleet
from dockfleet.commands.output import flush, say, write
from dockfleet.errors import DockfleetError
from dockfleet.session import Session
from dockfleet.shell import NOT_RUN, NotRun
from dockfleet.v1.exec_pb2 import ON_DISCONNECT_KEEP


@dockfleet.command(context_settings={"allow_interspersed_args": False})
@click.option("-i", "--interactive", is_flag=True, help="Hand standard input on to the command.")
@click.option("-t", "--tty", is_flag=True, help="Give the command a terminal.")
@click.option("-e", "--env", multiple=True, metavar="NAME=VALUE", help="Set a variable; may be repeated.")
@click.option("-u", "--user", metavar="USER[:GROUP]", help="Run it as somebody else.")
@click.option("-w", "--workdir", "working_dir", metavar="DIRECTORY", help="Run it somewhere else.")
@click.option("--keep", is_flag=True, help="Let it run on when this client goes away first; else it is killed.")
@click.argument("host")
@click.argument("container")
@click.argument("cmd", metavar="COMMAND...", nargs=-1, required=True, type=click.UNPROCESSED)
@click.pass_context
def exec(
    context: click.Context, /, host: str, container: str, interactive: bool, tty: bool, keep: bool, **how: Any
) -> None:
    """Run a command in a container.  The exit code is the command's; 125 when it could not be run.

    \b
    Examples:
      dockfleet exec north-1 web ls -l /
      dockfleet exec -it north-1 web sh
      pg_dump shop | dockfleet exec -i north-1 db psql shop
      dockfleet exec --keep north-1 db sh -c 'vacuumdb --all > /tmp/vacuum.log 2>&1'
    """
    fleet: Fleet = context.obj
    raw = interactive and tty
    if raw and not os.isatty(terminal.STDIN):
        raise click.UsageError("Standard input is not a terminal: leave -t away.")
    how["console_size"] = terminal.size() if tty else None
    how["on_disconnect"] = ON_DISCONNECT_KEEP if keep else None
    try:
        with ExitStack() as stack:
            session: Session = stack.enter_context(
                fleet.host(host).exec.Exec(id=container, attach_stdin=interactive, tty=tty, **how)
            )
            if tty:
                stack.enter_context(terminal.size_changes(session.resize))
            if raw:
                stack.enter_context(terminal.raw())
            if interactive:
                terminal.feed(session.write, session.close_stdin)
            for output in session:
                write(output.stream, output.data)
                flush()
    except DockfleetError as error:
        raise NotRun(error, context) from error
    if session.exit_code is None:
        say(f"the exit code is not known: {session.unknown_reason}")
    context.exit(NOT_RUN if session.exit_code is None else session.exit_code)
