"""Many engines that answer at once: `python -m tests.bench.scripted_hosts FOLDER HOSTS CONTAINERS`.

Each listens on a unix socket of its own, has so many containers, and answers what the gateway and the docker SDK ask,
from bytes that are made once: so what is measured is what asks.  A line on standard input is answered with the number
of requests since the last one.
"""

from __future__ import annotations

import asyncio
import functools
import json
import sys
from datetime import UTC, datetime, timedelta
from email.utils import formatdate
from pathlib import Path
from typing import Any

import uvloop

_STARTED = f"{datetime.now(UTC) - timedelta(hours=2):%Y-%m-%dT%H:%M:%SZ}"
_HEADERS = "Api-Version: 1.45\r\nServer: Docker/26.1.5 (linux)\r\nContent-Type: application/json\r\n"


class Host:
    """The answers of one engine, by path."""

    def __init__(self, number: int, containers: int) -> None:
        self.requests = 0
        rows, inspections = [], {}
        for index in range(containers):
            id = f"{number:08x}{index:08x}".ljust(64, "0")
            rows.append(_row(id, f"web-{number}-{index}", index))
            inspections[id] = _answer(_inspection(id, index))
        self._info = {"ID": f"engine-{number}", "ServerVersion": "26.1.5", "NCPU": 4, "MemTotal": 8 << 30}
        self._answers = {
            "/_ping": _answer(None),
            "/version": _answer({"Version": "26.1.5", "ApiVersion": "1.45", "MinAPIVersion": "1.24"}),
            "/containers/json": _answer(rows),
            "/images/json": _answer([]),
            "/networks": _answer([]),
            "/volumes": _answer({"Volumes": [], "Warnings": []}),
        }
        self._answers["/system/df"] = _answer({"LayersSize": 0})
        self._inspections = inspections
        self._stats = _answer(_sample())

    def answer(self, target: str) -> bytes:
        """Return the whole answer to a GET of *target*."""
        self.requests += 1
        path = target.partition("?")[0]
        if path.startswith("/v1."):
            path = path[path.index("/", 1) :]
        if path == "/events":
            head = f"HTTP/1.1 200 OK\r\n{_HEADERS}Date: {formatdate(usegmt=True)}\r\nTransfer-Encoding: chunked\r\n\r\n"
            return (head + ("0\r\n\r\n" if "until=" in target else "")).encode()
        if path.startswith("/containers/") and path.endswith("/json") and path != "/containers/json":
            body = self._inspections[path.split("/")[2]]
        elif path.endswith("/stats"):
            body = self._stats
        elif path == "/info":  # its time has to fit the Date, else every probe asks for the identity again
            body = _answer(self._info | {"SystemTime": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%S.%fZ}"})
        else:
            body = self._answers[path]
        head = f"HTTP/1.1 200 OK\r\n{_HEADERS}Date: {formatdate(usegmt=True)}\r\nContent-Length: {len(body)}\r\n\r\n"
        return head.encode() + body


class _Connection(asyncio.Protocol):
    def __init__(self, host: Host) -> None:
        self._host = host
        self._data = b""

    def connection_made(self, transport: Any) -> None:
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._data += data
        while b"\r\n\r\n" in self._data:
            head, _, self._data = self._data.partition(b"\r\n\r\n")
            verb, target, _ = head.split(b" ", 2)
            answer = self._host.answer(target.decode())
            self._transport.write(answer if verb != b"HEAD" else answer[: answer.index(b"\r\n\r\n") + 4])


def _answer(document: Any) -> bytes:
    return b"OK" if document is None else json.dumps(document, separators=(",", ":")).encode()  # as engines write it


def _row(id: str, name: str, index: int) -> dict[str, Any]:
    return {
        "Id": id,
        "Names": [f"/{name}"],
        "Image": "registry.example.com/shop/web:1.2.3",
        "ImageID": "sha256:" + "5" * 64,
        "Command": "/usr/bin/web --listen :8080",
        "Created": 1_760_000_000 - index,
        "Ports": [{"IP": "0.0.0.0", "PrivatePort": 8080, "PublicPort": 20_000 + index, "Type": "tcp"}],
        "Labels": {"app": "shop", "com.docker.compose.project": "shop", "com.docker.compose.service": f"web-{index}"},
        "State": "running",
        "Status": "Up 2 hours",
        "HostConfig": {"NetworkMode": "bridge"},
        "NetworkSettings": {
            "Networks": {
                "bridge": {
                    "NetworkID": "a" * 64,
                    "EndpointID": "b" * 64,
                    "Gateway": "172.17.0.1",
                    "IPAddress": f"172.17.0.{index % 250 + 2}",
                    "IPPrefixLen": 16,
                    "MacAddress": "02:42:ac:11:00:02",
                }
            }
        },
        "Mounts": [],
    }


def _inspection(id: str, index: int) -> dict[str, Any]:
    return {
        "Id": id,
        "Created": f"2025-10-09T08:53:20.{999_999_999 - index:09d}Z",
        "State": {
            "Status": "running",
            "Running": True,
            "ExitCode": 0,
            "StartedAt": _STARTED,  # it has to fit the Status, else the gateway asks again and again
            "FinishedAt": "0001-01-01T00:00:00Z",
        },
        "Config": {"Image": "registry.example.com/shop/web:1.2.3"},
        "HostConfig": {"Memory": 0, "NanoCpus": 0},
    }


def _sample() -> dict[str, Any]:
    names = ("total_rss", "total_cache", "total_inactive_file", "total_active_file", "pgfault", "pgmajfault")
    counts = ("rx_bytes", "rx_packets", "rx_errors", "rx_dropped", "tx_bytes", "tx_packets", "tx_errors", "tx_dropped")
    usage = {"total_usage": 123_456_789_012, "usage_in_usermode": 100_000_000_000, "usage_in_kernelmode": 2_000_000_000}
    return {
        "read": "2026-01-01T00:00:00.123456789Z",
        "cpu_stats": {"cpu_usage": usage, "system_cpu_usage": 1 << 60, "online_cpus": 4},
        "memory_stats": {"usage": 100 << 20, "limit": 8 << 30, "stats": dict.fromkeys(names, 12_345_678)},
        "networks": {"eth0": dict.fromkeys(counts, 1_234_567)},
        "blkio_stats": {
            "io_service_bytes_recursive": [
                {"major": 8, "minor": 0, "op": op, "value": 1 << 30} for op in ("read", "write")
            ]
        },
        "pids_stats": {"current": 7},
    }


async def main(folder: Path, count: int, containers: int) -> None:
    """Serve until standard input ends."""
    hosts = [Host(number, containers) for number in range(count)]
    loop = asyncio.get_running_loop()
    servers = []  # one that nobody holds is closed
    for number, host in enumerate(hosts):
        path = str(folder / f"{number}")
        servers.append(await loop.create_unix_server(functools.partial(_Connection, host), path, backlog=512))
    print("ready", flush=True)
    while await asyncio.to_thread(sys.stdin.readline):
        print(sum(host.requests for host in hosts), flush=True)
        for host in hosts:
            host.requests = 0
    for server in servers:
        server.close()


if __name__ == "__main__":
    uvloop.run(main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])))
