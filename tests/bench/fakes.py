"""A fake engine on one unix socket, for a thousand hosts: `python -m tests.bench.fakes SOCKET CONTAINERS EVENTS`.

It answers what an inventory asks: each connection could be to another host.  It remembers so many events, and all its
containers were started two hours ago.  As little of Python as possible is between the socket and the answers.
"""

from __future__ import annotations

import asyncio
import json
import re
import sys
import time
from typing import Any

import uvloop

from tests.support.fake_objects import container, full, written

_REQUEST = re.compile(rb"GET (?:/v[0-9.]+)?([^? ]+)(\?\S*)? HTTP/1.1")


def row(number: int) -> dict[str, Any]:
    """Return a container like those of a shop: a name, a handful of labels, a port, a network."""
    id = full(f"{number:04x}{number * 7919 % 65536:04x}")
    labels = {
        "com.docker.compose.project": f"shop-{number % 7}",
        "com.docker.compose.service": f"front-{number}",
        "com.docker.compose.container-number": "1",
        "maintainer": "team-blue@example.com",
    }
    endpoint = {
        "IPAMConfig": None,
        "Links": None,
        "Aliases": None,
        "NetworkID": full("a0"),
        "EndpointID": full(f"e{number:04x}"),
        "Gateway": "172.18.0.1",
        "IPAddress": f"172.18.{number // 250}.{number % 250 + 2}",
        "IPPrefixLen": 16,
        "IPv6Gateway": "",
        "GlobalIPv6Address": "",
        "GlobalIPv6PrefixLen": 0,
        "MacAddress": f"02:42:ac:12:{number // 250:02x}:{number % 250:02x}",
        "DriverOpts": None,
    }
    return container(
        id,
        f"shop-{number % 7}-front-{number}",
        Image="registry.example.com/shop/front:1.2.3",
        Labels=labels,
        Ports=[{"IP": "0.0.0.0", "PrivatePort": 8080, "PublicPort": 20000 + number, "Type": "tcp"}],
        HostConfig={"NetworkMode": "shop"},
        NetworkSettings={"Networks": {"shop": endpoint}},
    )


class Answers:
    """The bodies of all answers."""

    def __init__(self, containers: int, events: int) -> None:
        rows = [row(number) for number in range(containers, 0, -1)]
        inspections = {each["Id"]: each.pop("inspection") for each in rows}
        self.bodies = {b"/containers/json": _json(rows), b"/volumes": _json({"Volumes": []}), b"/_ping": b"OK"}
        self.rows = {id: _json([each]) for id, each in zip(inspections, rows, strict=True)}
        for id, inspection in inspections.items():
            self.bodies[f"/containers/{id}/json".encode()] = _json(inspection)
        self.bodies[b"/images/json"] = _json(
            [{"Id": f"sha256:{full(str(n))}", "RepoTags": [f"app:{n}"], "Created": n} for n in range(5)]
        )
        self.bodies[b"/networks"] = _json(
            [{"Id": full(f"a{n}"), "Name": f"net-{n}", "Driver": "bridge", "Scope": "local"} for n in range(4)]
        )
        happened = time.time_ns() - 3600 * 10**9
        self.events = b"".join(
            _json(
                {
                    "Type": "container",
                    "Action": "start",
                    "Actor": {"ID": rows[n % len(rows)]["Id"], "Attributes": {**rows[n % len(rows)]["Labels"]}},
                    "scope": "local",
                    "time": happened // 10**9,
                    "timeNano": happened + n,
                }
            )
            for n in range(events)
        )


class Engine(asyncio.Protocol):
    """One connection."""

    def __init__(self, answers: Answers) -> None:
        self._answers = answers
        self._read = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the connection."""
        self._transport: Any = transport

    def data_received(self, data: bytes) -> None:
        """Answer the requests that are complete."""
        self._read += data
        while b"\r\n\r\n" in self._read:
            head, _, self._read = self._read.partition(b"\r\n\r\n")
            self._answer(head)

    def _answer(self, head: bytes) -> None:
        found = _REQUEST.match(head)
        assert found is not None, head
        path, query = found[1], found[2] or b""
        if path == b"/events":
            self._events(remembered=b"until" in query)
            return
        body = self._answers.bodies.get(path, b"{}")
        if path == b"/info":
            body = _json({"SystemTime": written(time.time())})
        elif b"filters" in query and (id := re.search(rb"[0-9a-f]{64}", query)):
            body = self._answers.rows.get(id[0].decode(), b"[]")
        self._head(b"Content-Length: %d\r\n\r\n" % len(body))
        self._transport.write(body)

    def _events(self, *, remembered: bool) -> None:
        events = self._answers.events
        if remembered:
            self._head(b"Content-Length: %d\r\n\r\n" % len(events))
            self._transport.write(events)
            return
        self._head(b"Transfer-Encoding: chunked\r\n\r\n")
        if events:
            self._transport.write(b"%x\r\n%b\r\n" % (len(events), events))

    def _head(self, rest: bytes) -> None:
        date = time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime()).encode()
        self._transport.write(b"HTTP/1.1 200 OK\r\nApi-Version: 1.41\r\nDate: " + date + b"\r\n" + rest)


def _json(document: Any) -> bytes:
    return json.dumps(document, separators=(",", ":")).encode() + b"\n"


async def main(path: str, containers: int, events: int) -> None:
    """Serve until the process is ended."""
    answers = Answers(containers, events)
    server = await asyncio.get_running_loop().create_unix_server(lambda: Engine(answers), path, backlog=4096)
    print("ready", flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3])))
