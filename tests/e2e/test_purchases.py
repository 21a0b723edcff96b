"""Purchases that go well, and every way in which one is refused with everything undone."""

import asyncio

import pytest

from tests.e2e.expectations import assert_bought, assert_undone
from tests.e2e.shop import Json, Member, Shop
from tests.eventually import eventually

LOST_ANSWER = {"seconds": 1}


async def bought(shop: Shop, *, miles: int = 30_000, people: int = 1) -> tuple[Member, Json]:
    member = await shop.member()
    cart = await member.cart(people=people, use_miles=miles)
    return member, await member.ended(await member.buy(cart))


async def test_two_passengers_with_a_seat_and_a_bag_are_bought_for_miles_and_money(shop: Shop) -> None:
    member = await shop.member()
    offer = await member.offer(adults=2)
    cart = await member.cart(offer, people=2, use_miles=30_000)
    seat = next(seat for seat in offer["seats"] if seat["price"]["amount"] > 0)
    for item in (
        {"kind": "seat", "offer_id": offer["id"], "segment": 0, "passenger": 0, "seat": seat["seat"]},
        {"kind": "bag", "offer_id": offer["id"], "passenger": 1, "pieces": 1},
    ):
        response = await member.add(cart["id"], item)
        assert response.status_code == 201, response.text
    fares, all_miles = offer["price"]["amount"], offer["miles"]
    extras = seat["price"]["amount"] + next(bag for bag in offer["bags"] if bag["pieces"] == 1)["price"]["amount"]
    due = -(-fares * (all_miles - 30_000) // all_miles) + offer["taxes"]["amount"] + extras

    checkout = await member.ended(await member.buy(response.json()))

    assert checkout["total"] == {"money": {"amount": due, "currency": "BRL"}, "miles": 30_000}
    assert sorted(ticket["passenger"] for ticket in checkout["tickets"]) == [0, 1]
    assert sorted((doc["kind"], doc["passenger"]) for doc in checkout["documents"]) == [("bag", 1), ("seat", 0)]
    await assert_bought(shop, member, checkout, miles=30_000)


async def test_money_alone_buys(shop: Shop) -> None:
    member, checkout = await bought(shop, miles=0)
    states = {step["name"]: step["status"] for step in checkout["steps"]}
    assert (states["hold miles"], states["redeem miles"]) == ("skipped", "skipped")
    await assert_bought(shop, member, checkout, miles=0)


async def test_a_member_without_an_account_buys_for_money(shop: Shop) -> None:
    token = await shop.token("offers carts checkouts miles", "never-seen-before")
    member = Member("never-seen-before", await shop.client(token))
    checkout = await member.ended(await member.buy(await member.cart()))
    await assert_bought(shop, member, checkout, miles=0, had=0)


async def test_miles_pay_the_whole_fare_and_money_the_taxes(shop: Shop) -> None:
    member = await shop.member(500_000)
    offer = await member.offer()
    cart = await member.cart(offer, use_miles=offer["miles"])
    checkout = await member.ended(await member.buy(cart))
    assert checkout["total"] == {"money": offer["taxes"], "miles": offer["miles"]}
    await assert_bought(shop, member, checkout, miles=offer["miles"], had=500_000)


async def test_the_customer_is_told_by_mail_with_the_ticket_in_it(shop: Shop) -> None:
    _, checkout = await bought(shop)
    operator = await shop.operator()

    async def mails() -> list[Json]:
        found = await operator.get("/sandbox/mail/messages", params={"reference": checkout["id"]})
        return list(found.json()["messages"])

    message = (await eventually(mails))[0]
    assert message["template"] == "completed"
    raw = await operator.get(f"/sandbox/mail/messages/{message['id']}")
    assert checkout["locators"][0] in raw.text
    books = await shop.books(checkout["id"])
    assert [(row["to"], row["template"]) for row in books["messages"]] == [("ana@example.com", "completed")]


@pytest.mark.parametrize(
    ("card", "code"), [("tok_declined", "card_declined"), ("tok_insufficient_funds", "insufficient_funds")]
)
async def test_a_refused_card_undoes_everything_and_frees_the_cart(shop: Shop, card: str, code: str) -> None:
    member = await shop.member()
    cart = await member.cart(use_miles=30_000)
    refused = await member.ended(await member.buy(cart, card))
    await assert_undone(shop, member, refused, code=code)
    assert (await member.get(f"/v1/carts/{cart['id']}"))["status"] == "open"
    again = await member.ended(await member.buy(cart))
    await assert_bought(shop, member, again, miles=30_000)


async def test_more_miles_than_the_member_has_are_refused_at_the_hold(shop: Shop) -> None:
    member = await shop.member(1_000)
    cart = await member.cart(use_miles=30_000)
    refused = await member.ended(await member.buy(cart))
    assert refused["refusal"]["step"] == "hold miles"
    await assert_undone(shop, member, refused, code="insufficient_miles", had=1_000)


async def test_a_price_that_moved_refuses_before_anything_is_held(shop: Shop) -> None:
    member = await shop.member()
    cart = await member.cart(use_miles=30_000)
    await shop.prices(1.25)
    refused = await member.ended(await member.buy(cart))
    await assert_undone(shop, member, refused, code="price_changed")
    assert await shop.entries(refused["id"]) == []
    assert (await shop.books(refused["id"]))["bookings"] == []


async def test_a_seat_that_somebody_else_took_refuses(shop: Shop) -> None:
    first, second = await shop.member(), await shop.member()
    offer = await first.offer()
    seat = next(seat for seat in offer["seats"] if seat["price"]["amount"] > 0)["seat"]
    carts = []
    for member in (first, second):
        cart = await member.cart(offer, use_miles=30_000)
        item = {"kind": "seat", "offer_id": offer["id"], "segment": 0, "passenger": 0, "seat": seat}
        response = await member.add(cart["id"], item)
        assert response.status_code == 201, response.text
        carts.append(response.json())
    taken = await first.ended(await first.buy(carts[0]))
    await assert_bought(shop, first, taken, miles=30_000)
    refused = await second.ended(await second.buy(carts[1]))
    await assert_undone(shop, second, refused, code="seat_unavailable")


@pytest.mark.parametrize(
    ("operation", "mode", "details", "code"),
    [
        ("createBooking", "refuse", {"code": "UC"}, "segment_unavailable"),
        ("fulfillFlightTickets", "refuse", {"code": "UC"}, "segment_unavailable"),
        ("fulfillFlightTickets", "refuse", {"code": "PRICE_MISMATCH"}, "price_changed"),
    ],
)
async def test_an_airline_that_refuses_leaves_nothing_behind(
    shop: Shop, operation: str, mode: str, details: Json, code: str
) -> None:
    await shop.misbehave("sabre", operation, mode, **details)
    member, refused = await bought(shop)
    assert await shop.hits() == 1
    await assert_undone(shop, member, refused, code=code)


async def test_a_refused_capture_voids_the_tickets_and_unwinds(shop: Shop) -> None:
    await shop.misbehave("stripe", "capture", "refuse", times=None)
    member, refused = await bought(shop)
    await assert_undone(shop, member, refused)
    states = {document["status"] for document in (await shop.books(refused["id"]))["tickets"]}
    assert states == {"voided"}


@pytest.mark.parametrize("mode", ["timeout_after", "timeout_before", "error"])
async def test_a_lost_answer_is_found_by_asking_and_nothing_happens_twice(shop: Shop, mode: str) -> None:
    # Tickets get one controlled retry: two faults might both come to one purchase, which is then rightly refused.
    calls = (("stripe", "authorize", 2), ("stripe", "capture", 2), ("sabre", "fulfillFlightTickets", 1))
    await shop.all_misbehave(
        [
            {"provider": provider, "operation": operation, "mode": mode, "times": times} | LOST_ANSWER
            for provider, operation, times in calls
        ]
    )
    ended = await asyncio.gather(*(bought(shop) for _ in range(3)))
    assert await shop.hits() == 5
    for member, checkout in ended:
        await assert_bought(shop, member, checkout, miles=30_000)


async def test_a_booking_whose_creation_was_never_confirmed_is_not_built_upon(shop: Shop) -> None:
    await shop.misbehave("sabre", "createBooking", "timeout_after", **LOST_ANSWER)
    member, refused = await bought(shop)
    await assert_undone(shop, member, refused, code="reservation_unknown", lost=1)


@pytest.mark.parametrize(
    ("provider", "operation", "card"), [("stripe", "void", "tok_visa"), ("sabre", "cancelBooking", "tok_declined")]
)
@pytest.mark.parametrize("mode", ["timeout_after", "error"])
async def test_an_undo_whose_answer_is_lost_is_repeated_until_it_is_done(
    shop: Shop, provider: str, operation: str, card: str, mode: str
) -> None:
    rules = [{"provider": provider, "operation": operation, "mode": mode, "times": 1, "seconds": 1}]
    if card == "tok_visa":
        rules.append({"provider": "sabre", "operation": "fulfillFlightTickets", "mode": "refuse", "times": 1})
    await shop.all_misbehave(rules)
    member = await shop.member()
    refused = await member.ended(await member.buy(await member.cart(use_miles=30_000), card))
    assert await shop.hits() == len(rules)
    await assert_undone(shop, member, refused)


async def test_a_cancelled_purchase_leaves_nothing_behind(shop: Shop) -> None:
    await shop.misbehave("stripe", "authorize", "slow", seconds=1)
    member = await shop.member()
    checkout_id = await member.buy(await member.cart(use_miles=30_000))
    response = await member.http.post(f"/v1/checkouts/{checkout_id}/cancel")
    assert response.status_code == 202, response.text
    cancelled = await member.ended(checkout_id)
    assert cancelled["status"] == "cancelled"
    await assert_undone(shop, member, cancelled | {"status": "refused", "refusal": {}})


async def test_fifty_purchases_at_once_are_all_exactly_in_the_books(shop: Shop) -> None:
    members = await asyncio.gather(*(shop.member() for _ in range(50)))
    cards = ["tok_declined" if number % 10 == 0 else "tok_visa" for number in range(50)]

    async def buy(member: Member, card: str) -> Json:
        cart = await member.cart(use_miles=10_000)
        return await member.ended(await member.buy(cart, card), within=90.0)

    ended = await asyncio.gather(*(buy(member, card) for member, card in zip(members, cards, strict=True)))
    refusals = [each["refusal"] for each in ended if each["status"] != "completed"]
    unexpected = [refusal for refusal in refusals if refusal["code"] != "card_declined"]
    assert (unexpected, len(refusals)) == ([], 5)

    async def check(member: Member, checkout: Json, card: str) -> None:
        if card == "tok_visa":
            await assert_bought(shop, member, checkout, miles=10_000)
        else:
            await assert_undone(shop, member, checkout, code="card_declined")

    await asyncio.gather(*map(check, members, ended, cards))
