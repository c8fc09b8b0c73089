"""A real registry on this machine, for pull, push and login."""

from __future__ import annotations

import contextlib
import ctypes
import http.client
import json
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from deploy.private_engines.provision import require_root
from deploy.private_engines.service import Service, free_port


class Registry(Service):
    """Debian's docker-registry on 127.0.0.1, in *directory*/*name*; engines need no TLS to talk to it.

    Args:
        port: 0 takes a free one.
        users: Names with their passwords, for basic authentication; open to all if not given.
    """

    def __init__(
        self, directory: str | Path, name: str = "registry", *, port: int = 0, users: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(directory, name)
        self.port = port or free_port()
        self.address = f"127.0.0.1:{self.port}"
        self.users = dict(users or {})

    def start(self, timeout: float = 20.0) -> None:
        """Start the registry and return when it answers."""
        require_root("docker-registry")
        self.stop()
        self.home.mkdir(parents=True, exist_ok=True)
        settings: dict[str, Any] = {
            "version": 0.1,
            "log": {"level": "warn"},
            "storage": {"filesystem": {"rootdirectory": str(self.home / "data")}, "delete": {"enabled": True}},
            "http": {"addr": self.address},
        }
        if self.users:
            settings["auth"] = {"htpasswd": {"realm": self.name, "path": str(self.home / "htpasswd")}}
            lines = [f"{user}:{_bcrypt(password)}\n" for user, password in self.users.items()]
            (self.home / "htpasswd").write_text("".join(lines))
        (self.home / "config.yml").write_text(json.dumps(settings, indent=2))  # JSON is YAML
        self._launch(["docker-registry", "serve", str(self.home / "config.yml")], self.answers, timeout)

    def answers(self) -> bool:
        """Whether the registry answers, be it that it wants a password."""
        connection = http.client.HTTPConnection(self.address, timeout=2)
        with contextlib.suppress(OSError, http.client.HTTPException), contextlib.closing(connection):
            connection.request("GET", "/v2/")
            return connection.getresponse().status in (200, 401)
        return False


def _bcrypt(password: str) -> str:
    """Hash a password as docker-registry wants it; Python has lost its module for that, Debian's C library not."""
    crypt = ctypes.CDLL("libcrypt.so.1").crypt
    crypt.restype = ctypes.c_char_p
    hashed: bytes = crypt(password.encode(), b"$2b$05$" + secrets.token_hex(11).encode())
    return hashed.decode()
