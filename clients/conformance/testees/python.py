"""The testee of the Python client."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

from dockfleet import DockfleetError, Fleet, from_env
from dockfleet.fleet.v1.hosts_pb2 import HostState
from dockfleet.v1.common_pb2 import ErrorReason, GapReason, StandardStream
from dockfleet.v1.containers_pb2 import ContainerSummary, LogEndReason

BUFFER: Any = sys.stdin.buffer
STDIN = BUFFER.raw  # Python aborts when it ends while a thread waits in the buffer


def say(*words: object) -> None:
    """Print a line at once."""
    print(*words, flush=True)


def text(data: bytes) -> str:
    """Return bytes as text."""
    return data.decode(errors="replace")


def word(kind: Any, number: int, prefix: str) -> str:
    """Return the name of a value without its prefix, or its number."""
    return kind.Name(number).removeprefix(prefix) if number in kind.values() else str(number)


def stream(number: int) -> str:
    """Return the name of an output."""
    return word(StandardStream, number, "STANDARD_STREAM_").lower()


def size(container: ContainerSummary) -> int:
    """Return the size of a container's changes."""
    return container.size_rw_bytes


def name(container: ContainerSummary) -> str:
    """Return the first name of a container."""
    return container.names[0].lstrip("/")


def take(items: Any, count: int, printed: Callable[[Any], int]) -> None:
    """Print responses until *count* lines that count are printed; then leave."""
    done = 0
    with items:
        for item in items:
            done += printed(item)
            if count and done >= count:
                return


def print_gap(gap: Any) -> None:
    """Print what is missing."""
    say("gap", word(GapReason, gap.reason, "GAP_REASON_"), gap.count)


def print_end(exit_code: int | None, stdout: bytes, stderr: bytes) -> None:
    """Print the output of a command, and its exit code."""
    for kind, data in (("stdout", stdout), ("stderr", stderr)):
        for line in text(data).splitlines():
            say(kind, line)
    say("exit", "unknown" if exit_code is None else exit_code)


def hosts(fleet: Fleet) -> None:
    for host in fleet.hosts.list():
        say("host", host.name, word(HostState, host.state, "HOST_STATE_"))


def ps(fleet: Fleet) -> None:
    for host in fleet.hosts.list():
        for each in fleet.host(host.name).containers.list(all=True):
            say("container", host.name, name(each), each.state, size(each))


def logs(fleet: Fleet, host: str, id: str, count: str) -> None:
    left = int(count) or sys.maxsize
    with fleet.host(host).log_messages(id, follow=True) as responses:
        for response in responses:
            kind = response.WhichOneof("record")
            if kind == "gap":
                print_gap(response.gap)
            elif kind == "end":
                end = response.end
                code = end.exit_code if end.HasField("exit_code") else "unknown"
                say("end", word(LogEndReason, end.reason, "LOG_END_REASON_"), code)
            for entry in response.batch.entries:
                say("line", stream(entry.stream), text(entry.data))
                left -= 1
                if not left:
                    return


def events(fleet: Fleet, host: str, count: str) -> None:
    def printed(response: Any) -> int:
        if response.HasField("gap"):
            print_gap(response.gap)
            return 0
        say("event", response.event.type, response.event.action, response.event.actor.id)
        return 1

    take(fleet.host(host).events(), int(count), printed)


def stats(fleet: Fleet, host: str, id: str, count: str) -> None:
    def printed(response: Any) -> int:
        if response.HasField("not_running"):
            say("not-running")
            return 0
        say("stats", response.stats.summary.memory_bytes)
        return 1

    take(fleet.host(host).stats(id), int(count), printed)


def execute(fleet: Fleet, host: str, id: str, *cmd: str) -> None:
    result = fleet.host(host).execute(id, cmd, stdin=STDIN)
    print_end(result.exit_code, result.stdout, result.stderr)


def run(fleet: Fleet, host: str, image: str, *cmd: str) -> None:
    result = fleet.host(host).containers.run(image, cmd, remove=True, check=False)
    print_end(result.exit_code, result.stdout, result.stderr)


def pull(fleet: Fleet, host: str, image: str) -> None:
    fleet.host(host).images.pull(image, progress=lambda report: say("progress", report.status))
    say("done")


def upload(fleet: Fleet, host: str, id: str, path: str) -> None:
    fleet.host(host).containers.put_archive(STDIN, id, path)
    say("done")


def download(fleet: Fleet, host: str, id: str, path: str) -> None:
    say("downloaded", sum(map(len, fleet.host(host).containers.get_archive(id, path))))


def error(fleet: Fleet, host: str, id: str) -> None:
    say("container", fleet.host(host).containers.get(id).name.lstrip("/"))


def deadline(fleet: Fleet, host: str, id: str, seconds: str) -> None:
    say("exit", fleet.host(host).containers.wait(id, deadline=float(seconds)).exit_code)


def cancel(fleet: Fleet, host: str, id: str, *cmd: str) -> None:
    if cmd:
        with fleet.host(host).exec.open(id, cmd=cmd) as session:
            for line in text(next(iter(session)).data).splitlines():
                say("stdout", line)
    else:
        logs(fleet, host, id, "1")
    say("cancelled")
    hosts(fleet)


def find(fleet: Fleet, wanted: str) -> None:
    found = fleet.containers.find(wanted)
    for host, each in found:
        say("container", host, name(each), each.state, size(each))
    for host, failure in found.failures.items():
        say("failure", host, failure.reason)


def follow(fleet: Fleet, label: str, count: str) -> None:
    left = int(count) or sys.maxsize
    with fleet.containers.logs(label=label, follow=True) as responses:
        for response in responses:
            for record in response.records:
                for entry in record.batch.entries:
                    say("line", record.host, record.container_name, stream(entry.stream), text(entry.data))
                    left -= 1
                    if not left:
                        return


def restart(fleet: Fleet, label: str) -> None:
    results = fleet.containers.restart(label=label, check=False)
    for result in results:
        kind = result.WhichOneof("result")
        failure = word(ErrorReason, result.failure.reason, "ERROR_REASON_")
        what = {"response": "ok", "failure": failure}.get(kind or "", kind)
        say("result", result.target.host, result.target.container_name, what)
    failed, skipped = len(results.failures), len(results.skipped)
    say("summary", len(results) - failed - skipped, failed, skipped)


COMMANDS: dict[str, Callable[..., None]] = {
    "hosts": hosts,
    "ps": ps,
    "logs": logs,
    "events": events,
    "stats": stats,
    "exec": execute,
    "run": run,
    "pull": pull,
    "upload": upload,
    "download": download,
    "error": error,
    "deadline": deadline,
    "cancel": cancel,
    "find": find,
    "follow": follow,
    "restart": restart,
}


def failed(error: DockfleetError) -> None:
    """Print a failure."""
    print(error, file=sys.stderr)
    say("error", error.code.name, error.reason or "-", error.host or "-", str(error.retry_safe).lower())
    if error.resource:
        say("resource", *error.resource)
    for violation in error.violations:
        say("violation", violation.field)
    if error.retry_after is not None:
        say("retry-after", int(error.retry_after))


def main(command: str, *arguments: str) -> int:
    """Do a command; return the exit code."""
    try:
        connected = from_env()
    except (OSError, ValueError) as error:
        print(error, file=sys.stderr)
        return 2
    with connected as fleet:
        try:
            COMMANDS[command](fleet, *arguments)
        except DockfleetError as error:
            failed(error)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
