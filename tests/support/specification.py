"""The Engine API's own specification, where it is at hand: its operations, parameters and properties.

A property has a path such as `HostConfig.Mounts[].BindOptions`, with `[]` for the items of an array and `{}` for the
values of an object that is a map.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import yaml

from tests.support.contract import ROOT

REFERENCE = ROOT.parent / "shared" / "reference"
GROUPS = {"Container", "Image", "Exec", "System", "Network", "Volume", "Distribution"}

Schema = dict[str, Any]
Endpoint = tuple[str, str]


@dataclass
class Operation:
    """An operation: what it is asked with, headers and parameters included, and what a good answer holds."""

    name: str
    asked: dict[str, Schema] = field(default_factory=dict)
    answered: dict[str, Schema] = field(default_factory=dict)


@cache
def operations(version: str) -> dict[Endpoint, Operation]:
    """The operations of the groups that the contract covers, by verb and path, with `{}` for every parameter in it."""
    document = yaml.load((REFERENCE / f"engine-v{version}.yaml").read_text(), yaml.CSafeLoader)
    return {
        (verb.upper(), re.sub(r"\{\w+\}", "{}", path)): _operation(document, described, item.get("parameters", []))
        for path, item in document["paths"].items()
        for verb, described in item.items()
        if verb != "parameters" and GROUPS.intersection(described["tags"])
    }


def _operation(document: Schema, described: Schema, common: list[Schema]) -> Operation:
    operation = Operation(described["operationId"])
    for parameter in [*common, *described.get("parameters", [])]:
        parameter = _resolved(document, parameter)
        if parameter["in"] == "body":
            operation.asked |= _properties(document, parameter["schema"])
        elif parameter["in"] != "path":
            operation.asked[parameter["name"]] = parameter
    for status, answer in described["responses"].items():
        if str(status).startswith("2") and "schema" in answer:
            found = _properties(document, answer["schema"])
            operation.answered |= {path.removeprefix("[]."): schema for path, schema in found.items()}
    return operation


def _properties(document: Schema, schema: Schema, path: str = "") -> dict[str, Schema]:
    schema = _resolved(document, schema)
    found: dict[str, Schema] = {}
    for part in schema.get("allOf", []):
        found |= _properties(document, part, path)
    for name, below in schema.get("properties", {}).items():
        where = f"{path}.{name}" if path else name
        found[where] = _resolved(document, below)
        found |= _properties(document, below, where)
    if isinstance(schema.get("additionalProperties"), dict):
        found |= _properties(document, schema["additionalProperties"], f"{path}{{}}")
    if "items" in schema:
        found |= _properties(document, schema["items"], f"{path}[]")
    return found


def _resolved(document: Schema, schema: Schema) -> Schema:
    while "$ref" in schema:
        found: Any = document
        for part in schema["$ref"].removeprefix("#/").split("/"):
            found = found[part]
        schema = found | {key: value for key, value in schema.items() if key != "$ref"}
    return schema
