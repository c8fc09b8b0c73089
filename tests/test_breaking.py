"""The released contract is kept: a change that would break a client is refused."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.support.contract import ROOT

BUF = re.search(r"^BUF := (.*)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
CHANGES = {  # file, what stands there, what is put in its place, and what buf says of it
    "a renamed field": ("v1/containers.proto", "bool oom_killed = 5", "bool killed = 5", "oom_killed"),
    "a renamed JSON name": ("v1/containers.proto", 'json_name = "OOMKilled"', 'json_name = "Killed"', "OOMKilled"),
    "another type": ("v1/containers.proto", "bool oom_killed = 5", "string oom_killed = 5", "bool"),
    "another number": ("v1/containers.proto", "bool oom_killed = 5", "bool oom_killed = 99", "oom_killed"),
    "a removed RPC": ("fleet/v1/hosts.proto", "rpc GetHost(", "rpc FetchHost(", "GetHost"),
    "a renamed value": ("v1/common.proto", "SLOW_READER_WAIT = 1", "SLOW_READER_BLOCK = 1", "SLOW_READER_WAIT"),
}


@pytest.fixture
def protos(tmp_path: Path) -> Path:
    """A copy of the contract that may be changed."""
    if not shutil.which("npx"):
        pytest.skip("buf comes with npx")
    return Path(shutil.copytree(ROOT / "protos", tmp_path / "protos"))


def breaking(protos: Path) -> subprocess.CompletedProcess[str]:
    """What `make check` does with the contract."""
    assert BUF is not None
    command = [*BUF[1].split(), "breaking", "--against", str(ROOT / "protos/released.binpb")]
    return subprocess.run(command, cwd=protos, capture_output=True, text=True)


def test_the_contract_as_it_is_breaks_nothing(protos: Path) -> None:
    """Whatever was released still works."""
    result = breaking(protos)

    assert (result.returncode, result.stdout) == (0, "")


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_that_breaks_clients_is_refused(protos: Path, change: str) -> None:
    """Generated code, JSON or the wire of an older client would not fit any more."""
    file, there, instead, said = CHANGES[change]
    path = protos / "dockfleet" / file
    text = path.read_text()
    assert there in text
    path.write_text(text.replace(there, instead))

    result = breaking(protos)

    assert result.returncode != 0
    assert said in result.stdout
