"""What an audit found, as a file for the textfile collector of Prometheus' node-exporter."""

from collections import Counter
from pathlib import Path
from typing import Final

from services.cli.reconciliation import Result

ALWAYS: Final = ("card", "documents", "booking", "miles", "ledger")
"""Books that say 0 where nothing differs; any other is named by its differences."""


def write(path: Path, result: Result) -> None:
    """Whole or not at all; a book without differences says so by a 0."""
    from prometheus_client import CollectorRegistry, Gauge, write_to_textfile  # noqa: PLC0415 - who asks pays for it

    registry = CollectorRegistry()

    def gauge(name: str, text: str, labels: tuple[str, ...] = ()) -> Gauge:
        return Gauge(f"milesaga_audit_{name}", text, labels, registry=registry)

    differences = gauge("differences", "Where our books and the outside world's differ, by book.", ("book",))
    found = Counter(finding.book for finding in result.differences)
    for book in {*ALWAYS, *found}:
        differences.labels(book).set(found[book])
    gauge("orphans", "Open bookings that no living purchase knows; they lapse by themselves.").set(len(result.orphans))
    gauge("purchases", "Purchases compared.").set(result.purchases)
    gauge("timestamp_seconds", "When the audit ended.").set_to_current_time()
    write_to_textfile(str(path), registry)
