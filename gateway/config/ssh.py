"""The keys of how to log in at a host by ssh."""

from __future__ import annotations

from typing import Self

from pydantic import Field, model_validator

from gateway.config.addresses import JumpHost
from gateway.config.section import File, Section


class HostSsh(Section):
    """How to log in by ssh.  What is not given is as the ssh configuration of the gateway's user says."""

    identity_file: File | None = None
    """File of the private key to log in with, not encrypted; no other key is used then."""

    private_key: str | None = Field(default=None, min_length=1, repr=False)
    """The same key itself, as OpenSSH or PEM writes it, in place of the file."""

    known_hosts_file: File | None = None
    """File of the keys that the host may have, in the form of OpenSSH's known_hosts.  They are always checked."""

    known_hosts: str | None = Field(default=None, min_length=1)
    """The same lines themselves, in place of the file."""

    jump_host: JumpHost | None = None
    """Host through which the login goes, user@host[:port]; several with commas.  Key and known_hosts are for it too."""

    @model_validator(mode="after")
    def _once(self) -> Self:
        for file, text in (("identity_file", "private_key"), ("known_hosts_file", "known_hosts")):
            if getattr(self, file) and getattr(self, text):
                raise ValueError(f"has both {file} and {text}: leave one out")
        if self.private_key and "PRIVATE KEY-----" not in self.private_key:
            raise ValueError("has a private_key that is not in OpenSSH or PEM format")
        return self
