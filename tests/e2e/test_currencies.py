"""A flight, a seat and a bag in currencies with no decimals, with three, and with others at the card gateway."""

import asyncio
from pathlib import Path
from typing import Final

import pytest

from services.cli.audit import audit
from services.cli.client import Api
from tests.e2e.shop import PEOPLE, Shop
from tests.kit.stack import Stack

pytestmark = [pytest.mark.long, pytest.mark.sqlite_alone]

CHARGED: Final = {"JPY": 1, "UGX": 100, "KWD": 1}
"""One currency of each kind, and by how much more the gateway counts than we do (docs.stripe.com/currencies); others of
their kinds are read and written in `tests/unit/payment` and `tests/unit/sandbox`."""


@pytest.mark.parametrize("currency", CHARGED)
async def test_a_purchase_is_charged_exactly_and_audits_clean(own_home: Path, currency: str) -> None:
    stack = Stack(own_home, environment={"SANDBOX_CURRENCY": currency})
    try:
        await asyncio.to_thread(stack.start)
        await _bought(stack.url, currency)
    finally:
        await asyncio.to_thread(stack.clean_up)


async def _bought(url: str, currency: str) -> None:
    async with Shop(url) as shop:
        member = await shop.member()
        offer = await member.offer()
        cart = await member.empty_cart(currency)
        seat = next(seat for seat in offer["seats"] if seat["price"]["amount"] > 0)
        bag = next(bag for bag in offer["bags"] if bag["pieces"] == 1)
        for item in (
            {"kind": "flight", "offer_id": offer["id"], "passengers": list(PEOPLE[:1])},
            {"kind": "seat", "offer_id": offer["id"], "segment": 0, "passenger": 0, "seat": seat["seat"]},
            {"kind": "bag", "offer_id": offer["id"], "passenger": 0, "pieces": 1},
        ):
            response = await member.add(cart["id"], item)
            assert response.status_code == 201, response.text
        prices = (offer["price"], offer["taxes"], seat["price"], bag["price"])
        assert {price["currency"] for price in prices} == {currency}
        due = sum(price["amount"] for price in prices)

        checkout = await member.ended(await member.buy(cart))

        assert checkout["status"] == "completed"
        assert checkout["total"]["money"] == {"amount": due, "currency": currency}
        charged = [(row["captured"], row["currency"]) for row in (await shop.books(checkout["id"]))["charges"]]
        assert charged == [(due * CHARGED[currency], currency)]
        token = await shop.token("ops:read ops:write")
        assert (await asyncio.to_thread(lambda: audit(Api(url, token)))).differences == ()
