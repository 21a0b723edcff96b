"""Where the processor time of a purchase goes: by process, and by kind of work.

Every service is a process of its own, and looks at itself while purchases are bought (`sampled.py`).
"""

import json
import signal
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, Self

from tests.bench.figures import Figure
from tests.e2e.houses import House
from tests.eventually import eventually_sync

MODULE: Final = "tests.bench.sampled"
"""What the processes are started by."""
WRITTEN_WITHIN: Final = 30.0
LEAST: Final = 0.05
"""Milliseconds of a purchase: what is less is not told process by process."""


class Look:
    """What all processes of a house do while the `with` block lasts."""

    def __init__(self, house: House, samples: Path) -> None:
        """`samples` is the folder that the processes were told to write into."""
        self._pids = {name: process.process.pid for name, process in house.processes.items()}
        self._files = {name: samples / f"{pid}.json" for name, pid in self._pids.items()}
        self._house = house

    def __enter__(self) -> Self:
        self._signal()
        return self

    def __exit__(self, *_: object) -> None:
        self._signal()

    def figures(self, purchases: int) -> list[Figure]:
        """Milliseconds of CPU for each purchase; by kind, then by process and kind."""
        found: dict[str, dict[str, float]] = eventually_sync(self._written, WRITTEN_WITHIN)
        each = 1000 / purchases
        kinds = defaultdict[str, float](float)
        figures = []
        for name, seconds in found.items():
            figures.append(Figure(f"purchase_cpu_ms_in_{name}", sum(seconds.values()) * each, "ms"))
            for kind, used in _largest(seconds):
                kinds[kind] += used
                if used * each >= LEAST:
                    figures.append(Figure(f"purchase_cpu_ms_in_{name}_{_word(kind)}", used * each, "ms"))
        return [
            *(Figure(f"purchase_cpu_ms_for_{_word(kind)}", used * each, "ms") for kind, used in _largest(kinds)),
            *figures,
        ]

    def _written(self) -> dict[str, Any]:
        for name, file in self._files.items():
            assert file.exists(), f"{name} has written no samples"
        return {name: json.loads(file.read_text()) for name, file in self._files.items()}

    def _signal(self) -> None:
        for process in self._house.processes.values():
            process.process.send_signal(signal.SIGUSR2)


def _largest(seconds: Mapping[str, float]) -> list[tuple[str, float]]:
    return sorted(seconds.items(), key=lambda item: -item[1])


def _word(kind: str) -> str:
    return kind.replace(" ", "_")
