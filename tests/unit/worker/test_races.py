"""Processes and calls that overtake each other do nothing twice."""

import asyncio

import pytest

from shared.contracts.payment import CardAuthorized
from shared.contracts.steps import StepUndone
from shared.kernel.errors import Later, OutcomeUnknown, Refused
from tests.eventually import eventually
from tests.kit.bus import Recorder
from tests.kit.clock import HandClock
from tests.unit.worker.desk import CALL_TIMEOUT, DO, FIRST_KEY, SECOND_KEY, SETTLE, UNTIL_LOOK, Desk, Provider, for_ever


async def test_a_conflict_on_saving_the_outcome_does_not_repeat_the_call(
    desk: Desk, provider: Provider, bus: Recorder
) -> None:
    provider.after = [desk.somebody_else_saves]
    await desk.do()
    assert provider.keys == [FIRST_KEY]
    assert [type(answer) for answer in bus.answers()] == [CardAuthorized]
    assert (await desk.stored()).effect == FIRST_KEY


async def test_two_processes_racing_on_one_command_call_the_provider_once(
    desk: Desk, other_desk: Desk, provider: Provider, bus: Recorder
) -> None:
    ends = await asyncio.gather(desk.do(), other_desk.do(), return_exceptions=True)
    assert provider.keys == [FIRST_KEY]
    assert all(end is None or isinstance(end, Later) for end in ends)
    await other_desk.do()
    assert {type(answer) for answer in bus.answers()} == {CardAuthorized}
    assert provider.keys == [FIRST_KEY]


async def test_two_processes_racing_to_look_call_again_once(
    desk: Desk, other_desk: Desk, provider: Provider, clock: HandClock
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
    desk: Desk, other_desk: Desk, provider: Provider, bus: Recorder, clock: HandClock
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
    desk: Desk, other_desk: Desk, provider: Provider, clock: HandClock
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
    desk: Desk, other_desk: Desk, provider: Provider, bus: Recorder, clock: HandClock
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
    desk: Desk, provider: Provider, clock: HandClock
) -> None:
    async def slow_disk() -> None:
        clock.pass_by(SETTLE * 2)

    desk.collection.after_save = [slow_disk]
    with pytest.raises(Later):
        await desk.do()
    assert provider.keys == []
    await desk.do()
    assert provider.keys == [FIRST_KEY]
