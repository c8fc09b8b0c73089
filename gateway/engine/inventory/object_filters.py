"""The filters of ListImages, ListNetworks and ListVolumes, with the rules of the Engine.

(moby: daemon/images/image_list.go, daemon/network/filter.go, volume/service/convert.go)
"""

from __future__ import annotations

from collections.abc import Sequence

import re2
from dockfleet.v1 import images_pb2, networks_pb2, volumes_pb2

from gateway.engine.inventory import images
from gateway.engine.inventory.contents import Contents
from gateway.engine.inventory.filters import Filters, Pattern
from gateway.engine.inventory.rows import ImageRow, NetworkRow, VolumeRow
from gateway.engine.versions import Version

_FOUR_FORMS = (
    1,
    43,
)  # from this version on, booleans are `true`, `1`, `false` and `0`, and only one of them is allowed
_REFERENCES_MATCH_OTHERWISE = (1, 48)
_ENDPOINTS_LISTED = (1, 52)
_IMAGE_KEYS = frozenset(("before", "dangling", "label", "reference", "since", "until"))
_NETWORK_KEYS = frozenset(("dangling", "driver", "id", "label", "name", "scope", "type"))
_VOLUME_KEYS = frozenset(("dangling", "driver", "label", "name"))
_BUILT_IN = frozenset(("bridge", "default", "host", "none"))
_EVER = 1 << 62
_TRUE, _FALSE = ("true", "1"), ("false", "0")

# Images


def listed_images(
    request: images_pb2.ListImagesRequest, contents: Contents, version: Version
) -> Sequence[ImageRow] | None:
    """Return the images that *request* lists, in order; None where only the engine can tell.

    Raises `InvalidField` for a wrong filter.
    """
    filters = Filters(request.filters, _IMAGE_KEYS)
    dangling = _boolean(filters, "dangling", version, _TRUE[:1] if version < _FOUR_FORMS else _TRUE)
    patterns = [_glob(filters, value) for value in filters["reference"]]
    if _only_the_engine_knows(request, filters, contents, version):
        return None
    parents = images.children(contents.images).keys()
    earliest, latest = _bounds(filters, contents)
    if earliest is None or latest is None:
        return None
    found: list[ImageRow] = []
    for row in contents.images.values():
        if not earliest < row.created < latest or not filters.labels(row.labels):
            continue
        shown = row if not patterns else row.named(lambda name: any(_fits(name, pattern) for pattern in patterns))
        if dangling and (row.id in parents or shown.tags):
            continue
        if not shown.tags and not shown.digests:
            hidden = row.id in parents and not request.all
            if hidden or patterns or dangling is False:
                continue
        found.append(shown)
    return found


def _only_the_engine_knows(
    request: images_pb2.ListImagesRequest, filters: Filters, contents: Contents, version: Version
) -> bool:
    """Return whether the rows do not have the data that the request needs."""
    if request.shared_size or request.manifests or request.identity or "until" in filters:
        return True
    if filters.are_costly(len(contents.images)):
        return True
    if filters["reference"] and version >= _REFERENCES_MATCH_OTHERWISE:
        return True
    if len(filters["before"]) > 1 or len(filters["since"]) > 1:  # older engines take one of them at random
        return True
    # An image of several platforms has several labels.
    return bool(filters["label"]) and contents.has_containerd_images


def _bounds(filters: Filters, contents: Contents) -> tuple[int | None, int | None]:
    """Return between which seconds images were created that fit; None where only the engine can tell."""
    bounds: list[int | None] = []
    for key, none in (("since", -_EVER), ("before", _EVER)):
        if not filters[key]:
            bounds.append(none)
            continue
        row = images.resolved(contents.images, filters[key][0])
        if row is None:  # the engine knows whether it is absent or malformed
            return None, None
        # Of images of one second, their nanoseconds decide.
        alone = sum(other.created == row.created for other in contents.images.values()) == 1
        bounds.append(row.created if alone and row.created else None)
    return bounds[0], bounds[1]


def _fits(name: str, pattern: Pattern) -> bool:
    """Return whether a reference fits a pattern, with its tag or digest or without."""
    repository = name.partition("@")[0] if "@" in name else name.rpartition(":")[0]
    return bool(pattern.fullmatch(name) or pattern.fullmatch(repository))


def _glob(filters: Filters, value: str) -> Pattern:
    """Return a pattern of Go's path.Match as a regular expression.  Raises `InvalidField`."""
    text, rest = "", value
    while rest:
        char, rest = rest[0], rest[1:]
        if char == "*":
            text += "[^/]*"
        elif char == "?":
            text += "[^/]"
        elif char == "[":
            part, rest = _class(filters, value, rest)
            text += part
        else:
            if char == "\\":
                char, rest = rest[:1], rest[1:]
            if not char:
                raise filters.refuse("reference", value, "must not end with a backslash")
            text += re2.escape(char)
    return re2.compile(f"(?s){text}")


def _class(filters: Filters, value: str, rest: str) -> tuple[str, str]:
    """Return what a `[…]` stands for, and what comes after it."""
    wrong = filters.refuse("reference", value, "must close each `[`, with characters or ranges inside")
    inverted = rest.startswith("^")
    rest, ranges = rest.removeprefix("^"), ""
    while not (rest.startswith("]") and ranges):
        ends: list[str] = []
        while True:
            char, rest = rest[:1], rest[1:]
            if char in ("", "-", "]"):
                raise wrong
            if char == "\\":
                char, rest = rest[:1], rest[1:]
            if not char or not rest:
                raise wrong
            ends.append(char)
            if len(ends) == 2 or not rest.startswith("-"):
                break
            rest = rest[1:]
        # A range that runs backwards is of no character: of none that names have.
        ranges += f"{re2.escape(ends[0])}-{re2.escape(ends[-1])}" if ends[0] <= ends[-1] else "\\x00"
    return f"[{'^' if inverted else ''}{ranges}]", rest[1:]


# Networks


def listed_networks(
    request: networks_pb2.ListNetworksRequest, contents: Contents, version: Version
) -> Sequence[NetworkRow] | None:
    """Return the networks that *request* lists; None where only the engine can tell.  Raises `InvalidField`."""
    filters = Filters(request.filters, _NETWORK_KEYS)
    types = filters.words("type", ("builtin", "custom"))
    unused = filters.words("dangling", (*_TRUE, *_FALSE))
    if len(unused) > 1:
        raise filters.refuse("dangling", ", ".join(sorted(unused)), "must have one value")
    rows: Sequence[NetworkRow] = tuple(contents.networks.values())
    if filters and any(row.scope == "swarm" for row in rows):  # a cluster applies rules of its own
        return None
    if filters.are_costly(len(rows)):
        return None
    if unused and version >= _ENDPOINTS_LISTED:
        return None

    def fits(row: NetworkRow) -> bool:
        built_in = row.name in _BUILT_IN
        return (
            filters.exact("driver", row.driver)
            and filters.exact("scope", row.scope)
            and filters.match("name", row.name)
            and filters.match("id", row.id)
            and filters.labels(row.labels)
            # The Engine looks for endpoints, which its list does not have: no network seems to be in use.
            and (not unused or built_in is not bool(unused & set(_TRUE)))
            and (not types or ("builtin" if built_in else "custom") in types)
        )

    return [row for row in rows if fits(row)]


# Volumes


def listed_volumes(
    request: volumes_pb2.ListVolumesRequest, contents: Contents, version: Version
) -> Sequence[VolumeRow] | None:
    """Return the volumes that *request* lists; None where only the engine can tell.  Raises `InvalidField`."""
    filters = Filters(request.filters, _VOLUME_KEYS)
    unused = _boolean(filters, "dangling", version, _TRUE)
    rows: Sequence[VolumeRow] = tuple(contents.volumes.values())
    if contents.volume_warnings or any(row.driver != "local" for row in rows):  # they can change without an event
        return None
    if filters.are_costly(len(rows)):
        return None
    used = frozenset(contents.used_volumes()) if unused is not None else frozenset()

    def fits(row: VolumeRow) -> bool:
        return (
            filters.match("name", row.name)
            and filters.exact("driver", row.driver)
            and filters.labels(row.labels)
            and (unused is None or (row.name not in used) is unused)
        )

    return [row for row in rows if fits(row)]


def _boolean(filters: Filters, key: str, version: Version, true: Sequence[str]) -> bool | None:
    """Return what a filter says that is true or false; None when it is not there.

    Raises `InvalidField`.  Older engines take both, for true.
    """
    if key not in filters:
        return None
    false = _FALSE[: len(true)]
    values = filters.words(key, (*true, *false))
    both = len({value in true for value in values}) > 1
    if not values or (both and version >= _FOUR_FORMS):
        raise filters.refuse(key, ", ".join(filters[key]), f"must be one of {', '.join((*true, *false))}")
    return any(value in true for value in values)
