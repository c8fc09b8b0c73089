"""What strings must look like that name objects: checked before anything is sent.

Names end up in paths, and the Engine's router resolves what it gets there: a container called
`../images/app` would be an image.  The grammars are those of Docker and of the OCI distribution
specification.
"""

from __future__ import annotations

import re

from dockfleet.options.v1 import options_pb2 as pb

_NAME = r"[a-zA-Z0-9][a-zA-Z0-9_.-]{0,254}"
_HEX = r"[0-9a-f]"
_LABEL = r"[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?"
_PORT = r":(?:[0-9]{1,4}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5])"
# What has neither dot nor port is no registry, but the first component of a path (`localhost` does as one, too).
_DOMAIN = rf"(?:{_LABEL}(?:\.{_LABEL})+(?:{_PORT})?|{_LABEL}{_PORT}|\[[0-9a-fA-F:]{{2,39}}\](?:{_PORT})?)"
_COMPONENT = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_REPOSITORY = rf"(?:{_DOMAIN}/)?(?=[a-z0-9._/-]{{1,255}}(?:[:@]|\Z)){_COMPONENT}(?:/{_COMPONENT})*"
_TAG = r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}"
_DIGEST = rf"[a-z0-9]+(?:[.+_-][a-z0-9]+)*:{_HEX}{{32,128}}"
_LONGEST = 512  # bytes; a repository's path has at most 255 of them

_RULES: dict[int, tuple[str, str]] = {
    pb.NAME_FORMAT_CONTAINER: (_NAME, "a container's id, id prefix or name: letters, digits, `_`, `.` and `-`"),
    pb.NAME_FORMAT_EXEC: (rf"{_HEX}{{64}}", "an exec's id: 64 hexadecimal digits"),
    pb.NAME_FORMAT_IMAGE: (
        rf"{_REPOSITORY}(?::{_TAG})?(?:@{_DIGEST})?|{_DIGEST}|{_HEX}{{1,64}}",
        "an image's id or reference, such as `registry.example.com:5000/team/app:1.2`",
    ),
    pb.NAME_FORMAT_NETWORK: (_NAME, "a network's id or name: letters, digits, `_`, `.` and `-`"),
    pb.NAME_FORMAT_VOLUME: (_NAME, "a volume's name: letters, digits, `_`, `.` and `-`"),
    pb.NAME_FORMAT_NEW_NAME: (
        rf"(?!{_HEX}{{12,64}}\Z)[a-zA-Z0-9][a-zA-Z0-9_.-]{{1,127}}",
        "a name of 2 to 128 letters, digits, `_`, `.` and `-` that can not be taken for an id",
    ),
    pb.NAME_FORMAT_TAG: (rf"{_TAG}|{_DIGEST}", "a tag of up to 128 letters, digits, `_`, `.` and `-`, or a digest"),
    pb.NAME_FORMAT_REPOSITORY: (_REPOSITORY, "an image repository in lower case, without tag or digest"),
}
_COMPILED = {format: re.compile(pattern) for format, (pattern, _) in _RULES.items()}


def violation(format: int, value: str) -> str | None:
    """Return what *value* must be when it does not fit the `NameFormat` *format*, else None."""
    if len(value) <= _LONGEST and _COMPILED[format].fullmatch(value):
        return None
    return f"must be {_RULES[format][1]}"
