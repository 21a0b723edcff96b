"""A command takes effect once, whatever crashes, repeats or keeps silent."""

import asyncio
from datetime import timedelta

import pytest

from shared.contracts.payment import CardAuthorized
from shared.kernel.errors import Later, Misconfigured, NotSent, OutcomeUnknown, Refused
from shared.store.sqlite import SqliteStore
from tests.eventually import eventually
from tests.kit.bus import Recorder
from tests.kit.clock import HandClock
from tests.unit.worker.desk import (
    CALL_TIMEOUT,
    DO,
    FIRST_KEY,
    SECOND_KEY,
    SETTLE,
    UNTIL_LOOK,
    Crash,
    Desk,
    Provider,
    codes,
    for_ever,
)


async def test_a_command_is_carried_out_and_answered(desk: Desk, provider: Provider, bus: Recorder) -> None:
    await desk.do()
    assert provider.keys == [FIRST_KEY]
    assert [type(answer) for answer in bus.answers()] == [CardAuthorized]
    assert (await desk.stored()).effect == FIRST_KEY


async def test_a_duplicate_gets_the_same_answer_without_another_call(
    desk: Desk, provider: Provider, bus: Recorder
) -> None:
    await desk.do()
    await desk.do()
    assert provider.keys == [FIRST_KEY]
    assert bus.answers()[0] == bus.answers()[1]


async def test_a_duplicate_of_a_refused_command_is_refused_alike(desk: Desk, provider: Provider, bus: Recorder) -> None:
    provider.before = [Refused("card_declined", "no")]
    await desk.do()
    await desk.do()
    assert len(provider.keys) == 1
    assert codes(bus) == ["card_declined", "card_declined"]


async def test_a_copy_that_meets_an_open_intent_waits_for_its_end(
    desk: Desk, other_desk: Desk, provider: Provider
) -> None:
    provider.before = [for_ever]
    call = asyncio.create_task(desk.do())
    await eventually(lambda: provider.keys)
    with pytest.raises(Later) as waiting:
        await other_desk.do()
    assert waiting.value.delay == CALL_TIMEOUT + 2 * SETTLE
    assert provider.looks == 0
    call.cancel()


async def test_after_a_crash_between_intent_and_call_it_looks_and_calls_with_a_new_key(
    desk: Desk, other_desk: Desk, provider: Provider, bus: Recorder, clock: HandClock
) -> None:
    desk.collection.after_save = [Crash()]
    with pytest.raises(Crash):
        await desk.do()
    assert provider.keys == []
    clock.pass_by(UNTIL_LOOK)
    await other_desk.do()
    assert provider.looks == 1
    assert provider.keys == [SECOND_KEY]
    assert [type(answer) for answer in bus.answers()] == [CardAuthorized]


async def test_after_a_crash_between_effect_and_save_it_finds_the_effect_and_does_not_call_again(
    desk: Desk, other_desk: Desk, provider: Provider, bus: Recorder, clock: HandClock
) -> None:
    desk.collection.before_save = [None, Crash()]
    with pytest.raises(Crash):
        await desk.do()
    assert provider.effects == [FIRST_KEY]
    clock.pass_by(UNTIL_LOOK)
    await other_desk.do()
    assert provider.keys == [FIRST_KEY]
    assert [type(answer) for answer in bus.answers()] == [CardAuthorized]


async def test_an_unknown_outcome_is_silent_and_never_stored_as_an_answer(
    desk: Desk, provider: Provider, bus: Recorder
) -> None:
    provider.after = [OutcomeUnknown("timeout")]
    await desk.do()
    assert bus.said == []
    assert (await desk.stored()).log(DO).answer is None


async def test_an_unknown_outcome_is_looked_up_only_after_the_provider_had_time_to_settle(
    desk: Desk, provider: Provider, clock: HandClock
) -> None:
    provider.after = [OutcomeUnknown("timeout")]
    await desk.do()
    clock.pass_by(SETTLE - timedelta(milliseconds=1))
    with pytest.raises(Later):
        await desk.do()
    assert provider.looks == 0
    clock.pass_by(timedelta(milliseconds=1))
    await desk.do()
    assert provider.looks == 1
    assert provider.keys == [FIRST_KEY]


async def test_a_look_that_fails_stays_silent_and_changes_nothing(
    desk: Desk, provider: Provider, bus: Recorder, clock: HandClock
) -> None:
    provider.after = [OutcomeUnknown("timeout")]
    await desk.do()
    before = await desk.stored()
    clock.pass_by(SETTLE)
    provider.looking = [OutcomeUnknown("timeout"), NotSent("no connection")]
    await desk.do()
    await desk.do()
    assert provider.looks == 2
    assert bus.said == []
    assert await desk.stored() == before


async def test_a_call_that_never_returns_is_given_up_and_unknown(
    held_store: SqliteStore, clock: HandClock, provider: Provider, bus: Recorder
) -> None:
    desk = Desk(held_store, clock, provider, bus, call_timeout=timedelta(milliseconds=20))
    provider.before = [for_ever]
    await desk.do()
    assert bus.said == []
    log = (await desk.stored()).log(DO)
    assert (log.answer, log.open_until) == (None, clock.now() + SETTLE)


async def test_calls_without_effect_are_limited(
    held_store: SqliteStore, clock: HandClock, provider: Provider, bus: Recorder
) -> None:
    desk = Desk(held_store, clock, provider, bus, calls=2)
    provider.before = [OutcomeUnknown("timeout"), OutcomeUnknown("timeout")]
    for _ in range(3):
        await desk.do()
        clock.pass_by(SETTLE)
    assert provider.keys == [FIRST_KEY, SECOND_KEY]
    assert codes(bus) == ["not_done"]


async def test_what_was_not_sent_waits_to_be_asked_again_and_keeps_its_key(
    desk: Desk, provider: Provider, bus: Recorder
) -> None:
    provider.before = [NotSent("no connection")]
    await desk.do()
    assert bus.said == []
    await desk.do()
    assert provider.keys == [FIRST_KEY, FIRST_KEY]
    assert provider.looks == 0
    assert [type(answer) for answer in bus.answers()] == [CardAuthorized]


async def test_our_own_misconfiguration_goes_the_way_of_faults_and_counts_no_call(
    desk: Desk, provider: Provider, bus: Recorder
) -> None:
    provider.before = [Misconfigured("printer"), Misconfigured("printer"), Misconfigured("printer")]
    for _ in range(3):
        with pytest.raises(Misconfigured):
            await desk.do()
    assert bus.said == []
    await desk.do()
    assert [type(answer) for answer in bus.answers()] == [CardAuthorized]


async def test_an_expired_command_is_refused_without_a_call(
    desk: Desk, provider: Provider, bus: Recorder, clock: HandClock
) -> None:
    await desk.do(expires_at=clock.now() - timedelta(seconds=1))
    assert provider.keys == []
    assert codes(bus) == ["expired"]


async def test_a_command_that_expired_after_a_call_without_effect_is_not_called_again(
    desk: Desk, provider: Provider, bus: Recorder, clock: HandClock
) -> None:
    expires_at = clock.now() + timedelta(milliseconds=500)
    provider.before = [OutcomeUnknown("timeout")]
    await desk.do(expires_at=expires_at)
    clock.pass_by(SETTLE)
    await desk.do(expires_at=expires_at)
    assert provider.keys == [FIRST_KEY]
    assert codes(bus) == ["expired"]


async def test_a_command_that_expired_after_its_effect_is_still_answered_done(
    desk: Desk, provider: Provider, bus: Recorder, clock: HandClock
) -> None:
    expires_at = clock.now() + timedelta(milliseconds=500)
    provider.after = [OutcomeUnknown("timeout")]
    await desk.do(expires_at=expires_at)
    clock.pass_by(SETTLE)
    await desk.do(expires_at=expires_at)
    assert [type(answer) for answer in bus.answers()] == [CardAuthorized]


@pytest.mark.parametrize("error", [OutcomeUnknown("timeout"), NotSent("HTTP 429")])
async def test_what_nobody_asks_again_comes_back_by_itself(
    held_store: SqliteStore, clock: HandClock, provider: Provider, bus: Recorder, error: Exception
) -> None:
    desk = Desk(held_store, clock, provider, bus, asked_again=False)
    provider.before = [error]
    with pytest.raises(Later):
        await desk.do()
    clock.pass_by(SETTLE)
    await desk.do()

    async def away(*_: object) -> None:
        raise error

    desk.undo_by(away, asked_again=False)
    with pytest.raises(Later):
        await desk.undo()


async def test_a_look_that_never_returns_is_given_up(
    held_store: SqliteStore, clock: HandClock, provider: Provider, bus: Recorder
) -> None:
    desk = Desk(held_store, clock, provider, bus, call_timeout=timedelta(milliseconds=20))
    provider.after = [OutcomeUnknown("timeout")]
    provider.looking = [for_ever]
    await desk.do()
    clock.pass_by(SETTLE)
    await desk.do()
    assert (provider.looks, bus.said) == (1, [])
    await desk.do()
    assert [type(answer) for answer in bus.answers()] == [CardAuthorized]


async def test_a_call_begun_after_a_slow_save_is_given_up_before_anybody_looks(
    desk: Desk, other_desk: Desk, provider: Provider, clock: HandClock
) -> None:
    async def slow_disk() -> None:
        clock.pass_by(SETTLE)

    desk.collection.after_save = [slow_disk]
    provider.before = [for_ever]
    call = asyncio.create_task(desk.do())
    await eventually(lambda: provider.keys)
    clock.pass_by(CALL_TIMEOUT)
    with pytest.raises(Later) as waiting:
        await other_desk.do()
    assert waiting.value.delay == SETTLE
    call.cancel()
