"""The contract generates and compiles in other languages than the gateway's."""

from __future__ import annotations

import platform
import re
import subprocess
import zipfile
from functools import cache
from pathlib import Path

import pytest

from tests.clients.examples import BUILDS, EXAMPLES, MAVEN, PROTOS, ROOT, build, call, need

LANGUAGES = ("cpp", "csharp", "java", "kotlin", "python")
COPY = "org.apache.maven.plugins:maven-dependency-plugin:3.9.0:copy"


@pytest.mark.timeout(600)
@pytest.mark.parametrize("language", EXAMPLES)
def test_the_example_of_a_language_builds(language: str) -> None:
    """The code that a language's generator makes of the contract compiles, and so does the example client."""
    build(language)


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


def generate(protoc: str, *arguments: str) -> None:
    """Generate code of the whole contract."""
    protos = [str(path.relative_to(PROTOS)) for path in sorted(PROTOS.rglob("*.proto"))]
    done = subprocess.run([protoc, f"-I{PROTOS}", *arguments, *protos], capture_output=True, text=True, check=False)

    assert (done.returncode, done.stderr) == (0, "")


@cache
def newest_protoc() -> tuple[str, str]:
    """Fetch the protoc that the Java example names; return its path and that of the protos which belong to it."""
    need("java")
    found = re.search("<protobuf.version>(.+)</", (ROOT / "clients/java/pom.xml").read_text())
    assert found
    version, system = found[1], f"linux-{platform.machine().replace('aarch64', 'aarch_64')}"
    folder = BUILDS / f"protoc-{version}"
    protoc, library = folder / f"protoc-{version}-{system}.exe", folder / f"protobuf-java-{version}.jar"
    if not library.exists():
        for artifact in (f"protoc:{version}:exe:{system}", f"protobuf-java:{version}"):
            where = (f"-Dartifact=com.google.protobuf:{artifact}", f"-DoutputDirectory={folder}")
            fetched = call("java", [*MAVEN, COPY, *where])
            assert fetched.returncode == 0, fetched.stdout
        protoc.chmod(0o755)
        with zipfile.ZipFile(library) as archive:
            archive.extractall(folder, [name for name in archive.namelist() if name.endswith(".proto")])
    return str(protoc), str(folder)
