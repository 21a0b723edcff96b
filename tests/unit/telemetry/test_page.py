"""The page that names every metric."""

import re

from shared.telemetry.catalogue import CATALOGUE, PREFIX
from shared.telemetry.page import PAGE, written


def test_the_page_has_every_metric_as_the_code_has_it() -> None:
    page = PAGE.read_text()
    assert page == written(page), "python -m shared.telemetry.page writes it"
    assert all(f"| `{metric.exposed.removeprefix(PREFIX)}` |" in page for metric in CATALOGUE)


def test_the_page_names_no_metric_that_there_is_not() -> None:
    exposed = {metric.exposed for metric in CATALOGUE}
    parts = {f"{metric.exposed}{part}" for metric in CATALOGUE if metric.kind == "histogram" for part in PARTS}
    named = set(re.findall(rf"{PREFIX}[a-z_]+", PAGE.read_text())) - {PREFIX}
    assert {name for name in named if "audit" not in name} - exposed - parts == set()


PARTS = ("_bucket", "_sum", "_count")
