"""The example clients in other languages: how each is built, and how it is run."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
BUILDS = ROOT / ".state/clients"
PROTOS = ROOT / "protos"
STATE_OF_PROTOS = hashlib.sha256(b"".join(path.read_bytes() for path in sorted(PROTOS.rglob("*.proto")))).hexdigest()
JAVA_BUILD = BUILDS / f"java-{STATE_OF_PROTOS[:12]}"  # a fresh one each time: Maven keeps the code of what was renamed
MAVEN = ("mvn", "-B", "-q", "-U", f"-DbuildDirectory={JAVA_BUILD}")


@dataclass(frozen=True)
class Example:
    """The commands that build an example, and the one that runs it with the names of hosts."""

    builds: Sequence[Sequence[str]]
    run: Callable[[Sequence[str]], Sequence[str]]


GOOGLE_RPC = (  # the protos of error details, for languages that have no package of them
    *(sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps", "--upgrade"),
    *("--target", "../third_party", "googleapis-common-protos"),
)

EXAMPLES = {
    "java": Example(
        [(*MAVEN, "compile")],
        lambda hosts: [*MAVEN, "exec:java", f"-Dexec.args={' '.join(hosts)}"],
    ),
    "rust": Example(
        [("cargo", "build", "--locked", "--quiet", "--example", "list_containers")],
        lambda hosts: [str(BUILDS / "rust/debug/examples/list_containers"), *hosts],
    ),
    "typescript": Example(
        [GOOGLE_RPC, ("npm", "ci"), ("npm", "run", "generate"), ("npm", "run", "build")],
        lambda hosts: ["node", "dist/list-containers.js", *hosts],
    ),
}


def need(tools: str) -> None:
    """Install the tools of a language, or skip the test with the reason why they cannot be installed."""
    installed = subprocess.run([ROOT / "deploy/toolchains.sh", tools], capture_output=True, text=True, check=False)
    if installed.returncode:
        pytest.skip(installed.stderr.strip().rpartition("\n")[2])


@cache
def build(language: str) -> None:
    """Build the example of a language, unless it is up to date."""
    need(language)
    for former in set(BUILDS.glob("java-*")) - {JAVA_BUILD}:
        shutil.rmtree(former)
    for command in EXAMPLES[language].builds:
        built = call(language, command)
        assert built.returncode == 0, built.stdout + built.stderr


def run(language: str, *hosts: str, address: str) -> subprocess.CompletedProcess[str]:
    """Run the example of a language against the gateway at *address*."""
    return call(language, EXAMPLES[language].run(hosts), DOCKFLEET_ADDRESS=address)


def call(language: str, command: Sequence[str], **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a command in the folder of a language, and return what it wrote, without colours."""
    done = subprocess.run(
        command,
        cwd=ROOT / "clients" / language,
        env=os.environ | {"CARGO_TARGET_DIR": str(BUILDS / "rust"), "CARGO_PROFILE_DEV_DEBUG": "0"} | environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    done.stdout, done.stderr = (re.sub(r"\x1b\[\d*m", "", text) for text in (done.stdout, done.stderr))
    return done
