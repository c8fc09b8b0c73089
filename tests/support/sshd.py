"""An sshd of its own on loopback, with its own configuration and keys; the system's is left alone."""

from __future__ import annotations

import asyncio
import contextlib
import getpass
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import psutil
import pytest

from deploy.private_engines.provision import PATH, EngineError, install
from gateway.config.settings import HostSettings
from gateway.config.ssh import HostSsh
from gateway.engine.transport.pool import Address, Limits, Pool
from gateway.engine.transport.ssh.address import Credentials, Hop, SshAddress
from gateway.engine.transport.ssh.login import Logins


def sshd_or_skip() -> str:
    """Return the program, installed where that is possible, or skip the test."""
    if not shutil.which("sshd", path=PATH):
        with contextlib.suppress(EngineError):
            install("sshd")
    return shutil.which("sshd", path=PATH) or pytest.skip("there is no sshd")


@asynccontextmanager
async def pool_by(
    address: SshAddress, limits: Limits | None = None, logins: Logins | None = None
) -> AsyncIterator[Pool]:
    """Give the pool of connections to the socket that *address* leads to."""
    pool = Pool(Address(ssh=address), limits or Limits(), host="far", logins=logins)
    try:
        yield pool
    finally:
        pool.close()


@asynccontextmanager
async def silent() -> AsyncIterator[int]:
    """Give a port that takes connections and never says anything."""
    async with await asyncio.get_running_loop().create_server(asyncio.Protocol, "127.0.0.1", 0) as server:
        yield server.sockets[0].getsockname()[1]


class Sshd:
    """Lets the owner of `key` in, and forwards to sockets, as a stock sshd does.  It does not run yet."""

    def __init__(self, program: str, directory: Path, path: str = PATH) -> None:
        """Make its keys and its configuration in *directory*; commands are looked for in *path*."""
        directory.mkdir(exist_ok=True)
        self.directory = directory
        self.key = directory / "key"
        self.known_hosts = directory / "known_hosts"
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = int(free.getsockname()[1])
        self.user = getpass.getuser()
        self.place = f"127.0.0.1 port {self.port}"  # as ssh calls it
        self._program = program
        self._config = directory / "sshd_config"
        self._process: subprocess.Popen[bytes] | None = None
        self.make_key(self.key)
        self.make_key(directory / "host_key")
        (directory / "authorized_keys").write_bytes((directory / "key.pub").read_bytes())
        self.know(directory / "host_key.pub")
        self.configure(
            "ListenAddress 127.0.0.1",
            f"Port {self.port}",
            f"HostKey {directory}/host_key",
            f"AuthorizedKeysFile {directory}/authorized_keys",
            "PidFile none",
            "UsePAM no",
            "StrictModes no",  # the folder of a test is below /tmp
            "PasswordAuthentication no",
            "KbdInteractiveAuthentication no",
            f"SetEnv PATH={path} HOME={directory}",  # without what the user's shell runs at a start
        )

    def configure(self, *lines: str) -> None:
        """Add *lines* to the configuration, before the start; of two that contradict each other the first counts."""
        before = self._config.read_text() if self._config.exists() else ""
        self._config.write_text("\n".join((*lines, before)))

    def start(self) -> None:
        """Start it, and wait until it listens."""
        with contextlib.suppress(PermissionError):
            Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)  # where root's confines itself; not configurable
        command = [self._program, "-D", "-e", "-f", str(self._config)]
        with (self.directory / "log").open("ab") as log:
            self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        deadline = time.monotonic() + 30
        while True:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1) as asked:
                if asked.recv(4) == b"SSH-":
                    return
            assert self._process.poll() is None, self.log
            assert time.monotonic() < deadline, "sshd does not listen"
            time.sleep(0.05)

    def stop(self) -> None:
        """End the listener; logins that stand stay."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait()
            self._process = None

    def logins(self) -> list[psutil.Process]:
        """The processes of the logins that stand, one each; only while the listener runs."""
        assert self._process is not None
        return psutil.Process(self._process.pid).children()

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to all processes of the logins that stand."""
        for login in self.logins():
            for process in (login, *login.children(recursive=True)):
                with contextlib.suppress(psutil.NoSuchProcess):
                    process.send_signal(number)

    async def until_logins(self, number: int) -> None:
        """Wait until so many logins stand; of processes there are no events."""
        while len(self.logins()) != number:  # noqa: ASYNC110
            await asyncio.sleep(0.02)

    @property
    def log(self) -> str:
        """What it has said."""
        return (self.directory / "log").read_text()

    @property
    def accepted(self) -> int:
        """How many have logged in so far."""
        return self.log.count("Accepted publickey")

    def address(self, engine: str) -> SshAddress:
        """The address of an engine at unix://PATH on its machine, with the key that it lets in."""
        credentials = Credentials(identity_file=str(self.key), known_hosts_file=str(self.known_hosts))
        return SshAddress(Hop("127.0.0.1", self.port, self.user), engine.removeprefix("unix://"), (), credentials)

    def host(self, name: str, engine: str) -> HostSettings:
        """The same as a host of a gateway."""
        return HostSettings(
            name=name,
            address=f"ssh://{self.user}@127.0.0.1:{self.port}{engine.removeprefix('unix://')}",
            ssh=HostSsh(identity_file=self.key, known_hosts_file=self.known_hosts),
        )

    def know(self, *host_keys: Path) -> None:
        """Let clients take *host_keys* for the keys of this host, and no others."""
        keys = (key.read_text().split()[:2] for key in host_keys)
        self.known_hosts.write_text("".join(f"[127.0.0.1]:{self.port} {kind} {text}\n" for kind, text in keys))

    @staticmethod
    def make_key(file: Path, kind: str = "ed25519", passphrase: str = "") -> None:
        """Make a new key in *file* and *file*.pub."""
        for old in (file, file.with_suffix(".pub")):
            old.unlink(missing_ok=True)
        command = ["ssh-keygen", "-q", "-t", kind, "-N", passphrase, "-f", os.fspath(file)]
        subprocess.run(command, check=True, stdout=sys.stderr)
