"""Converts hosts and sources to messages, and a client's `HostSpec` to a document."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, TypeVar

from dockfleet.fleet.v1 import hosts_pb2 as pb
from dockfleet.v1 import common_pb2
from dockfleet.v1.common_pb2 import ErrorReason
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp
from pydantic import ValidationError

from gateway.config.problems import dotted, each
from gateway.config.settings import HostSettings
from gateway.config.tls import BEGIN
from gateway.engine.errors import CallError, InvalidField
from gateway.fleet.host import Host
from gateway.fleet.registry import HostRegistry
from gateway.fleet.sources.feed import Feed
from gateway.fleet.state import State
from gateway.fleet.twins import Twins
from gateway.rpc.status import failure, safe

M = TypeVar("M", bound=Message)

_STATES = {
    State.CONNECTING: pb.HOST_STATE_CONNECTING,
    State.UP: pb.HOST_STATE_UP,
    State.DEGRADED: pb.HOST_STATE_DEGRADED,
    State.DOWN: pb.HOST_STATE_DOWN,
    State.INCOMPATIBLE: pb.HOST_STATE_INCOMPATIBLE,
    State.DRAINING: pb.HOST_STATE_DRAINING,
}


def host_message(host: Host, twins: Twins) -> pb.Host:
    """Return what the gateway knows of *host*."""
    health, contact = host.health, host.engine.last_contact
    return pb.Host(
        name=host.name,
        address=host.engine.endpoint.url,
        labels=dict(host.labels),
        state=_STATES[host.state],
        state_time=_timestamp(host.state_time),
        reason=_reason(host),
        message=safe(host.message),
        api_version=host.engine.negotiated or "",
        engine_id=safe(host.engine_id),
        engine_version=safe(host.engine_version),
        last_contact_time=_timestamp(contact),
        breakers=[
            pb.Breaker(
                kind=kind.value,
                open_time=_timestamp(breaker.open_since),
                failure=_failure(breaker.failure, host),
            )
            for kind, breaker in health.breakers.items()
            if breaker.open_since is not None and breaker.failure is not None
        ],
        source=host.source,
        ignored_sources=host.ignored_sources,
        same_engine_as=twins.of(host),
        draining=host.draining,
        inventory=host.inventory.freshness() if host.inventory.known else None,
    )


def _reason(host: Host) -> ErrorReason.ValueType:
    """Return the reason of the host's state.  An engine's refusal has the same meaning as for a call."""
    if host.health.cause is not None:
        return _failure(host.health.cause, host).reason
    return ErrorReason.Value(f"ERROR_REASON_{host.health.reason or 'UNSPECIFIED'}")


def _failure(error: CallError, host: Host) -> common_pb2.Failure:
    found = failure(error, host.name, changes=False)
    assert found is not None
    return found.message_of(host.name)


def source_messages(feeds: Iterable[Feed]) -> Iterator[pb.HostSource]:
    """Yield what the gateway knows of the sources of hosts."""
    for feed in feeds:
        yield pb.HostSource(
            name=feed.name,
            up=feed.known and not feed.failure,
            message=safe(feed.failure),
            last_success_time=_timestamp(feed.last_success),
            hosts=len(feed.hosts),
            refused_entries=[
                pb.RefusedHostEntry(place=safe(one.place), message=safe("; ".join(one.why.splitlines())))
                for one in (*feed.refused, *feed.unusable)
            ],
        )


def incomplete_sources(hosts: HostRegistry) -> Iterator[pb.HostSource]:
    """Yield the sources whose hosts the gateway does not know completely."""
    return source_messages(feed for feed in hosts.feeds if not feed.complete)


def sources_response(kind: type[M], hosts: HostRegistry, resume_token: bytes = b"") -> M | None:
    """Return the first response of a stream, which names the incomplete sources; None when there are none.

    Its *resume_token* is that of the request: the client continues there.
    """
    sources = list(incomplete_sources(hosts))
    token = {"resume_token": resume_token} if resume_token else {}  # not every *kind* has one
    return kind(incomplete_sources=sources, **token) if sources else None


def document_of(spec: pb.HostSpec) -> str:
    """Return a client's description of a host as a document, in the format of a file of hosts.

    Raises `InvalidField` for an invalid field.
    """
    document: dict[str, Any] = {"address": spec.address, "labels": dict(spec.labels)}
    for name in ("tls", "ssh"):
        if spec.HasField(name):
            document[name] = {field.name: value for field, value in getattr(spec, name).ListFields()}
    if spec.insecure:
        document["insecure"] = True
    _check_texts(document.get("tls", {}))
    try:
        host = HostSettings.model_validate(document | {"name": spec.name})
    except ValidationError as error:
        path, text = next(each(error, "hosts[]."))
        raise InvalidField(".".join(filter(None, ("spec", dotted(path)))), text) from error
    if any(host.files()):
        raise InvalidField("spec", "must not name files of the gateway's machine")
    return json.dumps(document)


def _check_texts(tls: Mapping[str, str]) -> None:
    """Refuse a value that would be read as a path on the gateway's machine."""
    for name in ("ca", "certificate", "key"):
        if name in tls and BEGIN not in tls[name]:
            raise InvalidField(f"spec.tls.{name}", "must be PEM text")


def _timestamp(seconds: float | None) -> Timestamp | None:
    return None if seconds is None else Timestamp(seconds=int(seconds), nanos=int(seconds % 1 * 1e9))
