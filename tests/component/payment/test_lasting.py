"""What does not end within seconds: captures without effect, refunds on their way, authorisations that end."""

import pytest

from shared.contracts.payment import CardAuthorized, PaymentCaptured
from shared.contracts.steps import StepUndone, Undo
from shared.kernel.values import changed
from tests.component.payment.test_commands import (
    CAPTURE,
    HELD,
    REFUND,
    REFUNDED,
    TAKEN,
    VOIDED,
    another_authorization,
    authorize,
    charges,
    fault,
    void,
)
from tests.kit.counter import Counter
from tests.kit.world import World


async def intents(world: World) -> list[str]:
    """Every intent's id, newest first."""
    return [intent["id"] for intent in (await world.stripe_get("/payment_intents"))["data"]]


@pytest.mark.parametrize("mode", ["timeout_before", "error"])
@pytest.mark.parametrize("times", [3, 4, 12])
async def test_a_capture_without_effect_is_called_for_as_often_as_it_is_asked(
    payment: Counter, world: World, mode: str, times: int
) -> None:
    """However often within seconds: nobody refused it, so tickets stay."""
    await payment.settle(authorize())
    await world.fault(fault("capture", mode, times=times))
    assert isinstance(await payment.settle(CAPTURE), PaymentCaptured)
    assert (await world.get("/sandbox/faults"))["rules"][0]["hits"] == times
    assert await charges(world) == TAKEN


async def test_an_authorization_that_ended_is_not_told_as_a_refusal_of_the_gateway(
    payment: Counter, world: World
) -> None:
    await payment.settle(authorize())
    [intent] = await intents(world)
    await world.expire_intent(intent)
    assert await payment.refusal(CAPTURE) == "expired"
    assert await payment.refusal(changed(CAPTURE, attempt=2)) == "expired"
    assert isinstance(await payment.settle(changed(REFUND, attempt=2)), StepUndone)
    assert isinstance(await payment.settle(void()), StepUndone)
    assert await charges(world) == VOIDED


async def captured(payment: Counter) -> None:
    assert isinstance(await payment.settle(authorize("tok_pendingRefund")), CardAuthorized)
    assert isinstance(await payment.settle(CAPTURE), PaymentCaptured)


@pytest.mark.parametrize("undo", [REFUND, void()], ids=["refund", "void"])
async def test_an_undo_is_not_done_while_its_refund_is_on_its_way(payment: Counter, world: World, undo: Undo) -> None:
    await captured(payment)
    before = len(payment.answers)
    for _ in range(3):
        await payment.say(undo)
    assert len(payment.answers) == before
    [intent] = await intents(world)
    assert len((await world.stripe_get("/refunds", payment_intent=intent))["data"]) == 1
    await world.complete_refund(intent)
    assert isinstance(await payment.settle(undo), StepUndone)
    assert await charges(world) == REFUNDED


@pytest.mark.parametrize("undo", [REFUND, void()], ids=["refund", "void"])
async def test_a_refund_that_fails_later_is_told_and_made_anew_when_it_is_asked_for_anew(
    payment: Counter, world: World, undo: Undo
) -> None:
    await captured(payment)
    [intent] = await intents(world)
    await payment.say(undo)
    await world.complete_refund(intent, "failed")
    assert await payment.refusal(undo) == "refund_failed"
    assert await payment.refusal(undo) == "refund_failed"
    assert await charges(world) == TAKEN
    again = changed(undo, attempt=2)
    await payment.say(again)
    await world.complete_refund(intent)
    assert isinstance(await payment.settle(again), StepUndone)
    assert await charges(world) == REFUNDED


async def test_a_refund_on_its_way_holds_up_no_other_authorization(payment: Counter, world: World) -> None:
    await captured(payment)
    await another_authorization(world)
    await payment.say(void())
    assert sorted(await charges(world)) == sorted(REFUNDED + VOIDED)
    for intent in await intents(world):
        if (await world.stripe_get("/refunds", payment_intent=intent))["data"]:
            await world.complete_refund(intent)
    assert isinstance(await payment.settle(void()), StepUndone)


async def test_an_authorization_never_made_is_proved_absent_beside_more_than_a_page_of_others(
    payment: Counter, world: World
) -> None:
    await world.fault(fault("authorize", "timeout_before"))
    await payment.say(authorize())
    for _ in range(120):
        await world.intent(**{"metadata[reference]": "another", "transfer_group": "another"})
    assert isinstance(await payment.settle(void()), StepUndone)
    assert (await charges(world)).count(HELD[0]) == 120
