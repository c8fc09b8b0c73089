"""The rows of containers: their names and addresses, and what they share with other rows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from gateway.engine.inventory.rows import ContainerRow, Membership, Port
from tests.engine.inventory.support import row
from tests.support.fake_objects import container

PUBLISHED = {"IP": "0.0.0.0", "PrivatePort": 80, "PublicPort": 8080, "Type": "tcp"}
WEB: dict[str, Any] = {
    "Labels": {"app": "shop", "tier": "web"},
    "Ports": [PUBLISHED],
    "NetworkSettings": {"Networks": {"shop": {"NetworkID": "f" * 64, "IPAddress": "172.20.0.2"}}},
}


def web(id: str, **more: Any) -> ContainerRow:
    """A container of the shop."""
    return row(container(id, f"web-{id}") | WEB | more)


SHARED: dict[str, Callable[[ContainerRow], object]] = {
    "labels": lambda row: row.labels,
    "ports": lambda row: row.ports,
    "networks": lambda row: row.networks,
}


@pytest.mark.parametrize("of", SHARED.values(), ids=SHARED)
def test_rows_with_the_same_labels_ports_and_networks_keep_them_once(of: Callable[[ContainerRow], object]) -> None:
    """A fleet has the same services on many hosts; a row of its own for each of these takes half a kilobyte."""
    assert of(web("aa")) is of(web("bb"))


def test_a_large_row_shares_nothing() -> None:
    """What is shared outlives its rows, and a hostile host can list anything."""
    large = {"Labels": {"app": "x" * 4096}}
    first, second = web("aa", **large), web("bb", **large)

    for of in SHARED.values():
        assert of(first) == of(second)
        assert of(first) is not of(second)


def test_a_row_with_many_ports_shares_no_ports() -> None:
    """Each port takes much more memory than its place in a message."""
    many = {"Ports": [{"PrivatePort": port, "Type": "tcp"} for port in range(1, 34)]}

    assert web("aa", **many).ports == web("bb", **many).ports
    assert web("aa", **many).ports is not web("bb", **many).ports


def test_a_row_knows_ports_networks_and_addresses() -> None:
    """As the list has them."""
    found = web("aa")

    assert found.ports == (Port("0.0.0.0", 80, 8080, "tcp"),)
    assert found.networks == (Membership("shop", "f" * 64),)
    assert found.addresses == {"shop": "172.20.0.2"}


@pytest.mark.parametrize(
    ("names", "name", "links"),
    [
        (["/web"], "web", ()),
        (["/shop/web", "/web"], "web", ("/shop/web",)),
        (["/shop/web"], "", ("/shop/web",)),
        ([], "", ()),
    ],
)
def test_the_own_name_is_the_one_without_a_second_slash(names: list[str], name: str, links: tuple[str, ...]) -> None:
    """The others are links, by which other containers reach it."""
    found = web("aa", Names=names)

    assert (found.name, found.links) == (name, links)
    assert set(found.names) == set(names)
