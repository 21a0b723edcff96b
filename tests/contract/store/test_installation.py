"""The id of the stack that a store belongs to."""

import asyncio

from shared.kernel.clock import SystemClock
from shared.kernel.ids import Uuid7Ids
from shared.store.installation import SPEC, installation
from tests.contract.store.conftest import Engine

IDS = Uuid7Ids(SystemClock())


async def test_of_twenty_processes_that_ask_at_once_all_hear_the_same_id(engine: Engine) -> None:
    opened = [(await engine.open(SPEC))[1][0] for _ in range(4)]
    heard = await asyncio.gather(*(installation(collection, IDS) for collection in opened * 5))
    assert len(set(heard)) == 1


async def test_it_outlives_the_process(engine: Engine) -> None:
    store, (collection,) = await engine.open(SPEC)
    first = await installation(collection, IDS)
    await store.close()
    _, (collection,) = await engine.open(SPEC)
    assert await installation(collection, IDS) == first
