"""A command whose provider is left alone waits in a delay tier, once."""

from datetime import timedelta

import pytest

from shared.contracts.cloudevents import Envelope
from shared.contracts.payment import CardAuthorized
from shared.kernel.errors import Later, Misconfigured, NotSent, OutcomeUnknown
from shared.store.sqlite import SqliteStore
from shared.worker.parking import BELIEVED
from tests.kit.bus import Recorder
from tests.kit.clock import HandClock
from tests.unit.worker.desk import DO, FIRST_KEY, UNTIL_LOOK, Desk, Provider

PAUSE = timedelta(seconds=10)


def ask(number: int) -> Envelope:
    """The copy that a certain ask sent: ids are in the order of their making."""
    return Envelope(id=f"0198c0de-{number:04}", source="test", type="test")


def left_alone() -> NotSent:
    return NotSent("stripe does not answer", again_in=PAUSE)


async def test_a_command_waits_until_its_provider_is_asked_again_and_is_carried_out_then(
    desk: Desk, provider: Provider, clock: HandClock, bus: Recorder
) -> None:
    provider.before = [left_alone()]
    with pytest.raises(Later) as waiting:
        await desk.do()
    assert waiting.value.delay == PAUSE
    clock.pass_by(PAUSE)
    await desk.do()
    assert provider.keys == [FIRST_KEY, FIRST_KEY]
    assert [type(answer) for answer in bus.answers()] == [CardAuthorized]


async def test_of_many_asks_the_oldest_copy_waits(desk: Desk, provider: Provider, clock: HandClock) -> None:
    provider.before = [left_alone() for _ in range(6)]
    with pytest.raises(Later):
        await desk.do(copy=ask(1))
    for number in (2, 3, 4):
        await desk.do(copy=ask(number))
    clock.pass_by(PAUSE)
    with pytest.raises(Later):
        await desk.do(copy=ask(1))
    await desk.do(copy=ask(5))


async def test_a_copy_that_went_on_elsewhere_is_not_waited_for(
    desk: Desk, provider: Provider, clock: HandClock
) -> None:
    provider.before = [left_alone() for _ in range(3)]
    with pytest.raises(Later):
        await desk.do(copy=ask(1))
    clock.pass_by(BELIEVED)
    with pytest.raises(Later):
        await desk.do(copy=ask(2))


async def test_two_processes_never_let_go_of_each_others_last_copy(
    desk: Desk, other_desk: Desk, provider: Provider
) -> None:
    provider.before = [left_alone() for _ in range(4)]
    for each, copy in ((desk, ask(1)), (other_desk, ask(2)), (other_desk, ask(1))):
        with pytest.raises(Later):
            await each.do(copy=copy)
    await desk.do(copy=ask(2))


async def test_a_copy_that_was_dealt_with_makes_room_for_the_next(
    desk: Desk, provider: Provider, clock: HandClock, bus: Recorder
) -> None:
    provider.before = [left_alone(), NotSent("refused to connect"), left_alone()]
    with pytest.raises(Later):
        await desk.do(copy=ask(1))
    await desk.do(copy=ask(1))
    with pytest.raises(Later):
        await desk.do(copy=ask(2))
    assert bus.answers() == []


async def test_of_many_asks_that_wait_for_a_call_under_way_one_comes_back(
    desk: Desk, other_desk: Desk, provider: Provider
) -> None:
    """Whatever a worker says "later" for."""

    async def meanwhile() -> None:
        with pytest.raises(Later):
            await other_desk.do(copy=ask(2))
        await other_desk.do(copy=ask(3))

    provider.before = [meanwhile]
    await desk.do(copy=ask(1))


async def test_of_many_asks_that_fail_one_goes_the_way_of_faults(desk: Desk, provider: Provider) -> None:
    provider.before = [Misconfigured("no such key"), Misconfigured("no such key")]
    with pytest.raises(Misconfigured):
        await desk.do(copy=ask(1))
    await desk.do(copy=ask(2))


async def test_an_undo_waits_beside_its_step(desk: Desk, provider: Provider) -> None:
    async def alone(*_: object) -> None:
        raise left_alone()

    desk.undo_by(alone)
    provider.before = [left_alone()]
    with pytest.raises(Later):
        await desk.do(copy=ask(1))
    with pytest.raises(Later):
        await desk.undo(copy=ask(2))
    await desk.undo(copy=ask(3))


async def test_a_command_that_nobody_repeats_always_comes_back(
    held_store: SqliteStore, clock: HandClock, provider: Provider, bus: Recorder
) -> None:
    desk = Desk(held_store, clock, provider, bus, asked_again=False)
    provider.before = [left_alone(), left_alone()]
    for number in (1, 2):
        with pytest.raises(Later):
            await desk.do(copy=ask(number))


async def test_a_look_at_a_provider_that_is_left_alone_leaves_the_outcome_open(
    desk: Desk, provider: Provider, clock: HandClock, bus: Recorder
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
