"""Finds the kind and the name of the object that an engine did not find.

The missing object may be one of the request, or another that the operation needs.  The engine's error text names it, in
the spellings of Docker 20.10 to 29 and of Podman.  If it names none, the missing object is the target of the request.
"""

from __future__ import annotations

import re

_NAME = r"(?P<name>.{1,255}?)"
_WORDS = tuple(  # the first that fits counts; a kind alone leaves the name to the request
    (kind, re.compile(pattern.replace("NAME", _NAME), re.IGNORECASE))
    for kind, pattern in (
        ("path", r"could not find the file NAME in container"),
        ("path", r"no such container:path: [^:]{1,255}:NAME$"),
        ("path", r"not a directory$|^no such file or directory$"),
        ("plugin", r"plugin with name NAME available"),
        ("plugin", r'plugin \\?"?(?P<name>[^\s"\\]{1,255})\\?"? not found'),
        ("plugin", r"no such plugin"),
        ("network", r"network with name or ID NAME: "),
        ("network", r"network NAME not found"),
        ("network", r"network not found$"),
        ("volume", r'volume with name "?NAME"? (not )?found'),
        ("volume", r"^(get |remove )?NAME: no such volume"),
        ("volume", r"no such volume"),
        ("exec", r"no such exec instance:? ?NAME$"),
        ("exec", r"no exec session with ID NAME found"),
        ("exec", r"no such exec (session|instance)"),
        ("container", r"no such container: ?NAME$"),
        ("container", r'no container with name or ID "?NAME"? found'),
        ("container", r"no such container$"),
        ("image", r"no such image: ?NAME(: image not known)?$"),
        ("image", r"\bno such image|image not known|manifest unknown"),
    )
)
_MAKERS = frozenset({"BuildImage", "CreateNetwork", "CreateVolume"})  # what they name need not exist

Named = tuple[tuple[str, str], ...]
"""The objects that a request names: their kinds and names."""


def missing(operation: str, words: str, named: Named) -> tuple[str, str] | None:
    """Return the kind and the name of the object that the RPC *operation* did not find; None when it is not known."""
    for kind, pattern in _WORDS:
        if found := pattern.search(words):
            quoted = found["name"] if "name" in pattern.groupindex else ""
            return kind, _as_asked(kind, quoted.strip(), named)
    return named[0] if named and operation not in _MAKERS else None


def _as_asked(kind: str, quoted: str, named: Named) -> str:
    """Return the request's name for the object that the engine calls *quoted*: engines add registries and tags."""
    same = [name for each, name in named if each == kind]
    return next((name for name in same if not quoted or _is_same(name.removeprefix("/"), quoted)), quoted)


def _is_same(name: str, quoted: str) -> bool:
    return re.search(rf"(?:^|/){re.escape(name)}(?:[:@]|$)", quoted) is not None
