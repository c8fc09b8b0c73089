"""A tour of the client.

    DOCKFLEET_ADDRESS=127.0.0.1:50051 python clients/python/examples/tour.py HOST CONTAINER IMAGE

CONTAINER runs on HOST, has a shell, and writes lines.
"""

from __future__ import annotations

import sys
from itertools import islice

import dockfleet
from dockfleet.fleet.v1.hosts_pb2 import HostState


def show_lists(fleet: dockfleet.Fleet, host: dockfleet.HostView) -> None:
    """Print all hosts, and the containers of one."""
    for each in fleet.hosts.list():
        print("host", each.name, HostState.Name(each.state).removeprefix("HOST_STATE_"))
    for container in host.containers.list(all=True):
        print("container", container.names[0].lstrip("/"), container.state)


def follow(host: dockfleet.HostView, container: str) -> None:
    """Print two lines of a log.  It continues when the gateway is restarted: no line is lost, and none comes twice."""
    lines = host.logs(container, follow=True, tail=2)
    for line in islice(lines, 2):
        print("line", line.data.decode())
    lines.close()  # cancels the call


def run_commands(host: dockfleet.HostView, container: str, image: str) -> None:
    """Run a command in a container, and one in a new container."""
    result = host.execute(container, ["wc", "-c"], stdin=b"hello\n")
    print("exec", int(result.stdout), result.exit_code)
    ended = host.containers.run(image, ["sh", "-c", "echo hello; exit 3"], remove=True, check=False)
    print("run", ended.stdout.decode().strip(), ended.exit_code)


def pull(host: dockfleet.HostView, image: str) -> None:
    """Pull an image, and report the progress."""
    try:
        host.images.pull(image, progress=lambda report: print(report.status, file=sys.stderr))
        print("pull done")
    except dockfleet.DockfleetError as error:
        print("pull", error.reason)


def fail(host: dockfleet.HostView, container: str) -> None:
    """Ask for what is not there, and wait for less long than it takes."""
    try:
        host.containers.get("no-such-container")
    except dockfleet.NotFound as error:
        print("error", error.code.name, error.reason)
    try:
        host.containers.wait(container, deadline=0.5)
    except dockfleet.DockfleetError as error:
        print("deadline", error.code.name)


def cancel(host: dockfleet.HostView, container: str) -> None:
    """Leave a session while its command runs; this ends the command too."""
    with host.exec.open(container, cmd=["sh", "-c", "echo started; sleep 1000"]) as session:
        next(iter(session))
    print("cancelled")


def main(name: str, container: str, image: str) -> int:
    """Make the tour; return the exit code."""
    with dockfleet.from_env() as fleet:
        host = fleet.host(name)
        try:
            show_lists(fleet, host)
            follow(host, container)
            run_commands(host, container, image)
            pull(host, image)
            fail(host, container)
            cancel(host, container)
        except dockfleet.DockfleetError as error:
            print(f"{error.code.name} {error.reason}: {error.message}", file=sys.stderr)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
