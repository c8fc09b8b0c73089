"""Large documents are read piece by piece, and are the same as when they are read whole."""

from __future__ import annotations

import contextlib
import json
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.engine.codec import pieces
from gateway.engine.codec.json import NotEngineJson, parse

CONTAINER = {
    "Id": "c" * 64,
    "Names": ["/web"],
    "Ports": [{"PrivatePort": 80}, {"PrivatePort": 81}],
    "Labels": {"a": "}"},
}
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text(alphabet='ab{}[],:"\\\n é', max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(alphabet='ab{},"', max_size=3), inner, max_size=3)
    ),
    max_leaves=8,
)


def read(data: bytes) -> Any:
    """Return the document that the pieces of *data* are together."""
    found = list(pieces.documents(data))
    if len(found) == 1:
        return found[0]
    if isinstance(found[0], list):
        return [element for piece in found for element in piece]
    whole: dict[str, Any] = {}
    for piece in found:
        for key, value in piece.items():
            whole[key] = whole[key] + value if key in whole else value
    return whole


@given(st.lists(VALUES, min_size=1, max_size=6), st.sampled_from([None, 1]), st.integers(0, 40))
def test_an_array_is_the_same_in_pieces(some: list[Any], indent: int | None, size: int) -> None:
    """Whatever its elements are, wherever borders look like others, and with white space or without."""
    document = some * (1 + pieces.LARGE_BYTES // len(json.dumps(some)))
    data = json.dumps(document, indent=indent).encode()

    assert read(data) == document


@given(st.lists(VALUES, min_size=1, max_size=6), st.binary(max_size=3), st.integers(0, 1 << 20))
def test_what_is_no_json_is_none_in_pieces(some: list[Any], change: bytes, place: int) -> None:
    """A change anywhere makes both of them fail, or neither."""
    document = some * (1 + pieces.LARGE_BYTES // len(json.dumps(some)))
    data = bytearray(json.dumps(document).encode())
    place %= len(data)
    data[place : place + len(change)] = change
    expected = found = None
    with contextlib.suppress(NotEngineJson):
        expected = parse(bytes(data), 1 << 20)
    with contextlib.suppress(NotEngineJson):
        found = read(bytes(data))

    assert found == expected


def test_a_list_takes_the_memory_of_a_piece() -> None:
    """No more than some elements exist at a time."""
    data = orjson.dumps([CONTAINER] * 10_000)

    sizes = [len(piece) for piece in pieces.documents(data)]

    assert sum(sizes) == 10_000
    assert max(sizes) < 100


def test_an_element_larger_than_a_piece_is_one() -> None:
    """Its end is found, although much in it looks like an end."""
    element = {"Id": "x", "Ports": [{"Id": number, "Names": {"a": {}}} for number in range(3000)]}
    document = [CONTAINER, element] * 3

    assert read(orjson.dumps(document)) == document


def test_the_lists_of_an_object_come_in_pieces() -> None:
    """The rest of it comes in one."""
    document = {
        "Volumes": [{"Name": f"volume-{number}", "Driver": "local"} for number in range(1000)],
        "Warnings": ["w"],
    }
    data = orjson.dumps(document)

    assert read(data) == document
    assert max(len(piece.get("Volumes", ())) for piece in pieces.documents(data)) < 100


@pytest.mark.parametrize(
    "data",
    [
        b'{"a":[' + b",".join([b"{}"] * 500_000) + b"]}",
        b'{"a":{"b":[' + b",".join([b"{}"] * 30_000) + b"]}}" + b" " * 500_000,
        b'[{"a":[' + b",".join([b"{}"] * 30_000) + b"]}]",
        b'["' + b"x" * (5 << 20) + b'"]',
        b"[" * 500 + b",".join([b"1"] * 30_000) + b"]" * 500,
    ],
    ids=["many", "many in one place", "many in an element", "a long text", "deep"],
)
def test_what_costs_more_than_an_engine_has_to_say_is_refused(data: bytes) -> None:
    """Counted before it is parsed."""
    with pytest.raises(NotEngineJson, match=r"more than|exceeds"):
        read(data)


@pytest.mark.parametrize("data", [b"[{},]", b"[,{}]", b"[{}", b"[{}]]", b"[{}{}]", b"[{},,{}]", b"[}"])
def test_an_array_that_is_none_is_refused(data: bytes) -> None:
    """As it is when it is short."""
    filler = b"{}," * pieces.LARGE_BYTES
    with pytest.raises(NotEngineJson):
        read(data[:1] + filler + data[1:])


def test_an_empty_array_has_no_elements() -> None:
    """However much white space it has."""
    assert list(pieces.documents(b"[" + b" " * pieces.LARGE_BYTES + b"]")) == []


@pytest.mark.parametrize(
    "text", [b'["' + rb"\"" * (2 << 20) + b"]", b'["a\\"" ' + b'\\"' * (2 << 20), b"[" + b" " * (16 << 20) + b"7,]"]
)
def test_the_end_of_an_element_is_looked_for_once(text: bytes) -> None:
    """A text of many quotes that has no end would take hours if the search began anew at each of them."""
    with pytest.raises(NotEngineJson):
        list(pieces.items(text + b" " * pieces.LARGE_BYTES))
