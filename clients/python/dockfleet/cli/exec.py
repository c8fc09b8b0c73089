"""`dockfleet exec`."""

from __future__ import annotations

from typing import Any

import click

from dockfleet.cli.completion import complete_containers
from dockfleet.cli.gateway import Gateway, call, responses
from dockfleet.cli.group import NOT_RUN, CommandError
from dockfleet.cli.scope import Scope, scoped
from dockfleet.cli.values import variable, variables


@click.command("exec", context_settings={"allow_interspersed_args": False})
@click.option("-i", "--interactive", is_flag=True, help="Send standard input to the command.")
@click.option("-t", "--tty", is_flag=True, help="Give the command a terminal.")
@click.option("-d", "--detach", is_flag=True, help="Do not wait for the command, which continues to run.")
@click.option(
    "-e",
    "--env",
    multiple=True,
    metavar="NAME[=VALUE]",
    help="Set a variable, or pass on yours of this name; may be repeated.",
)
@click.option("--env-file", type=click.Path(exists=True, dir_okay=False), help="Set the variables of this file.")
@click.option("-u", "--user", metavar="USER[:GROUP]", help="Run it as this user.")
@click.option("-w", "--workdir", "working_dir", metavar="DIRECTORY", help="Run it in this directory.")
@click.option("--privileged", is_flag=True, default=None, help="Give it all capabilities of the host.")
@click.option("--detach-keys", metavar="KEYS", help="The keys that end the session, such as ctrl-p,ctrl-q.")
@click.option("--keep", is_flag=True, help="Keep it running when this client ends first; without it, it is killed.")
@scoped(labels=False)
@click.argument("container", shell_complete=complete_containers)
@click.argument("cmd", metavar="COMMAND...", nargs=-1, required=True, type=click.UNPROCESSED)
@click.pass_context
def exec(
    context: click.Context,
    /,
    container: str,
    scope: Scope,
    interactive: bool,
    tty: bool,
    detach: bool,
    keep: bool,
    env: tuple[str, ...],
    env_file: str | None,
    **how: Any,
) -> None:
    """Run a command in a container.

    CONTAINER is HOST/CONTAINER, or a name that is unique in the fleet.

    The exit code is that of the command.  Other exit codes are: 125, the command was not run; 126, it is not
    executable; 127, it does not exist; 255, it was started and its exit code is not known, because a connection broke
    or the container was removed.

    \b
    Examples:
      dockfleet exec north-1/web ls -l /
      dockfleet exec -it web sh
      pg_dump shop | dockfleet exec -i north-1/db psql shop
      dockfleet exec --keep db sh -c 'vacuumdb --all > /tmp/vacuum.log 2>&1'
    """
    from dockfleet.cli import terminal
    from dockfleet.cli.exit_codes import START_FAILED, exit_code_of
    from dockfleet.cli.session import TerminalSession, broken, check_terminal, finish, not_started
    from dockfleet.cli.targets import one
    from dockfleet.errors import DockfleetError
    from dockfleet.v1 import exec_pb2 as pb

    check_terminal(interactive, tty)
    gateway: Gateway = context.obj
    how["env"] = [*variables(env_file), *(variable(each) for each in env)]
    how["console_size"] = terminal.size() if tty else None
    try:
        target = one(gateway, scope, container)
        if detach:
            _detached(gateway, target.host, target.id, tty=tty, **how)
            context.exit(0)
    except DockfleetError as error:
        raise not_started(context, error, exit_code_of(error)) from error
    except CommandError as error:
        raise CommandError(error.message, NOT_RUN) from error
    start = pb.ExecStart(
        host=target.host,
        id=target.id,
        attach_stdin=interactive or None,
        tty=tty or None,
        on_disconnect=pb.ON_DISCONNECT_KEEP if keep else pb.ON_DISCONNECT_UNSPECIFIED,
        **how,
    )
    session = TerminalSession(gateway.exec.Exec, pb.ExecRequest, start, interactive=interactive, tty=tty)
    try:
        session.run()
    except DockfleetError as error:
        if session.started and error.reason not in START_FAILED:  # the gateway may learn later that it did not start
            raise broken(context, error, f"the command may still be running in {container}") from error
        raise not_started(context, error, exit_code_of(error)) from error
    finish(context, session)


def _detached(gateway: Gateway, host: str, id: str, **how: Any) -> None:
    from dockfleet.v1 import exec_pb2 as pb

    created = call(gateway.exec.CreateExec, pb.CreateExecRequest(host=host, id=id, **how))
    start = pb.StartExecStart(host=host, id=created.id, detach=True, tty=how["tty"])
    for _ in responses(gateway.exec.StartExec, iter([pb.StartExecRequest(start=start)])):
        pass
