"""Splits large JSON documents into pieces, to save memory, and to let other work run between pieces."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

import msgspec

from gateway.engine.codec.json import MOST_VALUES, NotEngineJson, parse

T = TypeVar("T")

LARGE_BYTES = 16 << 10
"""The largest document that is converted at once."""

_elements = msgspec.json.Decoder(list[msgspec.Raw]).decode
_BLANKS = b" \t\r\n"
_ARRAY = re.compile(rb"[ \t\r\n]*+\[")
_BEGIN = re.compile(rb'\{"[^"\\]{1,64}":')  # of an element
# Strings too, because of what they may hold.  It matches wherever a search begins, also in a string without an end: a
# search that fails begins anew with each next quote.
_TOKENS = re.compile(rb'[^"\[\]{},]*+("(?>[^"\\]+|\\.)*+"?|[\[\]{},]|\Z)', re.DOTALL)
_PIECE_BYTES = 16 << 10  # of elements that are read at once: they may be 5,000 that say nothing
_GUESSED_BYTES = 24 << 10  # after a piece, in which its end is looked for
_MOST_TOKENS = 5 * MOST_VALUES  # of an element: a value has a name and a comma, and may have brackets
_LONGEST_ELEMENT = 4 << 20  # bytes
_ELEMENTS = 16  # of a list, in a piece: those that say nothing take as long to convert as others
_MOST_VALUES = 250_000  # of a document with lists in it
_BYTES_OF_VALUE = 4  # that a value of it has at least, on the average


def documents(data: bytes) -> Iterator[Any]:
    """Yield a JSON document; a large one as several documents that form it together.

    These are arrays of few elements for an array; for an object, objects with few elements of its lists each, and one
    with the rest.  Raises `NotEngineJson`, perhaps after the first ones.
    """
    if len(data) <= LARGE_BYTES:
        yield parse(data)
    elif _ARRAY.match(data):
        yield from _arrays(data, parse)
    else:
        yield from _objects(data)


def items(data: bytes) -> Iterator[list[bytes]]:
    """Yield the JSON of the elements of an array, or of null, few at a time.  Raises like `documents`."""
    if _ARRAY.match(data):
        for some in _arrays(data, _unread):
            yield list(map(bytes, some))
    elif data.strip(_BLANKS) != b"null":
        raise NotEngineJson("it is not an array")


def _unread(data: bytes) -> list[msgspec.Raw]:
    try:
        return _elements(data)
    except (msgspec.DecodeError, RecursionError) as error:
        raise NotEngineJson(str(error)) from error


def _arrays(data: bytes, read: Callable[[bytes], list[T]]) -> Iterator[list[T]]:
    """Yield the elements of an array, few at a time, as *read* returns those of an array.

    Engines write all elements alike, so where one ends is guessed.  Parsing shows whether the guess is right: what is
    between two commas, and is JSON, is an element or several.
    """
    start, end = data.index(b"[") + 1, data.rfind(b"]")
    if data[end + 1 :].strip(_BLANKS):
        raise NotEngineJson("an array has no end")
    begin = _BEGIN.match(data, start)
    border = b"}," + (begin[0] if begin else b"{")
    first = True
    while start < end:
        piece, start = _next_piece(data, start, end, border, read)
        if start == end or not (piece or (first and start > end)):
            raise NotEngineJson("a comma of an array is followed by nothing")
        first = False
        for number in range(0, len(piece), _ELEMENTS):
            yield piece[number : number + _ELEMENTS]


def _next_piece(
    data: bytes, start: int, end: int, border: bytes, read: Callable[[bytes], list[T]]
) -> tuple[list[T], int]:
    """Return the elements from *start* on, and where the next ones begin: beyond *end* if there are none."""
    far = min(start + _PIECE_BYTES + _GUESSED_BYTES, end)
    guess = data.find(border, start + _PIECE_BYTES, far) + 1 or far
    if guess < far or far == end:
        with contextlib.suppress(NotEngineJson):
            return read(_array(data, start, guess)), guess + 1
    comma = _comma(data, start, min(end, start + _LONGEST_ELEMENT + 1), start + _PIECE_BYTES)
    if comma - start > _LONGEST_ELEMENT:
        raise NotEngineJson(f"an element of the array exceeds {_LONGEST_ELEMENT} bytes")
    return read(_array(data, start, comma)), comma + 1


def _array(data: bytes, start: int, end: int) -> bytes:
    return b"".join((b"[", memoryview(data)[start:end], b"]"))


def _comma(data: bytes, start: int, end: int, least: int) -> int:
    """Return where the first comma between two elements is, from *least* on; *end* if there is none."""
    depth = 0
    for count, token in enumerate(_TOKENS.finditer(data, start, end)):
        if count > _MOST_TOKENS:
            raise NotEngineJson(f"an element of the array has more than {MOST_VALUES} values")
        kind = token[1]
        if kind in (b"{", b"["):
            depth += 1
        elif kind in (b"}", b"]"):
            depth -= 1
        elif kind == b"," and not depth and token.start(1) >= least:
            return token.start(1)
    return end


def _objects(data: bytes) -> Iterator[Any]:
    """Yield the lists of an object, few elements at a time, after the rest of it."""
    document = parse(data, max(MOST_VALUES, min(_MOST_VALUES, len(data) // _BYTES_OF_VALUE)))
    if not isinstance(document, dict):
        yield document
        return
    long = {key: value for key, value in document.items() if isinstance(value, list) and len(value) > _ELEMENTS}
    rest = {key: value for key, value in document.items() if key not in long}
    _check(rest)
    yield rest
    for key, value in long.items():
        for start in range(0, len(value), _ELEMENTS):
            part = {key: value[start : start + _ELEMENTS]}
            _check(part)
            yield part


def _check(part: Any) -> None:
    """Raise `NotEngineJson` when *part* has too many values."""
    count, level = 0, [part]
    while level:
        below: list[Any] = []
        for value in level:
            if isinstance(value, dict):
                below += value.values()
            elif isinstance(value, list):
                below += value
        count += len(below)
        if count > MOST_VALUES:
            raise NotEngineJson(f"it has more than {MOST_VALUES} values in one place")
        level = below
