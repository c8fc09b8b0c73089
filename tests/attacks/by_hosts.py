"""What a hostile host says: texts, extreme values and quoted secrets."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

from dockfleet.fleet.v1 import hosts_pb2, hosts_pb2_grpc
from dockfleet.v1 import (
    common_pb2,
    containers_pb2_grpc,
    distribution_pb2,
    distribution_pb2_grpc,
    images_pb2,
    images_pb2_grpc,
    system_pb2,
    system_pb2_grpc,
)

from tests.attacks.attack import HOSTILE, Attack, Bound, Seen, Target, code, mib, sizes, turned
from tests.attacks.by_answers import LIST
from tests.attacks.by_floods import PULL, pulls
from tests.support.fake_engine import FakeEngine, ResponseParser

_FEW = 20
_SEVERAL = tuple(f"h{number}" for number in range(6))  # hosts, where many calls wait for what never comes


class ErrorText(Attack):
    """An error text of the engine that repeats a word which patterns look for"""

    name, kind = "error-text", 1
    kib = sizes(64, 1024)
    calls = sizes(4, 10)
    repeats = True

    def bounds(self) -> tuple[Bound, ...]:
        return (
            Bound("cpu_seconds", 1 + 0.05 * self.calls, "seconds of the processor"),
            Bound("log_bytes", self.calls * 2 * 8192, "bytes of log"),
            Bound("text_bytes", 4096, "bytes of a status's text"),
        )

    def script(self, engine: FakeEngine) -> None:
        text = "manifest no matching " * (self.kib * 1024 // 21)
        engine.on("GET", "/distribution/{name}/json", error=text, status=404)
        engine.on("POST", "/images/create", error="client version " * (self.kib * 1024 // 15), status=400)

    @asynccontextmanager
    async def strike(self, target: Target) -> AsyncIterator[Seen]:
        longest = 0
        async with target.channel() as channel:
            inspect = distribution_pb2_grpc.DistributionServiceStub(channel).InspectDistribution
            request = distribution_pb2.InspectDistributionRequest(host=HOSTILE, name="busybox")
            for _ in range(self.calls):
                for call in (inspect(request), pulls(channel)(PULL)):
                    await code(call)
                    longest = max(longest, len((await call.details() or "").encode()))
        yield {"text_bytes": longest}


class ProbeError(Attack):
    """A host whose ping is an error of many MiB, while clients list the hosts"""

    name, kind = "probe-error", 1
    mib = sizes(1, 20)
    calls = 3

    def bounds(self) -> tuple[Bound, ...]:
        return (
            Bound("list_ms", 20, "ms that the loop computes for a list of hosts"),
            Bound("log_bytes", 65_536, "bytes of log"),
            Bound("memory_peak", max(64, 6 * self.mib), "MiB of memory"),
        )

    def configuration(self) -> dict[str, Any]:
        return {"health_check_interval_seconds": 1}

    def script(self, engine: FakeEngine) -> None:
        text = "\x1b" * (mib(self.mib) // 6)  # six bytes each, as JSON
        engine.on("GET", "/containers/json", turned(engine, error=text, status=500))

    @asynccontextmanager
    async def strike(self, target: Target) -> AsyncIterator[Seen]:
        async with target.channel() as channel:
            stub = hosts_pb2_grpc.HostServiceStub(channel)
            await code(containers_pb2_grpc.ContainerServiceStub(channel).ListContainers(LIST))
            await until_down(stub)
            loop, work = gateway_work(target), []
            for _ in range(self.calls):
                before = loop()
                await stub.ListHosts(hosts_pb2.ListHostsRequest())
                work.append(loop() - before)
            yield {"list_ms": max(work) * 1000}


class DeepPingError(Attack):
    """A host that lives, and then answers its ping with an error 995 objects deep"""

    name, kind = "deep-ping-error", 8
    depth = 995

    def bounds(self) -> tuple[Bound, ...]:
        return Bound("still_up", 0, "hosts that stay UP although their ping fails"), Bound(
            "log_bytes", 65_536, "bytes of log"
        )

    def configuration(self) -> dict[str, Any]:
        return {"health_check_interval_seconds": 0.2}

    def script(self, engine: FakeEngine) -> None:
        deep = b'{"message":' + b'{"a":' * self.depth + b"1" + b"}" * self.depth + b"}"
        engine.on("GET", "/containers/json", turned(engine, status=500, body=deep))

    @asynccontextmanager
    async def strike(self, target: Target) -> AsyncIterator[Seen]:
        async with target.channel() as channel:
            stub = hosts_pb2_grpc.HostServiceStub(channel)
            await code(containers_pb2_grpc.ContainerServiceStub(channel).ListContainers(LIST))
            yield {"still_up": int(not await until_down(stub, tries=50))}


class Extremes(Attack):
    """Answers with an extreme value in each of their fields"""

    name, kind = "extremes", 8
    calls = sizes(400, 5000)
    serves = False

    def bounds(self) -> tuple[Bound, ...]:
        return (
            Bound("defects", 0, "calls that end as defects of the gateway"),
            Bound("defects_logged", 0, "defects in the log"),
            Bound("log_bytes", 4096 * self.calls, "bytes of log"),
        )

    def configuration(self) -> dict[str, Any]:
        limits = {"read_timeout_seconds": 2, "write_timeout_seconds": 2, "reconnect_timeout_seconds": 0}
        return {"health_check_interval_seconds": 0.5, "limits": limits}

    def hosts(self, target: Target) -> list[dict[str, Any]]:
        return [{"name": name, "address": f"unix://{target.hostile}-{name}"} for name in _SEVERAL]

    @asynccontextmanager
    async def strike(self, target: Target) -> AsyncIterator[Seen]:
        from tests.attacks import extremes  # it knows all of the contract and of the gateway, and takes a second

        async with target.channel() as channel, AsyncExitStack() as stack:
            engines = {}
            for name in _SEVERAL:
                engines[name] = await stack.enter_async_context(FakeEngine(f"{target.hostile}-{name}"))
                engines[name].api_version = "1.56"
                await until_up(hosts_pb2_grpc.HostServiceStub(channel), name)
            calls, self.calls = self.calls, _FEW  # the second time, all that counts is that it is under way
            yield await extremes.provoke(engines, channel, calls)


class EchoedSecrets(Attack):
    """Error texts that quote the secrets of the request"""

    name, kind = "echoed-secrets", 10
    repeats = True
    secret = "hunter2-Zm9vYmFy"

    def bounds(self) -> tuple[Bound, ...]:
        return (Bound("leaks", 0, "places in the log, and answers, that quote a secret"),)

    def script(self, engine: FakeEngine) -> None:
        async def quote(exchange: ResponseParser) -> None:
            request = exchange.request
            header = request.headers.get("x-registry-auth", "")
            auth = base64.urlsafe_b64decode(header).decode() if header else ""
            text = f"unauthorized: {request.query} {request.body.decode()} {auth} {header}"
            await exchange.answer(error=text[:900], status=500)

        for verb, path in (("POST", "/images/create"), ("POST", "/auth"), ("POST", "/build")):
            engine.on(verb, path, quote)

    @asynccontextmanager
    async def strike(self, target: Target) -> AsyncIterator[Seen]:
        credentials = common_pb2.AuthConfig(username="me", password=self.secret, server_address="registry.example")
        pull = images_pb2.PullImageRequest(host=HOSTILE, image="busybox", tag="1", registry_auth=credentials)
        build = images_pb2.BuildImageStart(
            host=HOSTILE, remote="https://a.example/x", build_args={"TOKEN": self.secret}
        )
        # The start of the base64 of the password depends on what is before it, its middle only on where it begins.
        coded = [base64.b64encode(b"x" * shift + self.secret.encode()).decode()[4:20] for shift in range(3)]
        secrets = [self.secret, *coded]
        async with target.channel() as channel:
            images = images_pb2_grpc.ImageServiceStub(channel)
            system = system_pb2_grpc.SystemServiceStub(channel)
            calls: list[Any] = [
                images.PullImage(pull),
                system.CheckAuth(system_pb2.CheckAuthRequest(host=HOSTILE, credentials=credentials)),
                images.BuildImage(iter([images_pb2.BuildImageRequest(start=build)])),
            ]
            leaks = 0
            for call in calls:
                await code(call)
                told = f"{await call.details()} {await call.trailing_metadata()}"
                leaks += any(secret in told for secret in secrets)
            yield {"leaks": leaks, "secrets": secrets}


# What they share


async def until_down(stub: Any, tries: int = 10_000) -> bool:
    """Wait until the gateway knows that the hostile host is down; return whether it does after so many looks."""
    return await _until(stub, HOSTILE, hosts_pb2.HOST_STATE_DOWN, tries)


async def until_up(stub: Any, host: str) -> bool:
    """Wait until the gateway knows that *host* is up."""
    return await _until(stub, host, hosts_pb2.HOST_STATE_UP, 10_000)


async def _until(stub: Any, host: str, state: Any, tries: int) -> bool:
    for _ in range(tries):
        if (await stub.GetHost(hosts_pb2.GetHostRequest(host=host))).host.state == state:
            return True
        await asyncio.sleep(0.1)
    return False


def gateway_work(target: Target) -> Any:
    """Return the function that tells how many seconds the gateway's main thread has computed."""
    schedstat = Path(f"/proc/{target.pid}/schedstat")
    return lambda: int(schedstat.read_text().split()[0]) / 1e9
