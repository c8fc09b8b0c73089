"""The options of a login: the ssh configuration of this user, its keys, and the keys of the host."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncssh
from asyncssh.kex import get_default_kex_algs
from asyncssh.public_key import get_default_certificate_algs, get_default_public_key_algs

from gateway.engine.errors import CredentialsRejected, IdentityMismatch, Unreachable
from gateway.engine.transport.ssh.address import Credentials, Hop
from gateway.engine.transport.ssh.login import Logins

_CONFIG_FILES = ("~/.ssh/config", "/etc/ssh/ssh_config")  # what the first one says counts
_KNOWN_HOSTS = (  # of the configuration, and what they are without it
    ("UserKnownHostsFile", "~/.ssh/known_hosts"),
    ("GlobalKnownHostsFile", "/etc/ssh/ssh_known_hosts"),
)
_KNOWN_HOSTS_KEPT = 8
_NO_PASSPHRASE = "give a key without one, or give none and add the key to the ssh agent of the gateway's user"
_CIPHERS = "^aes128-gcm@openssh.com"  # first: half the CPU of the favourite
# Diffie-Hellman in groups of 6,144 bits and more, or in a group that the host chooses, takes 3 to 29 ms twice: before
# the host has proved its identity, and again whenever it asks for new keys.  Other kinds take less than 2 ms.
_LARGE_GROUPS = (b"diffie-hellman-group-exchange-", b"diffie-hellman-group17-", b"diffie-hellman-group18-")
_PORT = 22


@dataclass(frozen=True)
class HostKeys:
    """The keys that prove who a machine is: its own, those of authorities for it, and revoked ones.

    They were looked up as `alias` in the known_hosts files, or the text, that `source` names.
    """

    alias: str
    source: str
    own: Sequence[asyncssh.SSHKey]
    authorities: Sequence[asyncssh.SSHKey]
    revoked: Sequence[asyncssh.SSHKey]


@dataclass(frozen=True)
class Found:
    """The known properties of a machine before the connection.

    `options` are those of `asyncssh.connect`; `identity` names what the gateway proves itself with; `jumps` is the way
    there, as the ssh configuration says.
    """

    options: dict[str, Any]
    host: str
    port: int
    user: str
    identity: str
    keys: HostKeys
    jumps: tuple[Hop, ...]


def find(hop: Hop, credentials: Credentials, logins: Logins) -> Found:
    """Read what concerns *hop*.  It may take long: `Match exec` of an ssh configuration runs commands.

    Raises `Unreachable`, `CredentialsRejected` and `IdentityMismatch` for unusable files.
    """
    options: dict[str, Any] = {"host": hop.host, "config": _readable(_CONFIG_FILES) or None}
    if hop.port:
        options["port"] = hop.port
    if hop.user:
        options["username"] = hop.user
    try:
        read = asyncssh.SSHClientConnectionOptions(**options, client_keys=None)
        if read.config.has_match_final():
            read.update(reload=True, final=True)
        jumps = tuple(Hop.parse(jump.strip()) for jump in str(read.tunnel or "").split(",") if jump.strip())
    except (OSError, ValueError, RuntimeError, asyncssh.Error) as error:
        raise Unreachable(f"ssh: the ssh configuration cannot be used: {error}") from error
    keys = _keys_of_host(read, credentials, logins)
    identity, proof = _identity(read, credentials)
    options |= proof | {"known_hosts": (keys.own, keys.authorities, keys.revoked)}
    if read.config.get("Ciphers") is None:
        options["encryption_algs"] = _CIPHERS
    if read.config.get("KexAlgorithms") is None:
        options["kex_algs"] = [kind.decode() for kind in get_default_kex_algs() if not kind.startswith(_LARGE_GROUPS)]
    if read.config.get("HostKeyAlgorithms") is None:
        options["server_host_key_algs"] = _kinds(keys)
    return Found(options, read.host, read.port, read.username, identity, keys, jumps)


def _identity(read: asyncssh.SSHClientConnectionOptions, credentials: Credentials) -> tuple[str, dict[str, Any]]:
    """Return what the gateway proves itself with, in words and as options."""
    identity = f"the key in {credentials.identity_file}" if credentials.identity_file else "the given private key"
    try:
        if credentials.private_key:
            key = asyncssh.import_private_key(credentials.private_key)
            return identity, {"client_keys": [key], "agent_path": None}
        if credentials.identity_file:
            asyncssh.read_private_key(credentials.identity_file)
            return identity, {"client_keys": [credentials.identity_file], "agent_path": None}  # and its certificate
    except (OSError, ValueError) as error:
        remedy = f"; {_NO_PASSPHRASE}" if str(error).startswith("Passphrase") else ""
        raise CredentialsRejected(f"ssh: {identity} cannot be used: {error}{remedy}") from error
    files = read.config.get("IdentityFile")
    present = _readable(files) if isinstance(files, list) else []  # like ssh, ignore a missing file
    proof = {"client_keys": present, "ignore_encrypted": True} if present else {}
    return "the keys and the agent of the gateway's user", proof


def _keys_of_host(read: asyncssh.SSHClientConnectionOptions, credentials: Credentials, logins: Logins) -> HostKeys:
    try:
        if credentials.known_hosts:
            known, source = asyncssh.import_known_hosts(credentials.known_hosts), "what is given as known_hosts"
        else:
            files = [credentials.known_hosts_file] if credentials.known_hosts_file else _known_hosts_files(read)
            known, source = _parsed(_readable(files), logins), files[0]
    except (OSError, ValueError) as error:
        raise IdentityMismatch(f"ssh: the known hosts cannot be used: {error}") from error
    alias = read.host_key_alias or read.host
    own, authorities, revoked, *_ = known.match(alias, "", read.port if read.port != _PORT else None)
    return HostKeys(alias, source, own, authorities, revoked)


def _known_hosts_files(read: asyncssh.SSHClientConnectionOptions) -> list[str]:
    """Return the files that OpenSSH would look in.  asyncssh checks nothing when the configuration says `none`."""
    files: list[str] = []
    for option, default in _KNOWN_HOSTS:
        configured = read.config.get(option)
        files += configured if isinstance(configured, list) else [default]
    return files


def _parsed(files: Sequence[str], logins: Logins) -> asyncssh.SSHKnownHosts:
    """Return what is in *files*.  A thousand lines take 20 ms to read, and a thousand hosts often share them."""
    versions = tuple((file, (status := os.stat(file)).st_mtime_ns, status.st_size) for file in files)
    with logins.known_hosts_lock:
        known: asyncssh.SSHKnownHosts | None = logins.known_hosts.get(versions)
        if known is None:
            known = asyncssh.read_known_hosts(list(files))
            if len(logins.known_hosts) == _KNOWN_HOSTS_KEPT:
                logins.known_hosts.clear()
            logins.known_hosts[versions] = known
        return known


def _kinds(keys: HostKeys) -> list[str]:
    """Return the kinds of host keys to ask for: the known ones first, then all, so that another is seen as a change."""
    kinds = list(get_default_certificate_algs()) if keys.authorities else []
    kinds += [kind for key in keys.own for kind in key.sig_algorithms]
    return [kind.decode() for kind in (*kinds, *get_default_public_key_algs())]


def _readable(files: Sequence[str]) -> list[str]:
    """Return the *files* that there are, with their whole paths."""
    paths = (str(Path(file).expanduser()) for file in files)
    return [path for path in paths if os.path.isfile(path) and os.access(path, os.R_OK)]
