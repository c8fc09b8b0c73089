"""RPCs that change many hosts or containers, one target after the other or several at once."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Iterable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any

from dockfleet.fleet.v1 import fleet_pb2 as pb
from dockfleet.fleet.v1 import selectors_pb2
from google.protobuf.descriptor import MethodDescriptor

from gateway.engine.codec import options
from gateway.engine.codec.binding import Binding
from gateway.engine.codec.times import seconds_of
from gateway.engine.errors import InvalidField
from gateway.engine.inventory.selecting import check_containers
from gateway.engine.pauses import Pauses
from gateway.engine.transport.timeouts import Timeout
from gateway.fleet.batch import Batch, Options, Target
from gateway.fleet.fan_out import Put, together
from gateway.fleet.host import Host
from gateway.fleet.selector import unmatched
from gateway.rpc.backend import Backend
from gateway.rpc.context import CallContext
from gateway.rpc.fan_out.encoder import Encoder, Item
from gateway.rpc.fan_out.requests import addressed, chosen_hosts, settled, unaddressed, within_request
from gateway.rpc.host_messages import incomplete_sources
from gateway.rpc.host_rpc import Behaviour, HostRpc, as_message
from gateway.rpc.run_request import create_request

_DRY_RUN = pb.Skipped(reason=pb.SKIP_REASON_DRY_RUN)
_TOO_MANY_FAILURES = pb.Skipped(reason=pb.SKIP_REASON_TOO_MANY_FAILURES)
_CHECKS: Mapping[str, Callable[[Any], Any]] = {"dockfleet.v1.ContainerService.RunContainer": create_request}
"""What checks the requests of RPCs that are more than one request of an engine."""


def batch(method: MethodDescriptor, backend: Backend, rpc: HostRpc) -> Behaviour:
    """Return the behaviour of *method*, which calls *rpc* for each target."""
    encode = Encoder(method, "results")
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
            work = Batch(targets, proceed, change.make, change.skip)
            await work.run()
            summary.succeeded, summary.failed, summary.skipped = work.succeeded, work.failed, work.skipped

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
    encode: Encoder
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
    targets, rows, pauses = [], [], Pauses()
    for host in hosts:
        if host.outdated is not None:
            failure = as_message(host.outdated, host.name, method)
            summary.failures.add(host=host.name, failure=failure)
        found = await host.inventory.select(selector, "containers", pauses)
        rows += found
        targets += [Target(host, row.id, row.name) for row in found]
    summary.unmatched_names.extend(await unmatched(selector.names, rows, pauses))
    return targets
