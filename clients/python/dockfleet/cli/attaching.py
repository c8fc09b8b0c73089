"""Containers that this program's terminal is attached to: `run -i`, `attach`, `start -a`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

from dockfleet.cli import terminal
from dockfleet.cli.gateway import Gateway, call, responses
from dockfleet.cli.group import NOT_RUN, CommandError
from dockfleet.cli.host_choice import one_host
from dockfleet.cli.output import say
from dockfleet.cli.progress import Bars
from dockfleet.cli.pulling import show_progress
from dockfleet.cli.scope import Scope
from dockfleet.cli.session import TerminalSession, broken, check_terminal, finish, not_started
from dockfleet.cli.spec import write_id
from dockfleet.errors import DockfleetError
from dockfleet.v1 import containers_pb2 as pb

REMEDIES = {"paused": "unpause it first", "restarting": "wait until it runs"}


def run_attached(
    context: click.Context,
    scope: Scope,
    request: Any,
    *,
    quiet: bool,
    streams: dict[str, bool],
    detach_keys: str | None,
    cidfile: str | None,
) -> None:
    """Create a container, attach to it, start it, and end the program as it ends.  Raises `DockfleetError`.

    *streams* says which of its streams are attached.  Its id is written to the file *cidfile*.
    """
    gateway: Gateway = context.obj
    check_terminal(True, request.config.tty)
    request.host = one_host(gateway, scope)
    created = create(gateway, request, quiet=quiet)
    write_id(cidfile, created.id)

    def start() -> None:
        call(gateway.containers.StartContainer, pb.StartContainerRequest(host=request.host, id=created.id))

    attached = _start(request.host, created.id, interactive=streams["stdin"], detach_keys=detach_keys)
    attached.attach_stdout, attached.attach_stderr = streams["stdout"], streams["stderr"]
    attach(context, attached, tty=request.config.tty, on_start=start)


def create(gateway: Gateway, request: Any, *, quiet: bool) -> Any:
    """Create a container, with its image where that is missing and may be pulled.  Raises `DockfleetError`."""
    wanted = pb.CreateContainerRequest(
        host=request.host, name=request.name or None, platform=request.platform or None, config=request.config
    )
    if request.pull == pb.PULL_POLICY_ALWAYS:
        pull(gateway, request, quiet=quiet)
    try:
        created = call(gateway.containers.CreateContainer, wanted)
    except DockfleetError as error:
        missing = error.resource is not None and error.resource.kind == "image"
        if not missing or request.pull != pb.PULL_POLICY_MISSING:
            raise
        say(f"the image {request.config.image} is not on {request.host}: it is pulled")
        pull(gateway, request, quiet=quiet)
        created = call(gateway.containers.CreateContainer, wanted)
    for warning in created.warnings:
        say(f"warning: {warning}")
    return created


def pull(gateway: Gateway, request: Any, *, quiet: bool) -> None:
    """Pull the image of a container that is to be created.  Raises `DockfleetError`."""
    from dockfleet.image_names import with_tag
    from dockfleet.v1.images_pb2 import PullImageRequest

    image = PullImageRequest(host=request.host, image=with_tag(request.config.image), platform=request.platform or None)
    if request.HasField("registry_auth"):
        image.registry_auth.CopyFrom(request.registry_auth)
    with Bars(quiet=quiet) as bars:
        for response in responses(gateway.images.PullImage, image):
            show_progress(bars, response.progress)


def _start(host: str, id: str, *, interactive: bool, detach_keys: str | None = None) -> pb.AttachContainerStart:
    return pb.AttachContainerStart(
        host=host,
        id=id,
        stream=True,
        attach_stdin=interactive,
        attach_stdout=True,
        attach_stderr=True,
        detach_keys=detach_keys,
    )


def attach(
    context: click.Context, start: pb.AttachContainerStart, *, tty: bool, on_start: Callable[[], None] = lambda: None
) -> None:
    """Join the terminal with a container, and end the program as it ends.  *on_start* may start it."""
    from dockfleet.cli.exit_codes import exit_code_of

    def begin() -> None:
        on_start()
        if tty and (size := terminal.size()):
            session.resize(**size)

    gateway: Gateway = context.obj
    interactive = bool(start.attach_stdin)
    session = TerminalSession(
        gateway.containers.AttachContainer,
        pb.AttachContainerRequest,
        start,
        interactive=interactive,
        tty=tty,
        on_start=begin,
    )
    try:
        session.run()
    except DockfleetError as error:
        if session.started and error.reason != "START_FAILED":
            raise broken(context, error, f"the container {start.id[:12]} may still be running") from error
        raise not_started(context, error, exit_code_of(error)) from error
    finish(context, session)


def attach_to(
    context: click.Context,
    host: str,
    id: str,
    *,
    interactive: bool,
    detach_keys: str | None = None,
    start: bool = False,
) -> None:
    """Attach to a container, which is started first if *start*, and end the program as it ends.

    Raises `DockfleetError`.
    """
    gateway: Gateway = context.obj
    container = call(gateway.containers.InspectContainer, pb.InspectContainerRequest(host=host, id=id)).container
    if not start and container.state.status != "running":  # the engine would let us wait until it is started
        remedy = REMEDIES.get(container.state.status, "start it first, or use `dockfleet start -a`")
        raise CommandError(f"cannot attach to {id}: its state is {container.state.status}: {remedy}", NOT_RUN)
    interactive = interactive and container.config.open_stdin
    check_terminal(interactive, container.config.tty)

    def begin() -> None:
        if start:
            call(gateway.containers.StartContainer, pb.StartContainerRequest(host=host, id=id))

    attached = _start(host, id, interactive=interactive, detach_keys=detach_keys)
    attach(context, attached, tty=container.config.tty, on_start=begin)
