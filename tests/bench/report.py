"""What was measured, as ratios of the same round: goals first, then every case."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median, quantiles
from typing import Any

Sample = dict[str, Any]


@dataclass(frozen=True)
class Goal:
    """A ratio to reach: *metric* of one variant over that of another, in the same round of a case.

    Without `most` and `least` it is there to be looked at.
    """

    what: str
    case: str
    metric: str
    variant: str
    base: str | None  # None: no ratio but the figure itself
    most: float | None = None
    least: float | None = None

    @property
    def reach(self) -> str:
        """What is to be reached, in words."""
        if self.most is None and self.least is None:
            return "-"
        return f"≤ {self.most:g}" if self.most is not None else f"≥ {self.least:g}"

    def met(self, value: float) -> bool | None:
        """Whether *value* reaches it; None when there is nothing to reach."""
        if self.most is None and self.least is None:
            return None
        return value <= self.most if self.most is not None else value >= (self.least or 0)


UNARY = [f"{case} x{in_flight}" for case in ("ping", "inspect") for in_flight in (1, 32)]
GOALS = [
    Goal("p50 over the SDK's, Python client", "ping x1", "p50_ms", "python", "sdk", most=0.9),
    Goal("p50 over the SDK's, Python client", "inspect x1", "p50_ms", "python", "sdk", most=0.9),
    Goal("p50 over the SDK's, Go client", "ping x1", "p50_ms", "go", "sdk", most=0.6),
    Goal("p50 over the SDK's, Go client", "inspect x1", "p50_ms", "go", "sdk", most=0.6),
    *(
        Goal(f"calls per second over the SDK's, {words} client", case, "per_second", client, "sdk", least=2)
        for case in ("ping x32", "inspect x32")
        for client, words in (("python", "Python"), ("aio", "asyncio"), ("go", "Go"))
    ),
    *(
        Goal(f"gateway's CPU over gRPC alone, {words} client", case, "server_cpu", client, f"noop-{client}", most=1.6)
        for case in UNARY
        for client, words in (("python", "Python"), ("aio", "asyncio"), ("go", "Go"))
    ),
]
for _client, _words in (("python", "Python"), ("aio", "asyncio"), ("go", "Go")):
    GOALS += [
        Goal(f"p50 over the socket's, {_words} client", "list x1", "p50_ms", _client, "socket", most=1.1),
        Goal(f"bytes per second over curl's, {_words} client", "export", "per_second", _client, "socket", least=0.6),
        Goal(f"gateway's CPU seconds per GB, {_words} client", "export", "server_cpu", _client, None, most=1.8),
        Goal(f"gateway's growth in MiB, {_words} client", "export", "growth_mib", _client, None, most=32),
        Goal(f"lines per second over curl's, {_words} client", "logs", "per_second", _client, "socket", least=0.85),
    ]
GOALS += [
    Goal("lists per second over the socket's, nothing parsed", "remembered x1", "per_second", "go", "socket"),
    Goal("the socket's p50 over it, nothing parsed", "remembered x1", "p50_ms", "socket", "go", least=80),
    Goal(
        "lists per second over the socket's, nothing parsed", "remembered x8", "per_second", "go", "socket", least=100
    ),
    Goal("the socket's p50 over it, nothing parsed", "remembered x8", "p50_ms", "socket", "go", least=80),
    Goal("gateway's CPU for a list in ms", "remembered x8", "server_cpu_ms", "go", None, most=0.6),
    Goal("KiB that it adds for a host", "inventory", "host_kib", "full", None),
    Goal("KiB that it adds for a container", "inventory", "container_kib", "full", None, most=2.5),
    Goal("gateway's CPU when nothing happens, in percent of a core", "inventory", "idle_percent", "full", None, most=3),
    Goal("the same without inventories", "inventory", "idle_percent", "bare", None),
    Goal("seconds until all containers are known", "inventory", "known_seconds", "full", None),
    Goal("lines delivered over lines due", "followers", "delivered", "gateway", None, least=0.98),
    Goal("lag p50 in ms", "followers", "p50_ms", "gateway", None, most=25),
    Goal("lag p50 over that of one on the socket", "followers", "p50_ms", "gateway", "socket-few"),
    Goal("lag p50 over that of as many on the socket", "followers", "p50_ms", "gateway", "socket"),
    Goal("gateway's growth for each in KiB", "followers", "growth_kb", "gateway", None, most=35),
    Goal("gateway's threads over those before", "followers", "threads_ratio", "gateway", None, most=1),
    Goal("streams from the engine", "followers", "upstream", "gateway", None, most=1),
    Goal(
        "container's lines per second over those with one follower", "followers", "per_second", "gateway", "gateway-few"
    ),
    Goal("engine's CPU over that of as many on the socket", "followers", "engine_second", "gateway", "socket"),
    Goal("engine's CPU over that of one at the gateway", "followers", "engine_second", "gateway", "gateway-few"),
]
for _case_name in ("stats x1", "stats x10"):
    GOALS += [
        Goal(
            "engine's CPU over that of one reader each", _case_name, "engine_second", "gateway", "gateway-few", most=1.2
        ),
        Goal("the same on the socket", _case_name, "engine_second", "socket", "socket-few"),
        Goal("streams from the engine for each container", _case_name, "upstream", "gateway", None, most=1),
        Goal("samples delivered over samples due", _case_name, "delivered", "gateway", None, least=0.98),
    ]
GOALS += [
    Goal("p99 of the others over that while all are well", "isolation", "p99_ms", "hung", "well", most=1.1),
    Goal("failed calls to the others", "isolation", "errors", "hung", None, most=0),
    Goal("p99 in ms of calls to those that are known to hang", "isolation", "refused_ms", "hung", None, most=50),
    Goal("seconds until both are known to hang", "isolation", "known_seconds", "hung", None),
    Goal("seconds until both are up when they continue", "isolation", "back_seconds", "hung", None, most=10),
    Goal("share of a core that the gateway takes", "flapping", "server_share", "flapping", None, most=1),
    Goal("requests in the busiest tenth of a second over the mean", "flapping", "burst", "flapping", None, most=5),
]
GOALS += [
    Goal("ms for a scrape of all containers, compressed", "scrape", "p50_ms", "gateway", None, most=50),
    Goal("share of a core that sampling and scrapes take", "scrape", "server_share", "gateway", None),
]
for _case_name in ("sampling", "sampling-26.1"):
    GOALS += [
        Goal("the engine's CPU for open streams over ours", _case_name, "engine_ms", "stream", "gateway", least=15),
        Goal("the same for a sample at each scrape", _case_name, "engine_ms", "each scrape", "gateway", least=2),
    ]
FLEET = {  # the columns of the tables of fleets
    "p50 ms": ("p50_ms", 1),
    "p99 ms": ("p99_ms", 1),
    "calls": ("calls", 1),
    "errors": ("errors", 1),
    "refused p99 ms": ("refused_ms", 1),
    "known after s": ("known_seconds", 1),
    "back after s": ("back_seconds", 1),
    "server CPU %": ("server_share", 100),
    "requests/s": ("per_second", 1),
    "burst": ("burst", 1),
    "descriptors": ("descriptors", 1),
    "server MiB": ("rss_mib", 1),
    "idle CPU %": ("idle_percent", 1),
    "serving after s": ("serving_seconds", 1),
    "KiB for a host": ("host_kib", 1),
    "KiB for a container": ("container_kib", 1),
}
SCRAPES = {  # the columns of the tables of scrapes and samples
    "series": ("series", 1),
    "p50 ms": ("p50_ms", 1),
    "least ms": ("least_ms", 1),
    "KiB compressed": ("packed_kib", 1),
    "server MiB": ("rss_mib", 1),
    "server CPU %": ("server_share", 100),
    "engine CPU ms in 15 s": ("engine_ms", 1),
    "without shims": ("daemon_ms", 1),
}
CROWD = {  # the columns of the tables of crowds: metric and factor
    "readers": ("readers", 1),
    "idle": ("idle", 1),
    "delivered": ("delivered", 1),
    "lag p50 ms": ("p50_ms", 1),
    "p99 ms": ("p99_ms", 1),
    "longest silence ms": ("silence_ms", 1),
    "per second": ("per_second", 1),
    "server CPU µs each": ("server_cpu", 1e6),
    "server CPU %": ("server_share", 100),
    "client CPU %": ("client_share", 100),
    "engine CPU %": ("engine_share", 100),
    "in the median second": ("engine_second", 100),
    "KiB each": ("growth_kb", 1),
    "threads": ("threads", 1),
    "upstream": ("upstream", 1),
}


def markdown(samples: Sequence[Sample]) -> str:
    """Return the tables."""
    cases = list(dict.fromkeys(sample["case"] for sample in samples))
    others = dict.fromkeys(name.partition(":")[0] for name in (sample["variant"] for sample in samples) if ":" in name)
    tables = [_goals(samples), *(_against(other, samples, cases) for other in others)]
    shares = sorted(sample["others"] for sample in samples)
    took = f"{median(shares):.0%} of the machine in the median run, {shares[-1]:.0%} at most"
    return "\n\n".join([*tables, f"Other processes took {took}.", *(_case(case, samples) for case in cases)])


def ratios(samples: Iterable[Sample], goal: Goal) -> list[float]:
    """Return a goal's value in each round that has both variants."""
    rounds: dict[int, dict[str, float]] = {}
    for sample in samples:
        if sample["case"] == goal.case and sample.get(goal.metric) is not None:
            rounds.setdefault(sample["round"], {})[sample["variant"]] = sample[goal.metric]
    return [
        found[goal.variant] / (found[goal.base] if goal.base else 1)
        for found in rounds.values()
        if goal.variant in found and (goal.base is None or found.get(goal.base))
    ]


def _goals(samples: Sequence[Sample]) -> str:
    rows = []
    for goal in GOALS:
        if found := ratios(samples, goal):
            value = median(found)
            met = {True: "yes", False: "**no**", None: "-"}[goal.met(value)]
            rows.append([goal.case, goal.what, goal.reach, f"{value:.2f}", _range(found), met])
    return _table(["case", "figure", "reach", "median", "middle half", "met"], rows)


def _against(other: str, samples: Sequence[Sample], cases: Sequence[str]) -> str:
    """Return how this checkout does over another one."""
    clients = dict.fromkeys(sample["variant"].partition(":")[2] for sample in samples if ":" in sample["variant"])
    rows = []
    for case in cases:
        for client in clients:
            row = [case, client]
            for metric in ("p50_ms", "p99_ms", "per_second", "server_cpu", "client_cpu"):
                found = ratios(samples, Goal("", case, metric, client, f"{other}:{client}"))
                row.append(f"{median(found):.2f} ({_range(found)})" if found else "-")
            rows.append(row)
    head = ["case", "client", "p50", "p99", "rate", "server CPU", "client CPU"]
    return f"### This checkout over {other}\n\n" + _table(head, rows)


def _columns(case: str, samples: Sequence[Sample], columns: Mapping[str, tuple[str, float]]) -> str:
    """Return the table of a case with these columns; what no variant has makes none."""
    own = [sample for sample in samples if sample["case"] == case]
    columns = {
        head: column for head, column in columns.items() if any(sample.get(column[0]) is not None for sample in own)
    }
    rows = [
        [variant, *(_median([s for s in own if s["variant"] == variant], *column) for column in columns.values())]
        for variant in sorted({sample["variant"] for sample in own})
    ]
    return f"### {case}\n\n" + _table(["variant", *columns], rows)


def _case(case: str, samples: Sequence[Sample]) -> str:
    if any("readers" in sample for sample in samples if sample["case"] == case):
        return _columns(case, samples, CROWD)
    if case.startswith(("scrape", "sampling")):
        return _columns(case, samples, SCRAPES)
    if case in ("isolation", "flapping", "inventory"):
        return _columns(case, samples, FLEET)
    variants = list(dict.fromkeys(sample["variant"] for sample in samples if sample["case"] == case))
    stream = case in ("export", "logs")
    unit, scale = {"export": ("MB/s", 1e-6), "logs": ("lines/s", 1)}.get(case, ("calls/s", 1))
    per = {"export": "s/GB", "logs": "µs/line"}.get(case, "ms/call")
    cpu_scale = {"export": 1, "logs": 1e6}.get(case, 1e3)
    latencies = () if stream else ("p50 ms", "p99 ms")
    head = ["variant", *latencies, unit, *(f"{who} CPU {per}" for who in ("server", "client", "engine"))]
    rows = []
    for variant in sorted(variants):
        own = [sample for sample in samples if sample["case"] == case and sample["variant"] == variant]
        row = [variant]
        if not stream:
            row += [_median(own, "p50_ms", 1), _median(own, "p99_ms", 1)]
        row.append(_median(own, "per_second", scale))
        row += [_median(own, f"{who}_cpu", cpu_scale) for who in ("server", "client", "engine")]
        rows.append(row)
    return f"### {case}\n\n" + _table(head, rows)


def _median(samples: Sequence[Sample], metric: str, scale: float) -> str:
    values = [sample[metric] for sample in samples if sample.get(metric) is not None]
    if not values:
        return "-"
    value = median(values) * scale
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def _range(values: Sequence[float]) -> str:
    """Return where the middle half lies."""
    low, _, high = quantiles(values, n=4, method="inclusive") if len(values) > 1 else [values[0]] * 3
    return f"{low:.2f} to {high:.2f}"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)
