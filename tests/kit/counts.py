"""How often something happened, by the counters that processes show at `/metrics`."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Final, Self

import httpx
from prometheus_client.parser import text_string_to_metric_families

from shared.telemetry.catalogue import PREFIX

COUNTED: Final = frozenset({"counter", "histogram"})

Series = tuple[str, frozenset[tuple[str, str]]]
"""A name without the prefix of the house, and labels with their values."""


class Counts:
    """Counters of some processes at one moment, or what was added between two."""

    def __init__(self, series: Mapping[Series, float]) -> None:
        self._series = series

    @classmethod
    def of(cls, texts: Iterable[str]) -> Self:
        """From what `/metrics` answered; the same series of several processes is their sum."""
        found = defaultdict[Series, float](float)
        for text in texts:
            for family in text_string_to_metric_families(text):
                if family.type in COUNTED:
                    for sample in family.samples:
                        found[sample.name.removeprefix(PREFIX), frozenset(sample.labels.items())] += sample.value
        return cls(found)

    @classmethod
    async def read(cls, urls: Iterable[str]) -> Self:
        """From processes, by their addresses."""
        async with httpx.AsyncClient(trust_env=False, timeout=30.0) as client:
            answers = [await client.get(f"{url}/metrics") for url in urls]
        return cls.of(answer.raise_for_status().text for answer in answers)

    def since(self, before: "Counts") -> "Counts":
        return Counts({series: value - before._series.get(series, 0) for series, value in self._series.items()})

    def by(self, label: str, name: str, **having: str) -> dict[str, float]:
        """Of a counter's series with these labels: the sums by one more label, those that are 0 left out."""
        found = defaultdict[str, float](float)
        for (each, labels), value in self._series.items():
            if each == name and having.items() <= labels:
                found[dict(labels)[label]] += value
        return {value: count for value, count in sorted(found.items()) if count}
