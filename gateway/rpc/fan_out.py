"""The fan-out: RPCs of FleetService that call an RPC of one host for each host or container (the option `fan_out`).

Everything else comes from the descriptors.  An RPC that only reads is a question; every other RPC is a batch.  A
request with `containers` selects containers.  A new fan-out RPC needs no code here.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any, NamedTuple, cast

from dockfleet.fleet.v1 import fleet_pb2 as pb
from dockfleet.fleet.v1 import selectors_pb2
from dockfleet.v1.containers_pb2 import ListContainersRequest
from google.protobuf import descriptor_pool
from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

from gateway.engine.codec import options
from gateway.engine.codec.binding import Binding
from gateway.engine.codec.naming import objects_of
from gateway.engine.codec.times import seconds_of
from gateway.engine.codec.wire import delimited, tag, varint
from gateway.engine.errors import InvalidField
from gateway.engine.inventory.selecting import check_containers
from gateway.engine.transport.timeouts import Timeout
from gateway.fleet.batch import Batch, Options, Target
from gateway.fleet.fan_out import Put, together
from gateway.fleet.host import Host
from gateway.fleet.selector import select_some, unmatched
from gateway.rpc.backend import Backend
from gateway.rpc.context import CallContext
from gateway.rpc.encoding import serialize
from gateway.rpc.host_messages import incomplete_sources
from gateway.rpc.host_rpc import Behaviour, HostRpc, as_message
from gateway.rpc.lists import may_be_old, remembered
from gateway.rpc.markers import heartbeat
from gateway.rpc.run_request import create_request

_MOST_BYTES = 256 << 10
_MOST_ITEMS = 64  # hosts whose inventories are read without a pause, and the most of one response
_MOST_SECONDS = 0.01  # for the items of one response: filters and hostile inventories take their time
_ANY = ListContainersRequest(all=True)
_EVER = Duration(seconds=315_576_000_000)  # the longest that there is
_DRY_RUN = pb.Skipped(reason=pb.SKIP_REASON_DRY_RUN)
_TOO_MANY_FAILURES = pb.Skipped(reason=pb.SKIP_REASON_TOO_MANY_FAILURES)
_CHECKS: Mapping[str, Callable[[Any], Any]] = {"dockfleet.v1.ContainerService.RunContainer": create_request}
"""What checks the requests of RPCs that are more than one request of an engine."""


class Item(NamedTuple):
    """An answer or a result, serialised, of *size* bytes.

    Lists of many hosts are megabytes long; pieces avoid copies.
    """

    pieces: list[bytes]
    size: int


def behaviour(method: MethodDescriptor, backend: Backend, served: Mapping[str, Behaviour]) -> Behaviour:
    """Return the behaviour of *method*; *served* has the behaviours of the RPCs of one host, by full name.

    Raises `TypeError` when there is no such RPC, or the messages do not fit it.
    """
    name = options.of_rpc(method).fan_out
    if name not in served:
        raise TypeError(f"{method.full_name}: there is no RPC {name}")
    rpc = HostRpc(descriptor_pool.Default().FindMethodByName(name), served[name])
    if method.input_type.fields_by_name["request"].message_type is not rpc.method.input_type:
        raise TypeError(f"{method.full_name}: its `request` is not that of {name}")
    return _batch(method, backend, rpc) if rpc.changes else _question(method, backend, rpc)


def _question(method: MethodDescriptor, backend: Backend, rpc: HostRpc) -> Behaviour:
    encode = _Encoder(method, "answers")
    kind = objects_of(rpc.method) if may_be_old(rpc.method) else ""  # "": the answer is not in the inventory

    async def ask(request: Any, context: CallContext) -> AsyncGenerator[Any, None]:
        hosts = chosen_hosts(request, backend)
        asked = unaddressed(request, "host")
        if kind and not asked.HasField("max_age"):
            asked.max_age.CopyFrom(_EVER)
        question = _Question(rpc, asked, _host_timeout(request, backend), encode, pb.FanOutSummary(selected=len(hosts)))
        unknown: list[Host] = []
        for response in encode.responses(question.known(kind, hosts, unknown)):
            yield response
            await asyncio.sleep(0)  # let other calls run
        async with aclosing(together(_for_each(unknown, question.ask))) as answers:
            async for several in answers:
                for response in encode.responses(several):
                    yield response
        question.summary.failures.sort(key=lambda each: each.host)
        question.summary.incomplete_sources.extend(incomplete_sources(backend.hosts))
        yield encode.reply(summary=question.summary)

    return ask


@dataclass(frozen=True, slots=True)
class _Question:
    """One call that asks many hosts the same."""

    rpc: HostRpc
    asked: Any
    timeout: Timeout
    encode: _Encoder
    summary: pb.FanOutSummary

    def known(self, kind: str, hosts: Iterable[Host], unknown: list[Host]) -> Iterator[Item]:
        """Yield the answers of the inventories; append the hosts that must be asked to *unknown*.

        The first answers are sent while the rest is looked up.
        """
        for host in hosts:
            pieces = remembered(kind, self.asked, host) if kind else None
            if pieces is None:
                unknown.append(host)
            else:
                self.summary.answered += 1
                yield self.encode.answer(host.name, pieces, None)

    async def ask(self, host: Host, put: Put[Item]) -> None:
        """Ask *host*, and *put* its answer.  Raises `InvalidField`."""
        responses: list[Any] = []

        async def keep(response: Any) -> None:
            responses.append(response)

        try:
            await self.rpc.call(host, addressed(self.asked, host), self.timeout, keep)
            error: Exception | None = host.outdated if may_be_old(self.rpc.method) else None
        except InvalidField as wrong:
            raise within_request(wrong) from None
        except Exception as failed:
            error = failed
        failure = None if error is None else self.rpc.failure(error, host.name)
        if failure is None:
            self.summary.answered += 1
        else:
            self.summary.failures.add(host=host.name, failure=failure)
        await put(self.encode.answer(host.name, [serialize(each) for each in responses[:1]] or None, failure))


def _batch(method: MethodDescriptor, backend: Backend, rpc: HostRpc) -> Behaviour:
    encode = _Encoder(method, "results")
    of_containers = "containers" in method.input_type.fields_by_name

    async def change(request: Any, context: CallContext) -> AsyncGenerator[Any, None]:
        hosts = chosen_hosts(request, backend)
        asked = unaddressed(request, "host", *(["id"] if of_containers else []))
        proceed = _options(request.batch)
        summary = pb.BatchSummary(incomplete_sources=incomplete_sources(backend.hosts))
        targets = [Target(host) for host in hosts]
        if of_containers:
            check_containers(request.containers, "containers")
            await settled(hosts)
            targets = await _containers(hosts, request.containers, summary, method)
        if request.batch.dry_run:
            _check_request(rpc, asked, targets)
            for response in encode.responses([encode.result(each, skipped=_DRY_RUN) for each in targets]):
                yield response
            summary.skipped = len(targets)
            yield encode.reply(summary=summary)
            return
        timeout = None if proceed.target_timeout is None else Timeout.of(proceed.target_timeout, "batch.target_timeout")

        async def run(put: Put[Item]) -> None:
            change = _Change(rpc, asked, timeout, encode, put)
            batch = Batch(targets, proceed, change.make, change.skip)
            await batch.run()
            summary.succeeded, summary.failed, summary.skipped = batch.succeeded, batch.failed, batch.skipped

        async with aclosing(together([run])) as results:
            async for several in results:
                for response in encode.responses(several):
                    yield response
        yield encode.reply(summary=summary)

    return change


@dataclass(frozen=True, slots=True)
class _Change:
    """The change that a batch makes to each target; results go to *put*."""

    rpc: HostRpc
    asked: Any
    timeout: Timeout | None
    encode: _Encoder
    put: Put[Item]

    async def make(self, target: Target) -> bool:
        """Change *target*, and return whether that succeeded.  Raises `InvalidField`."""
        pending: list[Any] = []  # holds a response until the next one arrives, because the last one is marked

        async def pass_on(response: Any) -> None:
            if pending:
                await self._put(target, response=pending.pop(), last=False)
            pending.append(response)

        try:
            one = addressed(self.asked, target.host, target.container_id)
            await self.rpc.call(target.host, one, self.timeout, pass_on)
        except InvalidField as wrong:
            raise within_request(wrong) from None
        except Exception as failed:
            if pending:
                await self._put(target, response=pending.pop(), last=False)
            await self._put(target, failure=self.rpc.failure(failed, target.host.name))
            return False
        await self._put(target, response=pending.pop() if pending else b"")
        return True

    async def skip(self, target: Target) -> None:
        """Report *target*, which is not changed."""
        await self._put(target, skipped=_TOO_MANY_FAILURES)

    async def _put(self, target: Target, **result: Any) -> None:
        await self.put(self.encode.result(target, **result))


# Requests


def chosen_hosts(request: Any, backend: Backend) -> list[Host]:
    """Return the hosts that *request* selects.  Raises `InvalidField`, `UnknownHost` and `NoHostKnownYet`."""
    if not request.HasField("hosts"):
        raise InvalidField("hosts", "must select hosts; `all: true` selects every host")
    return select_some(backend.hosts, request.hosts, "hosts")


async def settled(hosts: Iterable[Host]) -> None:
    """Wait briefly until the inventories show the changes that were made through this gateway."""
    inventories = [host.inventory for host in hosts if not host.inventory.shows_changes("container", _ANY)]
    await asyncio.gather(*(inventory.settled("container", _ANY) for inventory in inventories))


def unaddressed(request: Any, *fields: str) -> Any:
    """Return a copy of the request of one host.  Raises `InvalidField` when one of its address *fields* is set."""
    for name in fields:
        if getattr(request.request, name):
            raise InvalidField(f"request.{name}", "must be empty: the selectors choose what the call is about")
    asked = type(request.request)()
    asked.CopyFrom(request.request)
    return asked


def addressed(asked: Any, host: Host, id: str = "") -> Any:
    """Return a copy of *asked* for *host*, and for the container *id* there."""
    one = type(asked)()
    one.CopyFrom(asked)
    one.host = host.name
    if id:
        one.id = id
    return one


def within_request(error: InvalidField) -> InvalidField:
    """Return *error*, about the request of one host, with its field's path in the whole request."""
    return InvalidField(f"request.{error.field}", error.remedy)


def _host_timeout(request: Any, backend: Backend) -> Timeout:
    if not request.HasField("host_timeout"):
        return Timeout.of(backend.timeouts.fan_out, "limits.fan_out_timeout_seconds")
    seconds = seconds_of(request.host_timeout, "host_timeout")
    if seconds <= 0:
        raise InvalidField("host_timeout", "must be more than zero, or absent")
    return Timeout.of(seconds, "host_timeout")


def _check_request(rpc: HostRpc, asked: Any, targets: Sequence[Target]) -> None:
    """Raise `InvalidField` for what the gateway refuses itself, before it asks a host."""
    if not targets:
        return
    one = addressed(asked, targets[0].host, targets[0].container_id)
    try:
        if options.of_rpc(rpc.method).engine.WhichOneof("request"):
            Binding(rpc.method).call(one)
        elif rpc.method.full_name in _CHECKS:
            _CHECKS[rpc.method.full_name](one)
    except InvalidField as wrong:
        raise within_request(wrong) from None


def _options(wanted: pb.BatchOptions) -> Options:
    """Return the options of a batch, or the defaults.  Raises `InvalidField`."""
    given: dict[str, Any] = {}
    for field, value in wanted.ListFields():
        if field.name != "dry_run":
            given[field.name] = seconds_of(value, f"batch.{field.name}") if field.message_type else value
    proceed = Options(**given)
    proceed.check("batch")
    return proceed


async def _containers(
    hosts: Iterable[Host],
    selector: selectors_pb2.ContainerSelector,
    summary: pb.BatchSummary,
    method: MethodDescriptor,
) -> list[Target]:
    """Return the containers that *selector* selects; add what may be missing to *summary*."""
    targets, rows = [], []
    for host in hosts:
        if host.outdated is not None:
            failure = as_message(host.outdated, host.name, method)
            summary.failures.add(host=host.name, failure=failure)
        found = host.inventory.select(selector, "containers")
        await asyncio.sleep(0)  # let other calls run
        rows += found
        targets += [Target(host, row.id, row.name) for row in found]
    summary.unmatched_names.extend(await unmatched(selector.names, rows))
    return targets


def _for_each(hosts: Sequence[Host], work: Any) -> Iterator[Any]:
    for host in hosts:
        yield lambda put, host=host: work(host, put)


# Responses


class _Encoder:
    """Encodes the responses of one RPC as bytes; the responses of hosts are not parsed again."""

    def __init__(self, method: MethodDescriptor, several: str) -> None:
        """*several* is the field of the answers of hosts, or of the results of targets."""
        self._reply = GetMessageClass(method.output_type)
        item = cast("Any", method.output_type.fields_by_name[several].message_type)
        self._item = GetMessageClass(item)
        self._several = tag(method.output_type, several)
        self._response = tag(item, "response")

    def reply(self, **fields: Any) -> bytes:
        """Return a response with *fields*."""
        return self._reply(**fields).SerializeToString()

    def answer(self, host: str, response: Sequence[bytes] | None, failure: Message | None) -> Item:
        """Return the answer of *host*; its *response* is serialised, in pieces."""
        body: bytes = self._item(host=host, failure=failure).SerializeToString()
        if response is None:
            return Item([body], len(body))
        size = sum(map(len, response))
        head = self._response + varint(size)
        return Item([body, head, *response], len(body) + len(head) + size)

    def result(self, target: Target, *, response: Message | bytes | None = None, last: bool = True, **why: Any) -> Item:
        """Return the result of *target*; *why* is its `failure`, or that it was `skipped`."""
        changed = pb.BatchTarget(
            host=target.host.name, container_id=target.container_id, container_name=target.container_name
        )
        body: bytes = self._item(target=changed, last=last, **why).SerializeToString()
        if response is not None:
            body += delimited(self._response, serialize(response))
        return Item([body], len(body))

    def responses(self, items: Iterable[Item]) -> Iterator[bytes]:
        """Yield responses that hold *items*, about 256 KiB at most; a heartbeat when there are none."""
        if not items:
            yield self.reply(heartbeat=heartbeat(0))
        pieces: list[bytes] = []
        count = size = 0
        began = time.monotonic()
        for item in items:
            late = time.monotonic() - began > _MOST_SECONDS
            if count == _MOST_ITEMS or (count and (late or size + item.size > _MOST_BYTES)):
                yield b"".join(pieces)
                pieces, count, size = [], 0, 0
                began = time.monotonic()
            pieces += (self._several, varint(item.size), *item.pieces)
            count += 1
            size += item.size
        if pieces:
            yield b"".join(pieces)
