"""docs/grpcurl.md: its commands do what it says, with the real grpcurl and a real engine."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
from pathlib import Path

import pytest

from tests.real.support import Containers
from tests.support.contract import ROOT
from tests.support.gateway import Client

GUIDE = ROOT / "docs/grpcurl.md"
VERSION = "v1.9.3"
BLOCKS = re.findall(r"^```\n(.*?)^```", GUIDE.read_text(), re.DOTALL | re.MULTILINE)
EXPECTED = [  # what the output of each block holds
    None,  # the installation
    ("dockfleet.v1.ContainerService", "Stops a container", "Seconds until the process is killed", '"name": "north"'),
    ('"Names"', '"Config"', '"name": "north"'),
    ('"batch"', '"LOG_END_REASON_COMPLETE"', '"summary"', '"Action"'),
    ('"stat"', '"data"'),
    ("{",),
    ('"started"', '"exitCode": "0"'),
    ("NotFound", "NOT_FOUND", "DeadlineExceeded", "CLIENT_DEADLINE"),
]


@pytest.fixture(scope="module")
async def grpcurl(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the program grpcurl."""
    if not shutil.which("go"):
        pytest.skip("grpcurl is installed where Go is")
    folder = ROOT / ".state/tools"
    if not (folder / "grpcurl").exists():
        install = await asyncio.create_subprocess_exec(
            *("go", "install", f"github.com/fullstorydev/grpcurl/cmd/grpcurl@{VERSION}"),
            cwd=tmp_path_factory.mktemp("grpcurl"),  # outside of any module
            env=os.environ | {"GOBIN": str(folder)},
        )
        assert await install.wait() == 0
    return folder


def test_every_block_of_the_guide_is_tried() -> None:
    """A block that is added without an expectation would go untested."""
    assert len(BLOCKS) == len(EXPECTED)


@pytest.mark.timeout(300)
@pytest.mark.parametrize("host", ["one", "new"], indirect=True)
async def test_the_commands_of_the_guide_work(client: Client, host: str, containers: Containers, grpcurl: Path) -> None:
    """Each block ends well and shows what the guide says."""
    container = await containers.start("sh", "-c", "echo line; sleep 1000")
    for block, expected in zip(BLOCKS, EXPECTED, strict=True):
        if expected is None:
            continue
        commands = (
            block.replace("127.0.0.1:50051", f"127.0.0.1:{client.port}")
            .replace('"north"', f'"{host}"')
            .replace('"web"', f'"{container}"')
            .replace('"n*"', f'"{host[0]}*"')
        )
        process = await asyncio.create_subprocess_exec(
            *("bash", "-euo", "pipefail", "-c", commands),
            env=os.environ | {"PATH": f"{grpcurl}{os.pathsep}{os.environ['PATH']}"},
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        output, _ = await process.communicate()
        said = output.decode()

        assert process.returncode == 0, said
        for text in expected:
            assert text.replace('"north"', f'"{host}"') in said, said
