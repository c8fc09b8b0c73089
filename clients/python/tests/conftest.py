from __future__ import annotations

from collections.abc import Iterator

import pytest
from clients.python.tests.scripted_gateway import Gateway

import dockfleet


@pytest.fixture
def gateway() -> Iterator[Gateway]:
    gateway = Gateway()
    yield gateway
    gateway.stop()


@pytest.fixture
def fleet(gateway: Gateway) -> Iterator[dockfleet.Fleet]:
    with dockfleet.connect(gateway.address) as fleet:
        yield fleet
