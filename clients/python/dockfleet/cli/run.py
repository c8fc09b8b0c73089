"""`dockfleet run`: a new container, on the host that is named, on the one that fits best, or on all."""

from __future__ import annotations

from typing import Any

import click

from dockfleet.cli.batches import Batch, batched
from dockfleet.cli.completion import complete_images
from dockfleet.cli.gateway import Gateway, responses
from dockfleet.cli.group import NOT_RUN, CommandError
from dockfleet.cli.scope import Scope, scoped
from dockfleet.cli.spec import ATTACH, STREAMS, check_id_file, spec_of, specified

PULL = {"missing": "PULL_POLICY_MISSING", "always": "PULL_POLICY_ALWAYS", "never": "PULL_POLICY_NEVER"}


@click.command(context_settings={"allow_interspersed_args": False})
@click.option("-d", "--detach", is_flag=True, help="Print its id, and do not wait for it.")
@ATTACH
@click.option("--detach-keys", metavar="KEYS", help="The keys that end the session, such as ctrl-p,ctrl-q.")
@click.option("--pull", type=click.Choice(list(PULL)), default="missing", help="When to pull the image.")
@click.option("-q", "--quiet", is_flag=True, help="Show no progress of the pull.")
@click.option(
    "--strategy", type=click.Choice(["spread", "binpack"]), help="Prefer the host with the least or most use."
)
@click.option("--by", type=click.Choice(["containers", "memory", "cpu"]), help="What use is measured by.")
@click.option("--prefer-image", is_flag=True, help="Prefer a host that has the image.")
@click.option("--sig-proxy/--no-sig-proxy", default=True, help="Pass Ctrl-C and SIGTERM to the container.")
@click.option("--everywhere", is_flag=True, help="Run one on every selected host.")
@click.option("--why", is_flag=True, help="Say on standard error why the host was chosen.")
@batched(groups=False)
@specified
@scoped(labels=False)
@click.argument("image", shell_complete=complete_images)
@click.argument("cmd", metavar="[COMMAND]...", nargs=-1, type=click.UNPROCESSED)
@click.pass_context
def run(
    context: click.Context,
    /,
    image: str,
    cmd: tuple[str, ...],
    scope: Scope,
    batch: Batch,
    detach: bool,
    streams: tuple[str, ...],
    detach_keys: str | None,
    pull: str,
    quiet: bool,
    sig_proxy: bool,
    everywhere: bool,
    why: bool,
    name: str | None,
    platform: str | None,
    cidfile: str | None,
    **options: Any,
) -> None:
    """Run a command in a new container.

    -H NAME says on which host.  Without it, or with a pattern or --host-label, the gateway chooses the host that fits
    best; with --everywhere it runs one on each.  The exit code is that of the command.  Other exit codes are: 125, it
    was not run; 126, the command is not executable; 127, it does not exist; 255, it was started and its exit code is
    not known.

    \b
    Examples:
      dockfleet run -H north-1 --rm busybox echo hello
      dockfleet run -d --name web -p 8080:80 --host-label site=north nginx
      dockfleet run -d --everywhere -H '*' --name agent agent:1
      dockfleet run -it --rm -H north-1 busybox sh
    """
    from dockfleet.cli import running
    from dockfleet.cli.exit_codes import exit_code_of
    from dockfleet.cli.registry import auth_for
    from dockfleet.cli.session import not_started
    from dockfleet.errors import DockfleetError
    from dockfleet.v1 import containers_pb2 as pb

    if batch.dry_run and not everywhere:
        raise click.UsageError("--dry-run goes with --everywhere")
    if detach and streams:
        raise click.UsageError("--attach does not go with --detach")
    if everywhere and cidfile:
        raise click.UsageError("--cidfile is for one container, and does not go with --everywhere")
    check_id_file(cidfile)
    gateway: Gateway = context.obj
    placement = {key: options.pop(key) for key in ("strategy", "by", "prefer_image")}
    interactive = bool(options["interactive"])
    spec = spec_of(image, cmd, **options)
    request = pb.RunContainerRequest(
        name=name,
        platform=platform,
        config=spec,
        registry_auth=auth_for(image),
        pull=PULL[pull],  # type: ignore[arg-type]  # the name of a value
        detach=detach or everywhere,
    )
    runner = running.Runner(
        context,
        quiet=quiet,
        why=why,
        detach=detach,
        streams=streams or STREAMS,
        cidfile=cidfile,
        passes_signals=sig_proxy and not detach,
    )
    try:
        if everywhere:
            running.everywhere(context, scope, batch, request)
        elif interactive and not detach:
            from dockfleet.cli.attaching import run_attached

            shown = {name: name in runner.streams for name in STREAMS}
            run_attached(context, scope, request, quiet=quiet, streams=shown, detach_keys=detach_keys, cidfile=cidfile)
        elif scope.one_name is not None:
            runner.host, request.host = scope.one_name, scope.one_name
            runner.run(responses(gateway.containers.RunContainer, request))
        else:
            runner.run(running.placed(gateway, scope, placement, request, runner))
    except DockfleetError as error:
        if runner.session.started:
            from dockfleet.cli.session import broken

            raise broken(context, error, f"the container {runner.id[:12]} may still be running") from error
        raise not_started(context, error, exit_code_of(error)) from error
    except CommandError as error:
        raise CommandError(error.message, NOT_RUN if error.exit_code == 1 else error.exit_code) from error
    runner.finish()
