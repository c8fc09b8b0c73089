"""The keys of TLS: certificates and private keys, as files or as the PEM text itself."""

from __future__ import annotations

import contextlib
import os
import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import AfterValidator, Field, PlainValidator, SecretStr, model_validator

from gateway.config.files import check_regular, read_regular
from gateway.config.section import MOST_BYTES, File, Section

BEGIN = "-----BEGIN "


def read(pem: Path | SecretStr) -> bytes:
    """Return the PEM text.  Raises `OSError`."""
    return read_regular(pem, MOST_BYTES) if isinstance(pem, Path) else pem.get_secret_value().encode()


@contextlib.contextmanager
def as_file(pem: Path | SecretStr) -> Iterator[Path]:
    """Yield a file with the PEM text, because OpenSSL reads only files.  A text is not written to a disk.

    Raises `OSError`.
    """
    if isinstance(pem, Path):
        yield pem
        return
    descriptor = os.memfd_create("pem")
    try:
        with open(descriptor, "wb", closefd=False) as writer:
            writer.write(read(pem))
        yield Path(f"/proc/self/fd/{descriptor}")
    finally:
        os.close(descriptor)


def _trust(context: ssl.SSLContext, authority: Path | SecretStr) -> None:
    """Let *context* trust certificates of *authority*.  Raises `OSError` and `ssl.SSLError`."""
    with as_file(authority) as file:
        context.load_verify_locations(file)


def _present(context: ssl.SSLContext, certificate: Path | SecretStr, key: Path | SecretStr) -> None:
    """Let *context* use *certificate*.  Raises `OSError` and `ssl.SSLError`."""
    with as_file(certificate) as first, as_file(key) as second:
        # Without `password`, OpenSSL asks the terminal for a passphrase, and waits.
        context.load_cert_chain(first, second, password=lambda: "")


def _belong_together(certificate: Path | SecretStr, key: Path | SecretStr) -> None:
    """Raise `ValueError` if *key* is not that of *certificate*."""
    try:
        _present(ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), certificate, key)
    except ssl.SSLError as error:
        what = error.reason or "one of them is not PEM, or the key is encrypted"
        names = "a key" if isinstance(key, SecretStr) else f"a key {key}"
        of = "its certificate" if isinstance(certificate, SecretStr) else f"certificate {certificate}"
        raise ValueError(f"has {names} that does not belong to {of}: {what}") from error


def _file_or_text(value: Any) -> Path | SecretStr:
    if not isinstance(value, str | Path | SecretStr):
        raise ValueError("should be the path of a file, or PEM text")
    if isinstance(value, str):
        value = SecretStr(value) if BEGIN in value else Path(value)
    return _readable(value)


def _readable(pem: Path | SecretStr) -> Path | SecretStr:
    if isinstance(pem, Path):
        check_regular(pem, MOST_BYTES)
    elif len(read(pem)) > MOST_BYTES:
        raise ValueError(f"has more than {MOST_BYTES} bytes")
    return pem


def _authority(pem: Path | SecretStr) -> Path | SecretStr:
    try:
        _trust(ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), pem)
    except ssl.SSLError as error:
        raise ValueError("has no certificate in PEM form") from error
    return pem


Pem = Annotated[Path | SecretStr, PlainValidator(_file_or_text)]
Authority = Annotated[Pem, AfterValidator(_authority)]
AuthorityFile = Annotated[Path, AfterValidator(_readable), AfterValidator(_authority)]


class ListenerTls(Section):
    """TLS of the gRPC listener."""

    certificate: File
    """File of the server's certificate and after it its intermediates, PEM."""

    key: File
    """File of the certificate's key, PEM, not encrypted."""

    client_ca: AuthorityFile | None = None
    """File of the authorities of client certificates, PEM.  With it, every client must have a certificate (mTLS)."""

    @model_validator(mode="after")
    def _pair(self) -> Self:
        _belong_together(self.certificate, self.key)
        return self


class HostTls(Section):
    """TLS to an engine, etcd or Consul.  The gateway always verifies the certificate, with this authority only."""

    ca: Authority
    """The authority that signed the server's certificate: a file, or the PEM text itself."""

    certificate: Pem | None = None
    """The gateway's certificate for this server: a file, or the PEM text itself."""

    key: Pem | None = None
    """That certificate's key, not encrypted: a file, or the PEM text itself."""

    server_name: str | None = Field(default=None, min_length=1)
    """Name in the server's certificate, if it is not the host of the address."""

    @model_validator(mode="after")
    def _pair(self) -> Self:
        if self.certificate and self.key:
            _belong_together(self.certificate, self.key)
        elif self.certificate or self.key:
            raise ValueError("needs certificate and key together, or neither")
        return self


def expires(certificate: Path | SecretStr) -> float | None:
    """Return when the first of the certificates in this PEM expires, in seconds since 1970.

    None for a certificate that OpenSSL accepts and this parser cannot read.  Raises `OSError`.
    """
    from cryptography import x509  # takes 7 MiB, and many gateways have no certificate

    try:
        return min(each.not_valid_after_utc.timestamp() for each in x509.load_pem_x509_certificates(read(certificate)))
    except ValueError:
        return None


def client_context(settings: HostTls) -> ssl.SSLContext:
    """Return the context for connections to a server.  Raises `OSError` and `ssl.SSLError` for unusable files."""
    # create_default_context would also trust the authorities in the environment.
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    _trust(context, settings.ca)
    if settings.certificate is not None and settings.key is not None:
        _present(context, settings.certificate, settings.key)
    return context
