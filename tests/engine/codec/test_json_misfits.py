"""Every field of every message that is read, with extremes in its place: never a defect, never a lost neighbour."""

from __future__ import annotations

from typing import Any

import pytest
from google.protobuf.descriptor import Descriptor, FieldDescriptor

from gateway.engine.codec.json import NotEngineJson, dump, loader, parse
from tests.support import contract
from tests.support.contract import rules
from tests.support.messages import full, without_own

DEEP: Any = 1
for _ in range(300):
    DEEP = {"a": [DEEP]}
EXTREMES = {
    "null": None,
    "true": True,
    "zero": 0,
    "negative": -1,
    "beyond 64 bits": 2**64,
    "300 digits": 10**300,
    "fraction": 0.5,
    "largest": 1.7e308,
    "beyond a double": parse(b"1e400"),
    "text": "text",
    "empty text": "",
    "long text": "9" * 400,
    "year 9999": "9999-12-31T23:59:59.999999999Z",
    "beyond year 9999": "9999-12-31T23:59:59.999999999-05:00",
    "year 10000": "10000-01-01T00:00:00Z",
    "year 0": "0000-01-01T00:00:00Z",
    "no day": "2024-02-30T00:00:00Z",
    "list": [1],
    "list of lists": [[["a"]], {}, None, "b"],
    "object": {"a": 1},
    "object of nulls": {"a": None, "": None},
    "deep": DEEP,
}


def read() -> list[Descriptor]:
    """All messages that are objects in answers, and what they consist of."""
    found: dict[str, Descriptor] = {}
    waiting: list[Descriptor | None] = [
        method.output_type for method in contract.methods() if contract.endpoint(method)
    ]
    while waiting:
        kind = waiting.pop()
        if kind is not None and kind.full_name not in found and not kind.full_name.startswith("google."):
            found[kind.full_name] = kind
            waiting += [contract.below(field) for field in kind.fields if not rules(field).gateway_only]
    return [kind for kind in found.values() if not rules(kind).json_form and "record" not in kind.oneofs_by_name]


def properties(kind: Descriptor) -> list[FieldDescriptor]:
    """The fields of a message that are properties of the Engine's objects."""
    return [field for field in kind.fields if not (rules(field).gateway_only or rules(field).header)]


def several(kind: Descriptor) -> list[FieldDescriptor]:
    """Those of them that have several values."""
    return [field for field in properties(kind) if field.is_repeated]


KINDS = [kind for kind in read() if properties(kind)]


def test_messages_of_answers_are_found() -> None:
    """Also those within others."""
    names = {kind.name for kind in KINDS}

    assert {"CreateContainerResponse", "Container", "HostConfig", "CpuUsage", "EngineEvent", "ProgressResult"} <= names
    assert len(names) > 100


def groups(kind: Descriptor) -> list[list[FieldDescriptor]]:
    """The properties in groups that get an extreme together: half of those that may be left out; each other alone."""
    optional = [field for field in properties(kind) if not rules(field).essential]
    alone = [[field] for field in properties(kind) if rules(field).essential]
    return [*filter(None, (optional[::2], optional[1::2])), *alone]


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_an_extreme_in_the_place_of_a_field_costs_nothing_else(kind: Descriptor) -> None:
    """A value that fits is read; another is left out, or refused where it was asked for; what is read can be sent."""
    document = dump(without_own(full(kind)), [])
    load = loader(kind)
    for fields in groups(kind):
        places = tuple(f"response.{field.json_name}" for field in fields)
        others: Any = load(document)
        for field in fields:
            others.ClearField(field.name)
        for name, extreme in EXTREMES.items():
            skipped: list[str] = []
            try:
                found: Any = load({**document, **{field.json_name: extreme for field in fields}}, skipped)
            except NotEngineJson:
                assert rules(fields[0]).essential, name
                continue
            assert all(place.startswith(places) for place in skipped), name
            assert type(found).FromString(found.SerializeToString()) == found, name
            for field in fields:
                found.ClearField(field.name)
            assert found == others, name


@pytest.mark.parametrize("kind", [kind for kind in KINDS if several(kind)], ids=lambda kind: kind.name)
def test_an_extreme_among_several_costs_nothing_of_the_others(kind: Descriptor) -> None:
    """In a list or a map, the items before and after it arrive."""
    document = dump(without_own(full(kind)), [])
    for field in several(kind):
        if not isinstance(document[field.json_name], list):
            continue
        [item] = document[field.json_name]
        [wanted] = getattr(loader(kind)(document), field.name)
        for name, extreme in EXTREMES.items():
            found = loader(kind)({field.json_name: [item, extreme, item]})
            items = list(getattr(found, field.name))
            assert (items[0], items[-1]) == (wanted, wanted), (field.name, name)
            assert 2 <= len(items) <= 3
