"""The engine that is measured, and what is on it."""

from __future__ import annotations

import contextlib
import socket
import struct
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from docker import APIClient

from tests.bench.processes import EngineMeter

LABEL = "dockfleet.bench"
_WITHOUT_NETWORK = {"NetworkMode": "none"}
_SLEEP = "exec sleep 1000000"
_TICK = "i=0; while :; do i=$((i+1)); printf '%099d\\n' $i; usleep 100000; done"  # 10 lines/s of 100 bytes
_COUNT = """awk 'BEGIN {for (i = 0; i < %d; i++) printf "%%099d\\n", i}'"""  # lines of 100 bytes


@dataclass(frozen=True)
class Stage:
    """The engine and the containers on it: one that runs, one with a large file, one with a long log.

    Where they were asked for, also one that writes 10 lines a second, each with its number, and some that run.
    """

    address: str
    meter: EngineMeter
    directory: Path  # for files of this run
    running: str
    exported: str
    logged: str
    ticking: str
    watched: list[str]


@contextlib.contextmanager
def stage(
    address: str | None,
    *,
    containers: int = 0,
    megabytes: int,
    lines: int,
    ticking: bool = False,
    watched: int = 0,
    keep: bool = False,
    root: Path | None = None,
) -> Iterator[Stage]:
    """Prepare the engine at *address*, or a private one; what was made is removed at the end, unless *keep*.

    *root* is the root directory of another system, whose engine the private one is.
    """
    with contextlib.ExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="dfb")))
        if address is None:
            from deploy.private_engines.engine import PrivateEngine

            engine = PrivateEngine(directory, "bench", root=root)
            stack.callback(engine.remove)
            engine.start()
            engine.load_busybox()
            address = engine.address
        api = stack.enter_context(contextlib.closing(APIClient(base_url=address, version="auto")))
        if not keep:
            stack.callback(_clear, api)
        found = Stage(
            address,
            EngineMeter(listener(address)),
            directory,
            running=_container(api, "running", _SLEEP, wait=False),
            exported=_container(api, f"exported-{megabytes}", f"dd if=/dev/urandom of=/data bs=1M count={megabytes}"),
            logged=_container(api, f"logged-{lines}", _COUNT % lines),
            ticking=_container(api, "ticking", _TICK, wait=False) if ticking else "",
            watched=[_container(api, f"watched-{number}", _SLEEP, wait=False) for number in range(watched)],
        )
        _fill(api, containers)
        yield found


def listener(address: str) -> int:
    """Return the process that listens at a unix socket."""
    with socket.socket(socket.AF_UNIX) as peer:
        peer.connect(urlsplit(address).path)
        return int(struct.unpack("iII", peer.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))[0])


def _container(api: APIClient, what: str, script: str, *, wait: bool = True) -> str:
    """Return the id of the container that holds *what*, made by *script* if there is none yet."""
    for found in api.containers(all=True, filters={"label": f"{LABEL}={what}"}):
        return str(found["Id"])
    made = api.create_container("busybox", ["sh", "-c", script], labels={LABEL: what}, host_config=_WITHOUT_NETWORK)
    api.start(made)
    if wait and (code := api.wait(made)["StatusCode"]):
        raise RuntimeError(f"making {what} failed with exit code {code}")
    return str(made["Id"])


def _fill(api: APIClient, containers: int) -> None:
    """Make containers, never started, until there are so many."""
    for _ in range(containers - len(api.containers(all=True, quiet=True))):
        api.create_container("busybox", ["true"], labels={LABEL: "listed"}, host_config=_WITHOUT_NETWORK)


def _clear(api: APIClient) -> None:
    for found in api.containers(all=True, filters={"label": LABEL}):
        api.remove_container(found["Id"], force=True, v=True)
