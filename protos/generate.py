"""Generates what the Python packages need of the contract.

    python protos/generate.py [OUTPUT]      OUTPUT is the root of the checkout when not given

  - clients/python/dockfleet: messages, stubs and types;
  - gateway/rpc/contract.binpb.gz: the descriptors with the comments, for reflection;
  - gateway/etcd: the messages of etcd, which are no part of the contract.

The generated files are committed; a test runs this into a fresh folder and compares.
"""

from __future__ import annotations

import gzip
import re
import sys
from pathlib import Path

import grpc_tools
from google.protobuf.descriptor_pb2 import FileDescriptorSet
from grpc_tools import protoc

PROTOS = Path(__file__).resolve().parent
OLDEST_GRPC = "1.66.2"
WELL_KNOWN = Path(grpc_tools.__file__).parent / "_proto"


def main() -> int:
    root = Path(sys.argv[1]) if len(sys.argv) > 1 else PROTOS.parent
    output = root / "clients/python"
    output.mkdir(parents=True, exist_ok=True)
    (root / "gateway").mkdir(exist_ok=True)
    files = sorted(str(path) for path in PROTOS.rglob("*.proto"))
    described = root / "gateway/rpc/contract.binpb"
    described.parent.mkdir(parents=True, exist_ok=True)
    status = protoc.main(
        [
            "protoc",
            f"-I{PROTOS}",
            f"-I{WELL_KNOWN}",
            f"--python_out={output}",
            f"--grpc_python_out={output}",
            f"--mypy_out=quiet:{output}",
            f"--mypy_grpc_out=quiet:{output}",
            f"--descriptor_set_out={described}",
            "--include_source_info",
            *files,
        ]
    )
    status = status or protoc.main(
        ["protoc", f"-I{PROTOS.parent}", f"--python_out={root}", f"--mypy_out=quiet:{root}", "gateway/etcd/etcd.proto"]
    )
    for file in files:
        relax(output / Path(file).relative_to(PROTOS))
    for folder in sorted({Path(file).parent for file in files}):
        package = folder.relative_to(PROTOS)
        name = ".".join(package.parts)
        (output / package / "__init__.py").write_text(f'"""Generated code of the contract `{name}`."""\n')
        for above in package.parents[:-2]:  # what lies between the package and `dockfleet`, which is the client's own
            (output / above / "__init__.py").write_text('"""Generated code of the contract."""\n')
    described.with_suffix(".binpb.gz").write_bytes(gzip.compress(with_comments(described.read_bytes()), mtime=0))
    described.unlink()
    return int(status)


def relax(proto: Path) -> None:
    """Let the code of *proto* run with older packages than those that have generated it.

    It is a serialized descriptor and calls of `builder`, which protobuf 5, 6 and 7 have, and calls of a channel, which
    gRPC has since 1.66.  A test runs the client with the oldest and with the newest.
    """
    messages = proto.with_name(f"{proto.stem}_pb2.py")
    text = messages.read_text().replace("from google.protobuf import runtime_version as _runtime_version\n", "")
    messages.write_text(re.sub(r"_runtime_version\.Validate\w+\([^)]*\)\n", "", text))
    stubs = proto.with_name(f"{proto.stem}_pb2_grpc.py")
    version = re.sub(r"(GRPC_GENERATED_VERSION = )'.*'", rf"\1'{OLDEST_GRPC}'", stubs.read_text())
    stubs.write_text(version)


def with_comments(described: bytes) -> bytes:
    """Return a set of descriptors in which of the source only the comments are left: two thirds of its size."""
    files = FileDescriptorSet.FromString(described)
    for file in files.file:
        commented = [each for each in file.source_code_info.location if each.leading_comments]
        del file.source_code_info.location[:]
        for location in commented:
            file.source_code_info.location.add(
                path=location.path, span=location.span[:3], leading_comments=location.leading_comments
            )
    return files.SerializeToString(deterministic=True)


if __name__ == "__main__":
    raise SystemExit(main())
