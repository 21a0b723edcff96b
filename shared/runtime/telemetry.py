"""Counters of one process, for Prometheus.

Counting is a dictionary and an addition; Prometheus' own objects, with their locks and labels, are made when somebody
scrapes, and its library is imported then.
"""

from bisect import bisect_left
from collections import Counter
from collections.abc import Container, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

from shared.contracts import CATALOGUE

if TYPE_CHECKING:
    from prometheus_client import Metric

Labels = TypeVar("Labels", bound=tuple[str, ...])

BOUNDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""Upper ends of the histograms' buckets, in seconds: from a handler without I/O to a provider's timeout."""


OTHER = "other"
"""The label of what is not ours: anybody may write any type or method, and each would be a series for ever."""
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


def known(name: str, ours: Container[str]) -> str:
    """The name as a label, if it is one of ours."""
    return name if name in ours else OTHER


@dataclass(slots=True)
class Histogram:
    """How long something took: a count per bucket, the last one for what is longer than every bound."""

    counts: list[int] = field(default_factory=lambda: [0] * (len(BOUNDS) + 1))
    total: float = 0.0

    def add(self, seconds: float) -> None:
        self.counts[bisect_left(BOUNDS, seconds)] += 1
        self.total += seconds

    def buckets(self) -> list[tuple[str, float]]:
        """Cumulative, as Prometheus has them."""
        running, buckets = 0, []
        for bound, count in zip([*map(str, BOUNDS), "+Inf"], self.counts, strict=True):
            running += count
            buckets.append((bound, float(running)))
        return buckets


class Telemetry:
    """What this process did since its start. Fulfils `Meter` and `CallMeter`."""

    def __init__(self) -> None:
        self._messages: Counter[tuple[str, str, str]] = Counter()
        self._handlers: dict[tuple[str, str], Histogram] = {}
        self._requests: Counter[tuple[str, str, str]] = Counter()
        self._answers: dict[tuple[str, str], Histogram] = {}
        self._calls: Counter[tuple[str, str, str, str]] = Counter()
        self._providers: dict[tuple[str, str, str], Histogram] = {}
        self._left_alone: dict[tuple[str, str], bool] = {}
        self.restarts: Counter[str] = Counter()
        """Background tasks that died and were started again, by name."""

    def handled(self, service: str, message_type: str, outcome: str, seconds: float) -> None:
        kind = known(message_type, CATALOGUE)
        self._handlers.setdefault((service, kind), Histogram()).add(seconds)
        self._messages[service, kind, outcome] += 1

    def answered(self, method: str, route: str, status: int, seconds: float) -> None:
        """One HTTP request is over; `route` is the route's template, never a path with ids in it."""
        method = known(method, METHODS)
        self._requests[method, route, str(status)] += 1
        self._answers.setdefault((method, route), Histogram()).add(seconds)

    def called(self, service: str, provider: str, operation: str, outcome: str, seconds: float) -> None:
        self._calls[service, provider, operation, outcome] += 1
        if outcome != "parked":
            self._providers.setdefault((service, provider, operation), Histogram()).add(seconds)

    def breaker(self, service: str, provider: str, *, is_open: bool) -> None:
        self._left_alone[service, provider] = is_open

    def exposition(self, published: int, unsent_seconds: Mapping[str, float]) -> bytes:
        """Everything in Prometheus' text format. `unsent_seconds`: the age of each service's oldest unsent message."""
        from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest  # noqa: PLC0415

        registry = CollectorRegistry()
        ProcessCollector(registry=registry)
        registry.register(_Snapshot(list(self._families(published, unsent_seconds))))
        return generate_latest(registry)

    def _families(self, published: int, unsent_seconds: Mapping[str, float]) -> Iterator["Metric"]:
        from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily  # noqa: PLC0415

        yield _counter("milesaga_messages", "Deliveries that are over.", ("service", "type", "outcome"), self._messages)
        yield _histogram(
            "milesaga_handler_seconds", "Time from delivery to outcome.", ("service", "type"), self._handlers
        )
        yield _counter(
            "milesaga_http_requests", "HTTP requests answered.", ("method", "route", "status"), self._requests
        )
        yield _histogram("milesaga_http_seconds", "Time to the end of an answer.", ("method", "route"), self._answers)
        yield from self._provider_families()
        restarts = {(name,): count for name, count in self.restarts.items()}
        yield _counter("milesaga_task_restarts", "Background tasks that died and started again.", ("task",), restarts)
        yield CounterMetricFamily("milesaga_published", "Messages the broker confirmed.", published)
        unsent = GaugeMetricFamily(
            "milesaga_outbox_unsent_seconds",
            "Age of the oldest unsent message, 0 when there is none.",
            None,
            ["service"],
        )
        for service, seconds in unsent_seconds.items():
            unsent.add_metric([service], seconds)
        yield unsent

    def _provider_families(self) -> Iterator["Metric"]:
        from prometheus_client.core import GaugeMetricFamily  # noqa: PLC0415

        labels = ("service", "provider")
        asked = (*labels, "operation")
        yield _counter("milesaga_provider_requests", "Requests to providers.", (*asked, "outcome"), self._calls)
        yield _histogram("milesaga_provider_seconds", "Time of a provider's answer.", asked, self._providers)
        left_alone = GaugeMetricFamily(
            "milesaga_provider_left_alone", "1 while a provider is not asked because it does not answer.", labels=labels
        )
        for values, is_open in self._left_alone.items():
            left_alone.add_metric(values, float(is_open))
        yield left_alone


class _Snapshot:
    def __init__(self, families: "list[Metric]") -> None:
        self._families = families

    def collect(self) -> Iterable["Metric"]:
        return self._families


def _counter(name: str, text: str, labels: tuple[str, ...], counts: Mapping[Labels, int]) -> "Metric":
    from prometheus_client.core import CounterMetricFamily  # noqa: PLC0415

    family = CounterMetricFamily(name, text, labels=labels)
    for values, count in counts.items():
        family.add_metric(values, count)
    return family


def _histogram(name: str, text: str, labels: tuple[str, ...], histograms: Mapping[Labels, Histogram]) -> "Metric":
    from prometheus_client.core import HistogramMetricFamily  # noqa: PLC0415

    family = HistogramMetricFamily(name, text, labels=labels)
    for values, histogram in histograms.items():
        family.add_metric(values, histogram.buckets(), histogram.total)
    return family
