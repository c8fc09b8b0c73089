"""What an engine quotes of a request's secrets does not leave the gateway."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from typing import Any
from urllib.parse import quote, quote_plus

import pytest
from dockfleet.v1 import (
    common_pb2,
    container_config_pb2,
    containers_pb2,
    images_pb2,
    system_pb2,
    volumes_pb2,
)
from hypothesis import given
from hypothesis import strategies as st

from gateway.engine.codec.secrets import hiding

SECRET = 'hunter2-Zm9v/+ä"<&'
AUTH = common_pb2.AuthConfig(username="somebody", password=SECRET, server_address="registry.example")
REQUESTS: dict[str, Any] = {
    "a password": system_pb2.CheckAuthRequest(credentials=AUTH),
    "a header": images_pb2.PullImageRequest(image="busybox", registry_auth=AUTH),
    "a map of credentials": images_pb2.BuildImageStart(registry_config={"registry.example": AUTH}),
    "a build argument": images_pb2.BuildImageStart(build_args={"TOKEN": SECRET}),
    "a variable": containers_pb2.CreateContainerRequest(
        config=container_config_pb2.ContainerSpec(env=[f"TOKEN={SECRET}", "DEBUG=1"])
    ),
    "an option": volumes_pb2.CreateVolumeRequest(driver_opts={"o": SECRET}),
    "a login of a configuration file": images_pb2.PullImageRequest(
        registry_auth=common_pb2.AuthConfig(auth=base64.b64encode(f"somebody:{SECRET}".encode()).decode())
    ),
    "a URL": images_pb2.BuildImageStart(remote=f"https://somebody:{quote(SECRET, safe='')}@git.example/x.git"),
}


def in_base64(before: str, *, url_safe: bool) -> Callable[[str], str]:
    """Return what writes a secret within something longer in base64."""
    encode = base64.urlsafe_b64encode if url_safe else base64.b64encode
    return lambda secret: encode(f"{before}{secret}!".encode()).decode()


def in_json_of_go(secret: str) -> str:
    """Return JSON as an engine writes it."""
    return json.dumps(secret, ensure_ascii=False).replace("<", "\\u003c").replace("&", "\\u0026")


def in_header(secret: str) -> str:
    """Return the header that has the secret."""
    return base64.urlsafe_b64encode(json.dumps({"username": "somebody", "password": secret}).encode()).decode()


QUOTES: dict[str, Callable[[str], str]] = {
    "as it is": str,
    "in a string that another quotes": lambda secret: json.dumps(
        json.dumps(secret, ensure_ascii=False), ensure_ascii=False
    ),
    "in JSON": json.dumps,
    "in JSON of Go": in_json_of_go,
    "in a path": quote,
    "in a query": quote_plus,
    "in a header": in_header,
    **{f"in base64 behind {before!r}": in_base64(before, url_safe=False) for before in ("", "a", "ab")},
    **{f"in base64url behind {before!r}": in_base64(before, url_safe=True) for before in ("", "a", "ab")},
}


@pytest.mark.parametrize("request_of", REQUESTS)
@pytest.mark.parametrize("how", QUOTES)
def test_a_secret_is_taken_out_however_it_is_quoted(request_of: str, how: str) -> None:
    """As it is, escaped, or in base64 within something longer; the other words stay."""
    text = hiding(REQUESTS[request_of])(f"unauthorized: {QUOTES[how](SECRET)} is wrong")

    assert text.startswith("unauthorized: ")
    assert text.endswith(" is wrong")
    for part in ("hunter2", "Zm9v"):
        assert part not in text
    for before in range(3):
        coded = base64.b64encode(b"x" * before + SECRET.encode()).decode()[4:20]
        assert coded not in text


def test_what_is_no_secret_stays() -> None:
    """A user's name, the address of a registry, and short words among build arguments are what an error is about."""
    request = images_pb2.BuildImageStart(
        remote="https://git.example/x.git", build_args={"TAG": "1.25", "TOKEN": SECRET}, registry_config={"r": AUTH}
    )
    words = "somebody at registry.example has no tag 1.25 in https://git.example/x.git"

    assert hiding(request)(words) == words


def test_the_login_of_any_url_is_taken_out() -> None:
    """An engine quotes URLs of its own configuration too."""
    text = hiding(system_pb2.PingRequest())("Get https://user:pass@mirror.example/v2/: EOF")

    assert text == "Get https://***@mirror.example/v2/: EOF"


@given(st.text(min_size=8), st.text(max_size=50), st.text(max_size=50))
def test_no_secret_is_left(secret: str, before: str, after: str) -> None:
    """Whatever it is, and whatever is around it."""
    request = system_pb2.CheckAuthRequest(credentials=common_pb2.AuthConfig(password=secret))

    assert secret not in hiding(request)(f"{before}{secret}{after}").replace("***", "\0")


@pytest.mark.parametrize("how", QUOTES)
@pytest.mark.parametrize("missing", [1, 3, 6])
def test_the_beginning_of_a_secret_at_the_end_of_a_cut_text_is_taken_out(how: str, missing: int) -> None:
    """An engine can say it so often that what is left of a long text fits into a status."""
    quoted = QUOTES[how](SECRET)
    begun = quoted.rstrip('="')[:-missing]

    hidden = hiding(REQUESTS["a password"])((f"{quoted} " * 60 + begun).rjust(4096))

    assert SECRET[:6] not in hidden
    assert begun[-8:] not in hidden


def test_a_text_is_left_out_when_there_are_too_many_secrets_to_look_for() -> None:
    """A request of 4 MiB with variables would take the gateway seconds for each error of the engine."""
    for env in ([f"A{number}=secret-{number}" for number in range(501)], ["A=" + "s" * (33 << 10)]):
        config = container_config_pb2.ContainerSpec(env=env)
        hide = hiding(containers_pb2.CreateContainerRequest(config=config))

        assert (
            hide(f"invalid: {env[0]}") == "*** (the request has too many secrets to look for in the text of the engine)"
        )
