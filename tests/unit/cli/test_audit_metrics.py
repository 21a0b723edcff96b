"""What an audit tells Prometheus."""

import time
from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families

from services.cli.audit_metrics import write
from services.cli.audited.book import Finding
from services.cli.reconciliation import Result


def read(path: Path) -> dict[tuple[str, ...], float]:
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(path.read_text())
        for sample in family.samples
    }


def test_each_book_has_its_differences_and_one_without_has_none(tmp_path: Path) -> None:
    found = tuple(Finding(f"p{number}", book, "a", "b") for number, book in enumerate(("card", "card", "hotel")))
    write(tmp_path / "audit.prom", Result(purchases=7, differences=found, orphans=found[:1]))
    told = read(tmp_path / "audit.prom")
    assert told["milesaga_audit_differences", "card"] == 2
    assert told["milesaga_audit_differences", "hotel"] == 1
    assert told["milesaga_audit_differences", "ledger"] == 0
    assert told["milesaga_audit_orphans",] == 1
    assert told["milesaga_audit_purchases",] == 7
    assert 0 <= time.time() - told["milesaga_audit_timestamp_seconds",] < 600
    assert [path.name for path in tmp_path.iterdir()] == ["audit.prom"]
