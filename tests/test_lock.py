"""uv.lock has what pyproject.toml asks for, and a hash for everything that is fetched."""

from __future__ import annotations

import tomllib
from typing import Any

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.support.contract import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
LOCK = tomllib.loads((ROOT / "uv.lock").read_text())
PACKAGES: dict[str, Any] = {package["name"]: package for package in LOCK["package"]}
OWN = {"dockfleet", "dockfleet-gateway"}


def asked(*texts: str) -> dict[str, str]:
    """Return what requirements allow, by name; the client is a path, which allows anything."""
    parsed = [Requirement(text.replace("{root:uri}", "file://")) for text in texts]
    return {canonicalize_name(each.name): str(each.specifier) for each in parsed}


def locked(entries: list[dict[str, Any]]) -> dict[str, str]:
    """Return the same of what the lock says that it was made for."""
    return asked(*(entry["name"] + entry.get("specifier", "") for entry in entries))


def test_the_lock_was_made_for_these_dependencies() -> None:
    """One that is new, or allowed in other versions, is not in an old lock."""
    metadata = PACKAGES["dockfleet-gateway"]["metadata"]
    extras = [text for texts in PROJECT["project"]["optional-dependencies"].values() for text in texts]

    assert locked(metadata["requires-dist"]) == asked(*PROJECT["project"]["dependencies"], *extras)
    assert locked(metadata["requires-dev"]["dev"]) == asked(*PROJECT["dependency-groups"]["dev"])


def test_everything_that_is_fetched_has_a_hash() -> None:
    """A file that is another one than it was when the lock was made is refused."""
    files = {
        name: [*package.get("wheels", []), *([package["sdist"]] if "sdist" in package else [])]
        for name, package in PACKAGES.items()
        if name not in OWN
    }

    assert [name for name, found in files.items() if not found] == []
    assert [file["url"] for found in files.values() for file in found if not file["hash"].startswith("sha256:")] == []


def test_the_client_comes_from_the_checkout() -> None:
    """On an index, anybody may have put something of its name."""
    assert PACKAGES["dockfleet"]["source"] == {"editable": "clients/python"}
