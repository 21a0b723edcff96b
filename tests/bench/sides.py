"""What is compared: five-step sagas, or whole purchases over HTTP, by the files of some commit."""

import asyncio
from collections.abc import Callable, Collection
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Protocol, Self

from tests.bench import purchases
from tests.bench.ours import Ours
from tests.bench.processes import tree
from tests.bench.trees import Tree
from tests.e2e.shop import Shop
from tests.kit.stack import Stack

PATIENCE: Final = 150.0
"""Seconds for one measurement; whoever needs longer is stuck."""
SAGAS_IN_FLIGHT: Final = 200
PURCHASES_IN_FLIGHT: Final = 32


class Side(Protocol):
    """One commit's processes over a data folder and a virtual host of their own, while the `with` block lasts."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    @property
    def pids(self) -> Collection[int]:
        """Of all its processes, the broker's not among them."""

    def work(self, tag: str, count: int, begin: Callable[[], Any]) -> float:
        """So many pieces of work; how many a second. Calls `begin` when all is prepared. `tag` was not used before.

        Raises `Failed` where one of them does not end well.
        """


class Sagas(Ours):
    """The job of `five_steps.py`: an orchestrator and its workers, in two processes."""

    def __init__(self, files: Tree, home: Path, broker_url: str) -> None:
        super().__init__(home, broker_url, files=files)

    def work(self, tag: str, count: int, begin: Callable[[], Any]) -> float:
        begin()
        return float(self.run(tag, count, SAGAS_IN_FLIGHT, PATIENCE)["rate"])


class Purchases:
    """All services and the sandbox, as `milesaga run` starts them; whoever buys is this process."""

    def __init__(self, files: Tree, home: Path, broker_url: str) -> None:
        self._broker_url = broker_url
        environment = {"BROKER_URL": broker_url, **files.environment}
        self._stack = Stack(home, environment=environment, repository=files.folder, python=files.python)

    def __enter__(self) -> Self:
        try:
            self._stack.start()
        except BaseException:
            self._stack.clean_up()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is None:
                self._stack.terminate()
        finally:
            self._stack.clean_up()

    @property
    def pids(self) -> set[int]:
        return tree(self._stack.process.pid)

    def work(self, tag: str, count: int, begin: Callable[[], Any]) -> float:  # noqa: ARG002 - ids are random
        return asyncio.run(self._buy(count, begin))

    async def _buy(self, count: int, begin: Callable[[], Any]) -> float:
        async with Shop(self._stack.url) as shop, purchases.listening(self._broker_url) as till:
            prepared = await purchases.carts(shop, count, _nobody_told)
            begin()
            return await purchases.at_full_load(till, prepared, PURCHASES_IN_FLIGHT, _nobody_told)


def _nobody_told() -> None:
    """One round is short enough to be one step of the progress that is shown."""
