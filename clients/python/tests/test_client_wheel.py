"""The wheel of the client in a clean environment."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from dockfleet.v1.containers_pb2 import ListContainersResponse, RunContainerResponse

from clients.python.tests.scripted_gateway import Gateway, fail

pytestmark = pytest.mark.toolchains
CLIENT = Path(__file__).resolve().parents[1]

PROGRAM = """
import sys, dockfleet
with dockfleet.connect(sys.argv[1]) as fleet:
    host = fleet.host("a")
    print([container.id for container in host.containers.list(all=True, filters={"label": "app=shop"})])
    print(host.run("alpine", "echo hi", environment={"A": 1}, ports={80: 8080}).stdout)
    try:
        host.containers.stop("nope", timeout=2)
    except dockfleet.NotFound as error:
        print(error.reason)
try:
    import click
except ModuleNotFoundError:
    print("no click")
"""
PACKAGES = {
    "oldest": ["protobuf==5.29.*", "grpcio==1.66.2"],
    "protobuf 6": ["protobuf==6.*"],
}
"""Beside the newest, which all other tests use."""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of the client."""
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", folder]
    subprocess.run([*command, CLIENT], check=True)
    return next(folder.glob("*.whl"))


@pytest.mark.timeout(600)
@pytest.mark.parametrize("packages", PACKAGES)
def test_the_wheel_of_the_client_runs_with_older_packages(wheel: Path, tmp_path: Path, packages: str) -> None:
    """One command installs it, without what only the command line needs: the command names its extra."""
    clean = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "VIRTUAL_ENV")}
    subprocess.run([sys.executable, "-m", "venv", tmp_path], check=True, env=clean)
    pip = [tmp_path / "bin/pip", "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, wheel, *PACKAGES[packages]], check=True, env=clean, cwd=tmp_path)
    gateway = Gateway()
    gateway.on("ListContainers", ListContainersResponse(containers=[{"id": "1"}]))
    answers = [{"created": {"id": "1"}}, {"output": {"stream": 1, "data": b"hi"}}, {"end": {"exit_code": 0}}]
    gateway.on("RunContainer", [RunContainerResponse(**answer) for answer in answers])
    gateway.on("StopContainer", lambda request, context: fail(context, reason="NOT_FOUND"))

    program = [tmp_path / "bin/python", "-c", PROGRAM, gateway.address]
    ran = subprocess.run(program, capture_output=True, text=True, env=clean, cwd=tmp_path)
    gateway.stop()
    helped = subprocess.run([tmp_path / "bin/dockfleet", "--help"], capture_output=True, text=True, env=clean)

    assert ran.stdout.splitlines() == ["['1']", "b'hi'", "NOT_FOUND", "no click"], ran.stderr
    assert gateway.requests[1].config.env == ["A=1"]
    assert helped.stderr == "dockfleet: No module named 'click': pip install 'dockfleet[cli]'\n"
