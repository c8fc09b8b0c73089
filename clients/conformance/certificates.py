"""The certificates of the scenarios: from a trusted authority, and from an untrusted one."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory

import grpc
import trustme
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

ADDRESS = "127.0.0.1"
OTHER_NAME = "gateway.example.org"
EXPIRED = datetime(2020, 1, 1, tzinfo=UTC)


class Certificates:
    """PEM files in a folder of their own, which are there as long as this object."""

    def __init__(self) -> None:
        """Make the authorities."""
        self._folder = TemporaryDirectory(prefix="dockfleet-certificates-")
        self._authority, self._other = trustme.CA(), trustme.CA()

    @cached_property
    def files(self) -> Mapping[str, str]:
        """The paths of what a client may have, by the names that scenarios use."""
        texts = {"ca": self._authority.cert_pem.bytes(), "other-ca": self._other.cert_pem.bytes()}
        for name, authority in (("client", self._authority), ("other-client", self._other)):
            texts[name], texts[f"{name}-key"] = _pair(authority, f"{name}@example.org")
        texts["text"] = b"no certificate"
        for name, text in texts.items():
            (Path(self._folder.name) / f"{name}.pem").write_bytes(text)
        return {name: f"{self._folder.name}/{name}.pem" for name in (*texts, "missing")}

    def credentials(self, kind: str) -> grpc.ServerCredentials:
        """Return the credentials of a gateway: `TLS`, `mutual TLS`, `another name` in its certificate, or `expired`."""
        name, end = OTHER_NAME if kind == "another name" else ADDRESS, EXPIRED if kind == "expired" else None
        certificate, key = _pair(self._authority, name, end)
        mutual = kind == "mutual TLS"
        root = self._authority.cert_pem.bytes() if mutual else None
        return grpc.ssl_server_credentials([(key, certificate)], root, require_client_auth=mutual)


def _pair(authority: trustme.CA, name: str, end: datetime | None = None) -> tuple[bytes, bytes]:
    """Return a certificate for *name*, valid until *end*, and its key, in the form that all clients read: PKCS#8."""
    issued = authority.issue_cert(name, not_after=end)
    key = load_pem_private_key(issued.private_key_pem.bytes(), None)
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return b"".join(part.bytes() for part in issued.cert_chain_pems), pem
