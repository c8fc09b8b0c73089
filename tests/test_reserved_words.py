"""The names of the contract are usable in every language: no reserved words, no names that generated code has."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from google.protobuf.descriptor import Descriptor, FieldDescriptor, FileDescriptor

from tests.support import contract

WORDS = tomllib.loads((Path(__file__).parent / "reserved_words.toml").read_text())


def names() -> Iterator[tuple[str, str, str]]:
    """Yield the kind, the word and the whole name of everything in the contract that has a name."""
    for file in contract.files():
        yield from (("packages", part, file.package) for part in file.package.split("."))
        yield "types", file.GetOptions().java_outer_classname, f"the Java class of {file.name}"
        yield from (("members", name, extension.full_name) for name, extension in file.extensions_by_name.items())
        yield from _types_of(file)
    for message in contract.messages():
        yield "types", message.name, message.full_name
        yield from (("members", field.name, field.full_name) for field in message.fields)
        yield from (("members", oneof.name, oneof.full_name) for oneof in message.oneofs)


def _types_of(file: FileDescriptor) -> Iterator[tuple[str, str, str]]:
    for enum in file.enum_types_by_name.values():
        yield "types", enum.name, enum.full_name
        prefix = snake(enum.name) + "_"
        yield from (("values", value.name.lower().removeprefix(prefix), value.name) for value in enum.values)
    for service in file.services_by_name.values():
        yield "types", service.name, service.full_name
        yield from (("rpcs", snake(method.name), method.full_name) for method in service.methods)


def snake(name: str) -> str:
    """Write a CamelCase name in snake_case."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()


def uses(language: str) -> dict[str, list[str]]:
    """The words of a language that the contract uses, and the names that are such words."""
    words = WORDS[language]
    found: dict[str, list[str]] = {}
    for kind, word, name in names():
        keywords = words["keywords"] if kind in words.get("keywords_for", "").split() else ""
        if word in f"{keywords} {words.get(kind, '')}".split():
            found.setdefault(word, []).append(name)
    return found


@pytest.mark.parametrize("language", WORDS)
def test_no_name_is_a_word_of_the_language(language: str) -> None:
    """No name is a word that a language or its generated code keeps for itself, but for those that do no harm."""
    allowed = WORDS[language].get("allowed", {})

    assert {word: names for word, names in uses(language).items() if word not in allowed} == {}


@pytest.mark.parametrize("language", WORDS)
def test_no_exception_is_left_over(language: str) -> None:
    """Every word that is allowed is used by the contract."""
    assert set(WORDS[language].get("allowed", {})) <= set(uses(language))


def test_no_field_is_called_like_an_accessor_of_another() -> None:
    """No field has the name of a method that generated code makes for another field of its message."""
    assert {clash for message in contract.messages() for clash in clashes(message)} == set()


def clashes(message: Descriptor) -> Iterator[tuple[str, str]]:
    """Yield the fields that are called like an accessor of another, and the other."""
    taken = {name: field.name for field in message.fields for name in accessors(field)}
    taken |= {f"{oneof.name}_case": oneof.name for oneof in message.oneofs}
    yield from ((field.full_name, taken[field.name]) for field in message.fields if field.name in taken)


def accessors(field: FieldDescriptor) -> Iterator[str]:
    """What the methods for a field are called in C++, Go, Java and Swift, beside the field's own name."""
    yield from (f"{verb}_{field.name}" for verb in ("add", "clear", "get", "has", "mutable", "put", "release", "set"))
    if field.is_repeated:
        yield from (f"{field.name}_{suffix}" for suffix in ("count", "list", "map", "size"))
    elif field.type == FieldDescriptor.TYPE_MESSAGE:
        yield from (f"{field.name}_{suffix}" for suffix in ("builder", "or_builder"))
    elif field.type == FieldDescriptor.TYPE_STRING:
        yield f"{field.name}_bytes"
    elif field.type == FieldDescriptor.TYPE_ENUM:
        yield f"{field.name}_value"


def test_no_field_is_called_like_its_message() -> None:
    """No field has the name of its message, which C# does not allow."""
    fields = [(field, snake(message.name)) for message in contract.messages() for field in message.fields]

    assert [field.full_name for field, name in fields if field.name == name] == []
