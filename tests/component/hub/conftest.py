"""A hub on a SQLite file, and a second replica over the same file."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.component.hub.counter import Counter
from tests.kit.clock import HandClock


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
async def hub(tmp_path: Path, clock: HandClock) -> AsyncIterator[Counter]:
    async with Counter.opened(tmp_path, clock) as counter:
        yield counter


@pytest.fixture
async def replica(tmp_path: Path, clock: HandClock, hub: Counter) -> AsyncIterator[Counter]:
    async with Counter.opened(tmp_path, clock) as counter:
        yield counter
