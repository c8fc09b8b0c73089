"""`dockfleet run`: a new container, on the host that is named, on the one that fits best, or on all."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any

import click

from dockfleet.cli.batches import Batch, Report, batched
from dockfleet.cli.completion import complete_images
from dockfleet.cli.exec import exit_code_of
from dockfleet.cli.gateway import Gateway, call, responses
from dockfleet.cli.group import NOT_RUN, CommandError
from dockfleet.cli.output import flush, say, write
from dockfleet.cli.progress import Bars
from dockfleet.cli.pulling import show_progress
from dockfleet.cli.scope import Scope, scoped
from dockfleet.cli.spec import check_id_file, spec_of, specified, write_id

STREAMS = ("stdin", "stdout", "stderr")
PULL = {"missing": "PULL_POLICY_MISSING", "always": "PULL_POLICY_ALWAYS", "never": "PULL_POLICY_NEVER"}
IMPATIENT = 3  # after so many Ctrl-C this program ends without the container


@click.command(context_settings={"allow_interspersed_args": False})
@click.option("-d", "--detach", is_flag=True, help="Print its id, and do not wait for it.")
@click.option(
    *("-a", "--attach", "streams"),
    multiple=True,
    type=click.Choice(STREAMS, case_sensitive=False),
    help="Attach only to this; may be repeated.",
)
@click.option("--detach-keys", metavar="KEYS", help="The keys that end the session, such as ctrl-p,ctrl-q.")
@click.option("--pull", type=click.Choice(list(PULL)), default="missing", help="When to pull the image.")
@click.option("-q", "--quiet", is_flag=True, help="Show no progress of the pull.")
@click.option(
    "--strategy", type=click.Choice(["spread", "binpack"]), help="Prefer the host with the least or most use."
)
@click.option("--by", type=click.Choice(["containers", "memory", "cpu"]), help="What use is measured by.")
@click.option("--prefer-image", is_flag=True, help="Prefer a host that has the image.")
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
    runner = Runner(context, quiet=quiet, why=why, detach=detach, streams=streams or STREAMS, cidfile=cidfile)
    try:
        if everywhere:
            _everywhere(context, scope, batch, request)
        elif interactive and not detach:
            from dockfleet.cli.attaching import run_attached

            shown = {name: name in runner.streams for name in STREAMS}
            run_attached(context, scope, request, quiet=quiet, streams=shown, detach_keys=detach_keys, cidfile=cidfile)
        elif scope.one_name is not None:
            runner.host, request.host = scope.one_name, scope.one_name
            runner.run(responses(gateway.containers.RunContainer, request))
        else:
            runner.run(_placed(gateway, scope, placement, request, runner))
    except DockfleetError as error:
        if runner.session.started:
            from dockfleet.cli.session import broken

            raise broken(context, error, f"the container {runner.id[:12]} may still be running") from error
        raise not_started(context, error, exit_code_of(error)) from error
    except CommandError as error:
        raise CommandError(error.message, NOT_RUN if error.exit_code == 1 else error.exit_code) from error
    runner.finish()


def _placed(gateway: Gateway, scope: Scope, placement: dict[str, Any], request: Any, runner: Runner) -> Iterator[Any]:
    from dockfleet.fleet.v1 import fleet_pb2 as pb

    how = pb.Placement(prefer_image=placement["prefer_image"])
    if placement["strategy"]:
        how.strategy = pb.PlacementStrategy.Value(f"PLACEMENT_STRATEGY_{placement['strategy'].upper()}")
    if placement["by"]:
        how.resource = pb.PlacementResource.Value(f"PLACEMENT_RESOURCE_{placement['by'].upper()}")
    asked = pb.RunContainerRequest(hosts=scope.host_selector(), placement=how, request=request)
    for response in responses(gateway.fleet.RunContainer, asked):
        if response.HasField("placed"):
            runner.placed(response.placed)
        else:
            yield response.response


def _everywhere(context: click.Context, scope: Scope, batch: Batch, request: Any) -> None:
    from dockfleet.fleet.v1 import fleet_pb2 as pb

    if not scope.names_hosts:
        raise click.UsageError("--everywhere: on which hosts?  -H and --host-label choose; -H '*' means all")
    gateway: Gateway = context.obj
    report = Report("run it on", batch)
    ids: dict[str, str] = {}

    def each(host: str, response: Any) -> None:
        if response.HasField("created"):
            ids[host] = response.created.id
        elif response.HasField("started"):
            click.echo(f"{host} {ids.get(host, '')}")

    report.run(
        gateway.fleet.RunContainers,
        pb.RunContainersRequest(hosts=scope.host_selector(), batch=batch.options(), request=request),
        each,
    )
    context.exit(1 if report.failed else 0)


class Runner:
    """Runs one container in the foreground, or until it has been started."""

    def __init__(
        self,
        context: click.Context,
        *,
        quiet: bool,
        why: bool,
        detach: bool,
        streams: Sequence[str],
        cidfile: str | None,
    ) -> None:
        """Show progress unless *quiet*, and *why* the host was chosen; with *detach* print the id.

        Only these *streams* are shown.  The id is written to the file *cidfile* as well.
        """
        from dockfleet.session import SessionState

        self.session = SessionState()
        self.host = self.id = ""
        self.streams = streams
        self._cidfile = cidfile
        self._context = context
        self._quiet = quiet
        self._why = why
        self._detach = detach
        self._interrupted = 0

    def placed(self, decision: Any) -> None:
        """Remember which host was chosen."""
        self.host = decision.host
        if self._why:
            say(decision.explanation)
            for each in decision.candidates:
                say(f"  {each.host}: in use {each.in_use:g}" + (f", {each.excluded}" if each.excluded else ""))

    def run(self, records: Iterator[Any]) -> None:
        """Pass the output on until the end.  Ctrl-C goes to the container."""
        from dockfleet.v1.common_pb2 import STANDARD_STREAM_STDERR

        with Bars(quiet=self._quiet) as bars, self._passing_signals():
            for record in records:
                kind = record.WhichOneof("record")
                if kind == "pull":
                    show_progress(bars, record.pull)
                elif kind == "created":
                    self._created(record.created)
                elif kind == "dropped":
                    say(f"{record.dropped.bytes} bytes of output are missing: this program read too slowly")
                if (output := self.session.received(record)) is not None:
                    to_stderr = output.stream == STANDARD_STREAM_STDERR
                    if STREAMS[1 + to_stderr] in self.streams:
                        write(to_stderr, output.data)
                        flush()

    def finish(self) -> None:
        """End the program as the container has ended."""
        from dockfleet.cli.session import finish

        if self._detach:
            click.echo(self.id)
            if self.host and self._why:
                say(f"it runs on {self.host}")
            return
        finish(self._context, self.session)

    def _created(self, created: Any) -> None:
        self.id = created.id
        write_id(self._cidfile, created.id)
        for warning in created.warnings:
            say(f"warning: {warning}")

    @contextmanager
    def _passing_signals(self) -> Iterator[None]:
        """Send Ctrl-C and SIGTERM to the container, which may end by them or not."""
        if self._detach or threading.current_thread() is not threading.main_thread():
            yield
            return
        before = {number: signal.signal(number, self._pass) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _pass(self, number: int, frame: Any) -> None:
        self._interrupted += 1
        if not self.session.started or self._interrupted >= IMPATIENT:
            raise KeyboardInterrupt
        threading.Thread(target=self._kill, args=(signal.Signals(number).name,), daemon=True).start()

    def _kill(self, name: str) -> None:
        from dockfleet.errors import DockfleetError
        from dockfleet.v1.containers_pb2 import KillContainerRequest

        gateway: Gateway = self._context.obj
        with suppress(DockfleetError):  # it has ended by itself, most likely
            call(gateway.containers.KillContainer, KillContainerRequest(host=self.host, id=self.id, signal=name))
