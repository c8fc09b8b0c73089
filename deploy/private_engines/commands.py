"""Starts, stops and lists the private engines of a state directory."""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from deploy.private_engines.engine import PrivateEngine
from deploy.private_engines.provision import debian_root
from deploy.private_engines.service import marked


def _engines(directory: Path) -> list[PrivateEngine]:
    """The engines of a state directory, and those that still run although their directory is gone."""
    homes = {file.parent.parent for file in directory.glob("*/etc/daemon.json")} | {Path(home) for home in marked()}
    return [PrivateEngine(directory, home.name) for home in sorted(homes) if home.parent == directory]


def up(directory: Path, names: Sequence[str], *, tls: bool = False, newer: Path | None = None) -> None:
    """Start engines with an image busybox:latest; those that run already are left alone."""
    root = debian_root(newer) if newer else None

    def start(name: str) -> None:
        engine = PrivateEngine(directory, name, tls=tls, root=root)
        if not engine.answers():
            engine.start()
        if engine.request("GET", "/images/busybox:latest/json")[0] == 404:
            engine.load_busybox()

    with ThreadPoolExecutor() as pool:
        list(pool.map(start, names))
    status(directory)


def down(directory: Path, names: Sequence[str] = ()) -> None:
    """Stop engines and delete their data, and nothing else; also those that a crash has left."""
    engines = [engine for engine in _engines(directory) if engine.name in names or not names]
    with ThreadPoolExecutor() as pool:
        list(pool.map(PrivateEngine.remove, engines))
    with contextlib.suppress(OSError):
        directory.rmdir()  # if nothing else is in it


def status(directory: Path) -> None:
    """Print the engines: name, state, version, containers and address."""
    for engine in _engines(directory):
        state, version, containers = "stopped", "-", "-"
        if engine.answers():
            info = json.loads(engine.request("GET", "/info")[1])
            state, version, containers = "running", info["ServerVersion"], str(info["Containers"])
        elif engine.pid:
            state = "silent"
        tcp = re.findall(r"tcp://[^\"]+", (engine.home / "etc/daemon.json").read_text())
        addresses = " ".join([engine.address, *tcp])
        print(f"{engine.name:16} {state:8} {version:18} {containers:>3} containers  {addresses}")
