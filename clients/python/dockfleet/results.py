"""The results of methods that are not messages of the contract."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, NamedTuple, TypeVar

from dockfleet.errors import DockfleetError

T = TypeVar("T")
R = TypeVar("R")


class Listing(list[T], Generic[T, R]):
    """The objects of a list, and the whole response."""

    response: R
    """The response, with what else it has, such as `freshness` and `warnings`."""

    def __init__(self, items: Iterable[T], response: R) -> None:
        """Hold *items* of *response*."""
        super().__init__(items)
        self.response = response


@dataclass
class ImageResult:
    """The result of a pull, a push, a build, a load or an import."""

    id: str = ""
    """The id of the image that a build has created."""

    tag: str = ""
    """The tag that was pushed."""

    digest: str = ""
    """The digest that was pushed."""

    output: str = ""
    """The output of a build or a load, as on a terminal."""

    statuses: Sequence[str] = ()
    """What the engine has said of the operation as a whole, such as `Status: Downloaded newer image for …`."""

    def received(self, progress: Any) -> None:
        """Record a report of progress."""
        self.id = progress.result.id or self.id
        self.tag = progress.result.tag or self.tag
        self.digest = progress.result.digest or self.digest
        self.output += progress.stream
        if progress.status and not progress.id:
            self.statuses = (*self.statuses, progress.status)


class RunResult(NamedTuple):
    """The result of a container that has run."""

    id: str
    """The id of the container."""

    exit_code: int | None
    """Its exit code; None when it was detached."""

    stdout: bytes
    """All that it wrote to standard output."""

    stderr: bytes
    """All that it wrote to standard error."""

    host: str = ""
    """The host that it runs on."""


class ContainerFailed(Exception):
    """A container has ended with an exit code other than 0, or with an unknown one."""

    def __init__(self, result: RunResult, reason: str) -> None:
        """Tell the result and why there is no exit code, if there is none."""
        super().__init__(result, reason)
        self.result = result
        self.reason = reason

    def __str__(self) -> str:
        what = f"exit code {self.result.exit_code}" if self.result.exit_code is not None else self.reason
        tail = self.result.stderr[-500:].decode(errors="replace").strip()
        return f"{self.result.host}: container {self.result.id[:12]}: {what}{f': {tail}' if tail else ''}"


class Located(NamedTuple, Generic[T]):
    """Something of a host."""

    host: str
    """The name of the host."""

    value: T
    """What the host has, or answered."""


class Found(list[Located[T]], Generic[T, R]):
    """The answers of the hosts, and the hosts without an answer.

    A host that does not respond may be in both: what the gateway remembers of it is then in the list.
    """

    def __init__(self) -> None:
        """Hold nothing yet."""
        super().__init__()
        self.answers: list[R] = []
        """The answers of the hosts, with the freshness of each."""
        self.failures: dict[str, DockfleetError] = {}
        """The hosts that have no current answer, and why."""
        self.unmatched_names: list[str] = []
        """The names of the containers that no host has."""

    def received(self, response: Any, values: Callable[[Any], Iterable[T]]) -> None:
        """Record a response."""
        for answer in response.answers:
            self.answers.append(answer)
            self.extend(Located(answer.host, value) for value in values(answer))
            if answer.HasField("failure"):
                self.failures[answer.host] = DockfleetError.of_failure(answer.failure)
        for failed in response.summary.failures:
            self.failures[failed.host] = DockfleetError.of_failure(failed.failure)
        self.unmatched_names += response.summary.unmatched_names

    def raise_failures(self) -> None:
        """Raise `FleetFailed` when a host has no current answer."""
        if self.failures:
            raise FleetFailed(self.failures, self)

    def __repr__(self) -> str:
        failed = f", no answer of {', '.join(self.failures)}" if self.failures else ""
        return f"<{len(self)} of {len(self.answers)} hosts{failed}>"


class Batch(list[R], Generic[R]):
    """The results of a change, one or more for each target."""

    def __init__(self) -> None:
        """Hold nothing yet."""
        super().__init__()
        self.failures: dict[str, DockfleetError] = {}
        """What failed, by `host` or `host/container`, and why."""
        self.skipped: list[str] = []
        """What was not tried."""
        self.unmatched_names: list[str] = []
        """The names of the containers that no host has."""

    def received(self, response: Any) -> None:
        """Record a response."""
        for result in response.results:
            self.append(result)
            name = _target(result)
            if result.HasField("failure"):
                self.failures[name] = DockfleetError.of_failure(result.failure)
            elif "skipped" in result.DESCRIPTOR.fields_by_name and result.HasField("skipped"):
                self.skipped.append(name)
        if "unmatched_names" in response.summary.DESCRIPTOR.fields_by_name:
            self.unmatched_names += response.summary.unmatched_names
        for failed in response.summary.failures:
            self.failures.setdefault(failed.host, DockfleetError.of_failure(failed.failure))

    def __repr__(self) -> str:
        return f"<{len(self)} results, {len(self.failures)} failed, {len(self.skipped)} skipped>"


class FleetFailed(Exception):
    """Some hosts or targets have failed; the others have not."""

    def __init__(self, failures: Mapping[str, DockfleetError], results: Any) -> None:
        """Tell the failures, and all results."""
        super().__init__(failures, results)
        self.failures = failures
        self.results = results

    def __str__(self) -> str:
        return f"{len(self.failures)} failed: " + "; ".join(
            f"{name}: {error.reason or error.code.name}: {error.message}" for name, error in self.failures.items()
        )


def _target(result: Any) -> str:
    if "target" not in result.DESCRIPTOR.fields_by_name:
        return str(result.host)
    container = result.target.container_name or result.target.container_id
    return f"{result.target.host}/{container}" if container else str(result.target.host)
