"""The packages of the clients install from their folders with one command, and a program uses them."""

from __future__ import annotations

import asyncio
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from clients.conformance.programs import BUILD_ENVIRONMENT, BUILDS, ROOT, all_programs, build, building, missing
from clients.conformance.running import environment
from clients.conformance.scripted_gateway import ScriptedGateway

pytestmark = pytest.mark.timeout(900)  # the first time, a client is built

CLIENTS = ROOT / "clients"
OFFLINE = {"CARGO_NET_OFFLINE": "true", "npm_config_prefer_offline": "true"}  # what is there is enough
MAVEN = ("mvn", "-B", "-q")


HEADING = "## A first program\n"
FENCE = re.compile(r"(?:`(?P<file>[^`]+)`:\n\n)?```(?P<kind>\w+)\n(?P<text>.*?)```\n", re.DOTALL)
CHECKOUT = "../dockfleet/"
LANGUAGES = ("go", "java", "rust", "typescript")
"""Those whose README has a first program.  Python and C++ have tests of their own: test_client_wheel.py, test_cpp.py"""


CALLS: list[dict[str, Any]] = [
    {
        "method": "v1.ContainerService/ListContainers",
        "requests": [{"host": "north", "all": True}],
        "responses": [{"containers": [{"names": ["/web"], "state": "running"}]}],
    },
    {
        "method": "v1.ContainerService/StreamLogs",
        "requests": [{"host": "north", "id": "web", "follow": True, "strict": True, "tail": 10}],
        "responses": [
            {"batch": {"entries": [{"data": "aGVsbG8="}]}},
            {"end": {"reason": "LOG_END_REASON_EXITED"}},
        ],
    },
]
"""What the first programs and the recipe for Kotlin call."""


@pytest.mark.parametrize("language", LANGUAGES)
async def test_the_first_program_of_a_readme_runs_in_a_fresh_folder(language: str, tmp_path: Path) -> None:
    """All commands and files are those of the README, word for word; the program lists containers and prints a log."""
    await built(language)
    await installed(language)
    folder = tmp_path / "first"
    folder.mkdir()
    if language == "rust":
        shutil.copy(CLIENTS / "rust/Cargo.lock", folder)  # the versions that are there

    async with ScriptedGateway(CALLS) as gateway:
        script = first_program(CLIENTS / language / "README.md")
        printed = await asyncio.to_thread(call, folder, "sh", "-euc", script, address=gateway.address)
        await gateway.finish()

    assert gateway.problems == []
    assert "web running\nhello\n" in printed


async def test_the_recipe_for_kotlin_runs_on_the_installed_java_client(tmp_path: Path) -> None:
    """`mvn install` puts the Java client where Maven finds it; the program lists containers and prints a log."""
    await built("java")
    await installed("java")
    await asyncio.to_thread(call, CLIENTS / "kotlin", *MAVEN, f"-DbuildDirectory={BUILDS}/kotlin", "compile")
    path = f"{BUILDS}/kotlin/classes:{(BUILDS / 'kotlin/classpath').read_text()}"

    async with ScriptedGateway(CALLS) as gateway:
        program = ("java", "-cp", path, "RecipeKt", "north", "web")
        printed = await asyncio.to_thread(call, tmp_path, *program, address=gateway.address)
        await gateway.finish()

    assert gateway.problems == []
    assert printed == "web running\nhello\n"


async def built(language: str) -> None:
    """Build a client, or skip the test with the reason why its tools cannot be installed."""
    client = all_programs()[language]
    if reason := await asyncio.to_thread(missing, client):
        pytest.skip(reason)
    assert await asyncio.to_thread(build, client) == ""


async def installed(language: str) -> None:
    """Put the package of a client where its README expects it, from what is built."""
    client = CLIENTS / language
    if language == "java":
        target = f"-DbuildDirectory={BUILDS}/java"
        with building("java"):
            await asyncio.to_thread(call, client, *MAVEN, target, "-Dmaven.test.skip", "install")
    if language == "typescript":
        with building("typescript"):
            await asyncio.to_thread(call, client, "npm", "pack", "--ignore-scripts", "--silent")


def first_program(readme: Path) -> str:
    """Return what *readme* says of the first program as a script: it writes the files and runs the commands."""
    section = readme.read_text().partition(HEADING)[2].partition("\n## ")[0]
    blocks = list(FENCE.finditer(section))
    assert section.count("```") == 2 * len(blocks) > 0
    lines = []
    for block in blocks:
        if block["kind"] == "sh":
            lines.append(block["text"].replace(CHECKOUT, f"{ROOT}/"))
        else:
            name = block["file"]
            lines.append(f"mkdir -p $(dirname {name})\ncat >{name} <<'END OF FILE'\n{block['text']}END OF FILE\n")
    return "".join(lines)


def call(folder: Path, *command: str, address: str = "127.0.0.1:1") -> str:
    """Run a command in a folder; return what it prints."""
    done = subprocess.run(
        command,
        cwd=folder,
        env=environment(address) | BUILD_ENVIRONMENT | OFFLINE,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
