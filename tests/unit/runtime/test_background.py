"""Background tasks."""

import asyncio
from collections import Counter

from shared.runtime.background import Background
from tests.eventually import eventually


async def test_a_task_that_dies_starts_again_and_is_counted() -> None:
    restarts: Counter[str] = Counter()
    background = Background(lambda task: restarts.update([task]), first_pause=0.001)
    starts = 0

    async def work() -> None:
        nonlocal starts
        starts += 1
        if starts < 4:
            raise RuntimeError
        await asyncio.Event().wait()

    background.start("work", work)
    await eventually(lambda: starts == 4)
    assert restarts == {"work": 3}
    await background.stop()


async def test_a_task_that_returns_is_done() -> None:
    background = Background()
    returned = asyncio.Event()
    starts = 0

    async def work() -> None:
        nonlocal starts
        starts += 1
        returned.set()

    background.start("work", work)
    await returned.wait()
    await background.stop()
    assert starts == 1


async def test_stopping_waits_until_every_task_has_cleaned_up() -> None:
    background = Background()
    cleaned: list[str] = []
    begun = asyncio.Event()

    async def work() -> None:
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            cleaned.append("work")

    background.start("work", work)
    await begun.wait()
    await background.stop()
    assert cleaned == ["work"]
