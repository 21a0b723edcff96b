"""What a purchase is answered, step by step, and how it is looked at."""

from typing import Any

from shared.contracts.cart import CloseCart, LockCart
from shared.contracts.miles import HoldMiles, RedeemMiles
from shared.contracts.payment import AuthorizeCard, CapturePayment
from shared.contracts.ticketing import IssueTickets, ReserveBooking
from tests.component.checkout.conftest import Desk
from tests.saga.purchases import AUTHORIZED, CAPTURED, CLOSED, HELD, ISSUED, REDEEMED, RESERVED, locked
from tests.saga.script import Reply

UNTIL_ISSUE: tuple[tuple[Any, Reply], ...] = (
    (LockCart, locked()),
    (HoldMiles, HELD),
    (ReserveBooking, RESERVED),
    (AuthorizeCard, AUTHORIZED),
)
FROM_ISSUE: tuple[tuple[Any, Reply], ...] = (
    (IssueTickets, ISSUED),
    (CapturePayment, CAPTURED),
    (RedeemMiles, REDEEMED),
    (CloseCart, CLOSED),
)


async def complete(desk: Desk) -> str:
    """Buy, and give every answer; the checkout's id."""
    bought = await desk.buy()
    for kind, reply in (*UNTIL_ISSUE, *FROM_ISSUE):
        await desk.answer(kind, reply)
    return str(bought.json()["id"])


async def shown(desk: Desk, checkout_id: str, member: str = "ana") -> dict[str, Any]:
    answer = await desk.client.get(f"/v1/checkouts/{checkout_id}", headers=desk.member(member))
    assert answer.status_code == 200
    found: dict[str, Any] = answer.json()
    return found
