"""The tool that starts private engines, with real ones."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from deploy.private_engines.engine import PrivateEngine
from deploy.private_engines.service import marked

pytestmark = pytest.mark.skipif(
    os.geteuid() != 0 or shutil.which("dockerd") is None,
    reason="needs root, and dockerd (python -m deploy.private_engines install)",
)


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PrivateEngine]:
    engine = PrivateEngine(tmp_path_factory.mktemp("engines"), "alpha")
    engine.start()
    engine.load_busybox()
    yield engine
    engine.remove()


def call(engine: PrivateEngine, method: str, path: str, body: Any = None) -> Any:
    """Call the engine's API; return its JSON."""
    status, answer = engine.request(method, path, body)
    assert status < 300, answer
    return json.loads(answer) if answer else None


def run(engine: PrivateEngine, *command: str, network: str = "bridge") -> str:
    """Start a container and return its id."""
    body = {"Image": "busybox", "Cmd": command, "HostConfig": {"NetworkMode": network}}
    container: str = call(engine, "POST", "/containers/create", body)["Id"]
    call(engine, "POST", f"/containers/{container}/start")
    return container


def test_a_started_engine_answers_under_its_own_name(engine: PrivateEngine) -> None:
    """A started engine answers, and its hostname is the name that it was given."""
    assert engine.request("GET", "/_ping") == (200, b"OK")
    assert call(engine, "GET", "/info")["Name"] == "alpha"


def test_a_container_runs_to_its_end(engine: PrivateEngine) -> None:
    """The busybox image runs, has an address of its own, and its exit status arrives."""
    container = run(engine, "sh", "-c", "ip addr show dev eth0 | grep -q 'inet 198.1[89]'")
    assert call(engine, "POST", f"/containers/{container}/wait")["StatusCode"] == 0


def test_two_engines_do_not_see_each_other(engine: PrivateEngine, tmp_path: Path) -> None:
    """Another engine on the same machine does not know a container or an image of the first."""
    container = run(engine, "true")
    with PrivateEngine(tmp_path, "beta") as other:
        assert other.request("GET", f"/containers/{container}/json")[0] == 404
        assert call(other, "GET", "/images/json") == []
        assert call(other, "GET", "/info")["ID"] != call(engine, "GET", "/info")["ID"]


def test_stop_leaves_nothing_even_after_a_crash(tmp_path: Path) -> None:
    """When an engine is stopped, no process, mount, bridge or control group of it is left, crashed or not."""

    def links() -> set[str]:
        return {link["ifname"] for link in json.loads(subprocess.check_output(["ip", "-j", "link"]))}

    before = links()
    engine = PrivateEngine(tmp_path, "gamma")
    engine.start()
    engine.load_busybox()
    call(engine, "POST", "/networks/create", {"Name": "own"})
    run(engine, "sleep", "1000", network="own")
    frozen = run(engine, "sleep", "1000")
    call(engine, "POST", f"/containers/{frozen}/pause")
    assert engine.tag in links()

    engine.kill()
    PrivateEngine(tmp_path, "gamma").stop()  # as another process would do it, that knows the directory alone

    assert str(engine.home) not in marked()
    assert links() - before == set()
    assert str(tmp_path) not in Path("/proc/self/mountinfo").read_text()
    assert not [*Path("/sys/fs/cgroup").glob(f"**/{engine.tag}")]
