"""The command line beside docker's own, on the same engine: what both print must be equal."""

from __future__ import annotations

import asyncio
import json
import shutil
import sys
import tarfile
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from dockfleet.cli.program import dockfleet

from tests.real.support import IMAGE, Fleet
from tests.support.gateway import Client, gateway_of

Words = Callable[..., Awaitable[str]]
HOST = "one"


@pytest.fixture(scope="module")
async def client(fleet: Fleet) -> AsyncIterator[Client]:
    """A client of a gateway that keeps inventories of two hosts."""
    fleet.need("private")
    if not shutil.which("docker"):
        pytest.skip("there is no docker command to compare with")
    hosts = [fleet.hosts[name] for name in (HOST, fleet.need("new"))]
    async with gateway_of(*hosts, inventory=True, health_check_interval_seconds=1) as client:
        yield client


@pytest.fixture
def run(client: Client) -> Callable[..., Awaitable[Result]]:
    """Run the command line in this process."""

    async def run(*words: str, input: bytes | None = None) -> Result:
        command = ["--address", f"127.0.0.1:{client.port}", *words]
        return await asyncio.to_thread(CliRunner().invoke, dockfleet, command, input)

    return run


@pytest.fixture
def ours(run: Callable[..., Awaitable[Result]]) -> Words:
    """Run the command line, which must succeed, and return its output."""

    async def ours(*words: str, input: bytes | None = None) -> str:
        result = await run(*words, input=input)
        assert result.exit_code == 0, result.output
        return result.stdout

    return ours


@pytest.fixture
def docker(fleet: Fleet) -> Words:
    """Run docker's own command, which must succeed, and return its output."""

    async def docker(*words: str) -> str:
        process = await asyncio.create_subprocess_exec(
            *("docker", "-H", str(fleet.hosts[HOST].address), *words),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        output, errors = await process.communicate()
        assert process.returncode == 0, errors.decode()
        return output.decode()

    return docker


@pytest.fixture
async def name(ours: Words, docker: Words) -> AsyncIterator[str]:
    """A container that runs on one host, made by the command line."""
    name = f"cli-{uuid.uuid4().hex[:8]}"
    script = "echo out; echo err >&2; echo x > /new; exec sleep 1000"
    options = ("--network", "none", "-l", f"of={name}", "-e", "A=1", "-v", "/data", "--stop-timeout", "1")
    await ours("run", "-d", "-H", HOST, "--name", name, *options, IMAGE, "sh", "-c", script)
    yield name
    await docker("rm", "-f", "-v", name)


SAME = {  # words of docker, where `web` is the container; ours have its host before it
    "ps": [
        "ps",
        "-a",
        "--filter",
        "label=of=web",
        "--format",
        "{{.ID}} {{.Image}} {{.Command}} {{.Names}} {{.Labels}}",
    ],
    "ps -q": ["ps", "-q", "--no-trunc", "--filter", "label=of=web"],
    "top": ["top", "web", "-o", "pid,args"],
    "diff": ["diff", "web"],
    "inspect": ["inspect", "--format", "{{.State.Status}} {{json .Config.Env}} {{.HostConfig.NetworkMode}}", "web"],
    "images": ["images", "--format", "{{.Repository}}:{{.Tag}} {{.ID}} {{.Size}}", IMAGE],
    "history": ["history", "--format", "{{.ID}} {{.Size}}", IMAGE],
    "network ls": ["network", "ls", "--format", "table {{.ID}}\\t{{.Name}}\\t{{.Driver}}\\t{{.Scope}}"],
    "network inspect": ["network", "inspect", "--format", "{{.Name}} {{.Driver}}", "bridge"],
    "volume ls": ["volume", "ls", "--format", "{{.Driver}} {{.Name}}"],
    "df": ["system", "df"],
    "exec": ["exec", "-e", "B=2", "web", "sh", "-c", "echo $A$B; cat /new"],
    "logs": ["logs", "web"],
}


@pytest.mark.parametrize("verb", SAME)
async def test_the_output_is_that_of_docker(name: str, ours: Words, docker: Words, verb: str) -> None:
    """Word for word, but for the column of the host."""
    theirs = [name if word == "web" else word.replace("of=web", f"of={name}") for word in SAME[verb]]
    words = 2 if theirs[0] in ("network", "volume", "system") else 1
    without_host = ["--format", DF] if verb == "df" else []

    expected = await docker(*theirs)
    found = await ours(*theirs[:words], "-H", HOST, *without_host, *theirs[words:])

    assert sorted(found.splitlines()) == sorted(expected.splitlines())


DF = "table {{.Type}}\\t{{.TotalCount}}\\t{{.Active}}\\t{{.Size}}\\t{{.Reclaimable}}"


async def test_an_inspection_is_the_json_of_docker(name: str, ours: Words, docker: Words) -> None:
    """Value for value; what is empty may be absent."""
    (expected,) = json.loads(await docker("inspect", name))
    (found,) = json.loads(await ours("inspect", f"{HOST}/{name}"))

    assert list(differences(expected, found)) == []


def differences(expected: Any, found: Any, path: str = "") -> list[str]:
    """Where two documents differ, but for empty values and a time that never was."""
    if isinstance(expected, dict) and isinstance(found, dict):
        keys = sorted({*expected, *found})
        return [each for key in keys for each in differences(expected.get(key), found.get(key), f"{path}.{key}")]
    never = "0001-01-01T00:00:00Z"
    same = expected == found or (expected in (None, "", [], {}, 0, False, never) and not found)
    return [] if same else [f"{path}: {expected!r} != {found!r}"]


async def test_a_container_lives_and_ends(
    ours: Words, docker: Words, run: Callable[..., Awaitable[Result]], name: str
) -> None:
    """Each verb changes what docker then sees; the exit code of `run` is that of the command."""
    at = f"{HOST}/{name}"

    async def state() -> str:
        return (await docker("inspect", "--format", "{{.State.Status}}", name)).strip()

    states = []
    for verb in (["pause"], ["unpause"], ["stop", "-t", "0"], ["start"], ["restart", "-t", "0"], ["kill"]):
        assert await ours(*verb, at) == f"{at}\n"
        await ours("wait", at) if verb == ["kill"] else None
        states.append(await state())
    assert states == ["paused", "running", "exited", "running", "running", "exited"]
    assert await ours("wait", name) == "137\n"
    await ours("rename", at, f"{name}-2")
    await ours("rename", f"{HOST}/{name}-2", name)
    await ours("update", "--restart", "on-failure:3", at)
    assert (await docker("inspect", "--format", "{{.HostConfig.RestartPolicy}}", name)).strip() == "{on-failure 3}"
    failed = await run("run", "--rm", "-H", HOST, "--network", "none", IMAGE, "sh", "-c", "echo hi; exit 3")
    assert (failed.stdout, failed.exit_code) == ("hi\n", 3)
    absent = await run("run", "--rm", "-H", HOST, "--network", "none", IMAGE, "nope")
    assert absent.exit_code == 127


async def test_files_go_in_and_out(ours: Words, name: str, tmp_path: Path) -> None:
    """Directories, their contents, and single files, as with docker."""
    (tmp_path / "site/sub").mkdir(parents=True)
    (tmp_path / "site/sub/b").write_text("two")
    at = f"{HOST}/{name}"

    await ours("cp", str(tmp_path / "site"), f"{at}:/tmp")
    await ours("cp", f"{tmp_path}/site/.", f"{at}:/data")
    await ours("cp", str(tmp_path / "site/sub/b"), f"{at}:/tmp/renamed")
    found = await ours("exec", at, "find", "/tmp", "/data", "-type", "f")
    await ours("cp", f"{at}:/tmp/site", str(tmp_path / "out"))
    await ours("export", "-o", str(tmp_path / "all.tar"), at)

    assert sorted(found.split()) == ["/data/sub/b", "/tmp/renamed", "/tmp/site/sub/b"]
    assert (tmp_path / "out/sub/b").read_text() == "two"
    with tarfile.open(tmp_path / "all.tar") as tar:
        assert "new" in tar.getnames()


async def test_images_are_built_saved_loaded_and_removed(ours: Words, docker: Words, tmp_path: Path) -> None:
    """Without what .dockerignore names."""
    tag = f"cli-{uuid.uuid4().hex[:8]}:1"
    (tmp_path / "Dockerfile").write_text(f"FROM {IMAGE}\nARG X\nCOPY . /context\nLABEL x=$X\n")
    (tmp_path / ".dockerignore").write_text("*.log\n!kept.log\n")
    for file in ("a.log", "kept.log", "b"):
        (tmp_path / file).write_text(file)

    built = await ours("build", "-H", HOST, "-q", "-t", tag, "--build-arg", "X=5", str(tmp_path))
    assert (await docker("inspect", "--format", "{{.Id}} {{.Config.Labels.x}}", tag)).split() == [built.strip(), "5"]
    listed = await ours("run", "-H", HOST, "--rm", "--network", "none", tag, "ls", "-A", "/context")
    assert listed.split() == [".dockerignore", "Dockerfile", "b", "kept.log"]
    await ours("save", "-H", HOST, "-o", str(tmp_path / "image.tar"), tag)
    await ours("rmi", "-H", HOST, tag)
    assert await ours("load", "-H", HOST, "-i", str(tmp_path / "image.tar")) == f"Loaded image: {tag}\n"
    copied = await ours("copy-image", HOST, tag, "-H", "new")
    assert copied.startswith("new: copied ")
    assert await ours("tag", "-H", "*", tag, f"{tag}2") == ""
    await ours("rmi", "--yes", "-H", "*", tag, f"{tag}2")
    assert await ours("images", "-q", tag) == ""


async def test_networks_and_volumes(ours: Words, docker: Words, name: str) -> None:
    """Made, used, pruned and removed."""
    await ours("volume", "create", "-H", HOST, "--label", "a=b", name)
    assert (await docker("volume", "inspect", "--format", "{{.Labels}}", name)).strip() == "map[a:b]"
    await ours("volume", "rm", "-H", HOST, name)
    options = ("--subnet", "10.251.0.0/24", "--internal", "--label", "a=b")
    id = (await ours("network", "create", "-H", HOST, *options, name)).strip()
    assert (await docker("network", "inspect", "--format", "{{.Id}} {{.Internal}}", name)).split() == [id, "true"]
    await ours("network", "prune", "-f", "-H", HOST, "--filter", "label=a=b")
    assert name not in await docker("network", "ls")


async def test_the_fleet_is_read_in_one_call_each(ours: Words, name: str) -> None:
    """By a label that one container has."""
    label = f"of={name}"

    assert (await ours("find", name, "--format", "{{.Host}}/{{.Names}}")).strip() == f"{HOST}/{name}"
    assert (await ours("ps", "-l", label, "--format", "{{.Host}}")).strip() == HOST
    assert f"{HOST}/{name} | out" in await ours("logs", "-l", label)
    assert "%" in await ours("stats", "--no-stream", "-l", label)
    started = ("-f", "event=start", "-f", f"container={name}", "--since", "10m", "--until", "0s")
    assert (await ours("events", *started, "--format", "{{.Host}} {{.Action}}")).strip() == f"{HOST} start"
    assert (await ours("stop", "-l", label, "--dry-run")).strip() == f"would stop {HOST}/{name}"
    assert (await ours("stop", "-l", label, "--yes", "-t", "0")).strip() == f"{HOST}/{name}"


@pytest.mark.parametrize("words", [["run", "-i", "--rm"], ["create", "-i"]], ids=["run", "create, start"])
async def test_input_reaches_a_new_container_and_its_exit_code_comes_back(
    client: Client, ours: Words, docker: Words, words: list[str]
) -> None:
    """Also of one that was created before it is started."""
    name = f"cli-{uuid.uuid4().hex[:8]}"
    made = [*words, "-H", HOST, "--network", "none", "--name", name, IMAGE, "sh", "-c", "cat; exit 3"]
    if words[0] == "create":
        await ours(*made)
        made = ["start", "-a", "-i", f"{HOST}/{name}"]

    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "dockfleet.cli", "--address", f"127.0.0.1:{client.port}", *made),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    output, _ = await process.communicate(b"said\n")
    if words[0] == "create":
        await docker("rm", name)

    assert (output, process.returncode) == (b"said\n", 3)
