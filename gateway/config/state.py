"""The state directory: it holds the key that signs resume tokens."""

from __future__ import annotations

import contextlib
import logging
import os
import secrets
from pathlib import Path

from gateway.config.settings import Settings

log = logging.getLogger("gateway.config")

FILE = "resume.key"
_BYTES = 32
_LEAST_BYTES = 16


def resume_key(settings: Settings) -> bytes:
    """Return the key that signs resume tokens.

    If it cannot be kept, this logs a warning and returns a key for this run only.  Raises `OSError` when the file of
    `resume_key` cannot be read.
    """
    if settings.resume_key is not None:
        return settings.resume_key.read_bytes()
    why = "no state directory is configured"
    if settings.state_directory is not None:
        try:
            return kept_key(settings.state_directory)
        except OSError as error:
            why = str(error)
    log.warning("resume tokens end with this run: set state_directory or resume_key", extra={"fields": {"why": why}})
    return secrets.token_bytes(_BYTES)


def kept_key(directory: Path) -> bytes:
    """Return the key in *directory*.  Make a missing directory or key, for its owner only.

    Gateways that start at the same time get the same key.  Raises `OSError`.
    """
    file = directory / FILE
    if not file.exists():
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        _make(file)
    key = file.read_bytes()
    if len(key) < _LEAST_BYTES:
        raise OSError(f"{file} has fewer than {_LEAST_BYTES} bytes: remove it, and the gateway makes a new one")
    return key


def _make(file: Path) -> None:
    """Write a new key unless another gateway has made one.  No gateway can read a part of it."""
    draft = file.with_name(f".{file.name}.{secrets.token_hex(8)}")
    try:
        with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as writer:
            writer.write(secrets.token_bytes(_BYTES))
            writer.flush()
            os.fsync(writer.fileno())
        with contextlib.suppress(FileExistsError):
            os.link(draft, file)  # a rename would replace the key of another gateway
    finally:
        draft.unlink(missing_ok=True)
