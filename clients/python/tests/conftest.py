from __future__ import annotations

import signal
import sys
from collections.abc import Callable, Iterator

import dockfleet
import pytest
from click.testing import CliRunner, Result
from dockfleet.cli.program import dockfleet as cli

from clients.python.tests.scripted_gateway import Gateway


@pytest.fixture
def gateway() -> Iterator[Gateway]:
    gateway = Gateway()
    yield gateway
    gateway.stop()


@pytest.fixture
def fleet(gateway: Gateway) -> Iterator[dockfleet.Fleet]:
    with dockfleet.connect(gateway.address) as fleet:
        yield fleet


@pytest.fixture
def run(gateway: Gateway) -> Callable[..., Result]:
    """Run the client in this process, against the scripted gateway."""
    return lambda *arguments: CliRunner().invoke(cli, ["--address", gateway.address, *arguments])


@pytest.fixture
def command(gateway: Gateway) -> Iterator[list[str]]:
    """The command line of the client as a program of its own."""
    # A shell starts background programs with SIGINT ignored, and their children inherit that.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield [sys.executable, "-c", "from dockfleet.cli import main; main()", "--address", gateway.address]
    signal.signal(signal.SIGINT, before)
