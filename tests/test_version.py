"""There is one version, in one file, and every place that shows a version shows that one."""

from __future__ import annotations

import logging
import tomllib

import dockfleet
import pytest
from click.testing import CliRunner
from dockfleet.cli.program import dockfleet as command_line

from gateway.config.loading import load
from tests.support.contract import ROOT
from tests.support.fake_engine import FakeEngine
from tests.support.gateway import gateway_of
from tests.web.client import get

FILE = ROOT / "clients/python/dockfleet/_version.py"


def test_both_packages_take_the_version_from_its_file() -> None:
    """No `pyproject.toml` has a version of its own."""
    for project in (ROOT, ROOT / "clients/python"):
        settings = tomllib.loads((project / "pyproject.toml").read_text())

        assert settings["project"]["dynamic"] == ["version"]
        assert "version" not in settings["project"]
        assert (project / settings["tool"]["hatch"]["version"]["path"]).samefile(FILE)
    assert f'__version__ = "{dockfleet.__version__}"' in FILE.read_text()


def test_the_programs_print_it(capsys: pytest.CaptureFixture[str]) -> None:
    """`dockfleet version --client` and `dockfleet-gateway --version`."""
    printed = CliRunner().invoke(command_line, ["version", "--client"]).stdout
    with pytest.raises(SystemExit):
        load(["--version"], {})

    assert printed.split()[:2] == ["dockfleet", dockfleet.__version__]
    assert capsys.readouterr().out.split() == ["dockfleet-gateway", dockfleet.__version__]


async def test_a_gateway_says_it_at_the_start_and_to_prometheus(caplog: pytest.LogCaptureFixture) -> None:
    """The log line `serving` has it, and the metric `dockfleet_build_info`."""
    caplog.set_level(logging.INFO, "gateway")
    async with FakeEngine() as engine, gateway_of(engine.address, metrics_listen="127.0.0.1:0") as client:
        assert client.metrics_address is not None
        page = (await get(client.metrics_address, "/metrics")).body.decode()

    started = next(record for record in caplog.records if record.getMessage() == "serving")
    assert vars(started)["fields"]["version"] == dockfleet.__version__
    assert f'dockfleet_build_info{{version="{dockfleet.__version__}"}} 1.0' in page
