"""The Go client's own tests."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.clients.test_languages import need

GO = Path(__file__).parents[2] / "clients/go"


@pytest.mark.timeout(600)  # the first time, Go compiles the client and gRPC
def test_the_go_client_passes_its_tests() -> None:
    """They need no gateway, and none is skipped."""
    need("go")

    for command in (["go", "vet", "./..."], ["go", "test", "-count=1", "-v", "./..."]):
        done = subprocess.run(command, cwd=GO, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr

    assert "--- PASS" in done.stdout
    assert "--- SKIP" not in done.stdout


@pytest.mark.timeout(600)
def test_a_program_uses_the_go_client_from_its_folder(tmp_path: Path) -> None:
    """One `replace` makes the module usable, as the README says."""
    need("go")
    (tmp_path / "main.go").write_text(
        'package main\n\nimport "dockfleet.internal/go/dockfleet"\n\nfunc main() {\n'
        '\tfleet, err := dockfleet.Dial("127.0.0.1:1")\n\tif err != nil {\n\t\tpanic(err)\n\t}\n'
        '\tprintln(fleet.Host("north").Name())\n}\n'
    )
    (tmp_path / "go.mod").write_text("module user\n\ngo 1.23.0\n")
    replace = f"-replace=dockfleet.internal/go={GO}"

    for command in (["go", "mod", "edit", replace], ["go", "mod", "tidy"], ["go", "run", "."]):
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr

    assert done.stderr == "north\n"
