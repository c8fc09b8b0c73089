"""Removes the secrets of a request from the error texts of engines, because engines quote the values that they refuse.

Secrets are the fields that the contract marks as such, and the logins in URLs.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator
from functools import cache
from typing import Any
from urllib.parse import quote, quote_plus, unquote

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message

from gateway.engine.call import Hide
from gateway.engine.codec import options

_HIDDEN = "***"
_SHORTEST, _SHORTEST_OF_MANY = 4, 8  # characters of a secret, and of one among many that mostly are none: see `_found`
_LOGIN = re.compile(r"://([^/?#\s@]{1,1024})@")
_BASE64 = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/-_=")
_URL_SAFE = str.maketrans("+/", "-_")
_LEAST_BASE64 = 6  # characters of it by which a secret is recognised
_MOST, _MOST_CHARACTERS = 500, 32 << 10  # secrets, and characters of all, that are looked for
_CUT = 1024  # characters of a text that may have been cut, perhaps within a secret
_LEFT_OUT = f"{_HIDDEN} (the request has too many secrets to look for in the text of the engine)"


def hiding(message: Message) -> Hide:
    """Return the function that takes the secrets of *message* out of a text: as they are, escaped, and in base64.

    A long text may have been cut within a secret: the beginning of a secret at its end is taken out too.
    """

    def hide(text: str) -> str:
        secrets, cut = _not_too_many(_found(message)), len(text) >= _CUT
        if secrets is None:
            return _LEFT_OUT
        for secret in sorted(secrets, key=len, reverse=True):
            for form in _forms(secret):
                text = text.replace(form, _HIDDEN)
                text = _without_begun(text, form, _SHORTEST) if cut else text
            for core in _in_base64(secret):
                text = _without(text, core)
                text = _without_begun(text, core, _LEAST_BASE64) if cut else text
        return _LOGIN.sub(f"://{_HIDDEN}@", text)

    return hide


def _not_too_many(found: Iterator[str]) -> set[str] | None:
    """Return the secrets that are *found*; None for too many, because the search for them would take seconds."""
    secrets, characters = set[str](), 0
    for secret in found:
        characters += len(secret) if secret not in secrets else 0
        secrets.add(secret)
        if len(secrets) > _MOST or characters > _MOST_CHARACTERS:
            return None
    return secrets


def _found(message: Message, *, secret: bool = False) -> Iterator[str]:
    """Yield the secrets in *message*; *secret* says that all of it is.

    The values of a map or a list that may hold secrets, such as build arguments, mostly are words that an error has to
    say; so the short ones are none.
    """
    for field, value in message.ListFields():
        hidden = secret or options.of_field(field).secret
        for item in _items(field, value):
            if isinstance(item, Message):
                yield from _found(item, secret=hidden and not _names_its_secrets(item.DESCRIPTOR))
            elif isinstance(item, str):
                yield from _of_text(item, hidden=hidden, many=field.is_repeated)


def _items(field: FieldDescriptor, value: Any) -> list[Any]:
    if not field.is_repeated:
        return [value]
    is_map = field.message_type is not None and field.message_type.GetOptions().map_entry
    return list(value.values()) if is_map else list(value)


def _of_text(text: str, *, hidden: bool, many: bool) -> Iterator[str]:
    if hidden:
        _, equals, value = text.partition("=")  # an environment variable
        secret = value if many and equals else text
        if len(secret) >= (_SHORTEST_OF_MANY if many else _SHORTEST):
            yield secret
        with_login = _decoded(text)  # what a configuration file has for a user and a password
        if ":" in with_login and len(with_login.partition(":")[2]) >= _SHORTEST:
            yield with_login.partition(":")[2]
    for login in _LOGIN.finditer(text):
        user, colon, password = login[1].partition(":")
        secret = password if colon else user
        if len(secret) >= (_SHORTEST if colon else _SHORTEST_OF_MANY):
            yield from {secret, unquote(secret)}


def _decoded(text: str) -> str:
    try:
        return base64.b64decode(text, validate=True).decode()
    except ValueError:
        return ""


@cache
def _names_its_secrets(message: Descriptor) -> bool:
    """Return whether fields of *message* are marked as secrets: then the others are none."""
    return any(options.of_field(field).secret for field in message.fields)


def _forms(secret: str) -> set[str]:
    """Return how a secret may be written: as it is, or escaped for JSON or for a URL."""
    escaped = {quote(secret, safe=""), quote(secret), quote_plus(secret)}
    return {*_in_json(secret), *escaped, *(re.sub("%..", lambda found: found[0].lower(), text) for text in escaped)}


def _in_json(secret: str) -> set[str]:
    """Return how a secret may be within a string of JSON, or in one that another string quotes."""
    text = _quoted(secret)
    by_go = re.sub("[<>&]", lambda found: f"\\u{ord(found[0]):04x}", text)
    once = {secret, text, by_go, json.dumps(secret)[1:-1]}
    return once | {_quoted(each) for each in once}


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)[1:-1]


def _in_base64(secret: str) -> Iterator[str]:
    """Yield what of a secret does not depend on its neighbours, when it is within something in base64."""
    for text in _in_json(secret):
        data = text.encode(errors="replace")
        for before in range(3):
            coded = base64.b64encode(bytes(before) + data).decode()
            whole = coded[(8 * before + 5) // 6 : (before + len(data)) * 8 // 6]
            if len(whole) >= _LEAST_BASE64:
                for core in {whole, whole.translate(_URL_SAFE)}:
                    yield from {core, quote(core, safe="")}


def _without(text: str, core: str) -> str:
    """Return *text* without the words in base64 that have *core*."""
    while (start := text.find(core)) >= 0:
        end = start + len(core)
        while start and text[start - 1] in _BASE64:
            start -= 1
        while end < len(text) and text[end] in _BASE64:
            end += 1
        text = text[:start] + _HIDDEN + text[end:]
    return text


def _without_begun(text: str, form: str, least: int) -> str:
    """Return *text* without its end, if that is the beginning of *form* and has at least *least* characters."""
    start = text.find(form[:least], max(len(text) - len(form), 0))
    while start >= 0:
        if form.startswith(text[start:]):
            return text[:start] + _HIDDEN
        start = text.find(form[:least], start + 1)
    return text
