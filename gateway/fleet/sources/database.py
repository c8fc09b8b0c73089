"""The store of hosts in a SQLite database, which only its owner can read: it holds keys."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sqlite3
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from gateway.config.documents import Document
from gateway.config.hosts import host_in
from gateway.config.problems import ConfigError
from gateway.config.settings import HostSettings
from gateway.engine.background import retrieve
from gateway.fleet.sources.feed import Feed, Refused
from gateway.fleet.sources.store import HostNameInUse, HostStoreUnavailable

FILE = "hosts.db"
_VERSION = 1
_SCHEMA = """
CREATE TABLE IF NOT EXISTS hosts (name TEXT PRIMARY KEY, document TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS drained (name TEXT PRIMARY KEY);
"""
_TEXTS = "CAST(coalesce(name, '') AS TEXT), CAST(document AS TEXT)"  # a column of SQLite has values of all types
_BUSY_SECONDS = 5.0  # that another gateway with the same directory may write
_AGAIN_SECONDS = 5.0


class Database:
    """The hosts in the database of a state directory; without one, they last as long as this gateway."""

    def __init__(self, folder: Path | None, feed: Feed, drain: Callable[[Iterable[str]], None]) -> None:
        """Open nothing yet.  *drain* takes the names of the hosts that are drained."""
        self._file = folder and folder / FILE
        self._feed = feed
        self._drain = drain
        self._connection: sqlite3.Connection | None = None
        self._lock = asyncio.Lock()

    async def run(self) -> None:
        """Publish the hosts.  Only calls of this gateway change them."""
        try:
            while self._connection is None:
                async with self._lock:
                    await self._begin()
                if self._connection is None:
                    await asyncio.sleep(_AGAIN_SECONDS)
            await asyncio.Event().wait()
        finally:
            async with self._lock:
                self._close()

    async def add(self, name: str, document: str) -> None:
        """Store a host.  Raises `HostNameInUse` and `HostStoreUnavailable`."""
        try:
            await self._change(("INSERT INTO hosts VALUES (?, ?)", (name, document)))
        except sqlite3.IntegrityError:
            raise HostNameInUse(name) from None

    async def replace(self, name: str, document: str) -> None:
        """Store another document of a host.  Raises `HostStoreUnavailable`."""
        await self._change(("UPDATE hosts SET document = ? WHERE name = ?", (document, name)))

    async def remove(self, name: str) -> None:
        """Forget a host.  Raises `HostStoreUnavailable`."""
        await self._change(
            ("DELETE FROM hosts WHERE name = ?", (name,)), ("DELETE FROM drained WHERE name = ?", (name,))
        )

    async def drain(self, name: str, *, drained: bool) -> None:
        """Store whether a host is drained.  Raises `HostStoreUnavailable`."""
        statement = "INSERT OR IGNORE INTO drained VALUES (?)" if drained else "DELETE FROM drained WHERE name = ?"
        await self._change((statement, (name,)))

    async def _begin(self) -> None:
        try:
            self._connection = await asyncio.to_thread(_open, self._file)
            await self._publish()
        except (OSError, sqlite3.Error) as error:
            self._feed.fail(f"the database {self._file} cannot be read: {error}")
            self._close()

    def _close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    async def _change(self, *statements: tuple[str, Sequence[str]]) -> None:
        # A client that leaves does not cut it off: what is stored must be published.
        task = asyncio.create_task(self._change_and_publish(statements))
        task.add_done_callback(retrieve)
        await asyncio.shield(task)

    async def _change_and_publish(self, statements: Iterable[tuple[str, Sequence[str]]]) -> None:
        async with self._lock:
            if self._connection is None:
                raise HostStoreUnavailable(f"the host cannot be stored: {self._feed.failure or 'the gateway starts'}")
            try:
                await asyncio.to_thread(_execute, self._connection, statements)
                await self._publish()
            except sqlite3.IntegrityError:
                raise
            except sqlite3.Error as error:
                raise HostStoreUnavailable(f"the host cannot be stored in {self._file}: {error}") from error

    async def _publish(self) -> None:
        assert self._connection is not None
        rows, drained = await asyncio.to_thread(_read, self._connection)
        hosts: list[HostSettings] = []
        refused: list[Refused] = []
        for name, document in rows:
            try:
                hosts.append(host_in(Document(document, f"host {name} of {self._file}"), name))
            except ConfigError as error:
                refused.append(Refused(f"{self._file}: {name}", str(error)))
        self._drain(drained)
        self._feed.publish(hosts, refused)


def _open(file: Path | None) -> sqlite3.Connection:
    """Open the database, and make it when it is missing.  Raises `OSError` and `sqlite3.Error`."""
    if file is not None:
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.close(os.open(file, os.O_RDWR | os.O_CREAT, 0o600))
        file.chmod(0o600)  # what SQLite makes beside it has the same mode
    connection = sqlite3.connect(file or ":memory:", timeout=_BUSY_SECONDS, check_same_thread=False)
    connection.text_factory = lambda text: text.decode(errors="backslashreplace")  # a file can have anything
    try:
        [version] = connection.execute("PRAGMA user_version").fetchone()
        if version > _VERSION:
            raise sqlite3.DatabaseError(f"it is of version {version}, made by a newer gateway")
        connection.executescript(f"{_SCHEMA} PRAGMA user_version = {_VERSION};")
    except BaseException:
        connection.close()
        raise
    return connection


def _execute(connection: sqlite3.Connection, statements: Iterable[tuple[str, Sequence[str]]]) -> None:
    with connection:
        for statement, values in statements:
            connection.execute(statement, values)


def _read(connection: sqlite3.Connection) -> tuple[list[tuple[str, str]], list[str]]:
    with contextlib.closing(connection.cursor()) as cursor:
        hosts = cursor.execute(f"SELECT {_TEXTS} FROM hosts ORDER BY name").fetchall()
        return hosts, [name for [name] in cursor.execute("SELECT name FROM drained WHERE name NOT NULL").fetchall()]
