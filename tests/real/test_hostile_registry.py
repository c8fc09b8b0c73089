"""Registries that quote what they were sent, and more than a line can hold: real engines pass on their words."""

from __future__ import annotations

import asyncio
import base64
import json
import logging
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import grpc
import pytest
from dockfleet.v1 import common_pb2, distribution_pb2, images_pb2, system_pb2

from tests.real.support import import_image, messages, tar
from tests.support.gateway import Client, failed

USER, PASSWORD = "tester", 'correct-horse"battery<\u00e9'
CODED = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
CONTROLS = "\x1b[31m\r\n\x00\u202e"
AUTH = common_pb2.AuthConfig(username=USER, password=PASSWORD)

_PUSH_SECONDS = 2  # an engine follows a redirect again and again

Answer = tuple[int, dict[str, str], bytes]


def errors(text: str) -> bytes:
    """The body of an error, as registries write it."""
    return json.dumps({"errors": [{"code": "DENIED", "message": text, "detail": text}]}).encode()


def quoting(sent: str, before: str = "") -> str:
    """A text that quotes the header that was sent, and what is in it."""
    within = re.sub("^Basic ", "", sent)
    return f"{before}you sent {sent} which is {base64.b64decode(within).decode(errors='replace')}{CONTROLS}{within}"


def refuses(sent: str, port: int) -> Answer:
    """Refuses the login, or everything."""
    return 403, {}, errors(quoting(sent))


def refuses_at_length(sent: str, port: int) -> Answer:
    """The same, in a MiB."""
    return 403, {}, errors(quoting(sent, CONTROLS * 100_000))


def says_it_in_the_middle(sent: str, port: int) -> Answer:
    """The same, after as many characters as the gateway keeps, so that the secret is cut."""
    return 403, {}, errors(quoting(sent, "x" * 4060))


def is_no_registry(sent: str, port: int) -> Answer:
    """Answers with what is not JSON."""
    return 403, {"Content-Type": "text/html"}, f"<html>{quoting(sent, CONTROLS)}".encode() * 1000


def asks_for_a_token(sent: str, port: int) -> Answer:
    """Names a place for tokens, with control characters."""
    challenge = f'Bearer realm="http://127.0.0.1:{port}/token",service="{"x" * 3000}",scope="a b"'
    return 401, {"WWW-Authenticate": challenge}, errors(quoting(sent))


def redirects(sent: str, port: int) -> Answer:
    """Leads elsewhere."""
    return 307, {"Location": f"http://{USER}:secret-of-location@127.0.0.1:1/{'x' * 3000}"}, b""


@asynccontextmanager
async def registry(answer: Callable[[str, int], Answer]) -> AsyncIterator[str]:
    """Serve a registry, which first asks for a login; yield its address."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        first = await reader.readexactly(1)
        if first == b"\x16":  # engines try TLS first
            writer.close()
            return
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        found = re.search(r"(?im)^authorization: (.*?)\r$", head)
        port = writer.get_extra_info("sockname")[1]
        status, headers, body = answer(found[1] if found else "", port)
        if found is None and answer is not asks_for_a_token:
            status, headers, body = 401, {"WWW-Authenticate": 'Basic realm="here"'}, b""
        fields = {"Content-Type": "application/json", "Content-Length": str(len(body)), "Connection": "close"}
        lines = [f"HTTP/1.1 {status} Registry", *(f"{name}: {value}" for name, value in (fields | headers).items())]
        writer.write("\r\n".join([*lines, "", ""]).encode() + body)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield f"127.0.0.1:{server.sockets[0].getsockname()[1]}"


@pytest.mark.parametrize(
    "answer", [refuses, refuses_at_length, says_it_in_the_middle, is_no_registry, asks_for_a_token, redirects]
)
async def test_a_registry_that_quotes_the_login_does_not_get_it_into_the_gateways_words(
    client: Client, host: str, answer: Callable[[str, int], Answer], caplog: pytest.LogCaptureFixture
) -> None:
    """Not in a status, not in the progress of a pull, and not in the log.  Each text is short and within its line."""
    caplog.set_level(logging.DEBUG)
    async with registry(answer) as address:
        image = f"{address}/some/image"
        await import_image(client, host, tar({"file": b"x"}), f"{image}:1")
        pull = images_pb2.PullImageRequest(host=host, image=image, tag="1", registry_auth=AUTH)
        push = images_pb2.PushImageRequest(host=host, name=image, tag="1", registry_auth=AUTH)
        login = common_pb2.AuthConfig(server_address=f"http://{address}")
        login.MergeFrom(AUTH)
        calls = [
            messages(client.images.PullImage(pull)),
            messages(client.images.PushImage(push, timeout=_PUSH_SECONDS)),
            client.system.CheckAuth(system_pb2.CheckAuthRequest(host=host, credentials=login)),
            client.distribution.InspectDistribution(
                distribution_pb2.InspectDistributionRequest(host=host, name=f"{image}:1", registry_auth=AUTH)
            ),
        ]
        try:
            texts = [await _words(call) for call in calls]
        finally:
            await client.images.RemoveImage(images_pb2.RemoveImageRequest(host=host, name=f"{image}:1"))

    said = "".join(texts) + caplog.text
    assert [
        secret for secret in (PASSWORD, PASSWORD[:9], CODED, CODED[:20], "secret-of-location") if secret in said
    ] == []
    assert max(map(len, texts)) < 16_384
    assert not re.search("[\x00-\x09\x0b-\x1f\u202e]", "".join(texts))
    assert "INTERNAL" not in "".join(texts)


async def _words(call: Any) -> str:
    """What a call says before it fails, and why it does."""
    try:
        return str(await call)
    except grpc.aio.AioRpcError as error:
        return str(failed(error))
