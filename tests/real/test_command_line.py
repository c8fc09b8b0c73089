"""The command line beside docker's own, on the same engine: what both print must be equal."""

from __future__ import annotations

import asyncio
import json
import shutil
import sys
import tarfile
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from operator import itemgetter
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner, Result
from dockfleet.cli.program import dockfleet

from deploy.private_engines.registry import Registry
from tests.real.support import IMAGE, Fleet
from tests.support.gateway import Client, gateway_of

Words = Callable[..., Awaitable[str]]
HOST = "one"
RAN: set[str] = set()
"""The commands that these tests have run."""


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
        RAN.update((words[0], " ".join(words[:2])))
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


DETAILS = (
    "{{range .Images}}{{.Repository}} {{.ID}} {{.Size}} {{.SharedSize}} {{.UniqueSize}} {{.Containers}}\n{{end}}"
    "{{range .Containers}}{{.Names}} {{.Image}} {{.Size}} {{.LocalVolumes}}\n{{end}}"
    "{{range .Volumes}}{{.Name}} {{.Links}} {{.Size}}\n{{end}}"
)
PLACEHOLDERS = (
    "{{.CreatedAt}} {{.RunningFor}} {{.Ports}} {{.State}} {{.Mounts}} {{.Networks}} {{.LocalVolumes}} {{.Size}}"
)
FUNCTIONS = (
    '{{range $i, $each := .Config.Env}}{{$i}}{{println $each}}{{end}}{{join .Config.Cmd ","}} {{index .Config.Cmd 0}} '
    "{{if .State.Running}}yes{{else}}no{{end}} {{len .Mounts}} {{json .HostConfig.RestartPolicy}} {{upper .Name}}"
)
SAME = {  # words of docker, where `web` is the container; ours have its host before it
    "ps": [
        "ps",
        "-a",
        "--filter",
        "label=of=web",
        "--format",
        "{{.ID}} {{.Image}} {{.Command}} {{.Names}} {{.Labels}}",
    ],
    "ps, the rest": ["ps", "--filter", "label=of=web", "--format", PLACEHOLDERS],
    "ps, filters": [
        *("ps", "-q", "--filter", "label=of=web", "--filter", "status=running", "--filter", "network=none"),
        *("--filter", "ancestor=" + IMAGE, "--filter", "volume=/data", "--filter", "health=none"),
    ],
    "inspect, functions": ["inspect", "--format", FUNCTIONS, "web"],
    "history, not for people": ["history", "--human=false", "--format", "{{.Size}} {{.CreatedAt}}", IMAGE],
    "exec, options": [
        *("exec", "-w", "/tmp", "-u", "65534:65534", "--privileged=false", "-e", "A=2", "web"),
        *("sh", "-c", "pwd; id -u; echo $A"),
    ],
    "logs, -t and --until": ["logs", "--since", "1h", "-t", "-n", "5", "web"],
    "ps -q": ["ps", "-q", "--no-trunc", "--filter", "label=of=web"],
    "container ls": ["container", "ls", "-q", "--filter", "label=of=web"],
    "top": ["top", "web", "-o", "pid,args"],
    "port": ["port", "web"],
    "diff": ["diff", "web"],
    "inspect": ["inspect", "--format", "{{.State.Status}} {{json .Config.Env}} {{.HostConfig.NetworkMode}}", "web"],
    "container inspect": ["container", "inspect", "--format", "{{.Id}} {{.State.Status}}", "web"],
    "images": ["images", "--format", "{{.Repository}}:{{.Tag}} {{.ID}} {{.Size}}", IMAGE],
    "history": ["history", "--format", "{{.ID}} {{.Size}}", IMAGE],
    "image ls": ["image", "ls", "-q", "--no-trunc", IMAGE],
    "image inspect": ["image", "inspect", "--format", "{{.Id}} {{.Os}}/{{.Architecture}} {{json .RepoTags}}", IMAGE],
    "network ls": ["network", "ls", "--format", "table {{.ID}}\\t{{.Name}}\\t{{.Driver}}\\t{{.Scope}}"],
    "network inspect": ["network", "inspect", "--format", "{{.Name}} {{.Driver}}", "bridge"],
    "volume ls": ["volume", "ls", "--format", "{{.Driver}} {{.Name}}"],
    "info": ["info", "--format", "{{.ID}} {{.ServerVersion}} {{.Driver}} {{.NCPU}} {{.OperatingSystem}}"],
    "version": ["version", "--format", "{{.Server.Version}} {{.Server.GitCommit}} {{.Server.Os}}/{{.Server.Arch}}"],
    "version -f": ["version", "-f", "{{.Server.APIVersion}}"],
    "info -f": ["info", "-f", "{{.NCPU}}"],
    "split and join": ["ps", "--filter", "label=of=web", "--format", '{{join (split .State "") "-"}}'],
    "df": ["system", "df"],
    "df -v": ["system", "df", "-v", "--format", DETAILS],
    "image list": ["image", "list", "-q", IMAGE],
    "logs --details": ["logs", "--details", "-n", "-1", "web"],
    "exec": ["exec", "-e", "B=2", "web", "sh", "-c", "echo $A$B; cat /new"],
    "logs": ["logs", "web"],
}


@pytest.mark.parametrize("verb", SAME)
async def test_the_output_is_that_of_docker(name: str, ours: Words, docker: Words, verb: str) -> None:
    """Word for word, but for the column of the host."""
    theirs = [name if word == "web" else word.replace("of=web", f"of={name}") for word in SAME[verb]]
    words = 2 if theirs[0] in ("container", "image", "network", "volume", "system") else 1
    without_host = ["--format", DF] if verb == "df" else []

    expected = await docker(*theirs)
    found = await ours(*theirs[:words], "-H", HOST, *without_host, *theirs[words:])

    assert sorted(filter(None, found.splitlines())) == sorted(filter(None, expected.splitlines()))


DF = "table {{.Type}}\\t{{.TotalCount}}\\t{{.Active}}\\t{{.Size}}\\t{{.Reclaimable}}"


async def test_an_inspection_is_the_json_of_docker(name: str, ours: Words, docker: Words) -> None:
    """Value for value; what is empty may be absent."""
    for form in ([], ["--format", "json"]):
        (expected,) = json.loads(await docker("inspect", *form, name))
        (found,) = json.loads(await ours("inspect", *form, f"{HOST}/{name}"))

        assert list(differences(expected, found)) == []


def differences(expected: Any, found: Any, path: str = "") -> list[str]:
    """Where two documents differ, but for empty values and a time that never was."""
    if isinstance(expected, dict) and isinstance(found, dict):
        keys = sorted({*expected, *found})
        return [each for key in keys for each in differences(expected.get(key), found.get(key), f"{path}.{key}")]
    never = "0001-01-01T00:00:00Z"
    same = expected == found or (expected in (None, "", [], {}, 0, False, never) and not found)
    return [] if same else [f"{path}: {expected!r} != {found!r}"]


CREATED = (
    *("--domainname", "example.org", "--hostname", "h", "--entrypoint", "/my sh", "--expose", "90-92"),
    *("-p", "8100-8102:80", "-p", "127.0.0.1::81", "--expose", "5/udp", "--memory-swappiness", "5"),
    *("--cpu-period", "10000", "--cpu-quota", "5000", "--cpuset-mems", "0", "--blkio-weight", "100"),
    *("--device-read-bps", "/dev/null:1mb", "--device-write-iops", "/dev/null:5", "--oom-kill-disable"),
    *("--device-cgroup-rule", "c 1:3 r", "--volume-driver", "local", "--cgroup-parent", "/x"),
    *("--stop-timeout", "7", "--ulimit", "nofile=1:2", "--restart", "on-failure:3"),
    *("--health-cmd", "true", "--health-interval", "1m30s", "--tmpfs", "/t:size=1m"),
    *("--network", "name=bridge,driver-opt=a=b", "--mount", '"type=bind","source=/etc",target=/v,readonly'),
    *("--mount", "type=tmpfs,target=/m,tmpfs-size=1m,tmpfs-mode=1770", "--init=true", "--read-only=false"),
    *("--mount", "type=bind,source=/etc,target=/u,bind-propagation=rslave,bind-nonrecursive"),
)
UNLIKE = (
    *(".Id", ".Created", ".Name", ".ResolvConfPath", ".HostnamePath", ".HostsPath", ".LogPath", ".GraphDriver"),
    ".HostConfig.ContainerIDFile",  # docker tells the engine the path on this machine
)


async def test_a_container_is_created_as_docker_creates_it(
    ours: Words, docker: Words, run: Callable[..., Awaitable[Result]], tmp_path: Path
) -> None:
    """With less usual options, and files of labels, of variables and for the id."""
    labels, variables = tmp_path / "labels", tmp_path / "variables"
    labels.write_text("\ufeffa=1\n# not this\n\n  b = 2\n".replace("b = 2", "b=2 "))
    variables.write_text("A=1\nHOME\n#B=2\nC='x' \n")
    files = ("--label-file", str(labels), "--env-file", str(variables))
    ids = {}
    for create in (docker, ours):
        place = ["-H", HOST] if create is ours else []
        file = tmp_path / f"id of {'ours' if place else 'docker'}"
        options = ("--cidfile", str(file), *CREATED, *files)
        ids[create] = (await create("create", *place, *options, IMAGE, "true")).strip()
        assert file.read_text() == ids[create]
    again = await run("create", "-H", HOST, "--cidfile", str(file), IMAGE, "true")

    expected, found = json.loads(await docker("inspect", ids[docker], ids[ours]))
    for document in (expected, found):
        document["Mounts"].sort(key=itemgetter("Destination"))  # the engine lists them in any order
    await docker("rm", *ids.values())

    assert [each for each in differences(expected, found) if not each.startswith(UNLIKE)] == []
    assert (again.exit_code, "exists already" in again.stderr) == (125, True)


async def test_a_missing_container_does_not_keep_the_others(
    run: Callable[..., Awaitable[Result]], docker: Words, name: str
) -> None:
    """As with docker, it costs the exit code, but not with `rm -f`."""
    stopped = await run("stop", "-t", "0", "nope", name)
    waited = await run("wait", "nope", name)
    removed = await run("rm", "-f", "nope", f"{HOST}/{name}")
    await docker("create", "--name", name, IMAGE)

    assert [each.exit_code for each in (stopped, waited, removed)] == [1, 1, 0]
    assert [each.stdout for each in (stopped, waited, removed)] == [f"{name}\n", "137\n", f"{HOST}/{name}\n"]
    assert all("there is no container nope" in each.stderr for each in (stopped, waited, removed))


async def test_the_latest_container_is_found_as_docker_finds_it(ours: Words, docker: Words, name: str) -> None:
    """By the options of docker: `-lq`."""
    assert await ours("ps", "-lq", "-H", HOST) == await docker("ps", "-lq")


async def test_only_the_streams_that_are_attached_are_shown(run: Callable[..., Awaitable[Result]]) -> None:
    """Of a container in the foreground."""
    for streams, shown in {("stdout",): ("out\n", ""), ("stderr",): ("", "err\n"), (): ("out\n", "err\n")}.items():
        attach = [word for stream in streams for word in ("-a", stream)]
        script = ("sh", "-c", "echo out; echo err >&2")
        result = await run("run", "--rm", "-H", HOST, "--network", "none", *attach, IMAGE, *script)
        assert (result.stdout, result.stderr, result.exit_code) == (*shown, 0)


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


async def test_images_go_through_a_registry(
    ours: Words,
    docker: Words,
    run: Callable[..., Awaitable[Result]],
    guarded_registry: Registry,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """With the credentials that are kept as docker keeps its own, and only with them."""
    [(user, password)] = guarded_registry.users.items()
    at, image = guarded_registry.address, f"{guarded_registry.address}/cli/{uuid.uuid4().hex[:8]}:1"
    files = {name: tmp_path / name / "config.json" for name in ("docker", "ours")}
    monkeypatch.setenv("DOCKER_CONFIG", str(files["docker"].parent))
    await docker("login", "-u", user, "-p", password, at)

    monkeypatch.setenv("DOCKER_CONFIG", str(files["ours"].parent))
    login = await ours("login", "-u", user, "--password-stdin", "-H", HOST, at, input=password.encode())
    await ours("tag", "-H", HOST, IMAGE, image)
    pushed = await run("push", "-H", HOST, image)
    await ours("rmi", "-H", HOST, image)
    await ours("pull", "-q", "-H", "*", image)
    found = await ours("images", "--format", "{{.Host}}", image)
    await ours("rmi", "--yes", "-H", "*", image)
    kept = [json.loads(file.read_text())["auths"] for file in files.values()]
    await ours("logout", at)
    refused = await run("pull", "-H", HOST, image)

    assert login == "Login Succeeded\n"
    assert (pushed.exit_code, "digest: sha256:" in pushed.stderr) == (0, True)
    assert found.split() == ["new", HOST]
    assert kept[0] == kept[1]
    assert json.loads(files["ours"].read_text()).get("auths") == {}
    assert (refused.exit_code, HOST in refused.stderr) == (1, True)


async def test_an_image_comes_of_a_container_and_of_a_tar(
    ours: Words, docker: Words, name: str, tmp_path: Path
) -> None:
    """As with docker: commit keeps the configuration, import has only that of its changes."""
    at = f"{HOST}/{name}"

    committed = await ours("commit", "-m", "said", "-c", "LABEL a=b", at, f"{name}:committed")
    await ours("export", "-o", str(tmp_path / "all.tar"), at)
    imported = await ours("import", "-H", HOST, "-c", "CMD true", str(tmp_path / "all.tar"), f"{name}:imported")
    format = "{{.Id}} {{.Comment}} {{.Config.Env}} {{.Config.Labels}} {{.Config.Cmd}}"
    shown = [
        (await docker("image", "inspect", "--format", format, f"{name}:{tag}")).strip()
        for tag in ("committed", "imported")
    ]
    await ours("image", "rm", "-H", HOST, f"{name}:committed", f"{name}:imported")

    assert shown[0].startswith(f"{committed.strip()} said [A=1] ")
    assert f" map[a:b of:{name}] [sh -c " in shown[0]
    assert shown[1] == f"{imported.strip()} Imported from - <no value> <no value> [/bin/sh -c true]"


async def test_what_is_unused_is_pruned_and_only_that(ours: Words, docker: Words, name: str) -> None:
    """Of each kind, by a label; a dry run removes nothing."""
    label = ("--filter", f"label=pruned={name}")
    options = ("-H", HOST, "-l", f"pruned={name}", "--network", "none", "--name", f"{name}-old")
    id = (await ours("create", *options, IMAGE, "true")).strip()
    await ours("volume", "create", "-H", HOST, "--label", f"pruned={name}", f"{name}-old")
    await ours("network", "create", "-H", HOST, "--label", f"pruned={name}", f"{name}-old")

    await ours("container", "prune", "-H", HOST, "--dry-run", *label)
    assert id[:12] in await docker("ps", "-aq", *label)
    assert id in await ours("container", "prune", "-H", HOST, "--yes", *label)
    assert f"{name}-old" in await ours("volume", "prune", "-H", HOST, "-f", *label)
    assert f"{name}-old" in await ours("network", "prune", "-H", HOST, "-f", *label)
    await ours("image", "prune", "-H", HOST, "-f", *label)
    await ours("system", "prune", "-H", HOST, "-f", *label)
    await ours("builder", "prune", "-H", HOST, "-f", "--filter", "until=9000h")
    assert (await docker("ps", "-q", "--filter", f"name={name}")).strip() != ""


async def test_a_stopped_container_has_no_values_in_the_statistics(ours: Words, name: str) -> None:
    """It is not waited for, either."""
    await ours("stop", "-t", "0", f"{HOST}/{name}")

    shown = await ours("stats", "-a", "--no-stream", "-l", f"of={name}", "--format", "{{.Name}} {{.CPUPerc}}")
    assert shown == f"{name} --\n"
    assert name not in await ours("stats", "--no-stream", "-l", f"of={name}")


async def test_hosts_are_managed(ours: Words, run: Callable[..., Awaitable[Result]]) -> None:
    """Also one that does not answer: it is probed, drained and removed."""
    added, address = f"host-{uuid.uuid4().hex[:8]}", "unix:///nowhere/docker.sock"

    await ours("hosts", "add", added, address, "-l", "a=b")
    try:
        assert "down" in (await run("hosts", "probe", added)).stdout
        await ours("hosts", "update", added, address, "-l", "a=c")
        assert (await ours("hosts", "ls", "--host-label", "a=c", "-q")).strip() == added
    finally:
        await ours("hosts", "rm", "--yes", added)
    assert added not in await ours("hosts", "ls", "-q")
    await ours("hosts", "drain", "new")
    assert "draining" in await ours("hosts", "ls", "-H", "new")
    await ours("hosts", "undrain", "new")
    assert "configuration up 2" in await ours("hosts", "sources", "--format", "{{.Name}} {{.State}} {{.Hosts}}")


async def test_networks_and_volumes(
    ours: Words, docker: Words, run: Callable[..., Awaitable[Result]], name: str
) -> None:
    """Made, used, pruned and removed."""
    await ours("volume", "create", "-H", HOST, "--label", "a=b", name)
    for inspect in (docker, ours):
        words = [] if inspect is docker else ["-H", HOST]
        assert (await inspect("volume", "inspect", *words, "--format", "{{.Labels}}", name)).strip() == "map[a:b]"
    await ours("volume", "rm", "-H", HOST, name)
    options = ("--subnet", "10.251.0.0/24", "--internal", "--label", "a=b")
    id = (await ours("network", "create", "-H", HOST, *options, name)).strip()
    assert (await docker("network", "inspect", "--format", "{{.Id}} {{.Internal}}", name)).split() == [id, "true"]
    everywhere = await run("network", "create", "-H", "*", "--yes", name)  # an old engine, and a newer one
    assert (everywhere.stdout.split(":")[0], everywhere.exit_code) == ("new", 1)
    assert everywhere.stderr.startswith(f"{HOST}: NAME_IN_USE: ")
    await ours("network", "rm", "-H", "new", name)
    await ours("network", "disconnect", "none", f"{HOST}/{name}")
    await ours("network", "connect", "--ip", "10.251.0.9", "--alias", "db", name, f"{HOST}/{name}")
    address = f"{{{{(index .NetworkSettings.Networks {json.dumps(name)}).IPAddress}}}}"
    assert (await docker("inspect", "--format", address, name)).strip() == "10.251.0.9"
    await ours("network", "disconnect", name, f"{HOST}/{name}")
    await ours("network", "rm", "-H", HOST, name)
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


@pytest.mark.parametrize("verb", ["exec", "attach"])
async def test_a_process_gets_its_input(client: Client, ours: Words, verb: str) -> None:
    """And its output comes back, with its exit code where there is one."""
    name = f"cli-{uuid.uuid4().hex[:8]}"
    await ours("run", "-d", "-i", "-H", HOST, "--network", "none", "--name", name, IMAGE, "cat")
    words = {"exec": ["exec", "-i", name, "sh", "-c", "cat; exit 4"], "attach": ["attach", name]}[verb]

    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "dockfleet.cli", "--address", f"127.0.0.1:{client.port}", *words),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    RAN.add(verb)
    output, _ = await process.communicate(b"said\n")
    await ours("rm", "-f", name)

    assert (output, process.returncode) == (b"said\n", {"exec": 4, "attach": 0}[verb])


async def test_the_rest_of_the_commands(ours: Words, run: Callable[..., Awaitable[Result]], name: str) -> None:
    """They print what they are for."""
    assert "dockfleet profiles" not in await ours("profiles")
    assert "complete" in await ours("completion", "bash")
    assert "Images" in await ours("df", "-H", HOST)
    assert (await ours("discover", name, "--format", "{{.Service}} {{.Host}}")).splitlines() in ([], [f"{name} {HOST}"])
    searched = await run("search", "-H", HOST, "busybox")  # needs Docker Hub
    assert searched.exit_code == 0 or f"{HOST}: REGISTRY_UNREACHABLE" in searched.stderr


def test_every_command_was_run(request: pytest.FixtureRequest) -> None:
    """The last test: none is missing above.  A group shows commands that are known already under other names."""
    mine = [item for item in request.session.items if item.path == request.path]
    if len(mine) < len(SAME) + 10:
        pytest.skip("only some of the tests of this file were chosen")
    context = click.Context(dockfleet)
    commands = {name: dockfleet.get_command(context, name) for name in dockfleet.list_commands(context)}
    same = {command for command in commands.values() if not isinstance(command, click.Group)}
    for group_name, group in list(commands.items()):
        if isinstance(group, click.Group):
            within = {f"{group_name} {name}": group.get_command(context, name) for name in group.list_commands(context)}
            commands |= {name: command for name, command in within.items() if command not in same}
    missing = [name for name, command in commands.items() if name not in RAN and not isinstance(command, click.Group)]
    assert ", ".join(missing) == ""
