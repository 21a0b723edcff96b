"""Buying, listening and publishing over the broker, without HTTP."""

import asyncio
import json
import uuid
from collections.abc import AsyncIterator

import pytest
from faststream.rabbit import ExchangeType, RabbitBroker, RabbitExchange

from services.house import HOUSE
from shared.bus.topology import dead_queue
from shared.runtime.description import queues
from tests.e2e.expectations import assert_bought, assert_undone
from tests.e2e.shop import CARD, CONTACT, Json, Member, Shop
from tests.e2e.wires import channel_to, depth, envelope, everything_twice, listening, message
from tests.eventually import eventually
from tests.kit.stack import Stack

pytestmark = pytest.mark.sqlite_alone

START = "checkout.start.v1"
QUEUES = queues(HOUSE)


@pytest.fixture
def broker_url(stack: Stack) -> str:
    return (stack.home / "broker.url").read_text().strip()


def start(member: Member, cart: Json, key: str, **changes: object) -> Json:
    return {
        "key": key,
        "member_id": member.id,
        "cart_id": cart["id"],
        "payment": CARD,
        "contact": CONTACT,
    } | changes


async def publish_plainly(url: str, body: Json) -> None:
    async with channel_to(url) as channel:
        await (await channel.get_exchange("public")).publish(message(body, envelope(START)), START)


async def publish_by_faststream(url: str, body: Json) -> None:
    public = RabbitExchange("public", type=ExchangeType.TOPIC, declare=False)
    async with RabbitBroker(url, logger=None) as broker:
        await broker.publish(body, START, public, headers=envelope(START), mandatory=True, persist=True)


@pytest.mark.parametrize("publish", [publish_plainly, publish_by_faststream])
async def test_a_message_starts_a_purchase_and_events_tell_how_it_went(
    shop: Shop, broker_url: str, publish: object
) -> None:
    assert callable(publish)
    member = await shop.member()
    cart, key = await member.cart(use_miles=30_000), uuid.uuid4().hex
    async with listening(broker_url, "events", "checkout.#") as listener:
        await publish(broker_url, start(member, cart, key))
        told = await listener.told("checkout.completed.v1", key=key)
    checkout = await member.ended(told["checkout_id"])
    await assert_bought(shop, member, checkout, miles=30_000)
    assert told == {
        "checkout_id": checkout["id"],
        "key": key,
        "member_id": member.id,
        "cart_id": cart["id"],
        "total": checkout["total"],
        "locators": checkout["locators"],
        "tickets": checkout["tickets"],
    }


async def test_the_same_key_by_message_and_by_http_is_one_purchase(shop: Shop, broker_url: str) -> None:
    member = await shop.member()
    cart, key = await member.cart(use_miles=30_000), uuid.uuid4().hex
    async with listening(broker_url, "events", "checkout.#") as listener:
        response = await member.post_checkout(cart["id"], key=key)
        for _ in range(3):
            await publish_plainly(broker_url, start(member, cart, key))
        told = await listener.told("checkout.completed.v1", key=key)
        assert told["checkout_id"] == response.json()["id"]
    checkout = await member.ended(told["checkout_id"])
    await assert_bought(shop, member, checkout, miles=30_000)
    assert len((await member.get("/v1/checkouts"))["checkouts"]) == 1


async def test_what_http_refuses_at_once_a_message_learns_by_an_event(shop: Shop, broker_url: str) -> None:
    member, other = await shop.member(), await shop.member()
    empty, foreign = await member.empty_cart(), await other.cart()
    async with listening(broker_url, "events", "checkout.#") as listener:
        for cart, code in ((empty, "cart_empty"), (foreign, "cart_not_found"), ({"id": "none"}, "cart_not_found")):
            key = uuid.uuid4().hex
            await publish_plainly(broker_url, start(member, cart, key))
            told = await listener.told("checkout.refused.v1", key=key)
            assert (told["member_id"], told["cart_id"]) == (member.id, cart["id"])
            assert told["refusal"]["code"] == code


async def test_a_purchase_that_fails_is_told_as_refused(shop: Shop, broker_url: str) -> None:
    member = await shop.member()
    cart, key = await member.cart(use_miles=30_000), uuid.uuid4().hex
    async with listening(broker_url, "events", "checkout.#") as listener:
        await publish_plainly(broker_url, start(member, cart, key, payment=CARD | {"token": "tok_declined"}))
        told = await listener.told("checkout.refused.v1", key=key)
    assert told["refusal"]["code"] == "card_declined"
    checkout = await member.ended(told["checkout_id"])
    await assert_undone(shop, member, checkout, code="card_declined")


async def test_events_carry_no_personal_data(shop: Shop, broker_url: str) -> None:
    member = await shop.member()
    async with listening(broker_url, "events") as listener:
        await member.ended(await member.buy(await member.cart()))
        await listener.told("checkout.completed.v1", member_id=member.id)
        text = json.dumps(listener.all("checkout.completed.v1", member_id=member.id))
    for personal in ("ana@example.com", "Souza", "FX123456", "1990-05-01", "tok_visa"):
        assert personal not in text


async def test_somebody_elses_events_on_public_disturb_nothing(shop: Shop, broker_url: str) -> None:
    member = await shop.member()
    async with channel_to(broker_url) as channel, listening(broker_url, "public", "partner.#") as partner:
        before = {service: await depth(channel, dead_queue(service)) for service in QUEUES}
        public = await channel.get_exchange("public")
        for number in range(100):
            kind = ("partner.flight_delayed.v1", "checkout.invented.v1", "nonsense", "cart.lock.v1")[number % 4]
            await public.publish(message({"number": number}, envelope(kind)), kind, mandatory=False)
        checkout = await member.ended(await member.buy(await member.cart(use_miles=30_000)))
        await assert_bought(shop, member, checkout, miles=30_000)
        await eventually(lambda: len(partner.heard) == 25)
        assert {service: await depth(channel, dead_queue(service)) for service in QUEUES} == before


async def test_each_message_delivered_twice_leaves_the_books_exact(shop: Shop, broker_url: str) -> None:
    members = [await shop.member() for _ in range(6)]
    carts = [await member.cart(use_miles=30_000) for member in members]
    cards = ["tok_visa", "tok_declined"] * 3
    async with everything_twice(broker_url) as copier:
        ids = [await member.buy(cart, card) for member, cart, card in zip(members, carts, cards, strict=True)]
        ended = [await member.ended(each) for member, each in zip(members, ids, strict=True)]
        assert copier.copied > 6 * 8
    for member, checkout, card in zip(members, ended, cards, strict=True):
        if card == "tok_visa":
            await assert_bought(shop, member, checkout, miles=30_000)
        else:
            await assert_undone(shop, member, checkout, code="card_declined")


GARBAGE = {
    "no envelope": (b"{}", {}),
    "no JSON": (b"\xff\x00 not json", envelope("cart.lock.v1")),
    "not an object": (b"[1, 2]", envelope("cart.lock.v1")),
    "an unknown type": (b"{}", envelope("nobody.knows_this.v1")),
    "missing fields": (b"{}", envelope("cart.lock.v1")),
    "another specversion": (b"{}", envelope("cart.lock.v1", specversion="0.3")),
    "an empty body": (b"", envelope("cart.lock.v1")),
}


async def test_garbage_on_every_queue_lies_in_the_dead_letters_with_its_reason(
    shop: Shop, stack: Stack, broker_url: str, settled: None
) -> None:
    member = await shop.member()
    ids = {}
    async with channel_to(broker_url) as channel:
        for service in QUEUES:
            for name, (body, headers) in GARBAGE.items():
                marked = dict(headers)
                if "cloudEvents:id" in marked:
                    marked["cloudEvents:id"] = ids[service, name] = uuid.uuid4().hex
                await channel.default_exchange.publish(message(body, marked), service)
        for service in QUEUES:

            async def all_dead(service: str = service) -> bool:
                return await depth(channel, dead_queue(service)) == len(GARBAGE)

            await eventually(all_dead)
        checkout = await member.ended(await member.buy(await member.cart(use_miles=30_000)))
        await assert_bought(shop, member, checkout, miles=30_000)
        listed = await asyncio.to_thread(stack.command, "dead", "list", "--json")
        assert listed.returncode == 0, listed.stderr
        letters = json.loads(listed.stdout)["letters"]
        assert len(letters) == len(GARBAGE) * len(QUEUES)
        assert all(letter["reason"] for letter in letters)
        known = {letter["id"] for letter in letters}
        assert set(ids.values()) <= known


@pytest.fixture
async def settled(broker_url: str) -> AsyncIterator[None]:
    """Leaves the dead letters' queues empty."""
    yield
    async with channel_to(broker_url) as channel:
        for service in QUEUES:
            await (await channel.declare_queue(dead_queue(service), passive=True)).purge()
