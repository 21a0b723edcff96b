"""A process that measures nothing of itself: what telemetry costs is the difference to it."""

from pathlib import Path
from typing import Any, Final

from shared.kernel.meter import NoMeter, NoServiceMeter
from shared.runtime.host import Host
from shared.store.documents import Store
from shared.store.sqlite import SqliteStore

UNCOUNTED: Final = "BENCH_UNCOUNTED"
"""Set in the environment of such a process."""


class UncountedHost(Host):
    """Counts no messages, calls, steps and store operations, and looks at nothing."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.meter = NoServiceMeter()
        self.bus._meter = NoMeter()
        self._instruments._seconds = 86_400.0

    def store(self, name: str) -> Store:
        return SqliteStore(Path(self.home.folder("stores")) / f"{name}.sqlite3")
