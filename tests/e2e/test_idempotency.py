"""A key makes a purchase happen once."""

import asyncio
import uuid

import pytest

from tests.e2e.expectations import assert_bought
from tests.e2e.shop import CARD, Shop


async def test_the_same_key_and_body_get_the_same_answer_and_one_purchase(shop: Shop) -> None:
    member = await shop.member()
    cart = await member.cart(use_miles=30_000)
    key = uuid.uuid4().hex
    first = await member.post_checkout(cart["id"], key=key)
    checkout = await member.ended(first.json()["id"])
    second = await member.post_checkout(cart["id"], key=key)
    assert (first.status_code, second.status_code) == (202, 202)
    assert second.json() == first.json()
    assert second.headers["location"] == first.headers["location"] == f"/v1/checkouts/{checkout['id']}"
    assert [each["id"] for each in (await member.get("/v1/checkouts"))["checkouts"]] == [checkout["id"]]
    await assert_bought(shop, member, checkout, miles=30_000)


async def test_the_same_key_with_another_body_is_refused(shop: Shop) -> None:
    member = await shop.member()
    cart = await member.cart()
    key = uuid.uuid4().hex
    begun = await member.post_checkout(cart["id"], key=key)
    other = await member.post_checkout(cart["id"], key=key, payment=CARD | {"token": "tok_declined"})
    assert other.status_code == 422, other.text
    assert other.json()["code"] == "idempotency_key_reused"
    assert (await member.ended(begun.json()["id"]))["status"] == "completed"


async def test_the_same_key_of_two_members_is_two_purchases(shop: Shop) -> None:
    key = uuid.uuid4().hex
    ids = set()
    for _ in range(2):
        member = await shop.member()
        response = await member.post_checkout((await member.cart())["id"], key=key)
        ids.add((await member.ended(response.json()["id"]))["id"])
    assert len(ids) == 2


@pytest.mark.parametrize("key", [None, "", "with space", "x" * 256, "ação"])
async def test_a_missing_or_unfit_key_is_400_and_names_the_header(shop: Shop, key: str | None) -> None:
    member = await shop.member()
    body = {"cart_id": "c", "payment": CARD, "contact": {"email": "ana@example.com", "phone": None, "locale": "en"}}
    headers = {} if key is None else {b"Idempotency-Key": key.encode()}
    response = await member.http.post("/v1/checkouts", json=body, headers=headers)
    assert response.status_code == 400, response.text
    assert "Idempotency-Key" in response.text


async def test_twenty_at_once_with_one_key_are_one_purchase(shop: Shop) -> None:
    member = await shop.member()
    cart = await member.cart(use_miles=30_000)
    key = uuid.uuid4().hex
    answers = await asyncio.gather(*(member.post_checkout(cart["id"], key=key) for _ in range(20)))
    assert {answer.status_code for answer in answers} <= {202, 409}
    taken = [answer.json()["id"] for answer in answers if answer.status_code == 202]
    assert len(set(taken)) == 1
    checkout = await member.ended(taken[0])
    await assert_bought(shop, member, checkout, miles=30_000)
    assert len((await member.get("/v1/checkouts"))["checkouts"]) == 1


async def test_twenty_at_once_with_a_key_each_are_one_purchase_of_the_cart(shop: Shop) -> None:
    member = await shop.member()
    cart = await member.cart(use_miles=30_000)
    answers = await asyncio.gather(*(member.post_checkout(cart["id"]) for _ in range(20)))
    assert {answer.status_code for answer in answers} <= {202, 409}
    ended = [await member.ended(answer.json()["id"]) for answer in answers if answer.status_code == 202]
    completed = [checkout for checkout in ended if checkout["status"] == "completed"]
    assert len(completed) == 1
    codes = {checkout["refusal"]["code"] for checkout in ended if checkout["status"] == "refused"}
    assert codes <= {"cart_locked"}
    await assert_bought(shop, member, completed[0], miles=30_000)
