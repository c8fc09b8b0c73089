"""An sshd of its own on loopback, with its own configuration and keys; the system's is left alone."""

from __future__ import annotations

import contextlib
import os
import shlex
import socket
import subprocess
import sys
import time
from pathlib import Path

from deploy.private_engines.provision import PATH

_SSHD = "/usr/sbin/sshd"


class Sshd:
    """Lets the owner of `key` reach one unix socket by `docker system dial-stdio`, and nothing else.

    `ssh` is a folder with a program `ssh`, for the front of PATH: the real one, with a configuration of its own.
    """

    def __init__(self, directory: Path, engine: Path) -> None:
        self.directory = directory
        self.ssh = directory / "bin"
        self.key = directory / "key"
        self.known_hosts = directory / "known_hosts"
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = int(free.getsockname()[1])
        self.address = f"ssh://root@127.0.0.1:{self.port}"
        self._process: subprocess.Popen[bytes] | None = None
        self.make_key(self.key)
        self.make_key(directory / "host_key")
        (directory / "authorized_keys").write_bytes((directory / "key.pub").read_bytes())
        self.know(directory / "host_key.pub")
        dial = f"env DOCKER_HOST=unix://{engine} PATH={PATH} docker system dial-stdio"
        self._write(
            "sshd_config",
            "ListenAddress 127.0.0.1",
            f"Port {self.port}",
            f"HostKey {directory}/host_key",
            f"AuthorizedKeysFile {directory}/authorized_keys",
            "PidFile none",
            "UsePAM no",
            "StrictModes no",  # the folder of a test is below /tmp
            "PasswordAuthentication no",
            "KbdInteractiveAuthentication no",
            f"ForceCommand {dial}",
        )
        self._write(
            "ssh_config",
            "Host *",
            f"  IdentityFile {self.key}",
            "  IdentitiesOnly yes",
            f"  UserKnownHostsFile {self.known_hosts}",
            "  GlobalKnownHostsFile /dev/null",
            "  StrictHostKeyChecking yes",
        )
        self.ssh.mkdir()
        program = self.ssh / "ssh"
        program.write_text(f'#!/bin/sh\nexec /usr/bin/ssh -F {shlex.quote(str(directory))}/ssh_config "$@"\n')
        program.chmod(0o755)

    def start(self) -> None:
        """Start it, and wait until it listens."""
        Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)  # where sshd confines itself; not configurable
        command = [_SSHD, "-D", "-e", "-f", str(self.directory / "sshd_config")]
        with (self.directory / "log").open("ab") as log:
            self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        deadline = time.monotonic() + 30
        while True:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1):
                return
            assert self._process.poll() is None, (self.directory / "log").read_text()
            assert time.monotonic() < deadline, "sshd does not listen"
            time.sleep(0.05)

    def stop(self) -> None:
        """End the listener; connections that are open stay."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait()
            self._process = None

    def know(self, host_key: Path) -> None:
        """Let clients take *host_key* for the key of this host, and no other."""
        kind, text = host_key.read_text().split()[:2]
        self.known_hosts.write_text(f"[127.0.0.1]:{self.port} {kind} {text}\n")

    @staticmethod
    def make_key(file: Path) -> None:
        """Make a new key without a passphrase, in *file* and *file*.pub."""
        for old in (file, file.with_suffix(".pub")):
            old.unlink(missing_ok=True)
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", file], check=True, stdout=sys.stderr)

    def _write(self, name: str, *lines: str) -> None:
        (self.directory / name).write_text("\n".join((*lines, "")))


def in_front(folder: Path) -> str:
    """Return PATH with *folder* in front."""
    return f"{folder}{os.pathsep}{os.environ['PATH']}"
