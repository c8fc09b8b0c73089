"""What hosts do that are reached by ssh and have a hostile sshd."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import asyncssh
from dockfleet.v1 import containers_pb2, containers_pb2_grpc

from tests.attacks.attack import WORK, Attack, Bound, Seen, Target, code, sizes

_PORT = 2222  # of the first host
_MANY = 1 << 20  # bytes that may wait to be sent
_PAUSE_SECONDS = 0.01
_LINE = b"x" * 8000 + b"\n"


class Sshd(Attack):
    """Hosts reached by ssh that send lines, banners, messages or complaints without end, or never open a channel"""

    name, kind = "hostile-sshd", 7
    calls = sizes(2, 20)  # of each host
    serves = False

    def bounds(self) -> tuple[Bound, ...]:
        return (
            Bound("log_bytes", 65_536, "bytes of log"),
            Bound("memory_peak", 64, "MiB of memory"),
            WORK,
            Bound("answered", 0, "calls to these hosts that succeed"),
        )

    def configuration(self) -> dict[str, Any]:
        limits = {"read_timeout_seconds": 3, "connect_timeout_seconds": 2, "ssh_login_timeout_seconds": 2}
        return {"limits": limits, "health_check_interval_seconds": 1}

    def hosts(self, target: Target) -> list[dict[str, Any]]:
        folder = Path(target.hostile).parent
        for name in ("host_key", "key"):
            asyncssh.generate_private_key("ssh-ed25519").write_private_key(folder / name)
        public = asyncssh.read_private_key(folder / "host_key").export_public_key().decode()
        known = "".join(f"[{target.host}]:{_PORT + number} {public}" for number in range(len(_HOSTS)))
        (folder / "known_hosts").write_text(known)
        ssh = {"identity_file": f"{folder}/key", "known_hosts_file": f"{folder}/known_hosts"}
        return [
            {"name": name, "address": f"ssh://me@{target.host}:{_PORT + number}", "ssh": ssh}
            for number, name in enumerate(_HOSTS)
        ]

    @asynccontextmanager
    async def strike(self, target: Target) -> AsyncIterator[Seen]:
        key = Path(target.hostile).parent / "host_key"
        attacking = {name: asyncio.Event() for name in _HOSTS}
        async with AsyncExitStack() as stack:
            for number, (name, host) in enumerate(_HOSTS.items()):
                place = target.host, _PORT + number
                await stack.enter_async_context(_serving(place, key, host, attacking[name]))
            lists = containers_pb2_grpc.ContainerServiceStub(
                await stack.enter_async_context(target.channel())
            ).ListContainers
            await asyncio.gather(*(event.wait() for event in attacking.values()))
            requests = [containers_pb2.ListContainersRequest(host=name) for name in _HOSTS] * self.calls
            answers = Counter(await asyncio.gather(*(code(lists(request)) for request in requests)))
            yield {"answered": answers["OK"], "answers": dict(answers)}


class _Server(asyncssh.SSHServer):
    """Lets everybody in, opens no stream to a socket, and runs the command `true`, as the gateway expects it.

    Each host differs in one thing.  `attacking` is set when it begins that.
    """

    def __init__(self, attacking: asyncio.Event) -> None:
        self.attacking = attacking

    def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
        self.ssh = conn

    def begin_auth(self, username: str) -> bool | Awaitable[bool]:
        return False

    def unix_connection_requested(self, dest_path: str) -> Any:
        return False

    def session_requested(self) -> Any:
        return self.run

    async def run(self, stdin: Any, stdout: Any, stderr: Any) -> None:
        stdout.channel.exit(0)

    async def without_end(self, send: Callable[[], None]) -> bool:
        """Send the same again and again, while there is room."""
        self.attacking.set()
        transport: Any = self.ssh._transport
        while not self.ssh.is_closed() and not transport.is_closing():
            for _ in range(100):
                send()
            await asyncio.sleep(0)
            while transport.get_write_buffer_size() > _MANY and not transport.is_closing():  # noqa: ASYNC110
                await asyncio.sleep(_PAUSE_SECONDS)
        return False


class _Banners(_Server):
    """Sends banners instead of letting the gateway in."""

    def begin_auth(self, username: str) -> bool | Awaitable[bool]:
        return self.without_end(lambda: self.ssh.send_auth_banner("x" * 1000))


class _Messages(_Server):
    """Sends small messages that mean nothing, once the gateway is in."""

    def begin_auth(self, username: str) -> bool | Awaitable[bool]:
        return False

    def auth_completed(self) -> None:
        self.flood = asyncio.create_task(self.without_end(lambda: self.ssh.send_debug("")))

    def unix_connection_requested(self, dest_path: str) -> Any:
        return asyncio.Event().wait()


class _Complaints(_Server):
    """Writes to the standard error of docker's command."""

    def session_requested(self) -> Any:
        return self.complain

    async def complain(self, stdin: Any, stdout: Any, stderr: Any) -> None:
        if stderr.channel.get_command() == "true":
            stdout.channel.exit(0)
            return
        self.attacking.set()
        with contextlib.suppress(asyncssh.Error, OSError):
            while True:
                stderr.write(b"\x1b" * 4096)
                await stderr.drain()


class _NoChannels(_Server):
    """Never says whether it opens a channel."""

    def unix_connection_requested(self, dest_path: str) -> Any:
        self.attacking.set()
        return asyncio.Event().wait()


_HOSTS: dict[str, type[_Server] | None] = {  # None: it sends lines, and is no ssh server
    "lines": None,
    "banners": _Banners,
    "messages": _Messages,
    "complaints": _Complaints,
    "no-channels": _NoChannels,
}


@asynccontextmanager
async def _serving(
    place: tuple[str, int], key: Path, host: type[_Server] | None, attacking: asyncio.Event
) -> AsyncIterator[None]:
    """Serve *host* at *place*."""
    tasks = set[asyncio.Task[None]]()
    listener = socket.create_server(place)
    listener.setblocking(False)
    accepting = asyncio.create_task(_accept(listener, key, host, attacking, tasks))
    try:
        yield
    finally:
        for task in (accepting, *tasks):
            task.cancel()
        await asyncio.gather(accepting, *tasks, return_exceptions=True)
        listener.close()


async def _accept(
    listener: socket.socket,
    key: Path,
    host: type[_Server] | None,
    attacking: asyncio.Event,
    tasks: set[asyncio.Task[None]],
) -> None:
    loop = asyncio.get_running_loop()
    while True:
        accepted, _ = await loop.sock_accept(listener)
        work = _lines(accepted, attacking) if host is None else _sshd(accepted, key, host, attacking)
        task = loop.create_task(work)
        tasks.add(task)
        task.add_done_callback(tasks.discard)


async def _lines(accepted: socket.socket, attacking: asyncio.Event) -> None:
    attacking.set()
    with accepted, contextlib.suppress(OSError):
        while True:
            await asyncio.get_running_loop().sock_sendall(accepted, _LINE)


async def _sshd(accepted: socket.socket, key: Path, host: type[_Server], attacking: asyncio.Event) -> None:
    with contextlib.suppress(asyncssh.Error, OSError):
        async with await asyncssh.run_server(
            accepted, server_factory=lambda: host(attacking), server_host_keys=[key], encoding=None
        ) as connection:
            await connection.wait_closed()
