"""A miles service on a SQLite file, and a second process over the same file."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.component.miles.desk import miles_desk
from tests.kit.clock import HandClock
from tests.kit.desk import Desk


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
async def desk(tmp_path: Path, clock: HandClock) -> AsyncIterator[Desk]:
    async with miles_desk(tmp_path, clock) as desk:
        yield desk


@pytest.fixture
async def other_desk(tmp_path: Path, clock: HandClock, desk: Desk) -> AsyncIterator[Desk]:
    async with miles_desk(tmp_path, clock) as other:
        yield other
