"""The responses to lists, joined from the encoded rows."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from contextlib import suppress
from typing import Any

from dockfleet.v1 import common_pb2, containers_pb2, images_pb2, networks_pb2, volumes_pb2
from google.protobuf.message import Message

from gateway.engine.codec.wire import delimited, number_field, tag
from gateway.engine.errors import NoSuchObject
from gateway.engine.inventory.clock import EngineClock
from gateway.engine.inventory.container_filters import listed_containers
from gateway.engine.inventory.contents import Contents
from gateway.engine.inventory.object_filters import listed_images, listed_networks, listed_volumes
from gateway.engine.inventory.rows import ImageRow, Row
from gateway.engine.versions import Version

_ID = re.compile(r"[0-9a-f]{64}")
_COUNTED = (1, 51)  # from this version on, images say how many containers use them
_FRESHNESS = tag(containers_pb2.ListContainersResponse.DESCRIPTOR, "freshness")  # the same in all lists


def put_together(
    request: Message, contents: Contents, version: Version, freshness: common_pb2.Freshness
) -> list[bytes] | None:
    """Return the serialised response to a request of one of the four lists, in pieces.

    None when only the engine can answer.
    Raises `InvalidField` and `NoSuchObject`.
    """
    pieces = _pieces(request, contents, version)
    return None if pieces is None else [*pieces, freshness_field(freshness)]


def check(request: Message, version: Version) -> None:
    """Raise `InvalidField` for invalid filters in a request of one of the four lists, also on an empty host.

    Engines answer some invalid filters with an internal error, and others with an empty list.
    """
    with suppress(NoSuchObject):
        _pieces(request, Contents(EngineClock()), version)


def freshness_field(freshness: common_pb2.Freshness) -> bytes:
    """Return the encoded field `freshness` of a list's response."""
    return delimited(_FRESHNESS, freshness.SerializeToString())


def ids_of(request: Message) -> frozenset[str] | None:
    """Return the ids of the containers that a request selects; None when it may select any."""
    if not isinstance(request, containers_pb2.ListContainersRequest) or "id" not in request.filters:
        return None
    ids = frozenset(request.filters["id"].items)
    return ids if ids and all(_ID.fullmatch(id) for id in ids) else None


def shows_status(request: Message) -> bool:
    """Return whether the response contains a Status, whose text changes with time."""
    return isinstance(request, containers_pb2.ListContainersRequest)


def _pieces(request: Message, contents: Contents, version: Version) -> Iterable[bytes] | None:
    match request:
        case containers_pb2.ListContainersRequest():
            containers = listed_containers(request, contents)
            return None if containers is None else contents.pieces(containers)
        case images_pb2.ListImagesRequest():
            return _images(listed_images(request, contents, version), contents, version)
        case networks_pb2.ListNetworksRequest():
            return _of(listed_networks(request, contents, version))
        case volumes_pb2.ListVolumesRequest():
            return _of(listed_volumes(request, contents, version))
    raise TypeError(f"{request.DESCRIPTOR.full_name} is not of a list")


def _of(rows: Iterable[Row[Any]] | None) -> list[bytes] | None:
    return None if rows is None else [row.piece for row in rows]


def _images(rows: Iterable[ImageRow] | None, contents: Contents, version: Version) -> list[bytes] | None:
    if rows is None or version < _COUNTED:
        return _of(rows)
    used = Counter(row.image_id for row in contents.containers.values())
    return [delimited(ImageRow.TAG, row.serialised() + _count(used[row.id])) for row in rows]


def _count(containers: int) -> bytes:
    """Return the field that says how many containers use an image: the last one of a field counts."""
    return number_field(images_pb2.ImageSummary.DESCRIPTOR, "containers", containers)
