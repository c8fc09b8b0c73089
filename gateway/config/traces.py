"""The keys of traces."""

from __future__ import annotations

from importlib.util import find_spec
from urllib.parse import urlsplit

from pydantic import Field, field_validator

from gateway.config.section import File, Section

_NEEDED = ("opentelemetry.sdk", "opentelemetry.exporter.otlp.proto.http")


class Traces(Section):
    """Where spans of calls are sent."""

    endpoint: str | None = Field(default=None, max_length=2048)
    """URL of a collector that takes OTLP over HTTP, such as http://127.0.0.1:4318/v1/traces.  Without it, there are no
    traces.  `OTEL_EXPORTER_OTLP_HEADERS` can hold headers with credentials."""

    ca: File | None = None
    """File of the authority of an https collector.  Default: the authorities that Python's requests know."""

    sample_ratio: float = Field(default=1.0, ge=0, le=1)
    """Share of the calls that are traced, of those whose clients have not decided it."""

    @field_validator("endpoint")
    @classmethod
    def _usable(cls, endpoint: str | None) -> str | None:
        if endpoint is None:
            return None
        url = urlsplit(endpoint)
        if url.scheme not in ("http", "https") or not url.hostname or url.username is not None:
            raise ValueError("must be http://host:port/path or https://…, without a user")
        if not all(map(_installed, _NEEDED)):
            raise ValueError("needs OpenTelemetry: install the gateway with its extra, pip install '.[otel]'")
        return endpoint


def _installed(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except ModuleNotFoundError:  # the package that it would be in
        return False
