"""The address of a gateway, and the credentials for it.  It imports no stubs, so that the import is quick."""

from __future__ import annotations

import re
import ssl
from collections.abc import Mapping
from ipaddress import IPv6Address
from pathlib import Path
from typing import Any

import grpc

DEFAULT_PORT = 50051
DEFAULT_TARGET = f"127.0.0.1:{DEFAULT_PORT}"
OTHER_KEY = ("KEY_VALUES_MISMATCH", "KEY_TYPE_MISMATCH", "NO_CERTIFICATE_ASSIGNED")  # OpenSSL's reasons
VISIBLE = re.compile(r"[!-~]+")
WITHOUT_PORT = re.compile(r"(dns:(//[^/]*/)?)?([^\s:/@\[\]]+|\[[^\s/@\[\]]+\])")
WITH_PORT = re.compile(rf"({WITHOUT_PORT.pattern}):(?P<port>[0-9]+)")
OTHER_NAME = re.compile(r"(dns|ipv4|ipv6|unix|unix-abstract|vsock):.+")  # what gRPC resolves besides
LAST_PORT = 65535

PathLike = str | Path

CONNECTION: Mapping[str, Any] = {
    "grpc.use_local_subchannel_pool": 1,  # else all channels to an address share one connection
    "grpc.keepalive_time_ms": 30_000,  # the gateway allows pings every 10 s
    "grpc.keepalive_timeout_ms": 10_000,
    "grpc.initial_reconnect_backoff_ms": 200,
    "grpc.max_reconnect_backoff_ms": 1000,  # gRPC's default of 2 minutes is longer than a restart
    "grpc.http2.max_pings_without_data": 0,  # a quiet log needs pings too
    "grpc.max_receive_message_length": 64 << 20,  # bytes; the gateway's own limit is usually lower
}
"""The options of a channel to a gateway."""


def address(target: str) -> str:
    """Return *target* as gRPC takes it, with the default port when it has none.

    Raises `ValueError` for an empty target, for a URL such as `http://…`, and for what is no `HOST:PORT`.
    """
    scheme, url, _ = target.partition("://")
    if url and scheme not in ("dns", "unix"):
        raise ValueError(f"the address of the gateway is HOST:PORT, without {scheme}://: {target!r}")
    if not target.strip():
        raise ValueError("the address of the gateway is empty: HOST:PORT is wanted")
    if target.count(":") > 1 and _is_ipv6(target):
        return f"[{target}]:{DEFAULT_PORT}"
    if WITHOUT_PORT.fullmatch(target):
        return f"{target}:{DEFAULT_PORT}"
    found = WITH_PORT.fullmatch(target)
    if not (OTHER_NAME.match(target) or (found and 0 < int(found["port"]) <= LAST_PORT)):
        raise ValueError(f"the address of the gateway is HOST:PORT: {target!r}")
    return target


def credentials(
    tls: bool, ca: PathLike | None, cert: PathLike | None, key: PathLike | None, token: str | None = None
) -> grpc.ChannelCredentials | None:
    """Return the credentials of a channel from the paths of PEM files and a *token*; None without TLS.

    Raises `OSError` for a file that cannot be read, and `ValueError` for one of *cert* and *key* without the other, for
    a file that is no PEM file, and for a token without TLS or with characters that cannot be sent.
    """
    if not (tls or ca or cert or key):
        if token:
            raise ValueError("a token is sent over TLS only: set tls or tls_ca")
        return None
    if bool(cert) != bool(key):
        given, missing = ("tls_cert", "tls_key") if cert else ("tls_key", "tls_cert")
        raise ValueError(f"tls_cert and tls_key belong together: {given} is given without {missing}")
    pems = [None if not path else Path(path).read_bytes() for path in (ca, key, cert)]
    _check_pem(ca, cert, key)
    secure = grpc.ssl_channel_credentials(*pems)
    if not token:
        return secure
    if not VISIBLE.fullmatch(token):
        raise ValueError("the token has characters that cannot be sent: blanks, line breaks, or others than ASCII")
    return grpc.composite_channel_credentials(secure, grpc.access_token_call_credentials(token))


def _check_pem(ca: PathLike | None, cert: PathLike | None, key: PathLike | None) -> None:
    """Raise `ValueError` for a file that OpenSSL does not accept.  gRPC fails at the first call and names no file."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.set_ciphers("ALL:@SECLEVEL=0")  # whether a key is long enough is for the handshake to decide
    for path in (each for each in (ca, cert) if each):
        try:
            context.load_verify_locations(path)
        except ssl.SSLError:
            raise ValueError(f"{path} is not a certificate in PEM format") from None
    if cert and key:
        try:
            context.load_cert_chain(cert, key, password="")  # else it asks for one on the terminal
        except ssl.SSLError as error:
            if error.reason in OTHER_KEY:
                raise ValueError(f"{key} is not the private key of {cert}") from None
            raise ValueError(f"{key} is not a private key in PEM format without a password") from None


def _is_ipv6(text: str) -> bool:
    try:
        return IPv6Address(text).version == 6
    except ValueError:
        return False
