"""Refreshing the gauges that are read elsewhere."""

import asyncio
import logging
from typing import Final

from shared.telemetry.figures import Figure, Reading
from shared.telemetry.series import Series

log = logging.getLogger(__name__)

ANSWERS_WITHIN: Final = 5.0
"""Seconds for one figure; later it is unknown until the next look."""


class Looks:
    """Reads every figure; the gauges show what was read last, and nothing where nobody can tell."""

    def __init__(self, series: Series) -> None:
        self._series = series
        self._figures: dict[str, Figure] = {}
        self._shown: dict[str, list[Reading]] = {}

    def add(self, name: str, figure: Figure) -> None:
        """`name` is for the log, and no other figure's."""
        self._figures[name] = figure

    async def once(self) -> None:
        """Read all of them at once."""
        await asyncio.gather(*(self._read(name, figure) for name, figure in self._figures.items()))

    async def _read(self, name: str, figure: Figure) -> None:
        try:
            async with asyncio.timeout(ANSWERS_WITHIN):
                readings = list(await figure())
        except Exception as error:  # noqa: BLE001 - whatever the reason, nobody knows: others tell what is away
            log.debug("a figure cannot be read", extra={"task": name, "error": type(error).__name__})
            readings = []
        for gone in self._shown.get(name, ()):
            self._series.gauges[gone.metric].pop(gone.labels, None)
        for reading in readings:
            self._series.gauges[reading.metric][reading.labels] = reading.value
        self._shown[name] = readings
