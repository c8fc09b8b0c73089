"""The tests that the clients of other languages have of their own, and whether their generated code is fresh."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from clients.conformance.programs import BUILD_ENVIRONMENT, BUILDS, ROOT, all_programs, build, missing

pytestmark = pytest.mark.timeout(900)  # the first time, a client is built

TESTS = {
    "java": ("mvn", "-B", f"-DbuildDirectory={BUILDS}/java", "surefire:test"),
    "rust": ("cargo", "test", "--locked", "--quiet", "--lib"),
    "typescript": ("npm", "test"),
}
FORMATTED = {
    "go": ("gofmt", "-l", "."),
    "rust": ("cargo", "fmt", "--check"),
}
GENERATED = {"rust": "src/generated", "typescript": "src/gen"}


@pytest.fixture
async def built(request: pytest.FixtureRequest) -> str:
    """A language whose client is built."""
    program = all_programs()[request.param]
    if reason := await asyncio.to_thread(missing, program):
        pytest.skip(reason)
    assert await asyncio.to_thread(build, program) == ""
    return str(request.param)


def call(language: str, *command: str) -> subprocess.CompletedProcess[str]:
    """Run a command in the folder of a language."""
    return subprocess.run(
        command,
        cwd=ROOT / "clients" / language,
        env=os.environ | BUILD_ENVIRONMENT | {"PYTHON": sys.executable},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("built", TESTS, indirect=True)
async def test_the_own_tests_of_a_client_pass(built: str) -> None:
    """They are about what the conformance suite does not see."""
    done = await asyncio.to_thread(call, built, *TESTS[built])

    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("language", FORMATTED)
def test_the_code_of_a_client_is_formatted(language: str) -> None:
    """Also the code that is generated: the formatter has nothing to change."""
    if not shutil.which(FORMATTED[language][0]):
        pytest.skip("the formatter of the language is not there")

    done = call(language, *FORMATTED[language])

    assert (done.returncode, done.stdout) == (0, "")


@pytest.mark.parametrize("built", GENERATED, indirect=True)
async def test_the_messages_of_a_client_are_what_the_contract_generates(built: str, tmp_path: Path) -> None:
    """A change of the protos comes with its code, comments included: `generate.sh` of the client makes it."""
    made = await asyncio.to_thread(call, built, "./generate.sh", str(tmp_path))

    assert made.returncode == 0, made.stdout
    assert texts(tmp_path) == texts(ROOT / "clients" / built / GENERATED[built])


def texts(folder: Path) -> dict[str, str]:
    """Return the texts of the files in *folder*, by their paths."""
    return {str(path.relative_to(folder)): path.read_text() for path in folder.rglob("*.*s") if path.is_file()}
