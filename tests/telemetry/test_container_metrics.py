"""How the metrics of containers are written, compressed and documented."""

from __future__ import annotations

import gzip
import re

from hypothesis import given
from hypothesis import strategies as st

from gateway.telemetry.containers.blocks import Block, gzipped, plain
from gateway.telemetry.containers.families import CONTAINERS, HOSTS
from gateway.telemetry.containers.labels import ContainerLabels
from gateway.telemetry.containers.page import without_host
from tests.support.contract import ROOT


@given(st.lists(st.binary(max_size=200_000), max_size=5))
def test_parts_that_are_compressed_apart_are_one_stream(texts: list[bytes]) -> None:
    """Their checksum and size are those of the whole."""
    blocks = [Block.of(text) for text in texts]

    assert gzip.decompress(gzipped(blocks)) == b"".join(texts)
    assert plain(blocks) == b"".join(texts)


def test_label_values_are_escaped_and_bounded() -> None:
    """A container may have any text in its labels; of two labels with one name, the first counts."""
    labels = ContainerLabels(["a.b", "a/b", "c"], show_ids=False)

    text = labels.of("h1", "0" * 64, "web", "i", {"a.b": '\\ "\n', "a/b": "second", "c": "x" * 1000})

    assert text == (
        'host="h1",name="web",image="i",container_label_a_b="\\\\ \\"\\n",container_label_c="' + "x" * 256 + '"'
    )


def test_the_host_is_taken_out_of_labels_alone() -> None:
    """A value with the same text keeps it."""
    labels = ContainerLabels(["l"], show_ids=False).of("h1", "", "web", "", {"l": '{host="h1",'})
    text = f'a{{{labels}}} 1\nb{{host="h1"}} 2\n'

    assert without_host(text.encode(), "h1") == b'a{name="web",container_label_l="{host=\\"h1\\","} 1\nb 2\n'


def test_every_metric_of_containers_is_documented() -> None:
    """docs/metrics.md has a row for each, with its group."""
    page = (ROOT / "docs/metrics.md").read_text()
    rows = set(re.findall(r"^\| `(\w+)` \| (?:(\w+) \| )?", page, re.MULTILINE))

    assert rows == {(family.name, family.group or "always") for family in CONTAINERS} | {
        (name, "") for name, *_ in HOSTS
    }
