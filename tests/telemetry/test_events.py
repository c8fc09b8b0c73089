"""What the metrics say of the events of hosts, of the lag of the loop, and of certificates."""

from __future__ import annotations

import ssl
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import trustme
from dockfleet.v1.system_pb2 import EngineEvent

from gateway.config.settings import HostSettings
from gateway.config.tls import HostTls, ListenerTls
from gateway.telemetry.events import HostEvents
from gateway.telemetry.metrics import Metrics
from tests.support.fake_engine import FakeEngine
from tests.support.fake_events import Daemon
from tests.support.gateway import Client, gateway_of
from tests.telemetry.test_metrics import SHOWN
from tests.web.test_fleet_pages import eventually

DAY = timedelta(days=1)
NAMES = ("starts_total", "dies_total", "ooms_total")


def counted(client: Client, host: str = "h1") -> tuple[float | None, ...]:
    """The starts, ends and lacks of memory of a host's containers."""
    registry = client.metrics.registry
    return tuple(registry.get_sample_value(f"dockfleet_container_{name}", {"host": host}) for name in NAMES)


async def until(client: Client, *values: float | None) -> None:
    """Return once they are counted so."""

    async def look() -> bool | None:
        return True if counted(client) == values else None

    await eventually(look)


async def test_what_happens_to_containers_is_counted_once() -> None:
    """From the first subscription on, also what happens while it is broken, and what lives too short for a sample."""
    async with FakeEngine() as engine:
        daemon = Daemon(engine)
        daemon.happen("container", "start", "c0")
        daemon.happen("container", "die", "c0")
        async with gateway_of(engine.address, inventory=True) as client:
            await until(client, 0, 0, 0)
            for action in ("create", "start", "exec_die: x", "oom", "die"):
                daemon.happen("container", action, "c1")
            daemon.happen("network", "die", "n1")
            await until(client, 1, 1, 1)

            daemon.cut()
            daemon.happen("container", "start", "c2")
            await daemon.subscribed(2)
            await until(client, 2, 1, 1)
            daemon.happen("container", "die", "c2")
            await until(client, 2, 2, 1)


async def test_a_host_whose_events_are_not_followed_has_no_counts() -> None:
    """Zeros would say that nothing happens there."""
    async with FakeEngine() as engine:
        Daemon(engine)
        async with gateway_of(engine.address) as client:
            await engine.until(lambda: any(request.path == "/info" for request in engine.requests))

            assert counted(client) == (None, None, None)


@pytest.mark.parametrize(("offset", "slow", "all_of_them"), [(0.0, 1, 1), (-100.0, 0, 1), (None, 0, 0)])
def test_the_lag_of_an_event_is_by_the_clock_of_its_engine(offset: float | None, slow: int, all_of_them: int) -> None:
    """It is a hundred seconds, or nothing where the engine's clock is that much behind; unknown is no lag."""
    metrics = Metrics()
    host, events = metrics.host("h1"), HostEvents(lambda: offset)
    host.show(lambda: SHOWN, events)
    events.listening(1)
    events.arrived(EngineEvent(type="container", action="start", time_nano=time.time_ns() - 100 * 10**9), at_once=True)

    def lags(bound: str) -> float | None:
        labels = {"host": "h1", "le": bound}
        return metrics.registry.get_sample_value("dockfleet_event_lag_seconds_bucket", labels)

    assert (lags("+Inf") or 0) - (lags("30.0") or 0) == slow
    assert lags("+Inf") == all_of_them
    host.close()
    assert lags("+Inf") is None


async def test_the_loop_tells_how_late_it_is() -> None:
    """What keeps it from its work is seen in the metrics."""
    async with FakeEngine() as engine, gateway_of(engine.address) as client:

        async def look() -> float | None:
            return client.metrics.registry.get_sample_value("dockfleet_loop_lag_seconds_count") or None

        seen = await eventually(look)
        assert client.metrics.registry.get_sample_value("dockfleet_loop_lag_seconds_bucket", {"le": "+Inf"}) == seen


async def test_certificates_have_the_times_at_which_they_expire(tmp_path: Path) -> None:
    """That of the listener, and of a host those of both sides; a host without TLS has none."""
    authority, soon = trustme.CA(), datetime(2035, 5, 1, tzinfo=UTC)
    server, engines, own = (authority.issue_cert("127.0.0.1", not_after=soon + n * DAY) for n in range(3))
    listener = _files(tmp_path / "listener", server)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    engines.configure_cert(context)
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    async with FakeEngine.tls(context) as engine, FakeEngine() as plain:
        secured = HostSettings(
            name="far", address=engine.address, tls=HostTls(ca=tmp_path / "ca.pem", **_files(tmp_path / "own", own))
        )
        async with gateway_of(secured, plain.address, tls=ListenerTls(**listener)) as client:

            def expiry(kind: str, **labels: str) -> float | None:
                name = f"dockfleet_{kind}_certificate_expiry_timestamp_seconds"
                return client.metrics.registry.get_sample_value(name, labels)

            async def look() -> float | None:
                return expiry("host", host="far", certificate="engine")

            assert await eventually(look) == (soon + DAY).timestamp()
            assert expiry("host", host="far", certificate="gateway") == (soon + 2 * DAY).timestamp()
            assert expiry("host", host="h2", certificate="engine") is None
            assert expiry("listener") == soon.timestamp()


def _files(folder: Path, issued: trustme.LeafCert) -> dict[str, Any]:
    folder.mkdir()
    issued.cert_chain_pems[0].write_to_path(str(folder / "cert.pem"))
    issued.private_key_pem.write_to_path(str(folder / "key.pem"))
    return {"certificate": folder / "cert.pem", "key": folder / "key.pem"}
