"""Searching and reading offers, as clients and other services do."""

import asyncio
from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest

from tests.days import NOW
from tests.kit.laptop import Laptop
from tests.patience import BRIEF, SILENCE

GRU_LIS = {"from": "GRU", "to": "LIS", "date": "2027-01-20", "adults": "2", "cabin": "economy"}
SEARCH = "/v1/offers"


async def found(offers: httpx.AsyncClient, **query: str) -> list[dict[str, Any]]:
    answer = await offers.get(SEARCH, params={**GRU_LIS, **query})
    assert answer.status_code == 200, answer.text
    listed: list[dict[str, Any]] = answer.json()["offers"]
    return listed


async def fault(sandbox: httpx.AsyncClient, **rule: Any) -> None:
    answer = await sandbox.put("/sandbox/faults", json={"rules": [{"provider": "sabre", **rule}]})
    assert answer.status_code == 200, answer.text


async def test_a_search_finds_flights_with_seats_bags_and_prices_for_all_adults(offers: httpx.AsyncClient) -> None:
    for_two = await found(offers)
    for_one = await found(offers, adults="1")
    assert 1 <= len(for_two) <= 10
    first, single = for_two[0], for_one[0]
    assert first["segments"][0]["from"] == "GRU"
    assert first["segments"][-1]["to"] == "LIS"
    assert [one["number"] for one in first["segments"]] == [one["number"] for one in single["segments"]]
    assert first["price"] == {"amount": 2 * single["price"]["amount"], "currency": "BRL"}
    assert first["taxes"] == {"amount": 2 * single["taxes"]["amount"], "currency": "BRL"}
    assert first["miles"] == 2 * single["miles"]
    assert first["miles"] % 200 == 0
    assert {bag["pieces"] for bag in first["bags"]} == {1, 2, 3}
    assert first["bags"][0]["price"]["amount"] > 0
    for segment in range(len(first["segments"])):
        seats = [seat for seat in first["seats"] if seat["segment"] == segment]
        assert 2 <= len(seats) <= 30
        assert len({seat["seat"] for seat in seats}) == len(seats)
        assert {seat["price"]["currency"] for seat in seats} == {"BRL"}


async def test_flight_times_carry_their_airports_offsets_and_follow_each_other(offers: httpx.AsyncClient) -> None:
    for offer in await found(offers):
        times = [
            datetime.fromisoformat(segment[end])
            for segment in offer["segments"]
            for end in ("departs_at", "arrives_at")
        ]
        assert times == sorted(times)
        assert times[0].utcoffset() == timedelta(hours=-3)
        assert times[-1].utcoffset() == timedelta(0)
        assert times[0].date().isoformat() == "2027-01-20"


async def test_offers_come_cheapest_first(offers: httpx.AsyncClient) -> None:
    prices = [offer["price"]["amount"] + offer["taxes"]["amount"] for offer in await found(offers)]
    assert prices == sorted(prices)


@pytest.mark.parametrize("cabin", ["premium_economy", "business"])
async def test_a_better_cabin_costs_more(offers: httpx.AsyncClient, cabin: str) -> None:
    [cheapest, *_] = await found(offers)
    for offer in await found(offers, cabin=cabin):
        assert cabin in {segment["cabin"] for segment in offer["segments"]}
        assert offer["price"]["amount"] > cheapest["price"]["amount"]


@pytest.mark.parametrize("query", [{"to": "ZZZ"}, {"from": "AAA", "to": "ZZZ"}, {"cabin": "first"}])
async def test_no_flights_are_an_empty_list(offers: httpx.AsyncClient, query: dict[str, str]) -> None:
    assert await found(offers, **query) == []


@pytest.mark.parametrize(
    ("wrong", "parameter"),
    [
        ({"from": "gru"}, "from"),
        ({"from": "GRUX"}, "from"),
        ({"to": "LÍS"}, "to"),
        ({"to": ""}, "to"),
        ({"to": "GRU"}, "to"),
        ({"date": "2026-11-20"}, "date"),
        ({"date": "soon"}, "date"),
        ({"date": "2027-02-30"}, "date"),
        ({"adults": "0"}, "adults"),
        ({"adults": "10"}, "adults"),
        ({"adults": "two"}, "adults"),
        ({"cabin": "cargo"}, "cabin"),
        ({"return": "2027-01-30"}, "return"),
    ],
)
async def test_a_wrong_parameter_is_422_and_named(
    offers: httpx.AsyncClient, wrong: dict[str, str], parameter: str
) -> None:
    answer = await offers.get(SEARCH, params={**GRU_LIS, **wrong})
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")
    assert [one["parameter"] for one in answer.json()["errors"]] == [parameter]


async def test_the_last_day_on_sale_is_361_days_ahead(offers: httpx.AsyncClient) -> None:
    await found(offers, date="2027-11-17")
    await found(offers, date="2026-11-21")
    later = await offers.get(SEARCH, params={**GRU_LIS, "date": "2027-11-18"})
    assert (later.status_code, later.json()) == (200, {"offers": []})


async def test_an_offer_is_read_as_it_was_found_until_it_expires(offers: httpx.AsyncClient, laptop: Laptop) -> None:
    [offer, *_] = await found(offers)
    assert datetime.fromisoformat(offer["expires_at"]) == NOW + timedelta(seconds=900)
    laptop.hand.pass_by(seconds=899)
    answer = await offers.get(f"{SEARCH}/{offer['id']}")
    assert (answer.status_code, answer.json()) == (200, offer)
    laptop.hand.pass_by(seconds=1)
    gone = await offers.get(f"{SEARCH}/{offer['id']}")
    assert (gone.status_code, gone.json()["code"]) == (410, "offer_expired")


async def test_an_unknown_offer_is_404(offers: httpx.AsyncClient) -> None:
    answer = await offers.get(f"{SEARCH}/0198c0de-0000-7000-8000-000000000000")
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


async def test_the_scope_is_required(offers: httpx.AsyncClient, laptop: Laptop) -> None:
    without = laptop.issuer.bearer(scope="carts")
    for path, query in ((SEARCH, GRU_LIS), (f"{SEARCH}/x", {})):
        assert (await offers.get(path, params=query, headers={"Authorization": ""})).status_code == 401
        assert (await offers.get(path, params=query, headers=without)).status_code == 403


async def test_services_read_the_whole_offer_expired_or_not(offers: httpx.AsyncClient, laptop: Laptop) -> None:
    [offer, *_] = await found(offers)
    path, headers = f"/internal/offers/{offer['id']}", laptop.authenticator.internal_headers
    assert (await offers.get(path)).status_code == 401
    whole = (await offers.get(path, headers=headers)).json()
    assert whole["expired"] is False
    assert whole["segments"][0]["booking_class"] == "Y"
    assert (whole["adults"], whole["price"], whole["seats"]) == (2, offer["price"], offer["seats"])
    laptop.hand.pass_by(seconds=900)
    assert (await offers.get(path, headers=headers)).json()["expired"] is True


async def test_todays_price_is_the_offers_until_the_airline_moves_it(
    offers: httpx.AsyncClient, sandbox: httpx.AsyncClient, laptop: Laptop
) -> None:
    for offer in await found(offers):
        path, headers = f"/internal/offers/{offer['id']}/price", laptop.authenticator.internal_headers
        same = {"price": offer["price"], "taxes": offer["taxes"], "miles": offer["miles"]}
        assert (await offers.get(path, headers=headers)).json() == {"available": True, "expired": False, **same}
    await sandbox.put("/sandbox/prices", json={"factor": 1.5})
    moved = (await offers.get(path, headers=headers)).json()
    assert moved["price"]["amount"] == pytest.approx(1.5 * offer["price"]["amount"], abs=3)
    assert moved["miles"] > offer["miles"]


async def test_flights_that_left_are_not_available(offers: httpx.AsyncClient, laptop: Laptop) -> None:
    [offer, *_] = await found(offers)
    laptop.hand.pass_by(days=61)
    path = f"/internal/offers/{offer['id']}/price"
    answer = await offers.get(path, headers=laptop.authenticator.internal_headers)
    assert answer.json() == {"available": False, "expired": True}


@pytest.mark.parametrize("operation", ["token", "shop", "getseats", "getancillaries"])
async def test_a_broken_distribution_system_is_503_and_then_over(
    offers: httpx.AsyncClient, sandbox: httpx.AsyncClient, operation: str
) -> None:
    await fault(sandbox, operation=operation, mode="error")
    answer = await offers.get(SEARCH, params=GRU_LIS)
    assert (answer.status_code, answer.json()["code"]) == (503, "airline_unavailable")
    assert int(answer.headers["retry-after"]) > 0
    await sandbox.delete("/sandbox/faults")
    assert await found(offers)


@pytest.mark.parametrize("patience", [BRIEF])
async def test_a_slow_distribution_system_is_503_in_time(offers: httpx.AsyncClient, sandbox: httpx.AsyncClient) -> None:
    await fault(sandbox, operation="shop", mode="slow", seconds=SILENCE)
    async with asyncio.timeout(SILENCE):
        assert (await offers.get(SEARCH, params=GRU_LIS)).status_code == 503


@pytest.mark.parametrize("code", ["429", "503"])
async def test_a_refusing_gateway_is_503(offers: httpx.AsyncClient, sandbox: httpx.AsyncClient, code: str) -> None:
    await fault(sandbox, operation="shop", mode="refuse", code=code)
    assert (await offers.get(SEARCH, params=GRU_LIS)).status_code == 503


async def test_a_token_that_sabre_takes_back_is_renewed(
    offers: httpx.AsyncClient, sandbox: httpx.AsyncClient, laptop: Laptop
) -> None:
    await found(offers)
    await fault(sandbox, operation="shop", mode="refuse", code="401", times=1)
    laptop.wires.carried.clear()
    assert await found(offers)
    assert laptop.wires.carried.count("/sandbox/sabre/v2/auth/token") == 1


async def test_a_token_is_used_until_shortly_before_its_end(offers: httpx.AsyncClient, laptop: Laptop) -> None:
    for _ in range(3):
        await found(offers)
    assert laptop.wires.carried.count("/sandbox/sabre/v2/auth/token") == 1
    laptop.hand.pass_by(seconds=575)
    await found(offers)
    assert laptop.wires.carried.count("/sandbox/sabre/v2/auth/token") == 2


async def test_a_gds_out_of_reach_is_503(offers: httpx.AsyncClient, laptop: Laptop) -> None:
    laptop.wires.cut.add("sandbox.test")
    assert (await offers.get(SEARCH, params=GRU_LIS)).status_code == 503


async def test_the_same_search_at_the_same_moment_asks_the_airline_once(
    offers: httpx.AsyncClient, laptop: Laptop
) -> None:
    answers = await asyncio.gather(*[found(offers) for _ in range(5)], found(offers, adults="1"))
    assert laptop.wires.carried.count("/sandbox/sabre/v5/offers/shop") == 2
    assert len({answer[0]["id"] for answer in answers}) == 2
    await found(offers)
    assert laptop.wires.carried.count("/sandbox/sabre/v5/offers/shop") == 3
