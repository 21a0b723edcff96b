"""Refunds that fail at the gateway after they had succeeded: the purchase is told, and the money can be sent again."""

from collections.abc import Awaitable, Callable
from datetime import timedelta

import pytest

from shared.contracts.payment import CardAuthorized, PaymentCaptured
from shared.contracts.steps import StepRefused, StepUndone, Undo
from shared.runtime.every import Every
from tests.component.payment.test_commands import (
    CAPTURE,
    CHECKOUT,
    REFUND,
    REFUNDED,
    TAKEN,
    authorize,
    charges,
    fault,
    void,
)
from tests.component.payment.test_lasting import intents
from tests.kit.counter import Counter
from tests.kit.world import World

Look = Callable[[], Awaitable[int | None]]
FIRST, BETWEEN = timedelta(hours=1), timedelta(days=2)


def looks_of(payment: Counter) -> Look:
    """What the service's task does."""
    [task] = [task for task in payment.service.tasks if isinstance(task, Every)]
    return task._page


@pytest.fixture
def look(payment: Counter) -> Look:
    return looks_of(payment)


async def given_back(payment: Counter, undo: Undo = REFUND) -> None:
    assert isinstance(await payment.settle(authorize()), CardAuthorized)
    assert isinstance(await payment.settle(CAPTURE), PaymentCaptured)
    assert isinstance(await payment.settle(undo), StepUndone)


@pytest.mark.parametrize("undo", [REFUND, void()], ids=["refund", "void"])
@pytest.mark.parametrize("days", [0, 3, 29])
async def test_a_refund_that_fails_after_it_succeeded_is_told_and_made_anew(
    payment: Counter, world: World, look: Look, undo: Undo, days: int
) -> None:
    await given_back(payment, undo)
    assert await look() == 0, "not before its time"
    for _ in range(days):
        payment.around.hand.ahead += timedelta(days=1)
        await look()
    told = len(payment.answers)
    [intent] = await intents(world)
    await world.complete_refund(intent, "failed")
    assert await charges(world) == TAKEN
    payment.around.hand.ahead += BETWEEN
    assert await look() == 1
    [answer] = payment.answers[told:]
    assert answer == StepRefused.to(undo, code="refund_failed", detail="the card's bank sent the refund back")
    assert await payment.refusal(undo) == "refund_failed", "whoever asks for the same attempt hears the same"
    assert await look() == 0
    again = undo.model_copy(update={"attempt": 2})
    assert isinstance(await payment.settle(again), StepUndone)
    assert await charges(world) == REFUNDED
    await world.complete_refund(intent, "failed")
    payment.around.hand.ahead += FIRST
    assert await look() == 1
    assert payment.answers[-1] == StepRefused.to(
        again, code="refund_failed", detail="the card's bank sent the refund back"
    )


async def test_the_purchase_hears_of_it_where_the_money_was_given_back_first(
    payment: Counter, world: World, look: Look
) -> None:
    await given_back(payment)
    assert isinstance(await payment.settle(void()), StepUndone)
    [intent] = await intents(world)
    await world.complete_refund(intent, "failed")
    payment.around.hand.ahead += FIRST
    told = len(payment.answers)
    assert await look() == 1
    assert [(answer.step, answer.undo) for answer in payment.answers[told:]] == [(CAPTURE.step, True)]


async def test_a_refund_that_lasts_is_looked_at_for_a_month_and_then_no_more(
    payment: Counter, world: World, look: Look
) -> None:
    await given_back(payment)
    seen = 0
    for _ in range(32):
        payment.around.hand.ahead += timedelta(days=1)
        seen += await look() or 0
    told = len(payment.answers)
    [intent] = await intents(world)
    await world.complete_refund(intent, "failed")
    payment.around.hand.ahead += timedelta(days=300)
    assert await look() == 0
    assert 25 <= seen <= 32
    assert len(payment.answers) == told


@pytest.mark.parametrize("mode", ["timeout_before", "error", "refuse"])
async def test_a_gateway_that_cannot_be_read_delays_the_news_and_loses_none(
    payment: Counter, world: World, look: Look, mode: str
) -> None:
    await given_back(payment)
    [intent] = await intents(world)
    await world.complete_refund(intent, "failed")
    payment.around.hand.ahead += timedelta(days=40)
    await world.fault(fault("read", mode, times=3))
    told = len(payment.answers)
    for _ in range(6):
        await look()
        payment.around.hand.ahead += FIRST
    [answer] = payment.answers[told:]
    assert isinstance(answer, StepRefused)
    assert answer.purchase_id == CHECKOUT


async def test_two_processes_that_look_at_once_tell_it_once_each_at_most_and_alike(
    payment: Counter, other_payment: Counter, world: World, look: Look
) -> None:
    await given_back(payment)
    [intent] = await intents(world)
    await world.complete_refund(intent, "failed")
    for process in (payment, other_payment):
        process.around.hand.ahead += timedelta(days=1)
    told = len(payment.answers)
    assert await looks_of(other_payment)() == 1
    assert await look() == 0
    assert len(other_payment.answers) == 1
    assert len(payment.answers) == told


async def test_nothing_is_looked_at_where_nothing_was_taken(payment: Counter, world: World, look: Look) -> None:
    await payment.settle(authorize())
    await payment.settle(void())
    payment.around.hand.ahead += timedelta(days=1)
    assert await look() == 0
