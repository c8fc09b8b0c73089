"""Names of images, as the Engine finds images by them (moby, daemon/images/image.go; distribution/reference)."""

from __future__ import annotations

import re
from collections.abc import Mapping

from gateway.engine.inventory.rows import ImageRow

_ID = re.compile(r"[0-9a-f]{64}")
_HUB, _INDEX, _OFFICIAL = "docker.io", "index.docker.io", "library/"


def resolved(images: Mapping[str, ImageRow], name: str) -> ImageRow | None:
    """Return the image with this reference, id or unique id prefix; None when there is none."""
    id = f"sha256:{name}" if _ID.fullmatch(name) else name
    if id in images:
        return images[id]
    wanted = familiar(name)
    for row in images.values():
        if wanted in row.tags or wanted in row.digests:
            return row
    prefix = name if ":" in name else f"sha256:{name}"
    fitting = [row for id, row in images.items() if id.startswith(prefix)] if name else []
    return fitting[0] if len(fitting) == 1 else None


def familiar(reference: str) -> str:
    """Return a reference as lists show it: `busybox:latest` for `busybox` and for `docker.io/library/busybox`."""
    name, at, digest = reference.partition("@")
    domain, slash, rest = name.partition("/")
    if not slash or not (domain == "localhost" or "." in domain or ":" in domain):
        domain, rest = _HUB, name
    repository, colon, tag = rest.rpartition(":")
    if not colon or "/" in tag:
        repository, tag = rest, ""
    if domain in (_HUB, _INDEX):
        shown = repository.removeprefix(_OFFICIAL)
        repository = shown if "/" not in shown else repository
    else:
        repository = f"{domain}/{repository}"
    return f"{repository}@{digest}" if at else f"{repository}:{tag or 'latest'}"


def children(images: Mapping[str, ImageRow]) -> dict[str, list[str]]:
    """Return the ids of the images that were built on each image."""
    found: dict[str, list[str]] = {}
    for row in images.values():
        if row.parent_id:
            found.setdefault(row.parent_id, []).append(row.id)
    return found
