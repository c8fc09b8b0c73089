"""Tokens: what goes in comes out, and nothing else is accepted."""

from __future__ import annotations

import pytest

from gateway.engine.errors import InvalidToken
from gateway.engine.resumable.token import TokenCodec

KEY = bytes(range(32))


def codec(key: bytes = KEY, kind: str = "log", version: int = 2) -> TokenCodec:
    """Return a codec of one number, four bytes and two texts."""
    return TokenCodec(key, kind, version=version, layout="q4s", texts=2)


def test_a_token_holds_values_and_texts() -> None:
    """Texts may be empty, and have up to 255 bytes."""
    token = codec().encode((-7, b"abcd"), (b"", b"x" * 255))

    values, texts = codec().decode(token)

    assert tuple(values) == (-7, b"abcd")
    assert list(texts) == [b"", b"x" * 255]


@pytest.mark.parametrize(
    ("other", "why"),
    [
        (codec(key=bytes(32)), "is not a token of this gateway, or of one that shares its resume key"),
        (codec(kind="event"), "is not a token of this gateway, or of one that shares its resume key"),
        (codec(version=1), "was made by another version of the gateway"),
    ],
)
def test_a_token_of_another_codec_is_refused(other: TokenCodec, why: str) -> None:
    """Of another key, another kind of stream, another version."""
    token = other.encode((1, b"abcd"), (b"a", b"b"))

    with pytest.raises(InvalidToken, match=f"resume_token: {why}"):
        codec().decode(token)


def test_no_byte_of_a_token_can_be_changed() -> None:
    """Nor left out, nor added."""
    token = codec().encode((1, b"abcd"), (b"a", b"b"))
    changed = [token[:at] + bytes((token[at] ^ 1,)) + token[at + 1 :] for at in range(len(token))]

    for bad in [*changed, token[:-1], token + b"x", token[1:], b""]:
        with pytest.raises(InvalidToken):
            codec().decode(bad)


def test_what_is_too_long_for_a_token_is_refused_before_it_costs_anything() -> None:
    """How long one may be is the codec's to say."""
    token = codec().encode((1, b"abcd"), (b"", b""))
    short = TokenCodec(KEY, "log", version=2, layout="q4s", texts=2, max_bytes=len(token) - 1)

    with pytest.raises(InvalidToken, match="at most 1024 bytes"):
        codec().decode(bytes(1025))
    with pytest.raises(InvalidToken, match=f"at most {len(token) - 1} bytes"):
        short.decode(token)
