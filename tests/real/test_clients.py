"""The command line, against a real gateway with real engines."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

import pytest

from tests.real.support import Containers
from tests.support.gateway import Client


async def finished(*command: str, cwd: Path, **environment: str) -> tuple[int, str]:
    """Run a command to its end; return its exit code and what it said."""
    process = await asyncio.create_subprocess_exec(
        *command,
        cwd=cwd,
        env=os.environ | environment,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await process.communicate()
    return process.returncode or 0, output.decode(errors="replace")


@pytest.mark.parametrize(
    ("command", "code"), [(("sh", "-c", "exit 3"), 3), (("no-such-command",), 127), (("/etc/passwd",), 126)]
)
async def test_the_exit_code_of_a_command_line_exec_is_that_of_docker_exec(
    client: Client, host: str, containers: Containers, tmp_path: Path, command: tuple[str, ...], code: int
) -> None:
    """A command that did not start is not said to be running."""
    container = await containers.start("sleep", "1000")
    dockfleet = Path(sys.executable).with_name("dockfleet")

    found, said = await finished(
        *(str(dockfleet), "exec", f"{host}/{container}", *command),
        cwd=tmp_path,
        DOCKFLEET_ADDRESS=f"127.0.0.1:{client.port}",
    )

    assert found == code, said
    assert "may still be running" not in said
