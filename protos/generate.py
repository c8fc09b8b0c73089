"""Generates the Python code of the contract (messages, stubs, types) into the client package.

    python protos/generate.py [OUTPUT]      OUTPUT is clients/python when not given

The generated files are committed; CI runs this into a fresh folder and compares.
"""

from __future__ import annotations

import sys
from pathlib import Path

import grpc_tools
from grpc_tools import protoc

PROTOS = Path(__file__).resolve().parent
WELL_KNOWN = Path(grpc_tools.__file__).parent / "_proto"


def main() -> int:
    output = Path(sys.argv[1]) if len(sys.argv) > 1 else PROTOS.parent / "clients/python"
    output.mkdir(parents=True, exist_ok=True)
    files = sorted(str(path) for path in PROTOS.rglob("*.proto"))
    status = protoc.main(
        [
            "protoc",
            f"-I{PROTOS}",
            f"-I{WELL_KNOWN}",
            f"--python_out={output}",
            f"--grpc_python_out={output}",
            f"--mypy_out=quiet:{output}",
            f"--mypy_grpc_out=quiet:{output}",
            *files,
        ]
    )
    for folder in sorted({Path(file).parent for file in files}):
        package = folder.relative_to(PROTOS)
        name = ".".join(package.parts)
        (output / package / "__init__.py").write_text(f'"""Generated code of the contract `{name}`."""\n')
        for above in package.parents[:-2]:  # what lies between the package and `dockfleet`, which is the client's own
            (output / above / "__init__.py").write_text('"""Generated code of the contract."""\n')
    return int(status)


if __name__ == "__main__":
    raise SystemExit(main())
