"""Verbs that change containers: start, stop, restart, kill, pause, unpause, rm."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import click

from dockfleet.cli.batches import Batch, batched
from dockfleet.cli.completion import complete_containers
from dockfleet.cli.gateway import Gateway
from dockfleet.cli.output import say
from dockfleet.cli.reports import Report, selectors
from dockfleet.cli.scope import Scope, scoped
from dockfleet.cli.targets import Found, Target, is_pattern, several, split

F = Callable[..., Any]

CONTAINERS = click.argument("texts", metavar="[CONTAINER]...", nargs=-1, shell_complete=complete_containers)
EVERYTHING = click.option("--all", "everything", is_flag=True, help="All containers of the chosen hosts.")
SIGNAL = click.option("-s", "--signal", metavar="SIGNAL", help="Send this signal.")
SECONDS = click.option(
    "-t", "--time", "--timeout", "timeout_seconds", type=int, metavar="SECONDS", help="Wait so long, then kill."
)

HELP = """

    CONTAINER is HOST/CONTAINER, a name that is unique in the fleet, or a pattern with `*`.  Without one, the options
    -H, --host-label, -l and --all choose.  {ask}The exit code is 1 when one of them failed.

    \b
    Examples:
      dockfleet {verb} north-1/web db
      dockfleet {verb} -l app=shop --dry-run
      dockfleet {verb} -H 'edge*' 'web-*' --yes
    """
ASKS = "Where containers were not called by their names, you are asked first.  "


def changing(verb: str, *options: F, asks: bool = True) -> Callable[[F], click.Command]:
    """Make a command that changes containers; the function under it returns the RPC and the requests."""

    def decorate(function: F) -> click.Command:
        def command(
            context: click.Context,
            /,
            texts: tuple[str, ...],
            scope: Scope,
            batch: Batch,
            everything: bool,
            **how: Any,
        ) -> None:
            gateway: Gateway = context.obj
            found = chosen(gateway, scope, texts, everything, f"dockfleet {verb}")
            if how.get("attach") or how.get("interactive"):
                _start_attached(context, found, how["interactive"], how["detach_keys"])
            if asks and not called_by_name(found, texts):
                batch.confirm(verb, [str(target) for target in found.targets])
            report = Report(verb, batch, written(found.targets, texts))
            report.failed = bool(found.failures or (found.missing and not how.get("force")))  # as `docker rm -f`
            found.say_failures()
            if found.targets:
                hosts, containers = selectors(found.targets)
                rpc, kind, request = function(gateway, **how)
                report.run(rpc, kind(hosts=hosts, containers=containers, batch=batch.options(), request=request))
            context.exit(1 if report.failed else 0)

        command.__doc__ = (function.__doc__ or "").rstrip() + HELP.format(ask=ASKS if asks else "", verb=verb)
        built: Any = command
        built = click.pass_context(built)
        built.__doc__ = command.__doc__
        for add in (scoped(), batched(), EVERYTHING, *options, CONTAINERS):
            built = add(built)
        return click.command(verb)(built)

    return decorate


def chosen(gateway: Gateway, scope: Scope, texts: Sequence[str], everything: bool, usage: str) -> Found:
    """Return the containers that the arguments and options of a command choose.

    A name that nothing has is said, and the others are still changed, as docker does.  Raises `click.UsageError`
    without arguments: all containers of a fleet are never meant by leaving out a word.
    """
    if not (texts or scope.labels or everything):
        raise click.UsageError(f"which containers?  Try {usage} HOST/CONTAINER, -l LABEL, or --all with -H HOST")
    found = several(gateway, scope, texts, tolerant=True)
    if not (found.targets or found.failures or found.missing):
        say("no container was selected")
    return found


def called_by_name(found: Found, texts: Sequence[str]) -> bool:
    """Return whether each of the containers was called by its name: nobody needs to be asked about those."""
    return not any(map(is_pattern, texts)) and len(found.targets) <= len(texts)


def _start_attached(context: click.Context, found: Found, interactive: bool, detach_keys: str | None) -> None:
    """Start one container, and end the program as it ends."""
    from dockfleet.cli.attaching import attach_to

    if found.missing:
        context.exit(1)
    if len(found.targets) != 1:
        raise click.UsageError("--attach and --interactive are for one container")
    host, id, _ = found.targets[0]
    attach_to(context, host, id, interactive=interactive, detach_keys=detach_keys, start=True)


def written(targets: Sequence[Target], texts: Sequence[str]) -> dict[str, str]:
    """Return what the user has written for the targets that have been called by name, by `HOST/ID`."""
    found = {}
    for text in texts:
        host, name = split(text)
        fitting = [
            each for each in targets if host in ("", each.host) and (each.name == name or each.id.startswith(name))
        ]
        if len(fitting) == 1:
            found[f"{fitting[0].host}/{fitting[0].id}"] = text
    return found


def _pb() -> Any:
    from dockfleet.fleet.v1 import fleet_pb2

    return fleet_pb2


def _containers_pb() -> Any:
    from dockfleet.v1 import containers_pb2

    return containers_pb2


@changing(
    "start",
    click.option("-a", "--attach", is_flag=True, help="Attach to one container, and end as it ends."),
    click.option("-i", "--interactive", is_flag=True, help="Attach standard input, too."),
    click.option("--detach-keys", metavar="KEYS", help="The keys that end the session, such as ctrl-p,ctrl-q."),
    asks=False,
)
def start(gateway: Gateway, attach: bool, interactive: bool, detach_keys: str | None) -> Any:
    """Start containers."""
    return gateway.fleet.StartContainers, _pb().StartContainersRequest, _containers_pb().StartContainerRequest()


@changing("stop", SIGNAL, SECONDS)
def stop(gateway: Gateway, **how: Any) -> Any:
    """Stop containers."""
    return gateway.fleet.StopContainers, _pb().StopContainersRequest, _containers_pb().StopContainerRequest(**how)


@changing("restart", SIGNAL, SECONDS)
def restart(gateway: Gateway, **how: Any) -> Any:
    """Restart containers."""
    request = _containers_pb().RestartContainerRequest(**how)
    return gateway.fleet.RestartContainers, _pb().RestartContainersRequest, request


@changing("kill", SIGNAL)
def kill(gateway: Gateway, **how: Any) -> Any:
    """Kill containers, or send them a signal."""
    return gateway.fleet.KillContainers, _pb().KillContainersRequest, _containers_pb().KillContainerRequest(**how)


@changing("pause")
def pause(gateway: Gateway) -> Any:
    """Suspend the processes of containers."""
    return gateway.fleet.PauseContainers, _pb().PauseContainersRequest, _containers_pb().PauseContainerRequest()


@changing("unpause", asks=False)
def unpause(gateway: Gateway) -> Any:
    """Resume the processes of paused containers."""
    return gateway.fleet.UnpauseContainers, _pb().UnpauseContainersRequest, _containers_pb().UnpauseContainerRequest()


@changing(
    "rm",
    click.option("-f", "--force", is_flag=True, default=None, help="Kill them first, if they are running."),
    click.option("-v", "--volumes", "remove_volumes", is_flag=True, default=None, help="And their unnamed volumes."),
    click.option("--link", is_flag=True, default=None, help="Remove the link of this name."),
)
def rm(gateway: Gateway, **how: Any) -> Any:
    """Remove containers."""
    return gateway.fleet.RemoveContainers, _pb().RemoveContainersRequest, _containers_pb().RemoveContainerRequest(**how)
