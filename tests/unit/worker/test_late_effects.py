"""What a call did is put on record or taken back, however late it comes to light and whatever the store does."""

import asyncio
from dataclasses import dataclass
from datetime import timedelta

import pytest

from shared.contracts.payment import CardAuthorized, VoidAuthorization
from shared.contracts.steps import StepRefused, StepUndone
from shared.kernel.errors import Later, NotSent, OutcomeUnknown, Refused
from shared.store.documents import Unavailable
from shared.store.sqlite import SqliteStore
from tests.eventually import eventually
from tests.kit.bus import Recorder
from tests.kit.clock import HandClock
from tests.unit.worker.desk import DO, FIRST_KEY, SECOND_KEY, SETTLE, UNTIL_LOOK, Desk, Provider


@dataclass
class Frozen:
    """A call that stands still until it is thawed."""

    call: asyncio.Task[None]
    let_go: asyncio.Event

    async def thaw(self) -> None:
        self.let_go.set()
        await self.call


async def test_an_effect_is_put_on_record_although_the_store_is_away_for_a_moment(
    desk: Desk, provider: Provider, bus: Recorder
) -> None:
    async def cannot_be_searched(*_: object) -> None:
        raise Refused("reservation_unknown", "the provider cannot be searched")

    desk.find_by(cannot_be_searched)
    desk.collection.before_save = [None, Unavailable("the primary steps down"), Unavailable("still")]
    await desk.do()
    assert [type(answer) for answer in bus.answers()] == [CardAuthorized]
    assert (await desk.stored()).effect == FIRST_KEY


async def test_an_effect_whose_save_took_place_though_the_store_fell_silent_stays_on_record(
    desk: Desk, provider: Provider, bus: Recorder, clock: HandClock
) -> None:
    desk.collection.after_save = [None, Unavailable("no answer")]
    await desk.do()
    assert (await desk.stored()).effect == FIRST_KEY
    assert (provider.in_force, (await desk.stored()).log(DO).untidy) == ([FIRST_KEY], False)
    [waiting] = await desk.collection.inner.unsent(clock.now() + timedelta(seconds=1), 10)
    assert waiting.message.routing_key == CardAuthorized.type
    assert bus.said == []


async def test_a_store_that_stays_away_is_waited_for_until_the_intent_ends(
    desk: Desk, other_desk: Desk, provider: Provider, bus: Recorder, clock: HandClock
) -> None:
    async def away() -> None:
        clock.pass_by(timedelta(seconds=2))
        raise Unavailable("away")

    desk.collection.before_save = [None, away, away, away, away]
    with pytest.raises(Unavailable):
        await desk.do()
    assert desk.collection.before_save == [away]
    await other_desk.do()
    assert provider.keys == [FIRST_KEY]
    assert [type(answer) for answer in bus.answers()] == [CardAuthorized]


async def frozen_in_its_call(desk: Desk, provider: Provider, clock: HandClock) -> Frozen:
    """A process stands still before its call has an effect, for longer than its intent lasts."""
    let_go = asyncio.Event()

    async def stand_still() -> None:
        await let_go.wait()

    provider.before = [stand_still]
    call = asyncio.create_task(desk.do())
    await eventually(lambda: provider.keys)
    clock.pass_by(UNTIL_LOOK)
    return Frozen(call, let_go)


async def test_of_two_calls_that_both_had_their_effect_one_is_taken_back(
    desk: Desk, other_desk: Desk, provider: Provider, bus: Recorder, clock: HandClock
) -> None:
    frozen = await frozen_in_its_call(desk, provider, clock)
    await other_desk.do()
    await frozen.thaw()
    assert provider.effects == [SECOND_KEY, FIRST_KEY]
    assert provider.in_force == [SECOND_KEY]
    assert (await desk.stored()).effect == SECOND_KEY
    assert [type(answer) for answer in bus.answers()] == [CardAuthorized]


async def test_what_is_too_much_and_cannot_be_taken_back_at_once_is_taken_back_later(
    desk: Desk, other_desk: Desk, provider: Provider, clock: HandClock
) -> None:
    frozen = await frozen_in_its_call(desk, provider, clock)
    await other_desk.do()
    provider.tidying = [NotSent("HTTP 429")]
    with pytest.raises(Later):
        await frozen.thaw()
    assert len(provider.in_force) == 2
    await other_desk.do()
    assert provider.in_force == [SECOND_KEY]
    assert not (await desk.stored()).log(DO).untidy


async def test_a_call_of_unknown_outcome_that_another_one_overtook_is_looked_for(
    desk: Desk, other_desk: Desk, provider: Provider, clock: HandClock
) -> None:
    frozen = await frozen_in_its_call(desk, provider, clock)
    await other_desk.do()
    provider.after = [OutcomeUnknown("given up")]
    with pytest.raises(Later) as again:
        await frozen.thaw()
    assert again.value.delay == SETTLE
    await desk.do()
    assert provider.in_force == [SECOND_KEY]


async def test_a_call_of_unknown_outcome_that_an_undo_overtook_is_undone_once_more(
    desk: Desk, other_desk: Desk, provider: Provider, bus: Recorder, clock: HandClock
) -> None:
    frozen = await frozen_in_its_call(desk, provider, clock)
    await other_desk.undo()
    provider.after = [OutcomeUnknown("given up")]
    await frozen.thaw()
    assert [type(said) for said in bus.said] == [StepUndone, VoidAuthorization]
    with pytest.raises(Later):
        await desk.undo()
    clock.pass_by(SETTLE)
    await desk.undo()
    assert provider.in_force == []


async def test_an_effect_behind_the_fence_of_a_refusal_is_put_on_record_answered_and_undone_when_asked(
    held_store: SqliteStore, provider: Provider, bus: Recorder, clock: HandClock
) -> None:
    desk, other_desk = (Desk(held_store, clock, provider, bus, calls=1) for _ in range(2))
    frozen = await frozen_in_its_call(desk, provider, clock)
    await other_desk.do()
    assert [each.code for each in bus.answers() if isinstance(each, StepRefused)] == ["not_done"]
    await frozen.thaw()
    assert isinstance(bus.answers()[-1], CardAuthorized)
    assert (await desk.stored()).effect == FIRST_KEY
    await other_desk.undo()
    assert provider.in_force == []
    assert isinstance(bus.answers()[-1], StepUndone)
