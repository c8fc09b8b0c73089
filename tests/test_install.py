"""One command installs the gateway with its client into a clean environment."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.contract import ROOT


@pytest.mark.timeout(600)
def test_pip_installs_the_gateway_and_the_client_from_the_checkout(tmp_path: Path) -> None:
    """Nothing called dockfleet is taken from an index, where anybody may have put it."""
    clean = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "VIRTUAL_ENV")}
    subprocess.run([sys.executable, "-m", "venv", tmp_path], check=True, env=clean)
    programs = tmp_path / "bin"

    subprocess.run(
        [programs / "pip", "install", "--quiet", "--disable-pip-version-check", ROOT],
        check=True,
        env=clean,
        cwd=tmp_path,
    )

    for program in ("dockfleet-gateway", "dockfleet"):
        helped = subprocess.run([programs / program, "--help"], capture_output=True, text=True, env=clean, cwd=tmp_path)
        assert helped.returncode == 0, helped.stderr
        assert program in helped.stdout.lower()
    origin = "import importlib.metadata as m; print(m.distribution('dockfleet').read_text('direct_url.json'))"
    found = subprocess.run(
        [programs / "python", "-c", origin], check=True, capture_output=True, env=clean, cwd=tmp_path
    )
    assert json.loads(found.stdout)["url"] == f"file://{ROOT}/clients/python"
