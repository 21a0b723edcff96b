"""What was accepted is what is charged: a cart that costs something else is given back, and nothing was held."""

import pytest

from services.checkout.domain.checkout import Purchase
from services.checkout.saga import CHECKOUT
from shared.contracts.cart import LockCart, UnlockCart
from shared.contracts.checkout import CardPayment, Total
from shared.contracts.miles import HoldMiles, ReleaseMiles
from shared.contracts.ticketing import CancelBooking, ReserveBooking
from shared.kernel.values import changed
from shared.saga.engine import Advanced
from shared.saga.record import Status
from tests.saga.purchases import BRL, HELD, RESERVED, a_script, an_order, locked
from tests.saga.script import Script, undone

ACCEPTED = Total(money=BRL(amount=250_00), miles=10_000)


def accepting(total: Total | None = ACCEPTED, *, card: bool = True) -> Script[Purchase]:
    """A purchase that begins with this total accepted."""
    payment = CardPayment(method="card", token="tok_visa") if card else None
    return Script(CHECKOUT, changed(a_script().state, quoted=total, payment=payment, revision=7))


def refusal_of(script: Script[Purchase]) -> tuple[str, str]:
    assert script.record.refusal is not None
    return script.record.refusal.code, script.record.refusal.detail


def test_the_cart_is_asked_for_as_it_was_accepted() -> None:
    accepting().expect(LockCart, revision=7, total=ACCEPTED).answer(locked()).expect(HoldMiles)


@pytest.mark.parametrize(
    ("money", "miles", "now"),
    [
        (9_000_00, 10_000, "BRL 9,000.00 and 10000 miles"),
        (250_01, 10_000, "BRL 250.01 and 10000 miles"),
        (249_99, 10_000, "BRL 249.99 and 10000 miles"),
        (250_00, 10_001, "BRL 250.00 and 10001 miles"),
        (0, 0, "BRL 0.00 and 0 miles"),
    ],
)
def test_a_cart_locked_at_another_total_is_given_back(money: int, miles: int, now: str) -> None:
    """By a cart of an older release, which does not compare."""
    script = accepting().expect(LockCart).answer(locked(money, miles)).expect(UnlockCart).answer(undone())
    script.ends(Status.REFUSED)
    assert refusal_of(script) == ("price_changed", f"the price was BRL 250.00 and 10000 miles, and is now {now}")


def test_a_cart_that_was_free_and_costs_money_by_then_is_given_back() -> None:
    free = Total(money=BRL(amount=0), miles=10_000)
    script = accepting(free, card=False).expect(LockCart).answer(locked(9_000_00)).expect(UnlockCart).answer(undone())
    script.ends(Status.REFUSED)
    assert refusal_of(script)[0] == "price_changed"


def test_a_repeated_lock_answer_changes_nothing_of_the_refusal() -> None:
    script = accepting().expect(LockCart)
    script.answer(locked(9_000_00)).answer(locked(9_000_00)).answer(locked())
    script.expect(UnlockCart).answer(undone()).answer(undone()).ends(Status.REFUSED)


def test_a_purchase_under_way_that_nobody_can_pay_is_undone() -> None:
    """As an older release left it: locked and held, though money is due and there is no card."""
    script = a_script().expect(LockCart).answer(locked()).expect(HoldMiles).answer(HELD).expect(ReserveBooking)
    script.advanced = Advanced(script.record, changed(script.state, payment=None, order=an_order()))
    script.answer(RESERVED)
    script.expect(CancelBooking).answer(undone()).expect(ReleaseMiles).answer(undone())
    script.expect(UnlockCart).answer(undone()).ends(Status.REFUSED)
    assert refusal_of(script)[0] == "payment_required"


def test_a_purchase_that_an_older_release_began_is_asked_for_as_it_was_then() -> None:
    script = a_script().expect(LockCart, revision=None, total=None)
    assert script.last is not None
    assert not {"revision", "total"} & set(script.last.model_dump(mode="json"))
    script.answer(locked()).expect(HoldMiles)
