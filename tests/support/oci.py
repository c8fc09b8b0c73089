"""An image for several platforms, as an archive of the OCI image layout."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from typing import Any

_KIND = "application/vnd.oci.image"


class Layout:
    """The blobs of an archive, by digest."""

    def __init__(self) -> None:
        self.blobs: dict[str, bytes] = {}

    def add(self, kind: str, content: bytes | dict[str, Any]) -> dict[str, Any]:
        """Add a blob; return its descriptor."""
        data = (
            content if isinstance(content, bytes) else json.dumps({"mediaType": f"{_KIND}.{kind}"} | content).encode()
        )
        digest = hashlib.sha256(data).hexdigest()
        self.blobs[digest] = data
        return {"mediaType": f"{_KIND}.{kind}", "digest": f"sha256:{digest}", "size": len(data)}

    def add_platform(self, architecture: str) -> dict[str, Any]:
        """Add the image for Linux on one architecture; return the descriptor of its manifest."""
        layer = self.add("layer.v1.tar", _tar({"architecture": architecture.encode()}))
        config = self.add(
            "config.v1+json",
            {
                "os": "linux",
                "architecture": architecture,
                "config": {"Cmd": ["/bin/sh"]},
                "rootfs": {"type": "layers", "diff_ids": [layer["digest"]]},
            },
        )
        manifest = self.add("manifest.v1+json", {"schemaVersion": 2, "config": config, "layers": [layer]})
        return manifest | {"platform": {"os": "linux", "architecture": architecture}}


def index_archive(name: str, *architectures: str) -> tuple[str, bytes]:
    """Return the id of an image called *name*, REPOSITORY:TAG, and its archive."""
    layout = Layout()
    manifests = [layout.add_platform(each) for each in architectures]
    index = layout.add("index.v1+json", {"schemaVersion": 2, "manifests": manifests})
    index["annotations"] = {"io.containerd.image.name": f"docker.io/library/{name}"}
    files = {
        "oci-layout": b'{"imageLayoutVersion": "1.0.0"}',
        "index.json": json.dumps({"schemaVersion": 2, "manifests": [index]}).encode(),
    }
    return index["digest"], _tar(files | {f"blobs/sha256/{digest}": blob for digest, blob in layout.blobs.items()})


def _tar(files: dict[str, bytes]) -> bytes:
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as tar:
        for name, data in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
    return archive.getvalue()
