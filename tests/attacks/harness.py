"""A gateway under attack, and what it takes: `await measure(attack)`.

Everybody is a process of its own: the gateway, a healthy and a hostile host, an honest client that pings the healthy
one all the time, and the attacker.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import re
import signal
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, Self

from tests.attacks.attack import HEALTHY, HOSTILE, Attack, Row, Target, mib

ROOT = Path(__file__).parents[2]
_PORT, _METRICS_PORT = 50051, 9464
_SAMPLING_SECONDS = 0.05
_SETTLING_SECONDS = 15  # for memory to come back, and for connections to be seen to have gone
_DRAIN_SECONDS = {"small": 0, "full": 1}
_GRACE_SECONDS = {"small": 1, "full": 3}
_START_SECONDS = 120  # on a machine that is busy
_PATIENCE_SECONDS = 240  # with a gateway that answers no attacker
_STOP_SECONDS = 20  # after SIGTERM; then it is killed
_DEADLINE_SECONDS = {"small": 60, "full": 5}  # of honest pings
_PINGS = {"small": (50, 20), "full": (500, 300)}  # before the attack, and at its height
_ENDS_WITH_THIS = ("setpriv", "--pdeathsig", "KILL")  # whatever ends this process, the one with this command ends too
_KEPT = 50  # MiB that may be kept after an attack


class Helper:
    """A process of `roles`, or the honest one."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.pid = process.pid
        self._process = process

    @classmethod
    @asynccontextmanager
    async def running(cls, module: str, *role: str, **arguments: Any) -> AsyncIterator[Self]:
        """Start one, and end it with the block."""
        process = await asyncio.create_subprocess_exec(
            *(*_ENDS_WITH_THIS, sys.executable, "-m", f"tests.attacks.{module}", *role, json.dumps(arguments)),
            cwd=ROOT,
            env=_environment(),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            limit=mib(16),
        )
        helper = cls(process)
        try:
            yield helper
        finally:
            await helper.leave()

    async def ready(self) -> None:
        """Wait until it can do its part."""
        assert await self.hear(_START_SECONDS) == "ready"

    def tell(self, line: str = "") -> None:
        """Send it a line."""
        assert self._process.stdin
        self._process.stdin.write(f"{line}\n".encode())

    async def hear(self, seconds: float) -> Any:
        """Return the next thing that it says.  Raises `TimeoutError`, and `ConnectionError` when it has ended."""
        assert self._process.stdout
        async with asyncio.timeout(seconds):
            line = await self._process.stdout.readline()
        if not line:
            raise ConnectionError("a process of the attack has ended; what it wrote is above")
        return json.loads(line)

    async def leave(self) -> None:
        """End it; what it is doing needs no good end."""
        if self._process.returncode is None:
            self._process.kill()
        await self._process.wait()


class Gateway:
    """A gateway process: what it takes, now and at most since `weigh`.  Sizes in MiB."""

    def __init__(self, process: asyncio.subprocess.Process, log: Path) -> None:
        self.process = process
        self.pid = process.pid
        self.log = log
        self.most: dict[str, int] = {}
        self._memory = self._cpu = 0.0
        self._log_bytes = 0

    @classmethod
    @asynccontextmanager
    async def running(cls, folder: Path, attack: Attack, target: Target) -> AsyncIterator[Self]:
        """Start one in *folder*, and end it with the block."""
        keys = {
            "listen": f"{target.host}:{target.port}",
            "metrics_listen": f"{target.host}:{target.metrics_port}",
            "drain_timeout_seconds": _DRAIN_SECONDS[attack.size],
            "shutdown_timeout_seconds": _GRACE_SECONDS[attack.size],
            "hosts": [{"name": HEALTHY, "address": f"unix://{folder}/{HEALTHY}"}, *attack.hosts(target)],
        }
        file, log = folder / "config.json", folder / "log"
        file.write_text(json.dumps(keys | attack.configuration()))
        command = [*_ENDS_WITH_THIS, sys.executable, "-m", "gateway", "--config", str(file)]
        if attack.descriptors:
            command = ["prlimit", f"--nofile={attack.descriptors}:{attack.descriptors}", *command]
        with log.open("wb") as output:
            process = await asyncio.create_subprocess_exec(
                *command, cwd=ROOT, env=_environment(), stdout=output, stderr=output
            )
        try:
            yield cls(process, log)
        finally:
            if process.returncode is None:
                process.kill()
            await process.wait()

    def weigh(self) -> None:
        """Begin to count anew."""
        self._file("clear_refs").write_text("5")  # the kernel measures the peak of memory anew
        self._memory, self._cpu, self._log_bytes = self._status("VmRSS"), self.cpu(), self.log.stat().st_size
        self.most = {"descriptors": 0, "threads": 0}

    async def watch(self) -> None:
        """Look at it again and again."""
        while self.process.returncode is None:
            with contextlib.suppress(OSError):
                self.most["descriptors"] = max(self.most["descriptors"], len(os.listdir(self._file("fd"))))
                self.most["threads"] = max(self.most["threads"], int(self._status("Threads", per=1)))
            await asyncio.sleep(_SAMPLING_SECONDS)

    def taken(self) -> dict[str, Any]:
        """Return what it took since `weigh`."""
        return {
            "memory_peak": self._status("VmHWM") - self._memory,
            "cpu_seconds": self.cpu() - self._cpu,
            "log_bytes": self.log.stat().st_size - self._log_bytes,
            **self.most,
        }

    async def settle(self) -> float:
        """Return how much memory it keeps, once that is little, or does not become less."""
        for _ in range(int(_SETTLING_SECONDS / _SAMPLING_SECONDS)):
            if self._kept() <= _KEPT:
                break
            await asyncio.sleep(_SAMPLING_SECONDS)
        return self._kept()

    async def stop(self) -> dict[str, Any]:
        """End it by SIGTERM, and return how long that took; kill it when that does not help."""
        loop, killed = asyncio.get_running_loop(), 0
        started = loop.time()
        self.process.send_signal(signal.SIGTERM)
        try:
            async with asyncio.timeout(_STOP_SECONDS):
                await self.process.wait()
        except TimeoutError:
            killed = 1
            self.process.kill()
            await self.process.wait()
        return {"stop_seconds": loop.time() - started, "killed": killed}

    def cpu(self) -> float:
        """Return the seconds that it has computed."""
        fields = self._file("stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def _kept(self) -> float:
        return self._status("VmRSS") - self._memory

    def _status(self, key: str, per: int = 1024) -> float:
        found = re.search(rf"{key}:\s+(\d+)", self._file("status").read_text())
        assert found, f"the gateway has ended:\n{self.log.read_text()[-5000:]}"
        return int(found[1]) / per

    def _file(self, name: str) -> Path:
        return Path(f"/proc/{self.pid}/{name}")


async def measure(attack: Attack) -> Row:
    """Attack a gateway of its own, twice, and end it by SIGTERM during the second time.

    The row has what the attacker saw, and

    ====================================  ==========================================================================
    failed_pings, failures, p50_ms,       of honest pings during the attack
    p99_ms, longest_ms
    work_ms, work_p90_ms                  what the gateway's loop computed during an honest ping: at most, and during
                                          nine of ten of them
    p50_ratio, p99_ratio                  those of the pings during the attack over those before
    memory_peak, memory_after             MiB beyond those before, at most, and after the attack
    cpu_seconds, log_bytes, descriptors,  what the gateway took during the attack
    threads
    defects_logged                        how many defects of its own its log has
    foreign_lines                         how many lines its log has that are not its own, such as those of grpc's core
    leaks                                 how often its log, or the attacker's answers, quote a secret
    killed, stop_seconds, late_seconds    SIGTERM during the attack: whether it had to be killed, and how long it took
    ====================================  ==========================================================================
    """
    patience = _PATIENCE_SECONDS
    before, during = _PINGS[attack.size]
    with tempfile.TemporaryDirectory(prefix="attack-", dir="/tmp") as name:
        folder = Path(name)
        target = Target(_address(), _PORT, _METRICS_PORT, f"{folder}/{HOSTILE}")
        async with contextlib.AsyncExitStack() as stack:
            run = stack.enter_async_context
            healthy = await run(
                Helper.running("roles", "engine", path=f"{folder}/{HEALTHY}", name="", size=attack.size)
            )
            helpers = [healthy]
            if attack.serves:
                hostile = Helper.running("roles", "engine", path=target.hostile, name=attack.name, size=attack.size)
                helpers.append(await run(hostile))
            gateway = await run(Gateway.running(folder, attack, target))
            aim = {"name": attack.name, "size": attack.size, "target": vars(replace(target, pid=gateway.pid))}
            attacker = await run(Helper.running("roles", "attacker", **aim))
            pings = {"target": f"{target.host}:{target.port}", "deadline": _DEADLINE_SECONDS[attack.size]}
            honest = await run(Helper.running("honest", **pings, pid=gateway.pid))
            for helper in (*helpers, attacker, honest):
                await helper.ready()
            honest.tell(str(before))
            base = await honest.hear(patience)
            gateway.weigh()
            watching = asyncio.create_task(gateway.watch())
            stack.callback(watching.cancel)

            attacker.tell("strike")
            seen = await attacker.hear(patience)
            honest.tell(str(during))
            row = await honest.hear(patience)
            row |= gateway.taken()
            attacker.tell("leave")
            assert await attacker.hear(patience) == "gone"
            row["memory_after"] = await gateway.settle()
            text = gateway.log.read_text(errors="replace")
            row["defects_logged"] = text.count('"message":"defect"')
            row["foreign_lines"] = sum(not line.startswith('{"time":') for line in text.splitlines())
            row["leaks"] = sum(text.count(secret) for secret in _secrets(seen))
            attacker.tell("again")
            assert await attacker.hear(patience) == "again"
            row |= await gateway.stop()
    row["leaks"] += seen.pop("leaks", 0)
    row["base_p50_ms"], row["base_p99_ms"] = base["p50_ms"], base["p99_ms"]
    row |= {f"{name}_ratio": row[f"{name}_ms"] / base[f"{name}_ms"] for name in ("p50", "p99")}
    row["late_seconds"] = row["stop_seconds"] - _DRAIN_SECONDS[attack.size] - _GRACE_SECONDS[attack.size]
    found: Row = row | seen
    return found


async def measure_bare(attack: Attack) -> Row:
    """Attack a server of grpcio that does nothing, and return the figures of honest pings: see `measure`."""
    before, during = _PINGS[attack.size]
    target = Target(_address(), _PORT, _METRICS_PORT, "")
    address = f"{target.host}:{target.port}"
    async with contextlib.AsyncExitStack() as stack:
        run = stack.enter_async_context
        server = await run(Helper.running("roles", "bare", address=address))
        aim = {"name": attack.name, "size": attack.size, "target": vars(target)}
        attacker = await run(Helper.running("roles", "attacker", **aim))
        pings = {"target": address, "deadline": _DEADLINE_SECONDS[attack.size]}
        honest = await run(Helper.running("honest", **pings, pid=server.pid))
        for helper in (server, attacker, honest):
            await helper.ready()
        honest.tell(str(before))
        base = await honest.hear(_PATIENCE_SECONDS)
        attacker.tell("strike")
        await attacker.hear(_PATIENCE_SECONDS)
        honest.tell(str(during))
        row: dict[str, Any] = await honest.hear(_PATIENCE_SECONDS)
    return row | {f"{name}_ratio": row[f"{name}_ms"] / base[f"{name}_ms"] for name in ("p50", "p99")}


def broken(attack: Attack, row: Row) -> list[str]:
    """Return the promises that *row* does not keep, each with what was measured."""
    return [f"{bound}, but was {row[bound.measure]:.4g}" for bound in attack.promised() if not bound.holds(row)]


def _secrets(seen: dict[str, Any]) -> list[str]:
    secrets: list[str] = seen.pop("secrets", [])
    return secrets


def _address() -> str:
    """Return a loopback address that no other process attacks: its ports are free."""
    pid = os.getpid()
    return f"127.{64 + (pid >> 16)}.{pid >> 8 & 255}.{pid & 255}"


def _environment() -> dict[str, str]:
    """Return the environment without the variables that steer tests: a gateway refuses what it does not know."""
    return {key: value for key, value in os.environ.items() if not key.startswith("DOCKFLEET_")}
