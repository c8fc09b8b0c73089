"""The formats of strings that name objects, and their escaping in a path.

Names become parts of paths, which the Engine's router resolves: a container called `../images/app` would be an image.
A name is refused if it is ambiguous as a part of a path, or if no engine can have such a name; all others are
percent-escaped.  References of images and ids of execs have the grammars of the OCI distribution specification and of
Docker, which are unambiguous.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from urllib.parse import quote, unquote

from dockfleet.options.v1 import options_pb2 as pb

_HEX = r"[0-9a-f]"
_LABEL = r"[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?"
_PORT = r":[0-9]+"
# What has neither dot, port nor capital is no registry, but the first component of a path (`localhost` does as one).
_DOMAIN = (
    rf"(?:{_LABEL}(?:\.{_LABEL})+(?:{_PORT})?|{_LABEL}{_PORT}|(?=[a-z0-9-]*[A-Z]){_LABEL}"
    rf"|\[[0-9a-fA-F:]{{2,39}}\](?:{_PORT})?)"
)
_COMPONENT = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_REPOSITORY = rf"(?:{_DOMAIN}/)?(?=[a-z0-9._/-]{{1,255}}(?:[:@]|\Z)){_COMPONENT}(?:/{_COMPONENT})*"
_TAG = r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}"
_DIGEST = rf"[a-z0-9]+(?:[.+_-][a-z0-9]+)*:{_HEX}{{32,128}}"
_LONGEST = 512  # bytes; a repository's path has at most 255 of them
_LONGEST_NAME = 255  # characters

_PATTERNS: dict[int, tuple[str, str]] = {
    pb.NAME_FORMAT_EXEC: (rf"{_HEX}{{64}}", "an exec's id: 64 hexadecimal digits"),
    pb.NAME_FORMAT_IMAGE: (
        rf"{_REPOSITORY}(?::{_TAG})?(?:@{_DIGEST})?|{_DIGEST}|{_HEX}{{1,64}}",
        "an image's id or reference, such as `registry.example.com:5000/team/app:1.2`",
    ),
    pb.NAME_FORMAT_NEW_NAME: (
        rf"(?!{_HEX}{{6,64}}\Z)[a-zA-Z0-9][a-zA-Z0-9_.-]{{1,127}}",
        "a name of 2 to 128 letters, digits, `_`, `.` and `-`, not of 6 to 64 hexadecimal digits as ids are",
    ),
    pb.NAME_FORMAT_TAG: (rf"{_TAG}|{_DIGEST}", "a tag of up to 128 letters, digits, `_`, `.` and `-`, or a digest"),
    pb.NAME_FORMAT_REPOSITORY: (_REPOSITORY, "an image repository in lower case, without tag or digest"),
}
_PLAIN = re.compile(rf"[A-Za-z0-9][A-Za-z0-9_.-]{{0,{_LONGEST_NAME - 1}}}")  # ids, and almost all names
_LIMITS = (
    f"of at most {_LONGEST_NAME} characters, without control characters, "
    "and without `.`, `..` or nothing between slashes"
)
_INVISIBLE = ("Cc", "Cf", "Zl", "Zp")  # controls, also of the direction of text, and ends of lines


def _fits(pattern: str) -> Callable[[str], bool]:
    compiled = re.compile(pattern)
    return lambda value: len(value) <= _LONGEST and compiled.fullmatch(value) is not None


def _is_name(name: str) -> bool:
    """Return whether a path with *name* is unambiguous, also for a router or proxy that unescapes it twice."""
    if _PLAIN.fullmatch(name):
        return True
    if not name.strip() or len(name) > _LONGEST_NAME:
        return False
    while _is_one_way(name):
        unescaped = unquote(name)
        if unescaped == name:
            return True
        name = unescaped
    return False


def _is_one_way(name: str) -> bool:
    if {"", ".", ".."} & set(re.split(r"[/\\]", name)):
        return False
    return not any(unicodedata.category(character) in _INVISIBLE for character in name)


_TESTS: dict[int, tuple[Callable[[str], bool], str]] = {
    **{format: (_fits(pattern), words) for format, (pattern, words) in _PATTERNS.items()},
    pb.NAME_FORMAT_CONTAINER: (
        lambda value: _is_name(container(value)),
        f"a container's id, id prefix or name {_LIMITS}; the id always works",
    ),
    pb.NAME_FORMAT_NETWORK: (_is_name, f"a network's id or name {_LIMITS}; the id always works"),
    pb.NAME_FORMAT_VOLUME: (_is_name, f"a volume's name {_LIMITS}"),
}


def violation(format: int, value: str) -> str | None:
    """Return what *value* must be when it does not fit the `NameFormat` *format*, else None."""
    fits, words = _TESTS[format]
    return None if fits(value) else f"must be {words}"


def segment(format: int, value: str) -> str:
    """Return *value*, which fits *format*, as a part of a path.

    A container's name may begin with the slash that lists show it with; no path may.  The slashes of a reference stay,
    for those are parts of paths in the Engine's specification.
    """
    if format == pb.NAME_FORMAT_IMAGE:
        return quote(value, safe="/:@")
    return quote(container(value) if format == pb.NAME_FORMAT_CONTAINER else value, safe=":@")


def container(name: str) -> str:
    """Return a container's name without the slash that lists show it with."""
    return name.removeprefix("/")
