"""The image as a file that `docker load` and `podman load` read: layers, configuration and manifest.

The same content gives the same bytes, so a layer that has not changed is neither stored nor sent again.
"""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any


def layer(folder: Path, output: Path, epoch: int, owners: Mapping[str, int]) -> str:
    """Write what is below *folder* as a layer; return its digest.

    Everything belongs to root, but for paths of *owners*; *epoch* is the time of all files.
    """

    def plain(entry: tarfile.TarInfo) -> tarfile.TarInfo:
        entry.uid = entry.gid = owners.get(entry.name, 0)
        entry.uname = entry.gname = ""
        entry.mtime = epoch
        return entry

    with tarfile.open(output, "w", format=tarfile.PAX_FORMAT) as tar:
        for file in sorted(folder.rglob("*")):
            tar.add(file, str(file.relative_to(folder)), recursive=False, filter=plain)
    with output.open("rb") as written:
        return hashlib.file_digest(written, "sha256").hexdigest()


def image(
    output: Path,
    layers: Sequence[tuple[Path, str, str]],
    tags: Sequence[str],
    architecture: str,
    epoch: int,
    **config: Any,
) -> str:
    """Write the image with these *layers* (file, digest, what is in it); return its id.  *config* is Docker's."""
    created = datetime.fromtimestamp(epoch, UTC).isoformat().replace("+00:00", "Z")
    described = {
        "architecture": architecture,
        "os": "linux",
        "created": created,
        "config": config,
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{digest}" for _, digest, _ in layers]},
        "history": [{"created": created, "created_by": text} for _, _, text in layers],
    }
    text = json.dumps(described, sort_keys=True).encode()
    identity = hashlib.sha256(text).hexdigest()
    names = [f"{digest}.tar" for _, digest, _ in layers]
    manifest = [{"Config": f"{identity}.json", "RepoTags": list(tags), "Layers": names}]
    with tarfile.open(output, "w") as tar:
        for name, (file, _, _) in zip(names, layers, strict=True):
            entry = tarfile.TarInfo(name)
            entry.size = file.stat().st_size
            with file.open("rb") as packed:
                tar.addfile(entry, packed)
        for name, content in ((f"{identity}.json", text), ("manifest.json", json.dumps(manifest).encode())):
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            tar.addfile(entry, io.BytesIO(content))
    return f"sha256:{identity}"
