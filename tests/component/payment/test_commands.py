"""Each of payment's commands, with everything a gateway may do to it."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from shared.contracts.payment import (
    AuthorizeCard,
    CapturePayment,
    CardAuthorized,
    PaymentCaptured,
    RefundPayment,
    VoidAuthorization,
)
from shared.contracts.steps import StepUndone
from shared.kernel.money import Money
from shared.kernel.values import changed
from tests.eventually import eventually
from tests.kit.counter import Counter
from tests.kit.world import World
from tests.patience import BRIEF, PATIENT, SILENCE

CHECKOUT = "0198c0de-0000-7000-8000-000000000001"
CARD = "tok_visa"
AMOUNT = Money(amount=125_000, currency="BRL")
CAPTURE = CapturePayment(purchase_id=CHECKOUT, step="capture payment", amount=AMOUNT)
REFUND = RefundPayment(purchase_id=CHECKOUT, step="capture payment")

HELD = [(125_000, 0, 0, 0)]
TAKEN = [(125_000, 125_000, 0, 0)]
VOIDED = [(125_000, 0, 125_000, 0)]
REFUNDED = [(125_000, 125_000, 0, 125_000)]
BAD_MODES = ["timeout_before", "timeout_after", "error", "refuse"]
UNKNOWN_MODES = [("timeout_before", PATIENT), ("timeout_after", PATIENT), ("error", PATIENT), ("slow", BRIEF)]


def authorize(token: str = CARD, *, attempt: int = 1) -> AuthorizeCard:
    return AuthorizeCard(
        purchase_id=CHECKOUT, step="authorise payment", attempt=attempt, amount=AMOUNT, card_token=token
    )


def void(*, attempt: int = 1) -> VoidAuthorization:
    return VoidAuthorization(purchase_id=CHECKOUT, step="authorise payment", attempt=attempt)


def fault(operation: str, mode: str, **more: object) -> dict[str, Any]:
    seconds = SILENCE if mode == "slow" else 0.2
    return {"provider": "stripe", "operation": operation, "mode": mode, "seconds": seconds, "times": 1} | more


async def charges(world: World) -> list[tuple[int, int, int, int]]:
    books = (await world.books())["charges"]
    return [(each["authorized"], each["captured"], each["voided"], each["refunded"]) for each in books]


async def test_a_card_is_authorized_and_captured(payment: Counter, world: World) -> None:
    held = await payment.settle(authorize())
    assert isinstance(held, CardAuthorized)
    assert (held.amount, held.masked) == (AMOUNT, "visa •••• 4242")
    assert await charges(world) == HELD
    assert isinstance(await payment.settle(CAPTURE), PaymentCaptured)
    assert await charges(world) == TAKEN


@pytest.mark.parametrize(
    ("token", "code"),
    [
        ("tok_declined", "card_declined"),
        ("tok_insufficient_funds", "insufficient_funds"),
        ("tok_nobody_knows", "invalid_token"),
        ("tok_3ds", "authentication_required"),
    ],
)
async def test_a_refused_card_leaves_nothing_held(payment: Counter, world: World, token: str, code: str) -> None:
    assert await payment.refusal(authorize(token)) == code
    assert await payment.refusal(authorize(token)) == code
    assert await charges(world) == []


@pytest.mark.parametrize(("mode", "patience"), UNKNOWN_MODES)
async def test_an_authorization_of_unknown_outcome_ends_in_one(payment: Counter, world: World, mode: str) -> None:
    await world.fault(fault("authorize", mode))
    assert isinstance(await payment.settle(authorize()), CardAuthorized)
    assert await charges(world) == HELD


async def test_a_decline_whose_answer_was_lost_is_still_a_decline(payment: Counter, world: World) -> None:
    await world.fault(fault("authorize", "timeout_after"))
    assert await payment.refusal(authorize("tok_insufficient_funds")) == "insufficient_funds"


async def test_a_wanted_authentication_whose_answer_was_lost_is_still_refused(payment: Counter, world: World) -> None:
    await world.fault(fault("authorize", "timeout_after"), fault("void", "timeout_after"))
    assert await payment.refusal(authorize("tok_3ds")) == "authentication_required"
    assert await charges(world) == []


async def test_a_gateway_that_cannot_be_read_either_leaves_the_outcome_open(payment: Counter, world: World) -> None:
    await world.fault(fault("authorize", "timeout_after"), fault("read", "error", times=3))
    assert isinstance(await payment.settle(authorize()), CardAuthorized)
    assert await charges(world) == HELD


@pytest.mark.parametrize(("mode", "patience"), UNKNOWN_MODES)
async def test_an_undo_finds_an_authorization_whose_answer_never_came(
    payment: Counter, world: World, mode: str
) -> None:
    await world.fault(fault("authorize", mode))
    await payment.say(authorize())
    assert payment.answers == []
    assert isinstance(await payment.settle(void()), StepUndone)
    assert await charges(world) in ([], VOIDED)
    assert await payment.refusal(authorize()) == "fenced"
    assert await charges(world) in ([], VOIDED)


async def test_an_undo_before_its_step_fences_it_off(payment: Counter, world: World) -> None:
    assert isinstance(await payment.settle(void()), StepUndone)
    assert await payment.refusal(authorize()) == "fenced"
    assert await charges(world) == []


async def test_after_an_undo_a_new_attempt_authorizes_anew(payment: Counter, world: World) -> None:
    await payment.settle(authorize())
    await payment.settle(void())
    held = await payment.settle(authorize(attempt=2))
    assert isinstance(held, CardAuthorized)
    assert sorted(await charges(world)) == HELD + VOIDED


@pytest.mark.parametrize("mode", BAD_MODES)
async def test_a_void_is_repeated_until_it_is_done(payment: Counter, world: World, mode: str) -> None:
    await payment.settle(authorize())
    await world.fault(fault("void", mode, times=2))
    assert isinstance(await payment.settle(void()), StepUndone)
    assert await charges(world) == VOIDED


async def test_voiding_what_was_captured_gives_it_back(payment: Counter, world: World) -> None:
    await payment.settle(authorize())
    await payment.settle(CAPTURE)
    await payment.settle(void())
    assert await charges(world) == REFUNDED


@pytest.mark.parametrize(("mode", "patience"), UNKNOWN_MODES)
async def test_a_capture_of_unknown_outcome_takes_the_money_once(payment: Counter, world: World, mode: str) -> None:
    await payment.settle(authorize())
    await world.fault(fault("capture", mode))
    assert isinstance(await payment.settle(CAPTURE), PaymentCaptured)
    assert await charges(world) == TAKEN


async def test_a_capture_that_the_gateway_refuses_is_refused(payment: Counter, world: World) -> None:
    await payment.settle(authorize())
    await world.fault(fault("capture", "refuse"))
    assert await payment.refusal(CAPTURE) == "capture_refused"
    assert await charges(world) == HELD


async def test_nothing_is_captured_that_is_not_held(payment: Counter, world: World) -> None:
    assert await payment.refusal(CAPTURE) == "capture_refused"
    assert await charges(world) == []


async def test_more_than_is_held_is_not_captured(payment: Counter, world: World) -> None:
    await payment.settle(authorize())
    more = changed(CAPTURE, amount=Money(amount=125_001, currency="BRL"))
    assert await payment.refusal(more) == "capture_refused"
    assert await charges(world) == HELD


@pytest.mark.parametrize("mode", BAD_MODES)
async def test_a_refund_is_repeated_until_it_is_done_and_gives_back_once(
    payment: Counter, world: World, mode: str
) -> None:
    await payment.settle(authorize())
    await payment.settle(CAPTURE)
    await world.fault(fault("refund", mode, times=2))
    assert isinstance(await payment.settle(REFUND), StepUndone)
    assert await charges(world) == REFUNDED


async def test_undoing_a_capture_that_never_was_leaves_the_money_held(payment: Counter, world: World) -> None:
    await payment.settle(authorize())
    assert isinstance(await payment.settle(REFUND), StepUndone)
    assert await charges(world) == HELD
    assert await payment.refusal(CAPTURE) == "fenced"


async def test_a_refund_and_then_a_void_give_back_once(payment: Counter, world: World) -> None:
    await payment.settle(authorize())
    await payment.settle(CAPTURE)
    await payment.settle(REFUND)
    await payment.settle(void())
    assert await charges(world) == REFUNDED


async def test_a_void_that_is_throttled_for_long_costs_one_call_an_ask(payment: Counter, world: World) -> None:
    await payment.settle(authorize())
    await world.fault(fault("void", "refuse", code="429", times=100))
    for _ in range(5):
        await payment.say(void())
    assert (await world.get("/sandbox/faults"))["rules"][0]["hits"] == 5
    assert len(payment.answers) == 1
    await world.fault()
    assert isinstance(await payment.settle(void()), StepUndone)
    assert await charges(world) == VOIDED


async def another_authorization(world: World) -> str:
    """The effect of a call that was given up as without one."""
    made = await world.intent(**{"metadata[reference]": CHECKOUT, "metadata[attempt]": "1"})
    assert made.status_code == 200, made.text
    return str(made.json()["id"])


async def test_an_authorization_made_late_is_let_go_with_the_capture(payment: Counter, world: World) -> None:
    await world.fault(fault("authorize", "timeout_before"))
    assert isinstance(await payment.settle(authorize()), CardAuthorized)
    await another_authorization(world)
    await world.fault(fault("void", "error"))
    assert isinstance(await payment.settle(CAPTURE), PaymentCaptured)
    assert sorted(await charges(world)) == sorted(TAKEN + VOIDED)


async def test_of_two_authorizations_found_one_is_kept(payment: Counter, world: World) -> None:
    await world.fault(fault("authorize", "timeout_after"))
    await payment.say(authorize())
    await another_authorization(world)
    assert isinstance(await payment.settle(authorize()), CardAuthorized)
    assert sorted(await charges(world)) == sorted(HELD + VOIDED)
    assert isinstance(await payment.settle(CAPTURE), PaymentCaptured)
    assert sorted(await charges(world)) == sorted(TAKEN + VOIDED)


async def test_of_two_authorizations_one_of_which_comes_late_one_is_kept(
    payment: Counter, other_payment: Counter, world: World
) -> None:
    await world.fault(fault("authorize", "slow", seconds=1.5))
    late = asyncio.create_task(payment.say(authorize()))

    async def under_way() -> bool:
        return bool((await world.get("/sandbox/faults"))["rules"][0]["hits"])

    await eventually(under_way)
    await another_authorization(world)
    other_payment.around.hand.ahead = timedelta(minutes=1)
    assert isinstance(await other_payment.settle(authorize()), CardAuthorized)
    await late
    assert sorted(await charges(world)) == sorted(HELD + VOIDED)
    assert isinstance(await payment.settle(CAPTURE), PaymentCaptured)
    assert sorted(await charges(world)) == sorted(TAKEN + VOIDED)


async def test_undoing_takes_back_every_authorization_of_the_purchase(payment: Counter, world: World) -> None:
    await payment.settle(authorize())
    await payment.settle(CAPTURE)
    taken = await another_authorization(world)
    await world.stripe(f"/payment_intents/{taken}/capture")
    await another_authorization(world)
    assert isinstance(await payment.settle(REFUND), StepUndone)
    assert sorted(await charges(world)) == sorted(HELD + 2 * REFUNDED)
    assert isinstance(await payment.settle(void()), StepUndone)
    assert sorted(await charges(world)) == sorted(VOIDED + 2 * REFUNDED)


@pytest.mark.parametrize("status", ["429", "401"])
async def test_a_throttled_call_waits_to_be_asked_again_and_holds_the_money_once(
    payment: Counter, world: World, status: str
) -> None:
    await world.fault(fault("authorize", "refuse", code=status))
    await payment.say(authorize())
    assert payment.answers == []
    assert isinstance(await payment.settle(authorize()), CardAuthorized)
    assert await charges(world) == HELD


async def test_copies_at_the_same_moment_hold_the_money_once(payment: Counter, world: World) -> None:
    await asyncio.gather(*(payment.say(authorize()) for _ in range(5)))
    assert len(payment.answers) == 5
    assert len(set(payment.answers)) == 1
    assert await charges(world) == HELD
