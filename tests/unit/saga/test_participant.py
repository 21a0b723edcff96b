"""A command takes effect once, or is undone, whatever crashes, repeats, overtakes or keeps silent."""

import asyncio
from datetime import timedelta

import pytest

from shared.contracts.envelope import StepRefused, StepUndone
from shared.contracts.payment import CardAuthorized
from shared.kernel.errors import Later, Misconfigured, NotSent, OutcomeUnknown, Refused
from shared.saga.work import StepLog
from shared.store.sqlite import SqliteStore
from tests.eventually import eventually
from tests.unit.saga.desk import (
    CALL_TIMEOUT,
    PURCHASE,
    SETTLE,
    Bus,
    Clock,
    Crash,
    Desk,
    Provider,
    for_ever,
)

FIRST_KEY = f"{PURCHASE}/authorise//1.1"
SECOND_KEY = f"{PURCHASE}/authorise//1.2"
DO = f"{PURCHASE}/authorise/"
UNDO = f"{PURCHASE}/authorise/:undo"
UNTIL_LOOK = CALL_TIMEOUT + 2 * SETTLE + timedelta(milliseconds=1)


def codes(bus: Bus) -> list[str]:
    return [answer.code for answer in bus.answers() if isinstance(answer, StepRefused)]


async def test_a_command_is_carried_out_and_answered(desk: Desk, provider: Provider, bus: Bus) -> None:
    await desk.do()
    assert provider.keys == [FIRST_KEY]
    assert [type(answer) for answer in bus.answers()] == [CardAuthorized]
    assert (await desk.stored()).effect == FIRST_KEY


async def test_a_duplicate_gets_the_same_answer_without_another_call(desk: Desk, provider: Provider, bus: Bus) -> None:
    await desk.do()
    await desk.do()
    assert provider.keys == [FIRST_KEY]
    assert bus.answers()[0] == bus.answers()[1]


async def test_a_duplicate_of_a_refused_command_is_refused_alike(desk: Desk, provider: Provider, bus: Bus) -> None:
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
    desk: Desk, other_desk: Desk, provider: Provider, bus: Bus, clock: Clock
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
    desk: Desk, other_desk: Desk, provider: Provider, bus: Bus, clock: Clock
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
    desk: Desk, provider: Provider, bus: Bus
) -> None:
    provider.after = [OutcomeUnknown("timeout")]
    await desk.do()
    assert bus.said == []
    assert (await desk.stored()).log(DO).answer is None


async def test_an_unknown_outcome_is_looked_up_only_after_the_provider_had_time_to_settle(
    desk: Desk, provider: Provider, clock: Clock
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
    desk: Desk, provider: Provider, bus: Bus, clock: Clock
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
    held_store: SqliteStore, clock: Clock, provider: Provider, bus: Bus
) -> None:
    desk = Desk(held_store, clock, provider, bus, call_timeout=timedelta(milliseconds=20))
    provider.before = [for_ever]
    await desk.do()
    assert bus.said == []
    log = (await desk.stored()).log(DO)
    assert (log.answer, log.open_until) == (None, clock.now() + SETTLE)


async def test_calls_without_effect_are_limited(
    held_store: SqliteStore, clock: Clock, provider: Provider, bus: Bus
) -> None:
    desk = Desk(held_store, clock, provider, bus, calls=2)
    provider.before = [OutcomeUnknown("timeout"), OutcomeUnknown("timeout")]
    for _ in range(3):
        await desk.do()
        clock.pass_by(SETTLE)
    assert provider.keys == [FIRST_KEY, SECOND_KEY]
    assert codes(bus) == ["not_done"]


async def test_what_was_not_sent_waits_to_be_asked_again_and_keeps_its_key(
    desk: Desk, provider: Provider, bus: Bus
) -> None:
    provider.before = [NotSent("no connection")]
    await desk.do()
    assert bus.said == []
    await desk.do()
    assert provider.keys == [FIRST_KEY, FIRST_KEY]
    assert provider.looks == 0
    assert [type(answer) for answer in bus.answers()] == [CardAuthorized]


async def test_our_own_misconfiguration_goes_the_way_of_faults_and_counts_no_call(
    desk: Desk, provider: Provider, bus: Bus
) -> None:
    provider.before = [Misconfigured("printer"), Misconfigured("printer"), Misconfigured("printer")]
    for _ in range(3):
        with pytest.raises(Misconfigured):
            await desk.do()
    assert bus.said == []
    await desk.do()
    assert [type(answer) for answer in bus.answers()] == [CardAuthorized]


async def test_an_undo_before_its_step_refuses_the_step_for_good(
    desk: Desk, provider: Provider, bus: Bus, clock: Clock
) -> None:
    await desk.undo()
    clock.pass_by(timedelta(hours=1))
    await desk.do()
    await desk.do()
    assert provider.keys == []
    assert [type(answer) for answer in bus.answers()] == [StepUndone, StepRefused, StepRefused]
    assert codes(bus) == ["fenced", "fenced"]


async def test_a_fence_stands_before_earlier_attempts_and_not_before_later_ones(
    desk: Desk, provider: Provider, bus: Bus
) -> None:
    await desk.undo(attempt=2)
    await desk.do(attempt=1)
    assert codes(bus) == ["fenced"]
    await desk.do(attempt=3)
    assert provider.keys == [f"{PURCHASE}/authorise//3.1"]


async def test_an_attempt_older_than_the_one_begun_is_refused_without_a_call(
    desk: Desk, provider: Provider, bus: Bus
) -> None:
    await desk.do(attempt=2)
    await desk.do(attempt=1)
    assert provider.keys == [f"{PURCHASE}/authorise//2.1"]
    assert codes(bus) == ["superseded"]
    await desk.do(attempt=2)
    assert isinstance(bus.answers()[-1], CardAuthorized)


async def test_an_undo_waits_while_the_call_is_under_way(
    desk: Desk, other_desk: Desk, provider: Provider, bus: Bus, clock: Clock
) -> None:
    provider.before = [for_ever]
    call = asyncio.create_task(desk.do())
    await eventually(lambda: provider.keys)
    with pytest.raises(Later) as waiting:
        await other_desk.undo()
    assert waiting.value.delay == CALL_TIMEOUT + 2 * SETTLE
    assert bus.said == []
    call.cancel()
    clock.pass_by(CALL_TIMEOUT + 2 * SETTLE)
    await other_desk.undo()
    assert [type(answer) for answer in bus.answers()] == [StepUndone]


async def test_an_undo_takes_back_an_effect_whose_answer_never_came(
    desk: Desk, provider: Provider, bus: Bus, clock: Clock
) -> None:
    provider.after = [OutcomeUnknown("timeout")]
    await desk.do()
    clock.pass_by(SETTLE)
    await desk.undo()
    assert provider.in_force == []
    assert [type(answer) for answer in bus.answers()] == [StepUndone]


async def test_an_effect_that_comes_to_light_behind_a_fence_is_told_and_can_be_undone(
    desk: Desk, other_desk: Desk, provider: Provider, bus: Bus, clock: Clock
) -> None:
    let_go = asyncio.Event()

    async def hang_until_let_go() -> None:
        await let_go.wait()

    provider.before = [hang_until_let_go]
    call = asyncio.create_task(desk.do())
    await eventually(lambda: provider.keys)
    clock.pass_by(UNTIL_LOOK)
    await other_desk.undo()
    let_go.set()
    await call
    assert provider.in_force == [FIRST_KEY]
    assert [type(said) for said in bus.said] == [StepUndone, CardAuthorized], "whoever asked must learn of it"
    await other_desk.undo(attempt=2)
    assert provider.in_force == []
    assert (await desk.stored()).state == "undone"
    assert [type(said) for said in bus.said] == [StepUndone, CardAuthorized, StepUndone]


async def test_an_undo_said_again_keeps_its_count_of_calls_so_that_no_key_is_used_twice(
    desk: Desk, other_desk: Desk, provider: Provider, clock: Clock
) -> None:
    let_go = asyncio.Event()

    async def hang_until_let_go() -> None:
        await let_go.wait()

    provider.before = [hang_until_let_go]
    provider.after = [OutcomeUnknown("timeout")]
    call = asyncio.create_task(desk.do())
    await eventually(lambda: provider.keys)
    clock.pass_by(UNTIL_LOOK)
    await other_desk.undo()
    stored = await other_desk.repository.load(PURCHASE)
    assert stored is not None
    counted = stored.value.log(UNDO).model_copy(update={"calls": 2})
    await other_desk.repository.save(stored.value.with_log(UNDO, counted), version=stored.version)
    let_go.set()
    await call
    assert (await desk.stored()).log(UNDO) == StepLog(attempt=1, calls=2)


async def test_an_expired_command_is_refused_without_a_call(
    desk: Desk, provider: Provider, bus: Bus, clock: Clock
) -> None:
    await desk.do(expires_at=clock.now() - timedelta(seconds=1))
    assert provider.keys == []
    assert codes(bus) == ["expired"]


async def test_a_command_that_expired_after_a_call_without_effect_is_not_called_again(
    desk: Desk, provider: Provider, bus: Bus, clock: Clock
) -> None:
    expires_at = clock.now() + timedelta(milliseconds=500)
    provider.before = [OutcomeUnknown("timeout")]
    await desk.do(expires_at=expires_at)
    clock.pass_by(SETTLE)
    await desk.do(expires_at=expires_at)
    assert provider.keys == [FIRST_KEY]
    assert codes(bus) == ["expired"]


async def test_a_command_that_expired_after_its_effect_is_still_answered_done(
    desk: Desk, provider: Provider, bus: Bus, clock: Clock
) -> None:
    expires_at = clock.now() + timedelta(milliseconds=500)
    provider.after = [OutcomeUnknown("timeout")]
    await desk.do(expires_at=expires_at)
    clock.pass_by(SETTLE)
    await desk.do(expires_at=expires_at)
    assert [type(answer) for answer in bus.answers()] == [CardAuthorized]


async def test_a_conflict_on_saving_the_outcome_does_not_repeat_the_call(
    desk: Desk, provider: Provider, bus: Bus
) -> None:
    provider.after = [desk.somebody_else_saves]
    await desk.do()
    assert provider.keys == [FIRST_KEY]
    assert [type(answer) for answer in bus.answers()] == [CardAuthorized]
    assert (await desk.stored()).effect == FIRST_KEY


async def test_two_processes_racing_on_one_command_call_the_provider_once(
    desk: Desk, other_desk: Desk, provider: Provider, bus: Bus
) -> None:
    ends = await asyncio.gather(desk.do(), other_desk.do(), return_exceptions=True)
    assert provider.keys == [FIRST_KEY]
    assert all(end is None or isinstance(end, Later) for end in ends)
    await other_desk.do()
    assert {type(answer) for answer in bus.answers()} == {CardAuthorized}
    assert provider.keys == [FIRST_KEY]


async def test_two_processes_racing_to_look_call_again_once(
    desk: Desk, other_desk: Desk, provider: Provider, clock: Clock
) -> None:
    provider.before = [OutcomeUnknown("timeout")]
    await desk.do()
    clock.pass_by(SETTLE)
    both_look = asyncio.Event()

    async def look_together() -> None:
        if provider.looks == 2:
            both_look.set()
        await both_look.wait()

    provider.looking = [look_together, look_together]
    ends = await asyncio.gather(desk.do(), other_desk.do(), return_exceptions=True)
    assert provider.looks == 2
    assert provider.keys == [FIRST_KEY, SECOND_KEY]
    assert all(end is None or isinstance(end, Later) for end in ends)


async def test_a_late_refusal_of_an_earlier_call_does_not_refuse_what_a_newer_call_did(
    desk: Desk, other_desk: Desk, provider: Provider, bus: Bus, clock: Clock
) -> None:
    let_go = asyncio.Event()

    async def refuse_late() -> None:
        await let_go.wait()
        raise Refused("card_declined", "no")

    provider.before = [refuse_late]
    late = asyncio.create_task(desk.do())
    await eventually(lambda: provider.keys)
    clock.pass_by(UNTIL_LOOK)
    await other_desk.do()
    let_go.set()
    await late
    assert [type(answer) for answer in bus.answers()] == [CardAuthorized]
    assert (await desk.stored()).effect == SECOND_KEY


async def test_a_late_unknown_of_an_earlier_call_does_not_shorten_the_intent_of_a_newer_one(
    desk: Desk, other_desk: Desk, provider: Provider, clock: Clock
) -> None:
    let_go = asyncio.Event()

    async def unknown_late() -> None:
        await let_go.wait()
        raise OutcomeUnknown("timeout")

    provider.before = [unknown_late, for_ever]
    late = asyncio.create_task(desk.do())
    await eventually(lambda: provider.keys)
    clock.pass_by(UNTIL_LOOK)
    newer = asyncio.create_task(other_desk.do())
    await eventually(lambda: len(provider.keys) == 2)
    let_go.set()
    with pytest.raises(Later):
        await late
    log = (await desk.stored()).log(DO)
    assert (log.calls, log.open_until) == (2, clock.now() + CALL_TIMEOUT + 2 * SETTLE)
    newer.cancel()


async def test_an_effect_that_somebody_else_found_and_undid_is_not_put_on_record_again(
    desk: Desk, other_desk: Desk, provider: Provider, bus: Bus, clock: Clock
) -> None:
    let_go = asyncio.Event()

    async def answer_late() -> None:
        await let_go.wait()

    provider.after = [answer_late]
    late = asyncio.create_task(desk.do())
    await eventually(lambda: provider.effects)
    clock.pass_by(UNTIL_LOOK)
    await other_desk.do()
    await other_desk.undo()
    let_go.set()
    await late
    assert [type(said) for said in bus.said] == [CardAuthorized, StepUndone]
    assert (await desk.stored()).state == "undone"


async def test_an_intent_that_took_too_long_to_save_is_withdrawn_and_no_call_is_counted(
    desk: Desk, provider: Provider, clock: Clock
) -> None:
    async def slow_disk() -> None:
        clock.pass_by(SETTLE * 2)

    desk.collection.after_save = [slow_disk]
    with pytest.raises(Later):
        await desk.do()
    assert provider.keys == []
    await desk.do()
    assert provider.keys == [FIRST_KEY]


async def test_a_refused_undo_may_be_asked_for_again_as_a_new_attempt(desk: Desk, provider: Provider, bus: Bus) -> None:
    await desk.do()
    undo, provider_undo = provider.undo, Refused("not_voidable", "too late")

    async def refuse(*_: object) -> None:
        raise provider_undo

    desk.undo_by(refuse)
    await desk.undo(attempt=1)
    desk.undo_by(undo)
    await desk.undo(attempt=1)
    assert codes(bus) == ["not_voidable", "not_voidable"]
    await desk.undo(attempt=2)
    assert isinstance(bus.answers()[-1], StepUndone)
    assert provider.in_force == []


@pytest.mark.parametrize("error", [OutcomeUnknown("timeout"), NotSent("HTTP 429")])
async def test_an_undo_that_cannot_be_carried_out_waits_to_be_asked_again(
    desk: Desk, bus: Bus, error: Exception
) -> None:
    async def away(*_: object) -> None:
        raise error

    await desk.do()
    desk.undo_by(away)
    await desk.undo()
    assert [type(answer) for answer in bus.answers()] == [CardAuthorized]
    desk.undo_by(desk.provider.undo)
    await desk.undo()
    assert [type(answer) for answer in bus.answers()] == [CardAuthorized, StepUndone]


@pytest.mark.parametrize("error", [OutcomeUnknown("timeout"), NotSent("HTTP 429")])
async def test_what_nobody_asks_again_comes_back_by_itself(
    held_store: SqliteStore, clock: Clock, provider: Provider, bus: Bus, error: Exception
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
    held_store: SqliteStore, clock: Clock, provider: Provider, bus: Bus
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


async def test_an_undo_that_never_returns_is_given_up(
    held_store: SqliteStore, clock: Clock, provider: Provider, bus: Bus
) -> None:
    desk = Desk(held_store, clock, provider, bus, call_timeout=timedelta(milliseconds=20))

    async def hang(*_: object) -> None:
        await for_ever()

    desk.undo_by(hang)
    await desk.undo()
    assert bus.said == []


async def test_a_call_begun_after_a_slow_save_is_given_up_before_anybody_looks(
    desk: Desk, other_desk: Desk, provider: Provider, clock: Clock
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
