"""A daemon in a directory of its own, recognised by a mark in its environment and not by what a file says."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import socket
import subprocess
import time
from collections import defaultdict
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Self

from deploy.private_engines.provision import PATH, EngineError, remove_tree

MARK = "DOCKFLEET_ENGINE"  # in the environment of all that we start: the directory that it belongs to


class Service:
    """A daemon in a directory of its own; any process can stop it, not only the one that started it."""

    def __init__(self, directory: str | Path, name: str) -> None:
        if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,62}", name):
            raise ValueError(f"a name must be like a hostname: {name!r}")
        self.name = name
        self.home = Path(directory).resolve() / name
        self.log = self.home / "log"
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def pid(self) -> int | None:
        """The daemon's process while it runs; a file that an earlier one left says nothing."""
        if self._process is not None and self._process.poll() is None:
            return self._process.pid
        with contextlib.suppress(OSError, ValueError):
            pid = int((self.home / "pid").read_text())
            return pid if owner(pid) == str(self.home) else None
        return None

    def start(self) -> None:
        """Start the daemon and return when it answers; one that an earlier run left here is replaced."""
        raise NotImplementedError

    def stop(self, grace: float = 5.0) -> None:
        """Ask the daemon to end, and kill it after *grace* seconds; its data stays."""
        self._signal(signal.SIGTERM)
        self._signal(signal.SIGCONT)  # a paused one would not hear
        if not within(grace, lambda: self.pid is None):
            self.kill()

    def kill(self) -> None:
        """SIGKILL the daemon alone; processes that it has started continue, as after a crash."""
        self._signal(signal.SIGKILL)
        within(10, lambda: self.pid is None)

    def pause(self) -> None:
        """SIGSTOP the daemon: connections still succeed, and nothing is answered."""
        self._signal(signal.SIGSTOP)
        within(10, self._stands_still)  # its threads stop one by one

    def resume(self) -> None:
        """SIGCONT the daemon after `pause`."""
        self._signal(signal.SIGCONT)

    def remove(self) -> None:
        """Stop the daemon at once and delete its directory."""
        self.stop(grace=0)
        remove_tree(self.home)

    def _stands_still(self) -> bool:
        threads = Path("/proc", str(self.pid), "task").glob("*/stat")
        return all(b") T " in stat for stat in map(read, threads) if stat)

    def _signal(self, number: signal.Signals) -> None:
        if (pid := self.pid) is not None:
            os.kill(pid, number)

    def _launch(self, argv: Iterable[str], answers: Callable[[], bool], timeout: float) -> None:
        """Start the process, which keeps its id through every exec, and wait until it answers."""
        environment = {key: value for key, value in os.environ.items() if not key.startswith("DOCKER_")}
        environment |= {"PATH": PATH, MARK: str(self.home)}
        with self.log.open("ab") as log:
            before = log.tell()
            process = subprocess.Popen(
                [*argv],
                env=environment,
                cwd="/",
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,  # Ctrl-C in a terminal is not meant for it
            )
        self._process = process
        (self.home / "pid").write_text(f"{process.pid}\n")
        if within(timeout, lambda: process.poll() is not None or answers()) and process.returncode is None:
            return
        outcome = f"has no answer after {timeout:g} s" if process.returncode is None else "ended"
        self.stop()
        said = self.log.read_bytes()[before:].decode(errors="replace").splitlines()[-15:]
        raise EngineError("\n  ".join([f"{self.name} {outcome}; the end of {self.log}:", *said]))


def free_port() -> int:
    """A TCP port on 127.0.0.1 that nothing listens on."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def within(seconds: float, condition: Callable[[], bool]) -> bool:
    """Wait until a condition holds; False if it does not within *seconds*."""
    deadline = time.monotonic() + seconds
    while not (holds := condition()) and time.monotonic() < deadline:
        time.sleep(0.05)
    return holds


def read(file: Path) -> bytes:
    """What is in a file; nothing if it is gone, as processes and devices may be at any time."""
    with contextlib.suppress(OSError):
        return file.read_bytes()
    return b""


def kill_all(pids: Iterable[int]) -> bool:
    """SIGKILL processes; return whether there were any."""
    pids = list(pids)
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    return bool(pids)


def owner(pid: int | str) -> str | None:
    """The directory of the service that a process belongs to, if to any."""
    for variable in read(Path("/proc", str(pid), "environ")).split(b"\0"):
        if variable.startswith(MARK.encode() + b"="):
            return os.fsdecode(variable.partition(b"=")[2])
    return None


def marked() -> defaultdict[str, list[int]]:
    """All processes of all services on this machine, by directory."""
    processes: defaultdict[str, list[int]] = defaultdict(list)
    for pid in filter(str.isdecimal, os.listdir("/proc")):
        if (home := owner(pid)) is not None:
            processes[home].append(int(pid))
    return processes
