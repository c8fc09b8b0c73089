"""Runs a new container for `dockfleet run`, and passes its output on."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any

import click

from dockfleet.cli.batches import Batch
from dockfleet.cli.gateway import Gateway, call, responses
from dockfleet.cli.output import flush, say, write
from dockfleet.cli.progress import Bars
from dockfleet.cli.pulling import show_progress
from dockfleet.cli.reports import Report
from dockfleet.cli.scope import Scope
from dockfleet.cli.spec import STREAMS, write_id

IMPATIENT = 3  # after this number of Ctrl-C, this program ends without the container


def placed(gateway: Gateway, scope: Scope, placement: dict[str, Any], request: Any, runner: Runner) -> Iterator[Any]:
    """Yield the responses of a container that runs on the host that fits best; *runner* learns which host that is."""
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


def everywhere(context: click.Context, scope: Scope, batch: Batch, request: Any) -> None:
    """Run a container on each host of *scope*, and end the program."""
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
        passes_signals: bool,
    ) -> None:
        """Show progress unless *quiet*, and *why* the host was chosen; with *detach* print the id.

        Only these *streams* are shown.  The id is written to the file *cidfile* as well.  Without
        *passes_signals*, Ctrl-C ends this program alone.
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
        self._passes_signals = passes_signals
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
        if not self._passes_signals or threading.current_thread() is not threading.main_thread():
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
        with suppress(DockfleetError):  # it has probably ended already
            call(gateway.containers.KillContainer, KillContainerRequest(host=self.host, id=self.id, signal=name))
