"""What one purchase costs in messages, saves and requests, so that a change which adds one is seen."""

import sqlite3
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import closing

import pytest

from tests.conftest import StartStack
from tests.e2e.shop import Shop
from tests.kit.stack import Stack
from tests.kit.tally import Bill, tallied
from tests.patience import PATIENT

MILES = 1_000

EIGHT_STEPS = (
    *("cart.lock.v1", "cart.locked.v1"),
    *("miles.hold.v1", "miles.held.v1"),
    *("ticketing.reserve.v1", "ticketing.reserved.v1"),
    *("payment.authorize_card.v1", "payment.card_authorized.v1"),
    *("ticketing.issue.v1", "ticketing.issued.v1"),
    *("payment.capture.v1", "payment.captured.v1"),
    *("miles.redeem.v1", "miles.redeemed.v1"),
    *("cart.close.v1", "cart.closed.v1"),
)
TOLD = ("checkout.completed.v1", "notifications.notify_customer.v1")
SAVED = {
    "checkout": 9,  # the request, and each answer with what follows from it
    "cart": 2,
    "miles": 4,  # the account, and what was answered, for the hold and for the redemption
    "ticketing": 4,  # before and after each of two calls to the airline
    "payment": 4,  # the same at the gateway
    "notifications": 2,  # before and after the mail
}
SAID_BY_THE_CLOCK = (("hub", "replicas"), ("delivery", "replicas"), ("delivery", "outages"))
"""Services and their documents."""
ASKED = (
    "/v1/checkouts",
    "/internal/carts/{cart_id}",
    "/internal/offers/{offer_id}/price",
    "/v5/shop/flights/revalidate",
    "createBooking",
    "authorize",
    "fulfillFlightTickets",
    "capture",
    "send",  # the mail
)


@pytest.fixture
def stack(start_stack: StartStack) -> Stack:
    """Nobody else's: whatever it does is the purchase's. On a busy machine nothing slow is taken for silent."""
    waiting = ("CHECKOUT_FIRST_ASK_SECONDS", "TICKETING_SABRE_TIMEOUT_SECONDS", "PAYMENT_STRIPE_TIMEOUT_SECONDS")
    return start_stack(environment=dict.fromkeys(waiting, str(PATIENT)))


@pytest.fixture
async def shop(stack: Stack) -> AsyncIterator[Shop]:
    async with Shop(stack.url) as shop:
        yield shop


async def bought(shop: Shop, stack: Stack) -> Bill:
    """One flight for one person, paid by miles and a card."""
    member = await shop.member()
    cart = await member.cart(use_miles=MILES)
    async with tallied((stack.home / "broker.url").read_text().strip(), stack.url) as tally:
        assert (await member.ended(await member.buy(cart)))["status"] == "completed"
        return await tally.bill()


def signs_of_life(stack: Stack) -> Counter[str]:
    """How often services have said that they live: by the clock, purchase or not, and the only saves of that kind."""
    said: Counter[str] = Counter()
    for service, kind in SAID_BY_THE_CLOCK:
        with closing(sqlite3.connect(stack.home / "stores" / f"{service}.sqlite3")) as store:
            (versions,) = store.execute(f"SELECT sum(version) FROM {kind}").fetchone()  # noqa: S608 - our own names
            said[service] += int(versions or 0)
    return said


async def test_a_purchase_says_saves_and_asks_for_no_more_than_it_must(shop: Shop, stack: Stack) -> None:
    await bought(shop, stack)  # the first of a process fetches tokens
    alive = signs_of_life(stack)
    bill = await bought(shop, stack)
    assert bill.messages == Counter(EIGHT_STEPS) + Counter(TOLD)
    for service, said in (signs_of_life(stack) - alive).items():
        assert bill.saves.pop(service, 0) <= said
    assert bill.saves == SAVED
    assert bill.requests == Counter(ASKED)
    assert bill.totals() == {"messages": 18, "saves": 25, "requests": 9}
