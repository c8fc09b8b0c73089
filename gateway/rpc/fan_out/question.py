"""RPCs that ask many hosts the same, and change nothing."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Iterable, Iterator, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any

from dockfleet.fleet.v1 import fleet_pb2 as pb
from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.duration_pb2 import Duration

from gateway.engine.codec.naming import objects_of
from gateway.engine.codec.times import seconds_of
from gateway.engine.errors import InvalidField
from gateway.engine.transport.timeouts import Timeout
from gateway.fleet.fan_out import Put, together
from gateway.fleet.host import Host
from gateway.rpc.backend import Backend
from gateway.rpc.context import CallContext
from gateway.rpc.encoding import serialize
from gateway.rpc.fan_out.encoder import Encoder, Item
from gateway.rpc.fan_out.requests import addressed, chosen_hosts, unaddressed, within_request
from gateway.rpc.host_messages import incomplete_sources
from gateway.rpc.host_rpc import Behaviour, HostRpc
from gateway.rpc.lists import may_be_old, remembered

_EVER = Duration(seconds=315_576_000_000)  # the longest that there is


def question(method: MethodDescriptor, backend: Backend, rpc: HostRpc) -> Behaviour:
    """Return the behaviour of *method*, which asks *rpc* of each host."""
    encode = Encoder(method, "answers")
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
            await asyncio.sleep(0)  # let other calls run; to send a response takes some iterations of the loop, too
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
    encode: Encoder
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


def _host_timeout(request: Any, backend: Backend) -> Timeout:
    if not request.HasField("host_timeout"):
        return Timeout.of(backend.timeouts.fan_out, "limits.fan_out_timeout_seconds")
    seconds = seconds_of(request.host_timeout, "host_timeout")
    if seconds <= 0:
        raise InvalidField("host_timeout", "must be more than zero, or absent")
    return Timeout.of(seconds, "host_timeout")


def _for_each(hosts: Sequence[Host], work: Any) -> Iterator[Any]:
    for host in hosts:
        yield lambda put, host=host: work(host, put)
