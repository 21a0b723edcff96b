"""Others have their turn by time, however long a step of the work takes."""

import asyncio

import pytest

from shared.kernel.turns import AT_ONCE, Turns


@pytest.mark.parametrize(("step", "others"), [(AT_ONCE * 0.15, 2), (AT_ONCE * 1.5, 20), (5.0, 20)])
async def test_others_have_their_turn_after_so_much_time_and_no_sooner(step: float, others: int) -> None:
    seconds, had = 0.0, 0

    async def another() -> None:
        nonlocal had
        while True:
            had += 1
            await asyncio.sleep(0)

    waiting = asyncio.create_task(another())
    turns = Turns(lambda: seconds)
    for _ in range(20):
        seconds += step
        await turns.give()
    waiting.cancel()
    assert had == others
