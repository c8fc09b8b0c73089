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
