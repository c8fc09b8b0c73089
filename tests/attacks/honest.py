"""The honest client of a gateway that is attacked: `python -m tests.attacks.honest JSON`.

It pings the healthy host all the time.  A line with a number asks for the figures of the pings since the last one, once
there are so many.  It ends with its standard input.
"""

from __future__ import annotations

import contextlib
import json
import select
import sys
import time
from collections import Counter
from pathlib import Path
from statistics import quantiles
from typing import Any

import grpc
from dockfleet.v1 import system_pb2, system_pb2_grpc

_HOST = "healthy"
_START_SECONDS = 120  # of the gateway, on a machine that is busy
_BETWEEN_PINGS_SECONDS = 0.01
_ENOUGH_FAILURES = 5  # pings that fail may take long, and more of them say nothing new


def main(target: str, deadline: float, pid: int) -> None:
    """Ping the healthy host through the gateway at *target*, with *deadline*; *pid* is the gateway's."""
    busy = Path(f"/proc/{pid}/schedstat")  # of its main thread, on which its loop runs
    with grpc.insecure_channel(target, [("grpc.max_reconnect_backoff_ms", 200)]) as channel:
        ping = system_pb2_grpc.SystemServiceStub(channel).Ping
        request = system_pb2.PingRequest(host=_HOST)
        _until_up(ping, request)
        print('"ready"', flush=True)
        wanted, pings, failures = 0, list[tuple[float, float]](), Counter[str]()
        while True:
            if select.select([sys.stdin], [], [], _BETWEEN_PINGS_SECONDS)[0]:
                line = sys.stdin.readline()
                if not line:
                    return
                wanted = int(line)
            work, started = _nanoseconds(busy), time.perf_counter()
            try:
                ping(request, timeout=deadline)
            except grpc.RpcError as error:
                failures[error.code().name] += 1
            pings.append((time.perf_counter() - started, (_nanoseconds(busy) - work) / 1e9))
            if wanted and (len(pings) >= wanted or failures.total() >= _ENOUGH_FAILURES):
                print(json.dumps(_figures(pings, failures)), flush=True)
                wanted, pings, failures = 0, [], Counter()


def _until_up(ping: Any, request: system_pb2.PingRequest) -> None:
    """Ping until the gateway serves and its healthy host answers: the host may begin after the gateway."""
    latest = time.monotonic() + _START_SECONDS
    while True:
        try:
            ping(request, timeout=_START_SECONDS, wait_for_ready=True)
            return
        except grpc.RpcError:
            if time.monotonic() > latest:
                raise
            time.sleep(_BETWEEN_PINGS_SECONDS)  # nothing signals that the host has begun


def _nanoseconds(schedstat: Path) -> int:
    with contextlib.suppress(OSError):  # the gateway has ended
        return int(schedstat.read_text().split()[0])
    return 0


def _figures(pings: list[tuple[float, float]], failures: Counter[str]) -> dict[str, Any]:
    seconds, work = ([pair[index] for pair in pings] for index in (0, 1))
    return {
        "pings": len(pings),
        "failed_pings": failures.total(),
        "failures": dict(failures),
        "p50_ms": _quantile(seconds, 50) * 1000,
        "p99_ms": _quantile(seconds, 99) * 1000,
        "longest_ms": max(seconds) * 1000,
        "work_ms": max(work) * 1000,
        "work_p90_ms": _quantile(work, 90) * 1000,
        "work_p99_ms": _quantile(work, 99) * 1000,
    }


def _quantile(values: list[float], percent: int) -> float:
    return quantiles(values, n=100, method="inclusive")[percent - 1] if len(values) > 1 else values[0]


if __name__ == "__main__":
    main(**json.loads(sys.argv[1]))
