"""The Python packages of the image: the locked ones by their hashes, and the gateway with its client."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path

from deploy.image.system import PYTHON, run

ROOT = Path(__file__).resolve().parents[2]
PLACE = f"usr/local/lib/{PYTHON}/dist-packages"  # where Debian's Python looks
_UV = Path(sys.executable).with_name("uv")
_FIELD = re.compile(r"^(Name|Version|License-Expression|License): (.*)$", re.MULTILINE)
_LEFT_OUT = ("bin", "**/*.pyi", "**/*.pyx", "**/*.pxd", "**/*.[ch]", "**/*.hpp", "**/tests", ".lock")


def install_locked(root: Path, scratch: Path, platform: str) -> None:
    """Install what uv.lock names below *root*, for *platform*; a file with another hash is refused."""
    wanted = scratch / "requirements.txt"
    own = ("--no-emit-project", "--no-emit-package", "dockfleet")
    run(_UV, "export", "--locked", "--no-dev", "--extra", "otel", *own, "--output-file", wanted, cwd=ROOT)
    _install(root, "--python-platform", platform, "--require-hashes", "--requirement", wanted)


def install_own(root: Path, scratch: Path) -> None:
    """Build the wheels of the gateway and of its client, and install them below *root*."""
    for project in (ROOT, ROOT / "clients/python"):
        run(_UV, "build", "--wheel", "--out-dir", scratch / "wheels", project)
    _install(root, *sorted((scratch / "wheels").glob("*.whl")))
    # They name the folders of the build.
    for metadata in (root / PLACE).glob("dockfleet_gateway-*/METADATA"):
        metadata.write_text(re.sub(r"(dockfleet\S*) @ file:\S+", r"\1", metadata.read_text()))
    for name in ("direct_url.json", "uv_cache.json", "RECORD"):
        for file in (root / PLACE).glob(f"*.dist-info/{name}"):
            file.unlink()


def _install(root: Path, *what: str | Path) -> None:
    place = root / PLACE
    version = PYTHON.removeprefix("python")
    choice = ("--python-version", version, "--only-binary", ":all:", "--no-deps", "--target", place)
    run(_UV, "pip", "install", *choice, *what)
    left_out = [found for pattern in _LEFT_OUT for found in place.glob(pattern)]
    run("rm", "-rf", "--", *left_out)


def compile_below(system: Path, root: Path) -> None:
    """Compile the modules below *root* with the Python of the *system*: containers cannot keep what they compile."""
    folder = root / "usr"
    # Its own loader and libraries, without a change of the root directory, for which one must be root.
    [loader] = (system / "usr/lib64").glob("ld-linux-*")
    libraries = ":".join(str(folder) for folder in (system / "usr/lib").glob("*-linux-gnu"))
    python = (loader, "--library-path", libraries, system / "usr/bin" / PYTHON)
    script = ("-m", "compileall", "-q", "-f", "--invalidation-mode", "unchecked-hash", "-s", root, "-p", "/")
    environment = {"PYTHONHOME": str(system / "usr"), "PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8"}
    run(*python, *script, folder, env=environment)


def notice(root: Path) -> str:
    """Return which Python packages are below *root*, with their licenses and where their source is."""
    lines = []
    for metadata in sorted((root / PLACE).glob("*.dist-info/METADATA")):
        fields = dict(_FIELD.findall(metadata.read_text()))
        name, version = fields["Name"], fields["Version"]
        terms = fields.get("License-Expression") or fields.get("License") or "see its own files"
        lines.append(f"{name} {version}: {terms[:80]}; source: https://pypi.org/project/{name}/{version}/#files")
    return "Python packages in this image, not changed; the texts of their licenses are beside them.\n\n" + "\n".join(
        [*lines, ""]
    )
