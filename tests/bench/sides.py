"""What is compared: five-step sagas, whole purchases over HTTP, or partners' events, by the files of some commit."""

import asyncio
from collections.abc import Awaitable, Callable, Collection
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Protocol, Self

from tests.bench import hub, purchases
from tests.bench.hub_queues import opened
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


class _Whole:
    """All services and the sandbox, as `milesaga run` starts them; whoever asks them is this process."""

    def __init__(self, files: Tree, home: Path, broker_url: str) -> None:
        self._broker_url = broker_url
        self._is_prepared = False
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


class Purchases(_Whole):
    """Purchases, each to its end."""

    def work(self, tag: str, count: int, begin: Callable[[], Any]) -> float:  # noqa: ARG002 - ids are random
        return asyncio.run(self._buy(count, begin))

    async def _buy(self, count: int, begin: Callable[[], Any]) -> float:
        async with Shop(self._stack.url) as shop, purchases.listening(self._broker_url) as till:
            prepared = await purchases.carts(shop, count, _nobody_told)
            begin()
            return await purchases.at_full_load(till, prepared, PURCHASES_IN_FLIGHT, _nobody_told)


class Batches(_Whole):
    """Events of a partner, 50 at once: accepted, routed, archived."""

    def work(self, tag: str, count: int, begin: Callable[[], Any]) -> float:
        return asyncio.run(self._publish(tag, lambda publishers: publishers.batches(count), begin))

    async def _publish(
        self, tag: str, sent: Callable[[hub.Publishers], Awaitable[float]], begin: Callable[[], Any]
    ) -> float:
        async with Shop(self._stack.url) as shop, opened(self._broker_url) as queues:
            publishers = hub.Publishers(shop, queues, tag)
            await publishers.log_in()
            if not self._is_prepared:
                await publishers.register()
                self._is_prepared = True
            begin()
            return await sent(publishers)


class Singles(Batches):
    """The same, one at a time: accepted; what follows counts as well."""

    def work(self, tag: str, count: int, begin: Callable[[], Any]) -> float:
        return asyncio.run(self._publish(tag, lambda publishers: publishers.singles(count), begin))


def _nobody_told() -> None:
    """One round is short enough to be one step of the progress that is shown."""
