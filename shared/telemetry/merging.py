"""What several processes tell of themselves as one page of metrics."""

from collections.abc import Mapping
from typing import Final

from shared.telemetry.series import exposition

PROCESS: Final = "process"
"""The label that tells the processes apart."""


def together(pages: Mapping[str, bytes]) -> bytes:
    """Pages in Prometheus' text format, by process, as one in which every series says whose it is."""
    from prometheus_client.core import Metric  # noqa: PLC0415 - only a scrape needs it
    from prometheus_client.parser import text_string_to_metric_families  # noqa: PLC0415

    families: dict[str, Metric] = {}
    for process, page in pages.items():
        for found in text_string_to_metric_families(page.decode()):
            family = families.setdefault(found.name, Metric(found.name, found.documentation, found.type))
            family.samples += [one._replace(labels={**one.labels, PROCESS: process}) for one in found.samples]
    return exposition(families.values())
