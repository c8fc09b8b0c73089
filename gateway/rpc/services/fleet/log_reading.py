"""Reads the logs of single containers into a merged stream."""

from __future__ import annotations

from contextlib import aclosing
from dataclasses import replace

from gateway.engine import queries
from gateway.engine.client import APIError, NotFound
from gateway.engine.codec.timestamps import nanoseconds
from gateway.engine.errors import CallError
from gateway.engine.inventory import details
from gateway.engine.logs.answer import LogQuery
from gateway.engine.logs.cursor import LogCursor
from gateway.engine.logs.records import Batch, End, EndReason, Gap, Heartbeat, Reconnected, Record
from gateway.engine.logs.runs import Run
from gateway.fleet.merge import Source
from gateway.rpc.services.fleet.log_places import UNDECIDED, Lines, Log, Place, Places
from gateway.rpc.services.fleet.log_records import Other, failed, other
from gateway.rpc.services.fleet.streams import Merged
from gateway.rpc.services.logs import STDERR, STDOUT


class Reader:
    """Reads the logs of one merged stream."""

    def __init__(self, merged: Merged[Lines | Other], places: Places, query: LogQuery, flags: int) -> None:
        """Read into *merged* what *query* asks for, from *places* on; *flags* name the outputs."""
        self._merged = merged
        self._places = places
        self._query = query
        self._streams = flags & (STDOUT | STDERR)

    async def read(self, source: Source[Lines | Other], log: Log) -> None:
        """Read *log* from its place on, and put its records into *source*."""
        turns = log.host.engine.turns
        try:
            if turns.spent:  # many logs can begin at once
                await turns.next()
            inspected = await queries.inspect(log.host.engine, log.id)
            if log.sent.since == UNDECIDED:
                found = self._places.of_inspected((log.host.name, log.id), details.inspected(inspected.document))
                if found is None:
                    return
                log.sent = found
            query = self._query
            if log.sent.since and log.sent.cursor is None:
                query = replace(query, since=log.sent.since, tail=None)
            records = log.host.logs.read(
                log.id, query, Run.of(inspected), log.sent.cursor, live=lambda: self._merged.live(source)
            )
            async with aclosing(records):
                async for record in records:
                    if turns.spent:
                        await turns.next()
                    await self._take(source, log, record)
        except NotFound:
            end = End(log.sent.cursor or LogCursor(), EndReason.REMOVED)
            await self._put_other(source, log, end)
        except (CallError, APIError) as error:
            log.broken = isinstance(error, CallError) and self._query.follow
            await self._merged.put(source, failed(log.host, error), [], 0)

    async def _take(self, source: Source[Lines | Other], log: Log, record: Record) -> None:
        match record:
            case Batch():
                await self._put_lines(source, log, record)
            case Heartbeat():
                self._merged.live(source)
            case Reconnected():
                pass
            case _:
                await self._put_other(source, log, record)

    async def _put_lines(self, source: Source[Lines | Other], log: Log, batch: Batch) -> None:
        lines, times, cursor = batch.lines, batch.times, batch.cursor
        if self._streams != STDOUT | STDERR:
            lines = [line for line in lines if line.stream == self._streams]
            times = [nanoseconds(line.time) for line in lines]
        before, passed, place = log.read.cursor, 0, log.read
        if place.passed:  # lines that the client received before it resumed
            passed = min(place.passed, len(lines))
            log.read = replace(place, cursor=cursor, passed=place.passed - passed)
            lines, times = lines[passed:], times[passed:]
        else:
            log.read = Place(cursor)
        if lines:
            await self._merged.put(source, Lines(before, passed, lines, cursor), times, batch.size)

    async def _put_other(self, source: Source[Lines | Other], log: Log, record: Record) -> None:
        if isinstance(record, Gap):
            log.read = Place(record.cursor)  # the lines to pass over are among those that are missing
        else:
            log.read = replace(log.read, cursor=record.cursor)
        body = other(record)
        await self._merged.put(source, Other(body, replace(log.read)), [], len(body))
