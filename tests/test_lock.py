"""uv.lock has what pyproject.toml asks for, and a hash for everything that is fetched; and it is audited."""

from __future__ import annotations

import os
import shutil
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.support.contract import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
OWN = {"dockfleet", "dockfleet-gateway"}


@pytest.fixture(scope="module")
def packages() -> dict[str, Any]:
    """The packages of uv.lock, by name."""
    lock = tomllib.loads((ROOT / "uv.lock").read_text())
    return {package["name"]: package for package in lock["package"]}


def asked(*texts: str) -> dict[str, str]:
    """Return what requirements allow, by name; the client is a path, which allows anything."""
    parsed = [Requirement(text.replace("{root:uri}", "file://")) for text in texts]
    return {canonicalize_name(each.name): str(each.specifier) for each in parsed}


def locked(entries: list[dict[str, Any]]) -> dict[str, str]:
    """Return the same of what the lock says that it was made for."""
    return asked(*(entry["name"] + entry.get("specifier", "") for entry in entries))


def test_the_lock_was_made_for_these_dependencies(packages: dict[str, Any]) -> None:
    """One that is new, or allowed in other versions, is not in an old lock."""
    metadata = packages["dockfleet-gateway"]["metadata"]
    extras = [text for texts in PROJECT["project"]["optional-dependencies"].values() for text in texts]

    assert locked(metadata["requires-dist"]) == asked(*PROJECT["project"]["dependencies"], *extras)
    groups = PROJECT["dependency-groups"]
    assert {name: locked(metadata["requires-dev"][name]) for name in groups} == {
        name: asked(*texts) for name, texts in groups.items()
    }


def test_everything_that_is_fetched_has_a_hash(packages: dict[str, Any]) -> None:
    """A file that is another one than it was when the lock was made is refused."""
    files = {
        name: [*package.get("wheels", []), *([package["sdist"]] if "sdist" in package else [])]
        for name, package in packages.items()
        if name not in OWN
    }

    assert [name for name, found in files.items() if not found] == []
    assert [file["url"] for found in files.values() for file in found if not file["hash"].startswith("sha256:")] == []


def test_the_client_comes_from_the_checkout(packages: dict[str, Any]) -> None:
    """On an index, anybody may have put something of its name."""
    assert packages["dockfleet"]["source"] == {"editable": "clients/python"}


FOUND = "Found 2 known vulnerabilities in 1 package\nName Version ID Fix Versions"
NOTHING = "No known vulnerabilities found"
SKIPPED = "Name Skip Reason\ngrpcio Dependency not found on PyPI and could not be audited: grpcio (1.85.3)"
AWAY = "ERROR:pip_audit._cli:Tried to connect to PyPI"


@pytest.mark.parametrize(
    ("said", "code", "required", "expected"),
    [
        (NOTHING, 0, "", 0),
        (NOTHING, 0, "required", 0),
        (FOUND, 1, "", 1),
        (AWAY, 1, "", 0),
        (AWAY, 1, "required", 1),
        (SKIPPED, 0, "", 0),
        (SKIPPED, 0, "required", 1),
    ],
)
def test_an_audit_fails_for_what_is_vulnerable_and_says_when_it_knows_nothing(
    tmp_path: Path, said: str, code: int, required: str, expected: int
) -> None:
    """Of everything that the gateway's lock names, with its hashes; the auditor's words decide (A5 79)."""
    (tmp_path / "deploy").mkdir()
    script = shutil.copy(ROOT / "deploy/audit.sh", tmp_path / "deploy/audit.sh")
    auditor = tmp_path / ".venv/bin/uv"
    auditor.parent.mkdir(parents=True)
    auditor.write_text(f"""#!/bin/sh
echo "$@" >> "{tmp_path}/asked"
[ "$1" = export ] || {{ echo '{said}'; exit {code}; }}
""")
    auditor.chmod(0o755)
    environment = os.environ | {"AUDIT": required}
    audit = subprocess.run([script], env=environment, capture_output=True, text=True)
    export, check = (tmp_path / "asked").read_text().splitlines()

    assert audit.returncode == expected
    assert ("NOT AUDITED" in audit.stderr) == (said in (AWAY, SKIPPED))
    assert "--locked" in export
    assert "--require-hashes" in check


def test_what_must_pass_before_a_change_lands_has_the_audit() -> None:
    """It is a step of its own, for tests may run where there is no index."""
    assert "make audit" in (ROOT / ".ci/run").read_text().splitlines()
