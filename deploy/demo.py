"""Shows dockfleet's main job on real hosts: `make run` and `make stop`.

`run` takes the Docker hosts that the gateway finds by itself, as far as they answer.  Where none does, on Debian
and as root, it installs docker.io and starts two private engines of its own; the system's Docker is left alone.
It starts a gateway of its own in the background, a demo container on each of the hosts that it has named before,
and shows what can be done.  Another gateway on this machine is left alone: when it has the usual port, `run` takes
another.  `stop` takes down what `run` started from this directory, and nothing else.  All is kept below `.state`.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import logging
import os
import shlex
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import dockfleet
from dockfleet.fleet.v1.hosts_pb2 import HOST_STATE_UP

from deploy.private_engines import commands
from deploy.private_engines.engine import PrivateEngine
from deploy.private_engines.provision import EngineError, busybox_image, install
from gateway.config import loading
from gateway.config.settings import HostSettings, Keys, Settings
from gateway.fleet.prober import probe
from gateway.fleet.state import ANSWERING
from gateway.server import running

ROOT = Path(__file__).resolve().parent.parent
NAMES = ("north", "south")
CONTAINER = "dockfleet-demo"
IMAGE = "dockfleet-demo:latest"
BIN = Path(sys.executable).parent
LISTEN: str = Keys.model_fields["listen"].default
METRICS: str = Keys.model_fields["metrics_listen"].default
SCRIPT = 'n=0; while :; do n=$((n+1)); echo "line $n from $(hostname)"; sleep 1; done'


@dataclass
class Record:
    """What `run` has started, for `stop`: written before anything is started, and after each step."""

    file: Path
    pid: int = 0
    address: str = ""  # where the gateway serves gRPC
    metrics: str = ""  # and metrics, or "off"
    hosts: dict[str, str] = field(default_factory=dict)  # addresses by name
    containers: dict[str, str] = field(default_factory=dict)  # ids by host
    images: list[str] = field(default_factory=list)  # hosts

    @classmethod
    def read(cls, file: Path) -> Record:
        """Return the record in *file*; an empty one when there is none."""
        try:
            return cls(file, **json.loads(file.read_text()))
        except (OSError, ValueError, TypeError):
            return cls(file)

    def write(self) -> None:
        """Keep it."""
        self.file.write_text(json.dumps({key: value for key, value in asdict(self).items() if key != "file"}))


class Demo:
    """The demo that is kept in one directory."""

    def __init__(
        self, state: Path, environ: Mapping[str, str], *, listen: str = LISTEN, metrics: str = METRICS
    ) -> None:
        """Take hosts and addresses from *environ*; *listen* and *metrics*, if free, where none is chosen there."""
        self._state = state
        self._environ = environ
        self._listen = listen
        self._metrics = metrics
        self._engines = state / "engines"
        self._log = state / "gateway.log"
        self._kept = state / "gateway"  # the gateway's state directory, by which its process is known, too
        self._process: subprocess.Popen[bytes] | None = None  # the gateway, when it was started by this program
        self.record = Record.read(state / "demo.json")

    def run(self) -> None:
        """Start what is not running yet, and show it."""
        self.start()
        time.sleep(3)  # for the containers to say something
        self._show()

    def start(self) -> None:
        """Start the gateway and the containers, as far as they do not run."""
        self._state.mkdir(parents=True, exist_ok=True)
        if not self._runs():
            settings = self._settings()
            hosts = self._hosts(settings)
            self._start_gateway(settings, hosts)
        with dockfleet.connect(self.record.address) as fleet:
            self._wait_for_hosts(fleet)
            for name in self.record.hosts:
                self._start_container(fleet.host(name))

    def stop(self) -> None:
        """Take everything down that `start` has started."""
        if self._runs():
            with dockfleet.connect(self.record.address) as fleet:
                self._remove_containers(fleet)
            os.kill(self.record.pid, signal.SIGTERM)
            _until(lambda: not self._runs(), 30, "the gateway does not stop")
            if self._process is not None:
                self._process.wait()
            _say("stopped the gateway")
        else:
            for name, container in self.record.containers.items():
                if not self.record.hosts[name].startswith(f"unix://{self._engines}/"):
                    _say(f"left on {name}: docker --host {self.record.hosts[name]} rm --force {container}")
        self.record.file.unlink(missing_ok=True)
        if self._engines.exists():
            commands.down(self._engines)
            _say("removed the private engines")

    def _settings(self) -> Settings:
        """Return the configuration of the environment, with addresses that are free."""
        try:
            settings = loading.load([], self._environ)
        except loading.ConfigError as error:
            sys.exit(f"dockfleet: {error}")
        if settings.tls:
            sys.exit("dockfleet: the demo calls its gateway in plaintext: leave tls out of the configuration")
        places = {
            "listen": _place(settings.listen, LISTEN, self._listen, "DOCKFLEET_LISTEN"),
            "metrics_listen": _place(settings.metrics_listen, METRICS, self._metrics, "DOCKFLEET_METRICS_LISTEN"),
        }
        return settings.model_copy(update={**places, "state_directory": self._kept})

    def _hosts(self, settings: Settings) -> list[HostSettings]:
        """Return the hosts to use, and name them; start private engines when there are none."""
        _say(f"looking for Docker engines ({settings.source})")
        found = asyncio.run(_reachable(settings))
        if found:
            _say("using the engines that answer:")
        elif os.geteuid() != 0:
            sys.exit(
                f"dockfleet: no Docker engine answers (tried {settings.source}: "
                f"{', '.join(host.address for host in settings.all_hosts)}).\n"
                "Start Docker and make sure that you may use it (docker ps), or set DOCKER_HOST;\n"
                "or run `make run` as root on Debian: then it starts two engines of its own."
            )
        else:
            _say("no Docker engine answers: starting two private ones (Debian's docker.io)")
            try:
                install()
                commands.up(self._engines, NAMES)
            except EngineError as error:
                sys.exit(f"dockfleet: {error}")
            found = [HostSettings(name=name, address=PrivateEngine(self._engines, name).address) for name in NAMES]
            _say("using these engines:")
        for host in found:
            _say(f"  {host.name:<16} {host.address}")
        return found

    def _start_gateway(self, settings: Settings, hosts: list[HostSettings]) -> None:
        """Start a gateway in front of *hosts*, and wait for its own word that it serves."""
        _say("starting the gateway")
        flags = [
            *("--listen", settings.listen, "--metrics-listen", settings.metrics_listen or "off"),
            *("--state-directory", str(self._kept), "--log-format", "json", "--log-level", "info"),
            *(part for host in hosts for part in ("--host", host.model_dump_json(exclude_none=True))),
        ]
        with self._log.open("wb") as log:
            process = self._process = subprocess.Popen(
                [str(BIN / "dockfleet-gateway"), *flags],
                env=self._environ, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
            )  # fmt: skip
        try:
            serving = self._serving(process)
        except BaseException:
            process.kill()
            process.wait()
            raise
        self.record.pid, self.record.hosts = process.pid, {host.name: host.address for host in hosts}
        self.record.address, self.record.metrics = serving["listen"], serving["metrics"]
        self.record.write()
        _say(f"the gateway serves gRPC on {self.record.address}; its log is {_short(self._log)}")
        if self.record.metrics != "off":
            _say(f"and metrics on http://{self.record.metrics}/metrics")

    def _serving(self, process: subprocess.Popen[bytes]) -> dict[str, Any]:
        """Wait until the log of *process* says that it serves, and return that line."""
        found: list[dict[str, Any]] = []

        def serving() -> bool:
            ended = process.poll() is not None
            lines = self._log.read_bytes().splitlines()
            with contextlib.suppress(ValueError):  # a line that is not whole yet
                found[:] = [line for line in map(json.loads, lines) if line.get("message") == "serving"]
            if ended:
                sys.exit(f"dockfleet: the gateway did not start:\n{self._log.read_text()[-2000:]}")
            return bool(found)

        _until(serving, 30, f"the gateway does not serve; see {_short(self._log)}")
        return found[0]

    def _runs(self) -> bool:
        """Return whether the gateway that `start` has started still lives."""
        try:
            flags = Path(f"/proc/{self.record.pid}/cmdline").read_bytes().split(b"\0")
        except OSError:
            return False
        return os.fsencode(self._kept) in flags

    def _wait_for_hosts(self, fleet: dockfleet.Fleet) -> None:
        """Wait until all hosts are up; end at once when they are not those that have been named."""

        def up() -> bool:
            hosts = fleet.hosts.list(deadline=10)
            if {host.name: host.address for host in hosts} != self.record.hosts:
                sys.exit(f"dockfleet: {self.record.address} serves other hosts than those named above; see `make stop`")
            return all(host.state == HOST_STATE_UP for host in hosts)

        _until(up, 30, f"not all hosts answer; see {_short(self._log)}")

    def _start_container(self, host: dockfleet.HostView) -> None:
        if _exists(lambda: host.containers.get(CONTAINER)):
            return
        _say(f"starting a container on {host.name}")
        if not _exists(lambda: host.images.get(IMAGE)):
            host.images.import_archive(busybox_image(), repo="dockfleet-demo", tag="latest")
            self.record.images.append(host.name)
            self.record.write()
        created = host.containers.create(
            IMAGE, ["sh", "-c", SCRIPT], name=CONTAINER, hostname=host.name, network="none", init=False
        )
        self.record.containers[host.name] = created.id
        self.record.write()
        host.containers.start(CONTAINER)

    def _remove_containers(self, fleet: dockfleet.Fleet) -> None:
        for name, container in self.record.containers.items():
            with _reported(name):
                fleet.host(name).containers.remove(container, force=True, remove_volumes=True)
        for name in self.record.images:
            with _reported(name):
                fleet.host(name).images.remove(IMAGE)

    def _show(self) -> None:
        first, *_, last = [*self.record.hosts] * 2
        where = [] if self.record.address == LISTEN else ["--address", self.record.address]
        for command in (
            ["hosts"],
            ["ps"],
            ["logs", "-n", "3", f"{first}/{CONTAINER}"],
            ["exec", f"{last}/{CONTAINER}", "uname", "-a"],
        ):
            _say(f"\n$ dockfleet {shlex.join([*where, *command])}")
            subprocess.run([BIN / "dockfleet", "--address", self.record.address, *command], check=True)
        cli = shlex.join([_short(BIN / "dockfleet"), *where])
        _say(f"""
The gateway is serving.  Try next:

  {cli} ps -a                                   # all containers of all hosts
  {cli} logs -f '*{CONTAINER}*'                 # the logs of all of them as one; Ctrl-C ends
  {cli} exec -it {first}/{CONTAINER} sh         # a shell in a container
  echo hello | {cli} exec -i {last}/{CONTAINER} wc -c""")
        if self.record.metrics != "off":
            _say(f"  curl -s http://{self.record.metrics}/metrics | grep dockfleet_")
        _say("  make stop                                                # take all of this down")


def _place(chosen: str | None, default: str, usual: str, variable: str) -> str | None:
    """Return where to listen: as *chosen*, or at the *usual* place or beside it where that is the *default*."""
    if chosen is None:
        return None
    address = usual if chosen == default else chosen
    if _is_free(address):
        return address
    if chosen != default:
        sys.exit(f"dockfleet: {address} is taken: set {variable} to an address that is free")
    _say(f"{address} is taken; the program there is left alone: taking another port ({variable} chooses one)")
    return f"{address.rpartition(':')[0]}:0"


def _is_free(address: str) -> bool:
    if address.startswith("unix:"):
        return True
    place = urlsplit(f"//{address}")
    family = socket.AF_INET6 if ":" in (place.hostname or "") else socket.AF_INET
    try:
        socket.create_server((place.hostname or "", place.port or 0), family=family).close()
    except OSError:
        return False
    return True


async def _reachable(settings: Settings) -> list[HostSettings]:
    """Return the hosts that answer."""
    quiet = {"listen": "127.0.0.1:0", "metrics_listen": None, "drain_timeout_seconds": 0}
    logging.disable()  # that a host does not answer is no news here
    try:
        async with running(settings.model_copy(update=quiet)) as gateway:
            await asyncio.gather(*(probe(host) for host in gateway.hosts))
            up = {host.name for host in gateway.hosts if host.state in ANSWERING}
    finally:
        logging.disable(logging.NOTSET)
    return [host for host in settings.all_hosts if host.name in up]


def _exists(inspect: Callable[[], object]) -> bool:
    try:
        inspect()
    except dockfleet.DockfleetError as error:
        if error.reason != "NOT_FOUND":
            raise
        return False
    return True


@contextlib.contextmanager
def _reported(host: str) -> Iterator[None]:
    """Print why something of a *host* could not be removed, unless it is not there."""
    try:
        yield
    except dockfleet.DockfleetError as error:
        if error.reason != "NOT_FOUND":
            _say(f"{host}: {error}")


def _until(condition: Callable[[], bool], seconds: float, otherwise: str) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            sys.exit(f"dockfleet: {otherwise}")
        time.sleep(0.1)


def _short(path: Path) -> str:
    return str(path.relative_to(ROOT)) if path.is_relative_to(ROOT) else str(path)


def _say(text: str) -> None:
    print(text, flush=True)


def main() -> None:
    """The command line: `demo.py run` and `demo.py stop`."""
    demo = Demo(ROOT / ".state", os.environ)
    commands = {"run": demo.run, "stop": demo.stop}
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("command", choices=commands)
    try:
        commands[parser.parse_args().command]()
    except dockfleet.DockfleetError as error:
        sys.exit(f"dockfleet: {error}")


if __name__ == "__main__":
    main()
