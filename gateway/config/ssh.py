"""The keys of logins by ssh."""

from __future__ import annotations

from typing import Self

from pydantic import Field, model_validator

from gateway.config.addresses import JumpHost
from gateway.config.section import File, Section


class HostSsh(Section):
    """How to log in by ssh.  Absent keys have their values from the ssh configuration of the gateway's user."""

    identity_file: File | None = None
    """File of the private key, not encrypted.  With it, the gateway uses no other key."""

    private_key: str | None = Field(default=None, min_length=1, repr=False)
    """The private key itself in OpenSSH or PEM format, in place of the file."""

    known_hosts_file: File | None = None
    """File of the keys that the host may have, in the format of OpenSSH's known_hosts.  The gateway always verifies
    the key of the host."""

    known_hosts: str | None = Field(default=None, min_length=1)
    """The lines of such a file, in place of the file."""

    jump_host: JumpHost | None = None
    """Jump host of the login, user@host[:port]; several with commas.  Private key and known_hosts are also for it."""

    @model_validator(mode="after")
    def _once(self) -> Self:
        for file, text in (("identity_file", "private_key"), ("known_hosts_file", "known_hosts")):
            if getattr(self, file) and getattr(self, text):
                raise ValueError(f"has both {file} and {text}: leave one out")
        if self.private_key and "PRIVATE KEY-----" not in self.private_key:
            raise ValueError("has a private_key that is not in OpenSSH or PEM format")
        for number, line in enumerate((self.known_hosts or "").splitlines(), 1):
            if line.strip() and not line.startswith("#") and len(line.split()) < 3:
                raise ValueError(f"has known_hosts whose line {number} is not: names, type of the key, key")
        return self
