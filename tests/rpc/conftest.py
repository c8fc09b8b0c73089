"""What tests of the gRPC front end share."""

from __future__ import annotations

import io
import logging
from collections.abc import Iterator

import pytest

from gateway.telemetry.logging import JsonFormatter


@pytest.fixture
def logged() -> Iterator[io.StringIO]:
    """Collect all lines of the log, as the gateway would write them."""
    lines = io.StringIO()
    writer = logging.StreamHandler(lines)
    writer.setFormatter(JsonFormatter())
    root = logging.getLogger()
    level = root.level
    root.addHandler(writer)
    root.setLevel(logging.DEBUG)
    yield lines
    root.removeHandler(writer)
    root.setLevel(level)
