"""The testee of the Python client."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from contextlib import closing
from typing import Any

import grpc
from dockfleet import DockfleetError, Fleet, connect
from dockfleet.cli.resuming import resumed
from dockfleet.fleet.v1.fleet_pb2 import FindContainersRequest, RestartContainersRequest, StreamLogsRequest
from dockfleet.fleet.v1.fleet_pb2_grpc import FleetServiceStub
from dockfleet.fleet.v1.hosts_pb2 import HostState
from dockfleet.fleet.v1.selectors_pb2 import LABEL_OPERATOR_EQUAL, ContainerSelector, HostSelector, LabelRequirement
from dockfleet.v1.common_pb2 import ErrorReason, GapReason, StandardStream
from dockfleet.v1.containers_pb2 import ContainerSummary, LogEndReason
from dockfleet.v1.containers_pb2 import StreamLogsRequest as OneLog

ALL_HOSTS = HostSelector(all=True)


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


def print_end(session: Any, stdout: bytes, stderr: bytes) -> None:
    """Print the output of a command, and its exit code."""
    for kind, data in (("stdout", stdout), ("stderr", stderr)):
        for line in text(data).splitlines():
            say(kind, line)
    say("exit", "unknown" if session.exit_code is None else session.exit_code)


def hosts(fleet: Fleet) -> None:
    for host in fleet.list_hosts():
        say("host", host.name, word(HostState, host.state, "HOST_STATE_"))


def ps(fleet: Fleet) -> None:
    for host in fleet.list_hosts():
        for each in fleet.host(host.name).containers.ListContainers(all=True).containers:
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
    result = fleet.host(host).execute(id, cmd, stdin=sys.stdin.buffer)
    print_end(result, result.stdout, result.stderr)


def run(fleet: Fleet, host: str, image: str, *cmd: str) -> None:
    config = {"image": image, "cmd": cmd, "host_config": {"auto_remove": True}}
    outputs = {StandardStream.STANDARD_STREAM_STDOUT: bytearray(), StandardStream.STANDARD_STREAM_STDERR: bytearray()}
    with fleet.host(host).containers.RunContainer(config=config) as responses:
        for response in responses:
            if response.HasField("output"):
                outputs[response.output.stream].extend(response.output.data)
            elif response.HasField("end"):
                print_end(response.end, *map(bytes, outputs.values()))


def pull(fleet: Fleet, host: str, image: str) -> None:
    with fleet.host(host).images.PullImage(image=image) as responses:
        for response in responses:
            say("progress", response.progress.status)
    say("done")


def upload(fleet: Fleet, host: str, id: str, path: str) -> None:
    fleet.host(host).containers.PutContainerArchive(sys.stdin.buffer, id=id, path=path)
    say("done")


def download_archive(fleet: Fleet, host: str, id: str, path: str) -> None:
    with fleet.host(host).containers.GetContainerArchive(id=id, path=path) as responses:
        say("downloaded", sum(len(response.data) for response in responses))


def error(fleet: Fleet, host: str, id: str) -> None:
    answer = fleet.host(host).containers.InspectContainer(id=id)
    say("container", answer.container.name.lstrip("/"))


def deadline(fleet: Fleet, host: str, id: str, seconds: str) -> None:
    answer = fleet.host(host).containers.WaitContainer(id=id, timeout=float(seconds))
    say("exit", answer.exit_code)


def cancel(fleet: Fleet, host: str, id: str, *cmd: str) -> None:
    if cmd:
        with fleet.host(host).exec.Exec(id=id, cmd=cmd) as session:
            for line in text(next(iter(session)).data).splitlines():
                say("stdout", line)
    else:
        logs(fleet, host, id, "1")
    say("cancelled")
    hosts(fleet)


def find(fleet: Fleet, wanted: str) -> None:
    request = FindContainersRequest(hosts=ALL_HOSTS, containers=ContainerSelector(names=[wanted]))
    for response in many(fleet).FindContainers(request):
        for answer in response.answers:
            for each in answer.containers:
                say("container", answer.host, name(each), each.state, size(each))
        for failure in response.summary.failures:
            say("failure", failure.host, reason(failure.failure.reason))


def labelled(label: str) -> ContainerSelector:
    """Return the selector of the containers with a label."""
    key, _, value = label.partition("=")
    return ContainerSelector(labels=[LabelRequirement(key=key, operator=LABEL_OPERATOR_EQUAL, values=[value])])


def reason(number: int) -> str:
    """Return the name of a reason."""
    return word(ErrorReason, number, "ERROR_REASON_")


def follow(fleet: Fleet, label: str, count: str) -> None:
    request = StreamLogsRequest(hosts=ALL_HOSTS, containers=labelled(label), request=OneLog(follow=True))

    left = int(count) or sys.maxsize
    merged: Any = resumed(many(fleet).StreamLogs, request)
    with closing(merged) as responses:
        for response in responses:
            for record in response.records:
                for entry in record.batch.entries:
                    say("line", record.host, record.container_name, stream(entry.stream), text(entry.data))
                    left -= 1
                    if not left:
                        return


def restart(fleet: Fleet, label: str) -> None:
    request = RestartContainersRequest(hosts=ALL_HOSTS, containers=labelled(label))
    for response in many(fleet).RestartContainers(request):
        for result in response.results:
            kind = result.WhichOneof("result")
            what = {"response": "ok", "failure": reason(result.failure.reason)}.get(kind or "", kind)
            say("result", result.target.host, result.target.container_name, what)
        if response.HasField("summary"):
            summary = response.summary
            say("summary", summary.succeeded, summary.failed, summary.skipped)


def many(fleet: Fleet) -> Any:
    """Return the stub of FleetService, which the client does not have as an attribute."""
    channel: Any = fleet._channel
    return FleetServiceStub(channel)


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
    "download": download_archive,
    "error": error,
    "deadline": deadline,
    "cancel": cancel,
    "find": find,
    "follow": follow,
    "restart": restart,
}


def failed(error: DockfleetError) -> None:
    """Print a failure."""
    say("error", error.code.name, error.reason or "-", error.host or "-", str(error.retry_safe).lower())
    if error.resource:
        say("resource", *error.resource)
    for violation in error.violations:
        say("violation", violation.field)
    if error.retry_after is not None:
        say("retry-after", int(error.retry_after))


def main(command: str, *arguments: str) -> int:
    """Do a command; return the exit code."""
    environ = os.environ.get
    tls: Any = {f"tls_{key}": environ(f"DOCKFLEET_TLS_{key.upper()}") for key in ("ca", "cert", "key")}
    with connect(environ("DOCKFLEET_ADDRESS", "127.0.0.1:50051"), **tls) as fleet:
        try:
            COMMANDS[command](fleet, *arguments)
        except DockfleetError as error:
            failed(error)
            return 1
        except grpc.RpcError as error:
            failed(DockfleetError.of(error))
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
