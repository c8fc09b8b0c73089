"""Changes of many targets in one call: the report of each target, and the exit code."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import click

from dockfleet.cli.batches import Batch
from dockfleet.cli.gateway import responses
from dockfleet.cli.output import say, say_failure
from dockfleet.cli.targets import Target


class Report:
    """The results of a batch, as they come."""

    def __init__(
        self, verb: str, batch: Batch, written: dict[str, str] | None = None, missing_is_ok: bool = False
    ) -> None:
        """Report what was done; *written* is how the user has called the targets, by `HOST/ID`.

        With *missing_is_ok*, NOT_FOUND is said and is not a failure.
        """
        self.failed = False
        self._verb = verb
        self._batch = batch
        self._written = written or {}
        self._missing_is_ok = missing_is_ok

    def run(self, rpc: Callable[..., Any], request: Any, each: Callable[[str, Any], None] | None = None) -> None:
        """Run the batch.  *each* gets the target and each response; without it, the target is printed when done."""
        for response in responses(rpc, request):
            for result in response.results:
                self._result(result, each)
            self.summary(response.summary)

    def _result(self, result: Any, each: Callable[[str, Any], None] | None) -> None:
        target = self.name(result.target)
        kind = result.WhichOneof("result")
        if kind == "failure":
            self.failed |= not (self._missing_is_ok and _is_missing(result.failure))
            say_failure(where(result.target), result.failure)
        elif kind == "skipped":
            self._skipped(target)
        elif each is not None:
            each(target, result.response)
        elif result.last:
            click.echo(target)

    def _skipped(self, target: str) -> None:
        if self._batch.dry_run:
            click.echo(f"would {self._verb} {target}")
        else:
            say(f"{target} was skipped: there were too many failures")
            self.failed = True

    def summary(self, summary: Any) -> None:
        """Name the hosts on which there may be more targets."""
        for failure in summary.failures:
            self.failed = True
            say_failure(failure.host, failure.failure)

    def name(self, target: Any) -> str:
        """Return a target as the user has called it, else as `HOST/CONTAINER` or `HOST`."""
        written = self._written.get(f"{target.host}/{target.container_id}")
        return written or where(target)


def _is_missing(failure: Any) -> bool:
    from dockfleet.v1.common_pb2 import ERROR_REASON_NOT_FOUND

    return bool(failure.reason == ERROR_REASON_NOT_FOUND)


def where(target: Any) -> str:
    """Return a target as `HOST/CONTAINER` or `HOST`."""
    return f"{target.host}/{target.container_name}" if target.container_id else str(target.host)


def selectors(targets: Iterable[Target]) -> tuple[Any, Any]:
    """Return the selectors of exactly these *targets*."""
    from dockfleet.fleet.v1 import selectors_pb2 as pb

    targets = list(targets)
    hosts = sorted({target.host for target in targets})
    return pb.HostSelector(names=hosts), pb.ContainerSelector(names=[target.id for target in targets])
