"""Our own five-step saga: its processes, and the check in the stores that what was counted was done."""

import asyncio
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

from shared.saga.record import Record, Status, StepStatus
from shared.store.sqlite import SqliteStore
from tests.bench.children import Child, Failed
from tests.bench.five_steps import ERRANDS, FIVE_STEPS, stored_errands, stored_purchases
from tests.bench.processes import cpu_seconds, tree
from tests.bench.trees import HERE, Tree

NOTHING_MORE: Final[Mapping[str, str]] = {}
START_WITHIN: Final = 60.0
PAGE: Final = 500
LAYOUTS: Final = {1: ("all",), 2: ("workers", "orchestrator")}
"""Processes by their number; the last one takes orders."""


class Ours:
    """The saga's processes over one data folder, for as long as the `with` block lasts."""

    def __init__(
        self,
        folder: Path,
        broker_url: str,
        *,
        driver: str = "thin",
        processes: int = 2,
        more: Mapping[str, str] = NOTHING_MORE,
        files: Tree = HERE,
    ) -> None:
        """`more` is added to the processes' environment; `files` may be those of another commit."""
        self._folder = folder
        self._done: dict[str, int] = {}
        environment = {"MILESAGA_HOME": str(folder / "home"), "BROKER_URL": broker_url, "LOG_LEVEL": "INFO"}
        self._children = [
            Child(
                [str(files.python), "-m", "tests.bench.five_steps_process", role, driver],
                cwd=files.folder,
                log=folder / f"{role}.log",
                environment=environment | files.environment | dict(more),
            )
            for role in LAYOUTS[processes]
        ]
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        self._folder.mkdir(parents=True, exist_ok=True)
        with ExitStack() as stack:
            for child in self._children:
                stack.enter_context(child)
            for child in self._children:
                child.wait_until_ready(START_WITHIN)
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Drain, then look into the stores. Raises `Failed` where they do not hold what was counted."""
        self._stack.__exit__(kind, error, trace)
        if kind is None:
            asyncio.run(self._check())

    def run(self, tag: str, count: int, in_flight: int, within: float) -> dict[str, Any]:
        """Carry out so many sagas; what the orchestrator measured."""
        result = self._children[-1].ask(f"{tag} {count} {in_flight}", within)
        self._done[tag] = count
        return result

    @property
    def cpu_seconds(self) -> float:
        """What all its processes have used so far."""
        return cpu_seconds(self.pids)

    @property
    def pids(self) -> set[int]:
        return set().union(*(tree(child.pid) for child in self._children))

    async def _check(self) -> None:
        ids = [f"{tag}-{number:06d}" for tag, count in self._done.items() for number in range(count)]
        stores = {name: SqliteStore(self._folder / "home" / "stores" / f"{name}.sqlite3") for name in ERRANDS}
        checkout = SqliteStore(self._folder / "home" / "stores" / "checkout.sqlite3")
        purchases = stored_purchases(checkout)
        errands = {name: stored_errands(store) for name, store in stores.items()}
        for store in (checkout, *stores.values()):
            await store.open()
        try:
            for at in range(0, len(ids), PAGE):
                page = ids[at : at + PAGE]
                records = [stored.value.record for stored in await purchases.load_many(page)]
                _same("sagas in the store", len(page), len(records))
                for record in records:
                    _check_record(record)
                for name, repository in errands.items():
                    carried_out = [stored.value.carried_out for stored in await repository.load_many(page)]
                    _same(f"what {name} carried out", [ERRANDS[name]] * len(page), carried_out)
        finally:
            for store in (checkout, *stores.values()):
                await store.close()


def _check_record(record: Record) -> None:
    _same("a saga's status", Status.COMPLETED, record.status)
    for each in FIVE_STEPS.steps:
        state = record.steps[each.name]
        _same(f"{each.name}: status", StepStatus.DONE, state.status)
        ends = [entry for entry in record.timeline if (entry.step, entry.status) == (each.name, StepStatus.DONE)]
        _same(f"{each.name}: how often it was done", 1, len(ends))


def _same(what: str, expected: object, found: object) -> None:
    if found != expected:
        raise Failed(f"{what}: expected {str(expected)[:200]}, found {str(found)[:200]}")
