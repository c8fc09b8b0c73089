"""The contract generates and compiles in other languages than the gateway's."""

from __future__ import annotations

import platform
import re
import subprocess
import zipfile
from functools import cache
from pathlib import Path

import pytest

from clients.conformance.programs import BUILDS, ROOT

PROTOS = ROOT / "protos"
LANGUAGES = ("cpp", "csharp", "java", "kotlin", "python")
COPY = "org.apache.maven.plugins:maven-dependency-plugin:3.9.0:copy"


@pytest.mark.parametrize("language", LANGUAGES)
def test_debians_protoc_generates_a_language(language: str, tmp_path: Path) -> None:
    """Debian's protoc 3.21 generates the code of a language and complains of nothing."""
    need("protoc")
    version = subprocess.run(["protoc", "--version"], capture_output=True, text=True, check=True).stdout.strip()
    if not version.startswith("libprotoc 3.21."):
        pytest.skip(f"the protoc of this machine is not Debian's but {version}")

    generate("protoc", f"--{language}_out={tmp_path}")


@pytest.mark.timeout(300)
@pytest.mark.parametrize("language", LANGUAGES)
def test_the_newest_protoc_generates_a_language(language: str, tmp_path: Path) -> None:
    """The newest protoc generates the code of a language and complains of nothing."""
    protoc, well_known = newest_protoc()

    generate(protoc, f"-I{well_known}", f"--{language}_out={tmp_path}")


def need(tools: str) -> None:
    """Install the tools of a language, or skip the test with the reason why they cannot be installed."""
    installed = subprocess.run([ROOT / "deploy/toolchains.sh", tools], capture_output=True, text=True, check=False)
    if installed.returncode:
        pytest.skip(installed.stderr.strip().rpartition("\n")[2])


def generate(protoc: str, *arguments: str) -> None:
    """Generate code of the whole contract."""
    protos = [str(path.relative_to(PROTOS)) for path in sorted(PROTOS.rglob("*.proto"))]
    done = subprocess.run([protoc, f"-I{PROTOS}", *arguments, *protos], capture_output=True, text=True, check=False)

    assert (done.returncode, done.stderr) == (0, "")


@cache
def newest_protoc() -> tuple[str, str]:
    """Fetch the protoc that the Java client names; return its path and that of the protos which belong to it."""
    need("java")
    found = re.search("<protobuf.version>(.+)</", (ROOT / "clients/java/pom.xml").read_text())
    assert found
    version, system = found[1], f"linux-{platform.machine().replace('aarch64', 'aarch_64')}"
    folder = BUILDS / f"protoc-{version}"
    protoc, library = folder / f"protoc-{version}-{system}.exe", folder / f"protobuf-java-{version}.jar"
    if not library.exists():
        for artifact in (f"protoc:{version}:exe:{system}", f"protobuf-java:{version}"):
            where = (f"-Dartifact=com.google.protobuf:{artifact}", f"-DoutputDirectory={folder}")
            fetched = subprocess.run(["mvn", "-B", "-q", COPY, *where], capture_output=True, text=True, check=False)
            assert fetched.returncode == 0, fetched.stdout
        protoc.chmod(0o755)
        with zipfile.ZipFile(library) as archive:
            archive.extractall(folder, [name for name in archive.namelist() if name.endswith(".proto")])
    return str(protoc), str(folder)
