"""Whether the committed Go code is what the contract generates."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

GO = Path(__file__).parents[2] / "clients/go"
PROTOC = re.compile(r"//[\s-]*protoc\s+\S+")  # the comment that names the version of protoc, which may be any


def generated_code(folder: Path) -> dict[str, list[str]]:
    """Return the lines of each generated file in *folder*, by its path."""
    return {
        str(path.relative_to(folder)): [line for line in path.read_text().splitlines() if not PROTOC.fullmatch(line)]
        for path in folder.glob("dockfleet*v1/*")
    }


@pytest.mark.timeout(600)  # the first time, Go compiles the generators
def test_the_go_code_is_what_the_contract_generates(tmp_path: Path) -> None:
    """A change of the protos comes with its Go code, comments included: `clients/go/generate.sh` makes it."""
    if not shutil.which("go"):
        pytest.skip("the Go code is generated where Go is installed")

    made = subprocess.run(
        [GO / "generate.sh", tmp_path],
        env=os.environ | {"PROTOC": f"{sys.executable} -m grpc_tools.protoc"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert made.returncode == 0, made.stdout

    committed, fresh = generated_code(GO), generated_code(tmp_path)
    assert sorted(committed) == sorted(fresh)
    assert [name for name, lines in fresh.items() if lines != committed[name]] == []
