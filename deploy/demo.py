"""Shows dockfleet's main job on real hosts: `make run` and `make stop`.

`run` takes the Docker hosts that the gateway finds by itself, when any of them answers.  Where none does, on Debian
and as root, it installs docker.io and starts two private engines of its own; the system's Docker is left alone.
It starts the gateway in the background, a demo container on each host, and shows what can be done.
`stop` takes all of that down, and nothing else.  Everything is kept below `.state`.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import logging
import os
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import dockfleet
from dockfleet.fleet.v1.hosts_pb2 import HOST_STATE_UP

from deploy.private_engines import commands
from deploy.private_engines.engine import PrivateEngine
from deploy.private_engines.provision import EngineError, busybox_image, install
from gateway.config import loading
from gateway.fleet.hosts import State
from gateway.server import running

ROOT = Path(__file__).resolve().parent.parent
STATE = ROOT / ".state"
ENGINES = STATE / "engines"
PID = STATE / "gateway.pid"
LOG = STATE / "gateway.log"
NAMES = ("north", "south")
CONTAINER = "dockfleet-demo"
IMAGE = "dockfleet-demo:latest"
BIN = Path(sys.executable).parent
ADDRESS = dockfleet.DEFAULT_TARGET
SCRIPT = 'n=0; while :; do n=$((n+1)); echo "line $n from $(hostname)"; sleep 1; done'


def run() -> None:
    """Start what is not running yet, and show it."""
    STATE.mkdir(exist_ok=True)
    if _gateway() is None:
        arguments = _hosts()
        _start_gateway(arguments)
    with dockfleet.connect(ADDRESS) as fleet:
        hosts = _answering(fleet)
        for host in hosts:
            _start_container(fleet.host(host))
        time.sleep(3)  # for the containers to say something
        _show(hosts)


def stop() -> None:
    """Take everything down that `run` started."""
    pid = _gateway()
    if pid is not None:
        with contextlib.suppress(dockfleet.DockfleetError), dockfleet.connect(ADDRESS) as fleet:
            for host in _answering(fleet):
                _remove_container(fleet.host(host))
        os.kill(pid, signal.SIGTERM)
        _until(lambda: _gateway() is None, 30, "the gateway did not stop")
        print("stopped the gateway")
    PID.unlink(missing_ok=True)
    if ENGINES.exists():
        commands.down(ENGINES)
        print("removed the private engines")


def _hosts() -> list[str]:
    """Return the gateway's arguments that say which hosts there are: none, when it finds some by itself."""
    logging.disable()  # that a host does not answer is no news here
    try:
        settings = loading.load(["--listen", "127.0.0.1:0", "--metrics-listen", "off"], os.environ)
    except loading.ConfigError as error:
        sys.exit(f"dockfleet: {error}")
    found = asyncio.run(_reachable(settings))
    if found:
        print(f"using the engines that are there ({settings.source}): {', '.join(found)}")
        return []
    if os.geteuid() != 0:
        sys.exit(
            f"dockfleet: no Docker engine answers (tried {settings.source}: "
            f"{', '.join(host.address for host in settings.hosts)}).\n"
            "Start Docker and make sure that you may use it (docker ps), or set DOCKER_HOST;\n"
            "or run `make run` as root on Debian: then it starts two engines of its own."
        )
    try:
        print("no Docker engine answers: starting two private ones (Debian's docker.io)", flush=True)
        install()
        commands.up(ENGINES, NAMES)
    except EngineError as error:
        sys.exit(f"dockfleet: {error}")
    arguments = []
    for name in NAMES:
        arguments += ["--host", f"{name}={PrivateEngine(ENGINES, name).address}"]
    return arguments


async def _reachable(settings: loading.Settings) -> list[str]:
    async with running(settings.model_copy(update={"drain_timeout_seconds": 0})) as gateway:
        await asyncio.gather(*(host.probe() for host in gateway.hosts))
        return [host.name for host in gateway.hosts if host.state is State.UP]


def _start_gateway(arguments: list[str]) -> None:
    command = [str(BIN / "dockfleet-gateway"), "--listen", ADDRESS, *arguments]
    with LOG.open("ab") as log:
        process = subprocess.Popen(
            command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
        )
    PID.write_text(f"{process.pid}\n")

    def serving() -> bool:
        if process.poll() is not None:
            sys.exit(f"dockfleet: the gateway did not start:\n{LOG.read_text()[-2000:]}")
        with contextlib.suppress(dockfleet.DockfleetError), dockfleet.connect(ADDRESS) as fleet:
            return any(host.last_contact_time.seconds for host in fleet.list_hosts(timeout=2))
        return False

    _until(serving, 30, f"the gateway does not answer; see {LOG}")
    print(f"the gateway serves gRPC on {ADDRESS}, metrics on http://127.0.0.1:9464/metrics; its log is {_short(LOG)}")


def _gateway() -> int | None:
    """Return the pid of the gateway that `run` started, while it lives."""
    try:
        pid = int(PID.read_text())
        command = Path(f"/proc/{pid}/cmdline").read_bytes()
    except (OSError, ValueError):
        return None
    return pid if b"dockfleet-gateway" in command else None


def _answering(fleet: dockfleet.Fleet) -> list[str]:
    return [host.name for host in fleet.list_hosts(timeout=10) if host.state == HOST_STATE_UP]


def _start_container(host: dockfleet.HostView) -> None:
    try:
        host.containers.InspectContainer(id=CONTAINER)
    except dockfleet.DockfleetError as error:
        if error.reason != "NOT_FOUND":
            raise
    else:
        return
    list(host.images.ImportImage(busybox_image(), repo="dockfleet-demo", tag="latest"))
    list(
        host.containers.RunContainer(
            name=CONTAINER,
            config={
                "image": IMAGE,
                "hostname": host.name,
                "cmd": ["sh", "-c", SCRIPT],
                "host_config": {"network_mode": "none", "init": False},
            },
            detach=True,
        )
    )


def _remove_container(host: dockfleet.HostView) -> None:
    with contextlib.suppress(dockfleet.DockfleetError):  # not there, or gone with its host
        host.containers.RemoveContainer(id=CONTAINER, force=True, remove_volumes=True)
        host.images.RemoveImage(name=IMAGE)


def _show(hosts: list[str]) -> None:
    first = hosts[0]
    commands = [
        ["hosts"],
        ["ps"],
        ["logs", "-n", "3", first, CONTAINER],
        ["exec", hosts[-1], CONTAINER, "uname", "-a"],
    ]
    for command in commands:
        print(f"\n$ dockfleet {shlex.join(command)}", flush=True)
        subprocess.run([BIN / "dockfleet", "--address", ADDRESS, *command], check=True)
    cli = _short(BIN / "dockfleet")
    print(f"""
The gateway is serving.  Try next:

  {cli} ps -a                                   # all containers of all hosts
  {cli} logs -f {first} {CONTAINER}             # follow a log; Ctrl-C ends
  {cli} exec -it {first} {CONTAINER} sh         # a shell in a container
  echo hello | {cli} exec -i {hosts[-1]} {CONTAINER} wc -c
  curl -s http://127.0.0.1:9464/metrics | grep dockfleet_
  make stop                                                # take all of this down""")


def _until(condition: Callable[[], bool], seconds: float, otherwise: str) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            sys.exit(f"dockfleet: {otherwise}")
        time.sleep(0.1)


def _short(path: Path) -> str:
    return str(path.relative_to(ROOT)) if path.is_relative_to(ROOT) else str(path)


def main() -> None:
    """The command line: `demo.py run` and `demo.py stop`."""
    commands = {"run": run, "stop": stop}
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("command", choices=commands)
    try:
        commands[parser.parse_args().command]()
    except dockfleet.DockfleetError as error:
        sys.exit(f"dockfleet: {error}")


if __name__ == "__main__":
    main()
