"""The table of metrics in `docs/metrics.md`, made of the catalogue: `python -m shared.telemetry.page` rewrites it."""

import re
from pathlib import Path
from typing import Final

from shared.telemetry.catalogue import CATALOGUE, PREFIX, Metric

PAGE: Final = Path(__file__).parents[2] / "docs" / "metrics.md"
BEGIN: Final = "<!-- made of shared/telemetry/catalogue.py -->\n"
END: Final = "<!-- end -->\n"
HEAD: Final = (
    "| Metric | Kind | Labels | What it tells | When all is well | Over replicas |\n|---|---|---|---|---|---|\n"
)


def written(page: str) -> str:
    """The page with its table as the catalogue has it now."""
    between = re.compile(f"(?<={re.escape(BEGIN)}).*(?={re.escape(END)})", re.DOTALL)
    return between.sub(lambda _: table(), page)


def table() -> str:
    return HEAD + "".join(map(_row, CATALOGUE))


def _row(metric: Metric) -> str:
    labels = ", ".join(f"`{label}`" for label in metric.labels)
    aggregate = "max" if metric.shared else "sum" if metric.kind != "gauge" else "each its own"
    name = metric.exposed.removeprefix(PREFIX)
    return f"| `{name}` | {metric.kind} | {labels} | {metric.text} | {metric.normal} | {aggregate} |\n"


if __name__ == "__main__":
    PAGE.write_text(written(PAGE.read_text()))
