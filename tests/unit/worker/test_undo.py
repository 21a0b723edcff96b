"""What was done is undone, whatever overtakes what."""

import asyncio
from datetime import timedelta

import pytest

from shared.contracts.payment import CardAuthorized
from shared.contracts.steps import StepRefused, StepUndone
from shared.kernel.errors import Later, NotSent, OutcomeUnknown, Refused
from shared.kernel.values import changed
from shared.store.sqlite import SqliteStore
from shared.worker.work import StepLog
from tests.eventually import eventually
from tests.kit.bus import Recorder
from tests.kit.clock import HandClock
from tests.unit.worker.desk import (
    CALL_TIMEOUT,
    FIRST_KEY,
    PURCHASE,
    SETTLE,
    UNDO,
    UNTIL_LOOK,
    Desk,
    Provider,
    codes,
    for_ever,
)


async def test_an_undo_before_its_step_refuses_the_step_for_good(
    desk: Desk, provider: Provider, bus: Recorder, clock: HandClock
) -> None:
    await desk.undo()
    clock.pass_by(timedelta(hours=1))
    await desk.do()
    await desk.do()
    assert provider.keys == []
    assert [type(answer) for answer in bus.answers()] == [StepUndone, StepRefused, StepRefused]
    assert codes(bus) == ["fenced", "fenced"]


async def test_a_fence_stands_before_earlier_attempts_and_not_before_later_ones(
    desk: Desk, provider: Provider, bus: Recorder
) -> None:
    await desk.undo(attempt=2)
    await desk.do(attempt=1)
    assert codes(bus) == ["fenced"]
    await desk.do(attempt=3)
    assert provider.keys == [f"{PURCHASE}/authorise//3.1"]


async def test_an_attempt_older_than_the_one_begun_is_refused_without_a_call(
    desk: Desk, provider: Provider, bus: Recorder
) -> None:
    await desk.do(attempt=2)
    await desk.do(attempt=1)
    assert provider.keys == [f"{PURCHASE}/authorise//2.1"]
    assert codes(bus) == ["superseded"]
    await desk.do(attempt=2)
    assert isinstance(bus.answers()[-1], CardAuthorized)


async def test_an_undo_waits_while_the_call_is_under_way(
    desk: Desk, other_desk: Desk, provider: Provider, bus: Recorder, clock: HandClock
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
    desk: Desk, provider: Provider, bus: Recorder, clock: HandClock
) -> None:
    provider.after = [OutcomeUnknown("timeout")]
    await desk.do()
    clock.pass_by(SETTLE)
    await desk.undo()
    assert provider.in_force == []
    assert [type(answer) for answer in bus.answers()] == [StepUndone]


async def test_an_effect_that_comes_to_light_behind_a_fence_is_told_and_can_be_undone(
    desk: Desk, other_desk: Desk, provider: Provider, bus: Recorder, clock: HandClock
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
    desk: Desk, other_desk: Desk, provider: Provider, clock: HandClock
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
    counted = changed(stored.value.log(UNDO), calls=2)
    await other_desk.repository.save(stored.value.with_log(UNDO, counted), version=stored.version)
    let_go.set()
    await call
    assert (await desk.stored()).log(UNDO) == StepLog(attempt=1, calls=2)


async def test_a_refused_undo_may_be_asked_for_again_as_a_new_attempt(
    desk: Desk, provider: Provider, bus: Recorder
) -> None:
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
    desk: Desk, bus: Recorder, error: Exception
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


async def test_an_undo_that_never_returns_is_given_up(
    held_store: SqliteStore, clock: HandClock, provider: Provider, bus: Recorder
) -> None:
    desk = Desk(held_store, clock, provider, bus, call_timeout=timedelta(milliseconds=20))

    async def hang(*_: object) -> None:
        await for_ever()

    desk.undo_by(hang)
    await desk.undo()
    assert bus.said == []
