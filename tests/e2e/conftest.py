"""Stacks for the tests of the whole: real processes over real RabbitMQ, on either store."""

from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.e2e.houses import House, house
from tests.e2e.shop import Shop
from tests.engines import mongodb, running_mongod
from tests.kit.stack import Stack

ENGINES = ("sqlite", pytest.param("mongodb", marks=pytest.mark.long))
"""The whole on MongoDB is seen among the long tests, where a store could make a difference: `sqlite_alone` marks what
shows something else. Each part is tried on both in any case."""
CROWDED = 8.0
"""Seconds for the airline's stand-in, which serves fifty purchases at once beside whatever else the machine does: a
booking whose answer came too late is never made twice."""


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "engine" in metafunc.fixturenames:
        alone = metafunc.definition.get_closest_marker("sqlite_alone") is not None
        metafunc.parametrize("engine", ENGINES[:1] if alone else ENGINES, scope="session")


@pytest.fixture(scope="session")
def stack(engine: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """The whole stack, as `milesaga run` starts it. Shared: tests leave no fault behind."""
    home = tmp_path_factory.mktemp(f"stack-{engine}")
    with ExitStack() as opened:
        environment = {
            "TICKETING_SABRE_TIMEOUT_SECONDS": str(CROWDED),
            "PAYMENT_REFUND_FIRST_LOOK_SECONDS": "1",
        }
        if engine == "mongodb":
            environment["MONGODB_URL"] = opened.enter_context(mongodb(home / "mongo"))
        running = Stack(home / "home", environment=environment)
        opened.callback(running.clean_up)
        running.start()
        yield running


@pytest.fixture(scope="session")
def processes(engine: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """Each service in a process of its own."""
    home = tmp_path_factory.mktemp(f"house-{engine}")
    with ExitStack() as opened:
        environment = {}
        if engine == "mongodb":  # one of its own: the databases are named after the services
            environment["MONGODB_URL"] = opened.enter_context(running_mongod(home / "mongo")).url
        yield opened.enter_context(house(home / "home", environment))


@pytest.fixture
async def shop(stack: Stack) -> AsyncIterator[Shop]:
    async with Shop(stack.url) as opened:
        await opened.behave()
        yield opened
        await opened.behave()


@pytest.fixture
async def high_street(processes: House) -> AsyncIterator[Shop]:
    """The shop in front of separate processes."""
    async with Shop(processes.url) as opened:
        await opened.behave()
        yield opened
        await opened.behave()


@pytest.fixture
def own_home(tmp_path: Path) -> Path:
    """The data folder of a stack that a test starts for itself."""
    return tmp_path / "home"
