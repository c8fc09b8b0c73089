"""The packages of the clients install from their folders with one command, and a program uses them."""

from __future__ import annotations

import asyncio
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from clients.conformance.programs import BUILD_ENVIRONMENT, BUILDS, ROOT, all_programs, build, building, missing
from clients.conformance.running import environment
from clients.conformance.scripted_gateway import ScriptedGateway

pytestmark = pytest.mark.timeout(900)  # the first time, a client is built

CLIENTS = ROOT / "clients"
NPM = ("npm", "install", "--ignore-scripts", "--no-audit", "--no-fund", "--prefer-offline", "--loglevel=error")
MAVEN = ("mvn", "-B", "-q")


class User(NamedTuple):
    """A program of somebody who uses a client: its files, and the commands that install the client and run it."""

    files: Mapping[str, str]
    commands: tuple[tuple[str, ...], ...]


CARGO = """
[package]
name = "user"
version = "0.1.0"
edition = "2024"
[dependencies]  # with the features of the client's examples, so that all that is built for these is used again
tokio = { version = "1", features = ["io-std", "io-util", "macros", "rt-multi-thread"] }
"""
USERS = {
    "rust": User(
        {
            "Cargo.toml": CARGO,
            "src/main.rs": 'fn main() { dockfleet::connect("://", &Default::default()).map(|_| ()).unwrap_err(); }',
        },
        (
            ("cargo", "add", "--quiet", "--offline", "dockfleet", "--path", f"{CLIENTS}/rust"),
            ("cargo", "run", "--quiet", "--offline"),
        ),
    ),
    "typescript": User(
        {
            "package.json": '{"type": "module"}',
            "program.js": 'import { connect } from "@dockfleet/client";\n'
            'import { HostState } from "@dockfleet/client/fleet/v1/hosts";\n'
            'if (connect("127.0.0.1:1").host("north") && HostState.UP) process.exit(0);\nprocess.exit(1);\n',
        },
        (
            ("npm", "pack", "--ignore-scripts", "--silent", f"{CLIENTS}/typescript"),
            (*NPM, "./dockfleet-client-0.1.0.tgz"),
            ("node", "program.js"),
        ),
    ),
}
"""What is not here is shown elsewhere: Python by test_client_wheel.py, Go and C++ by tests of their own."""


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
            {"batch": {"entries": [{"data": "aGVsbG8K"}]}},
            {"end": {"reason": "LOG_END_REASON_EXITED"}},
        ],
    },
]
"""What the recipe for Kotlin calls."""


@pytest.mark.parametrize("language", USERS)
async def test_a_program_uses_the_package_of_a_client(language: str, tmp_path: Path) -> None:
    """The commands are those of the client's README."""
    await built(language)
    for name, text in USERS[language].files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    if language == "rust":
        shutil.copy(CLIENTS / "rust/Cargo.lock", tmp_path)  # the versions that are there

    for command in USERS[language].commands:
        await asyncio.to_thread(call, tmp_path, *command)


async def test_the_recipe_for_kotlin_runs_on_the_installed_java_client(tmp_path: Path) -> None:
    """`mvn install` puts the Java client where Maven finds it; the program lists containers and prints a log."""
    await built("java")
    target = f"-DbuildDirectory={BUILDS}"
    with building("java"):
        await asyncio.to_thread(call, CLIENTS / "java", *MAVEN, f"{target}/java", "-Dmaven.test.skip", "install")
    await asyncio.to_thread(call, CLIENTS / "kotlin", *MAVEN, f"{target}/kotlin", "compile")
    path = f"{BUILDS}/kotlin/classes:{(BUILDS / 'kotlin/classpath').read_text()}"

    async with ScriptedGateway(CALLS) as gateway:
        program = ("java", "-cp", path, "RecipeKt", "north", "web")
        printed = await asyncio.to_thread(call, tmp_path, *program, address=f"127.0.0.1:{gateway.port}")
        await gateway.finish()

    assert gateway.problems == []
    assert printed == "web running\nhello\n"


async def built(language: str) -> None:
    """Build a client, or skip the test with the reason why its tools cannot be installed."""
    client = all_programs()[language]
    if reason := await asyncio.to_thread(missing, client):
        pytest.skip(reason)
    assert await asyncio.to_thread(build, client) == ""


def call(folder: Path, *command: str, address: str = "127.0.0.1:1") -> str:
    """Run a command in a folder; return what it prints."""
    done = subprocess.run(
        command,
        cwd=folder,
        env=environment(address) | BUILD_ENVIRONMENT,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
