"""What a process has counted so far.

Counting is a dictionary and an addition; Prometheus' own objects, with their locks and labels, are made when somebody
scrapes, and its library is imported then.
"""

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, TypeAlias

from shared.telemetry.catalogue import CATALOGUE, PREFIX, Metric

if TYPE_CHECKING:
    from prometheus_client import Metric as Family

Labels: TypeAlias = tuple[str, ...]
"""Values, in the order of the metric's labels."""

ALIKE = " The same from every replica: max by, never sum."


class Histogram:
    """How long something took: a count per bucket, the last one for what is longer than every bound."""

    __slots__ = ("_bounds", "_counts", "_total")

    def __init__(self, bounds: tuple[float, ...]) -> None:
        self._bounds = bounds
        self._counts = [0] * (len(bounds) + 1)
        self._total = 0.0

    def add(self, seconds: float) -> None:
        self._counts[bisect_left(self._bounds, seconds)] += 1
        self._total += seconds

    @property
    def total(self) -> float:
        return self._total

    def buckets(self) -> list[tuple[str, float]]:
        """Cumulative, as Prometheus has them."""
        running, buckets = 0, []
        for bound, count in zip([*map(str, self._bounds), "+Inf"], self._counts, strict=True):
            running += count
            buckets.append((bound, float(running)))
        return buckets


class Histograms(dict[Labels, Histogram]):
    """One histogram for each combination of labels, made when it is first wanted."""

    def __init__(self, metric: Metric) -> None:
        super().__init__()
        self._bounds = metric.bounds

    def __missing__(self, labels: Labels) -> Histogram:
        made = self[labels] = Histogram(self._bounds)
        return made


class Series:
    """All that is counted, by metric."""

    def __init__(self) -> None:
        self.counts: dict[Metric, Counter[Labels]] = {m: Counter() for m in CATALOGUE if m.kind == "counter"}
        self.times: dict[Metric, Histograms] = {m: Histograms(m) for m in CATALOGUE if m.kind == "histogram"}
        self.gauges: dict[Metric, dict[Labels, float]] = {m: {} for m in CATALOGUE if m.kind == "gauge"}

    def exposition(self) -> bytes:
        """Everything in Prometheus' text format, with what Prometheus' library tells of the process."""
        from prometheus_client import ProcessCollector  # noqa: PLC0415

        of_the_process = ProcessCollector(registry=None).collect()
        return exposition([*of_the_process, *(self._family(metric) for metric in CATALOGUE)])

    def _family(self, metric: Metric) -> "Family":
        from prometheus_client.core import (  # noqa: PLC0415
            CounterMetricFamily,
            GaugeMetricFamily,
            HistogramMetricFamily,
        )

        name, text = f"{PREFIX}{metric.name}", metric.text + (ALIKE if metric.shared else "")
        if metric.kind == "histogram":
            times = HistogramMetricFamily(name, text, labels=metric.labels)
            for labels, histogram in self.times[metric].items():
                times.add_metric(labels, histogram.buckets(), histogram.total)
            return times
        counted = metric.kind == "counter"
        family = (CounterMetricFamily if counted else GaugeMetricFamily)(name, text, labels=metric.labels)
        for labels, value in (self.counts if counted else self.gauges)[metric].items():
            family.add_metric(labels, value)
        return family


def exposition(families: "Iterable[Family]") -> bytes:
    """In Prometheus' text format."""
    from prometheus_client import CollectorRegistry, generate_latest  # noqa: PLC0415 - only a scrape needs it

    registry = CollectorRegistry()
    registry.register(_Snapshot(list(families)))
    return generate_latest(registry)


class _Snapshot:
    def __init__(self, families: "list[Family]") -> None:
        self._families = families

    def collect(self) -> Iterable["Family"]:
        return iter(self._families)

    def describe(self) -> Iterator["Family"]:
        return iter(())
