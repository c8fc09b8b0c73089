"""A private Podman on this machine: its service with the Engine API, for tests.

Its containers, images, networks and locks are in its own directory.  It has no bridge: containers have no network.
"""

from __future__ import annotations

import contextlib
import json
import shutil
from pathlib import Path

from deploy.private_engines.engine import EngineService
from deploy.private_engines.provision import PATH, EngineError, remove_tree, require_root, run, unmount_below
from deploy.private_engines.service import kill_all, marked, within

# Bounds of files and processes that a container may be given also where root itself has no more.
_CONFIGURATION = """\
[containers]
default_ulimits = ["nofile=1024:1024", "nproc=4096:4096"]
log_driver = "k8s-file"
[network]
network_config_dir = {networks}
[engine]
cgroup_manager = "cgroupfs"
events_logger = "file"
lock_type = "file"
tmp_dir = {tmp}
"""


class PrivatePodman(EngineService):
    """A `podman system service` with everything of its own, in *directory*/*name*."""

    def __init__(self, directory: str | Path, name: str) -> None:
        super().__init__(directory, name)
        self.socket = self.home / "podman.sock"
        self.address = f"unix://{self.socket}"

    def start(self, timeout: float = 60.0) -> None:
        """Start the service and return when it answers."""
        require_root()
        if not shutil.which("podman", path=PATH):
            raise EngineError("podman is not installed: apt-get install podman")
        super().stop()
        self.home.mkdir(parents=True, exist_ok=True)
        self.socket.unlink(missing_ok=True)
        own = {name: json.dumps(str(self.home / name)) for name in ("networks", "tmp")}
        (self.home / "containers.conf").write_text(_CONFIGURATION.format(**own))
        self._launch([*self._podman(), "system", "service", "--time=0", self.address], self.answers, timeout)

    def stop(self, grace: float = 5.0) -> None:
        """End the service, its containers and what watches them."""
        super().stop(grace)
        if (self.home / "containers.conf").exists():
            with contextlib.suppress(EngineError):
                run(*self._podman(), "rm", "--all", "--force", "--time", "0")
        within(10, lambda: not kill_all(marked()[str(self.home)]))
        unmount_below(self.home)

    def remove(self) -> None:
        """Stop at once, and delete the directory."""
        self.stop(grace=0)
        remove_tree(self.home)

    def _podman(self) -> list[str]:
        paths = [f"--root={self.home / 'root'}", f"--runroot={self.home / 'run'}"]
        return ["env", f"CONTAINERS_CONF={self.home / 'containers.conf'}", "podman", *paths, "--storage-driver=vfs"]
