"""A command whose provider is left alone waits in a delay tier, once."""

from datetime import timedelta

import pytest

from shared.contracts.payment import CardAuthorized
from shared.kernel.errors import Later, NotSent, OutcomeUnknown
from tests.unit.worker.desk import DO, FIRST_KEY, UNTIL_LOOK, Bus, Clock, Desk, Provider

PAUSE = timedelta(seconds=10)


def left_alone() -> NotSent:
    return NotSent("stripe does not answer", again_in=PAUSE)


async def test_a_command_waits_until_its_provider_is_asked_again_and_is_carried_out_then(
    desk: Desk, provider: Provider, clock: Clock, bus: Bus
) -> None:
    provider.before = [left_alone()]
    with pytest.raises(Later) as waiting:
        await desk.do()
    assert waiting.value.delay == PAUSE
    clock.pass_by(PAUSE)
    await desk.do()
    assert provider.keys == [FIRST_KEY, FIRST_KEY]
    assert [type(answer) for answer in bus.answers()] == [CardAuthorized]


async def test_of_many_asks_one_copy_waits(desk: Desk, provider: Provider, clock: Clock) -> None:
    provider.before = [left_alone() for _ in range(5)]
    with pytest.raises(Later):
        await desk.do()
    for _ in range(3):
        await desk.do()
    clock.pass_by(PAUSE)
    with pytest.raises(Later):
        await desk.do()


async def test_an_undo_waits_beside_its_step(desk: Desk, provider: Provider) -> None:
    async def alone(*_: object) -> None:
        raise left_alone()

    desk.undo_by(alone)
    with pytest.raises(Later):
        await desk.undo()
    await desk.undo()


async def test_a_look_at_a_provider_that_is_left_alone_leaves_the_outcome_open(
    desk: Desk, provider: Provider, clock: Clock, bus: Bus
) -> None:
    """That nothing could be asked now says nothing about what was asked before."""
    provider.after = [OutcomeUnknown("timeout")]
    await desk.do()
    clock.pass_by(UNTIL_LOOK)
    provider.looking = [left_alone()]
    with pytest.raises(Later):
        await desk.do()
    assert (await desk.stored()).log(DO).calls == 1
    clock.pass_by(PAUSE)
    await desk.do()
    assert (provider.keys, provider.effects) == ([FIRST_KEY], [FIRST_KEY])
    assert [type(answer) for answer in bus.answers()] == [CardAuthorized]
