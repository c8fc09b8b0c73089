"""One command installs the gateway with its client into a clean environment, or the client alone."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from dockfleet.v1.containers_pb2 import ListContainersResponse, RunContainerResponse

from clients.python.tests.scripted_gateway import Gateway, fail
from tests.support.contract import ROOT

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


@pytest.mark.timeout(600)
def test_pip_installs_the_gateway_and_the_client_from_the_checkout(tmp_path: Path) -> None:
    """Nothing called dockfleet is taken from an index, where anybody may have put it."""
    clean = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "VIRTUAL_ENV")}
    subprocess.run([sys.executable, "-m", "venv", tmp_path], check=True, env=clean)
    programs = tmp_path / "bin"

    subprocess.run(
        [programs / "pip", "install", "--quiet", "--disable-pip-version-check", ROOT],
        check=True,
        env=clean,
        cwd=tmp_path,
    )

    for program in ("dockfleet-gateway", "dockfleet"):
        helped = subprocess.run([programs / program, "--help"], capture_output=True, text=True, env=clean, cwd=tmp_path)
        assert helped.returncode == 0, helped.stderr
        assert program in helped.stdout.lower()
    origin = "import importlib.metadata as m; print(m.distribution('dockfleet').read_text('direct_url.json'))"
    found = subprocess.run(
        [programs / "python", "-c", origin], check=True, capture_output=True, env=clean, cwd=tmp_path
    )
    assert json.loads(found.stdout)["url"] == f"file://{ROOT}/clients/python"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of the client."""
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", folder]
    subprocess.run([*command, ROOT / "clients/python"], check=True)
    return next(folder.glob("*.whl"))


@pytest.mark.timeout(600)
@pytest.mark.parametrize("packages", PACKAGES)
def test_the_wheel_of_the_client_runs_with_older_packages(wheel: Path, tmp_path: Path, packages: str) -> None:
    """One command installs it, without what only the command line needs."""
    clean = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "VIRTUAL_ENV")}
    subprocess.run([sys.executable, "-m", "venv", tmp_path], check=True, env=clean)
    pip = [tmp_path / "bin/pip", "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, wheel, *PACKAGES[packages]], check=True, env=clean, cwd=tmp_path)
    gateway = Gateway()
    gateway.on("ListContainers", ListContainersResponse(containers=[{"id": "1"}]))
    answers = [{"created": {"id": "1"}}, {"output": {"stream": 1, "data": b"hi"}}, {"end": {"exit_code": 0}}]
    gateway.on("RunContainer", [RunContainerResponse(**answer) for answer in answers])  # type: ignore[arg-type]
    gateway.on("StopContainer", lambda request, context: fail(context, reason="NOT_FOUND"))

    program = [tmp_path / "bin/python", "-c", PROGRAM, gateway.address]
    ran = subprocess.run(program, capture_output=True, text=True, env=clean, cwd=tmp_path)
    gateway.stop()

    assert ran.stdout.splitlines() == ["['1']", "b'hi'", "NOT_FOUND", "no click"], ran.stderr
    assert gateway.requests[1].config.env == ["A=1"]
