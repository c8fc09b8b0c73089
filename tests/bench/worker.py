"""A client under load, in a process of its own: `python -m tests.bench.worker CLIENT ADDRESS`.

Takes commands as JSON lines, `{"case": "ping", "in_flight": 1, "seconds": 2}`, and answers each with a line of
what it measured.  Which clients there are is the table `CLIENTS`.
"""

from __future__ import annotations

import asyncio
import hashlib
import http.client
import json
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import pairwise
from typing import Any
from urllib.parse import urlsplit

import dockfleet
import dockfleet.aio
import grpc
from docker import APIClient
from dockfleet.v1 import containers_pb2, containers_pb2_grpc

from tests.bench import noop
from tests.bench.fleet_load import FleetLoad

Command = dict[str, Any]
Result = dict[str, Any]

HOST = "bench"  # the name of the engine, as the gateway knows it


def unary(latencies: list[float], seconds: float) -> Result:
    """Return what a run of calls comes to; *latencies* in seconds."""
    latencies.sort()
    return {
        "calls": len(latencies),
        "p50_ms": latencies[len(latencies) // 2] * 1e3,
        "p99_ms": latencies[min(len(latencies) * 99 // 100, len(latencies) - 1)] * 1e3,
        "per_second": len(latencies) / seconds,
    }


def bound(client: Any, command: Command) -> Callable[[], Any]:
    """Return what makes one call of a case."""
    arguments = (command["id"],) if command["case"] == "inspect" else ()
    return partial(getattr(client, command["case"]), *arguments)


class Tally:
    """What came of a stream: how many bytes, or how many lines of them, and their digest when it is asked for."""

    def __init__(self, command: Command) -> None:
        self.amount = 0
        self.digest = hashlib.sha256() if command.get("digest") else None
        self._started = time.perf_counter()

    def data(self, data: bytes) -> None:
        """Count bytes."""
        self.amount += len(data)
        if self.digest is not None:
            self.digest.update(data)

    def entries(self, entries: Any) -> None:
        """Count lines.  Their digest is over stream, time in nanoseconds and text."""
        self.amount += len(entries)
        if self.digest is not None:
            for entry in entries:
                self.digest.update(b"%d %d %b\n" % (entry.stream, entry.time.ToNanoseconds(), entry.data))

    def result(self) -> Result:
        """Return what the stream comes to."""
        seconds = time.perf_counter() - self._started
        found: Result = {"amount": self.amount, "seconds": seconds, "per_second": self.amount / seconds}
        return found | ({"digest": self.digest.hexdigest()} if self.digest is not None else {})


class Client:
    """A client that blocks: `ping`, `inspect`, `list` and `noop` each make one call, in as many threads as needed."""

    def run(self, command: Command) -> Result:
        """Carry out one command."""
        case = command["case"]
        if case in ("export", "logs"):
            tally = Tally(command)
            take = tally.data if case == "export" else tally.entries
            for batch in getattr(self, case)(command["id"]):
                take(batch)
            return tally.result()
        call = bound(self, command)
        started = time.perf_counter()
        with ThreadPoolExecutor(command["in_flight"]) as threads:
            until = started + command["seconds"]
            futures = [threads.submit(self._loop, call, until) for _ in range(command["in_flight"])]
            latencies = [latency for future in futures for latency in future.result()]
        return unary(latencies, time.perf_counter() - started)

    @staticmethod
    def _loop(call: Callable[[], Any], until: float) -> list[float]:
        moments = [time.perf_counter()]
        while moments[-1] < until:
            call()
            moments.append(time.perf_counter())
        return [after - before for before, after in pairwise(moments)]


class Sdk(Client):
    """The docker SDK, called directly."""

    def __init__(self, address: str) -> None:
        self._api = APIClient(base_url=address, version="auto", max_pool_size=64)
        self.ping = self._api.ping
        self.inspect = self._api.inspect_container

    def list(self) -> Any:
        """List all containers."""
        return self._api.containers(all=True)


class Socket(Client):
    """The engine's socket: http.client for calls, curl for streams; nothing is decoded."""

    def __init__(self, address: str) -> None:
        self._path = urlsplit(address).path
        self._connections: list[http.client.HTTPConnection] = []

    def ping(self) -> None:
        """Ping."""
        self._get("/_ping")

    def inspect(self, id: str) -> None:
        """Inspect a container."""
        self._get(f"/v1.41/containers/{id}/json")

    def remembered(self) -> None:
        """List all containers."""
        self.list()

    def list(self) -> None:
        """List all containers."""
        self._get("/v1.41/containers/json?all=true")

    def run(self, command: Command) -> Result:
        """Have curl read a stream; carry out all else here."""
        if command["case"] not in ("export", "logs"):
            return super().run(command)
        query = {"export": "export", "logs": "logs?stdout=true&stderr=true&timestamps=true"}[command["case"]]
        url = f"http://docker/v1.41/containers/{command['id']}/{query}"
        curl = ["curl", "-sS", "--fail", "--unix-socket", self._path, url]
        if command.get("digest"):
            output = subprocess.run(curl, stdout=subprocess.PIPE, check=True).stdout
            tally = Tally(command)
            if command["case"] == "export":
                tally.data(output)
            else:
                for batch in _lines(output):
                    tally.entries(batch)
            return tally.result()
        tally = Tally(command)
        ran = subprocess.run([*curl, "-o", "/dev/null", "-w", "%{size_download}"], stdout=subprocess.PIPE, check=True)
        tally.amount = command["lines"] if command["case"] == "logs" else int(ran.stdout)
        return tally.result()

    def _get(self, path: str) -> None:
        connection = self._connections.pop() if self._connections else self._connect()
        connection.request("GET", path)
        answer = connection.getresponse()
        answer.read()
        assert answer.status == 200, answer.status
        self._connections.append(connection)

    def _connect(self) -> http.client.HTTPConnection:
        connection = http.client.HTTPConnection("docker")
        connection.sock = socket.socket(socket.AF_UNIX)
        connection.sock.connect(self._path)
        return connection


def _lines(output: bytes) -> Iterator[list[Any]]:
    """Yield what the Engine's framed log holds, as log entries."""
    from dockfleet.v1.containers_pb2 import LogEntry

    position = 0
    while position < len(output):
        length = int.from_bytes(output[position + 4 : position + 8], "big")
        time, _, line = output[position + 8 : position + 8 + length].partition(b" ")
        entry = LogEntry(stream=output[position], data=line.removesuffix(b"\n"))  # type: ignore[arg-type]
        entry.time.FromJsonString(time.decode())
        yield [entry]
        position += 8 + length


class Gateway(Client):
    """The Python client of the gateway."""

    def __init__(self, address: str) -> None:
        self._host = dockfleet.connect(address).host(HOST)
        self.ping = self._host.system.ping

    def inspect(self, id: str) -> Any:
        """Inspect a container."""
        return self._host.containers.get(id)

    def list(self) -> Any:
        """List all containers."""
        return self._host.containers.list(all=True)

    def export(self, id: str) -> Iterator[bytes]:
        """Export a container's files."""
        return self._host.containers.export(id)

    def logs(self, id: str) -> Iterator[Any]:
        """Read a container's log."""
        return (batch.batch.entries for batch in self._host.log_messages(id, stdout=True, stderr=True, timestamps=True))


class Noop(Client):
    """gRPC alone."""

    def __init__(self, address: str) -> None:
        call: Any = grpc.insecure_channel(address).unary_unary(noop.PATH)
        self.noop = lambda: call(b"")


class AioClient:
    """A client on asyncio: like `Client`, in as many tasks as needed."""

    def __init__(self, address: str) -> None:
        self._loop = asyncio.new_event_loop()
        self._loop.run_until_complete(self.connect(address))

    async def connect(self, address: str) -> None:
        """Open what the calls need, in the running loop."""
        raise NotImplementedError

    def run(self, command: Command) -> Result:
        """Carry out one command."""
        stream = command["case"] in ("export", "logs")
        return self._loop.run_until_complete(self._stream(command) if stream else self._calls(command))

    async def _stream(self, command: Command) -> Result:
        tally = Tally(command)
        take = tally.data if command["case"] == "export" else tally.entries
        async for batch in getattr(self, command["case"])(command["id"]):
            take(batch)
        return tally.result()

    async def _calls(self, command: Command) -> Result:
        call = bound(self, command)
        started = time.perf_counter()
        loops = (self._repeat(call, started + command["seconds"]) for _ in range(command["in_flight"]))
        latencies = [latency for each in await asyncio.gather(*loops) for latency in each]
        return unary(latencies, time.perf_counter() - started)

    @staticmethod
    async def _repeat(call: Callable[[], Awaitable[Any]], until: float) -> list[float]:
        moments = [time.perf_counter()]
        while moments[-1] < until:
            await call()
            moments.append(time.perf_counter())
        return [after - before for before, after in pairwise(moments)]


class AioGateway(AioClient):
    """The Python client of the gateway, for asyncio."""

    async def connect(self, address: str) -> None:
        """Open the channel."""
        self._host = dockfleet.aio.connect(address).host(HOST)
        self.ping = self._host.system.ping

    def inspect(self, id: str) -> Any:
        """Inspect a container."""
        return self._host.containers.get(id)

    def list(self) -> Any:
        """List all containers."""
        return self._host.containers.list(all=True)

    async def export(self, id: str) -> AsyncIterator[bytes]:
        """Export a container's files."""
        async for piece in self._host.containers.export(id):
            yield piece

    async def logs(self, id: str) -> AsyncIterator[Any]:
        """Read a container's log."""
        async for batch in self._host.log_messages(id, stdout=True, stderr=True, timestamps=True):
            yield batch.batch.entries


class Idle(AioClient):
    """Opens followers of a log that never read, for as long as the process runs.

    HTTP/2 would let a server send 64 KiB ahead on each, minutes of a slow log: here it stops after a few lines.
    """

    async def connect(self, address: str) -> None:
        """Open channels with connections of their own."""
        options = (
            ("grpc.use_local_subchannel_pool", 1),
            ("grpc.http2.lookahead_bytes", 1 << 10),  # the window of each stream
            ("grpc.http2.bdp_probe", 0),  # which stays as it is
        )
        channels = (grpc.aio.insecure_channel(address, options) for _ in range(4))
        self._stubs = [containers_pb2_grpc.ContainerServiceStub(channel) for channel in channels]
        self._followers: list[Any] = []

    def run(self, command: Command) -> Result:
        """`follow`: open as many as the command tells; each has begun to answer then.  `wake`: begin to read."""
        if command["case"] == "follow":
            return self._loop.run_until_complete(self._follow(command["id"], command["in_flight"]))
        return self._loop.run_until_complete(self._wake())

    async def _follow(self, id: str, count: int) -> Result:
        request = containers_pb2.StreamLogsRequest(host=HOST, id=id, follow=True, tail=0)
        calls = [self._stubs[number % len(self._stubs)].StreamLogs(request) for number in range(count)]
        await asyncio.wait_for(asyncio.gather(*(call.initial_metadata() for call in calls)), 60)
        self._followers += calls
        return {"idle": len(calls)}

    async def _wake(self) -> Result:
        """Return the least number of lines that were waiting for a follower: they come in one message."""
        lines = await asyncio.wait_for(asyncio.gather(*map(self._backlog, self._followers)), 60)
        return {"idle_behind": min(lines)}

    @staticmethod
    async def _backlog(call: Any) -> int:
        return max([len((await call.read()).batch.entries) for _ in range(10)])


class AioNoop(AioClient):
    """gRPC alone, on asyncio."""

    async def connect(self, address: str) -> None:
        """Open the channel."""
        call: Any = grpc.aio.insecure_channel(address).unary_unary(noop.PATH)
        self.noop = lambda: call(b"")


CLIENTS: dict[str, Callable[[str], Client | AioClient | FleetLoad]] = {
    "sdk": Sdk,
    "socket": Socket,
    "python": Gateway,
    "aio": AioGateway,
    "fleet": FleetLoad,
    "idle": Idle,
    "noop-python": Noop,
    "noop-aio": AioNoop,
}


def main() -> None:
    """Serve the commands."""
    name, address = sys.argv[1:]
    client = CLIENTS[name](address)
    for line in sys.stdin:
        print(json.dumps(client.run(json.loads(line))), flush=True)


if __name__ == "__main__":
    main()
