"""Carts over HTTP: made, filled, changed, listed, deleted."""

import asyncio
from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest

from tests.component.cart.member import Member, bag, flight, passengers, seat
from tests.days import NOW
from tests.kit.laptop import Laptop


def problem(answer: httpx.Response) -> tuple[int, str, str | None]:
    """Status, code, and the first pointer."""
    body = answer.json()
    pointers = [one.get("pointer") for one in body.get("errors", [])]
    return answer.status_code, body["code"], pointers[0] if pointers else None


async def test_a_new_cart_is_open_empty_and_where_location_says(ana: Member) -> None:
    answer = await ana.post("", {"channel": "chat", "currency": "BRL"})
    assert answer.status_code == 201
    cart = answer.json()
    assert answer.headers["location"] == f"/v1/carts/{cart['id']}"
    assert datetime.fromisoformat(cart["expires_at"]) == NOW + timedelta(days=1)
    assert cart == {
        "id": cart["id"],
        "member_id": "ana",
        "channel": "chat",
        "currency": "BRL",
        "status": "open",
        "items": [],
        "use_miles": 0,
        "promo_code": None,
        "total": {"money": {"amount": 0, "currency": "BRL"}, "miles": 0},
        "expires_at": cart["expires_at"],
    }
    read = await ana.get(f"/{cart['id']}")
    assert (read.json(), read.headers["etag"]) == (cart, answer.headers["etag"])


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({}, "/channel"),
        ({"channel": "fax", "currency": "BRL"}, "/channel"),
        ({"channel": "portal", "currency": "brl"}, "/currency"),
        ({"channel": "portal", "currency": "XAU"}, "/currency"),
        ({"channel": "portal", "currency": "ZZZ"}, "/currency"),
        ({"channel": "portal", "currency": "BRL", "owner": "x"}, "/owner"),
        ([], ""),
    ],
)
async def test_a_wrong_field_of_a_new_cart_is_422(ana: Member, body: Any, pointer: str) -> None:
    assert problem(await ana.post("", body)) == (422, "invalid_request", pointer)


async def test_flights_seats_and_bags_add_up(ana: Member) -> None:
    [offer, *_] = await ana.offers()
    cart = await ana.made()
    for item in (flight(offer), seat(offer, 0, 0), seat(offer, 1, 1), bag(offer, 1, 2)):
        answer = await ana.add(cart, item)
        assert answer.status_code == 201, answer.text
    filled = answer.json()
    assert filled == await ana.cart(cart)
    a_flight, first, second, bags = filled["items"]
    assert (a_flight["price"], a_flight["taxes"], a_flight["miles"]) == (offer["price"], offer["taxes"], offer["miles"])
    printed = ["SOUZA/ANA", "SOUZA/JOSE LUIS"]
    assert a_flight["passengers"] == [
        {**person, "name_on_ticket": name} for person, name in zip(passengers(), printed, strict=True)
    ]
    assert a_flight["segments"][0]["from"] == "GRU"
    assert [first["price"], second["price"]] == [one["price"] for one in offer["seats"][:2]]
    assert bags["price"] == next(one["price"] for one in offer["bags"] if one["pieces"] == 2)
    assert [item["miles"] for item in (first, second, bags)] == [None, None, None]
    extras = sum(item["price"]["amount"] for item in (first, second, bags))
    assert filled["total"]["money"]["amount"] == offer["price"]["amount"] + offer["taxes"]["amount"] + extras
    assert len({item["id"] for item in filled["items"]}) == 4


async def test_miles_pay_fares_pro_rata_and_never_taxes(ana: Member) -> None:
    [offer, *_] = await ana.offers()
    cart = await ana.filled(offer)
    most = offer["miles"]
    answer = await ana.patch(f"/{cart}", {"use_miles": 30_000, "promo_code": None})
    assert answer.status_code == 200
    fares = -(-offer["price"]["amount"] * (most - 30_000) // most)
    assert answer.json()["total"] == {
        "money": {"amount": fares + offer["taxes"]["amount"], "currency": "BRL"},
        "miles": 30_000,
    }
    all_miles = await ana.patch(f"/{cart}", {"use_miles": most})
    assert all_miles.json()["total"] == {"money": offer["taxes"], "miles": most}
    assert all_miles.json()["use_miles"] == most


@pytest.mark.parametrize("over", [1, 2**62])
async def test_more_miles_than_the_fares_cost_is_422(ana: Member, over: int) -> None:
    [offer, *_] = await ana.offers()
    cart = await ana.filled(offer)
    answer = await ana.patch(f"/{cart}", {"use_miles": offer["miles"] + over})
    assert problem(answer) == (422, "invalid_request", "/use_miles")
    assert str(offer["miles"]) in answer.json()["detail"]


@pytest.mark.parametrize(
    ("body", "code", "pointer"),
    [
        ({"use_miles": -1}, "invalid_request", "/use_miles"),
        ({"use_miles": 10**30}, "invalid_request", "/use_miles"),
        ({"use_miles": 1}, "invalid_request", "/use_miles"),
        ({"use_miles": "0"}, "invalid_request", "/use_miles"),
        ({"use_miles": 0.5}, "invalid_request", "/use_miles"),
        ({"use_miles": True}, "invalid_request", "/use_miles"),
        ({"promo_code": "FREE"}, "not_available", "/promo_code"),
        ({"promo_code": 5}, "not_available", "/promo_code"),
        ({"status": "purchased"}, "invalid_request", "/status"),
    ],
)
async def test_a_wrong_change_is_422(ana: Member, body: dict[str, Any], code: str, pointer: str) -> None:
    assert problem(await ana.patch(f"/{await ana.made()}", body)) == (422, code, pointer)


async def test_removing_a_flight_takes_its_seats_and_bags_along_and_lowers_the_miles(ana: Member) -> None:
    first, second = (await ana.offers())[:2]
    cart = await ana.made()
    for offer in (first, second):
        for item in (flight(offer), seat(offer), bag(offer)):
            filled = (await ana.add(cart, item)).json()
    assert (await ana.patch(f"/{cart}", {"use_miles": first["miles"] + second["miles"]})).status_code == 200
    answer = await ana.delete(f"/{cart}/items/{filled['items'][0]['id']}")
    assert answer.status_code == 200
    assert {item["offer_id"] for item in answer.json()["items"]} == {second["id"]}
    assert [item["kind"] for item in answer.json()["items"]] == ["flight", "seat", "bag"]
    assert answer.json()["use_miles"] == second["miles"]
    one_left = await ana.delete(f"/{cart}/items/{answer.json()['items'][1]['id']}")
    assert [item["kind"] for item in one_left.json()["items"]] == ["flight", "bag"]
    assert (await ana.delete(f"/{cart}/items/nothing")).status_code == 404


async def test_every_refusal_of_an_item_names_its_field(ana: Member) -> None:
    [offer, other, *_] = await ana.offers()
    cart = await ana.filled(offer)
    for item, status, code, pointer in (
        (flight({"id": "unknown"}), 422, "offer_unknown", "/offer_id"),
        (flight({"id": "../carts"}), 422, "offer_unknown", "/offer_id"),
        (flight(offer), 409, "duplicate_item", "/offer_id"),
        (flight(other, 1), 422, "invalid_request", "/passengers"),
        (flight(other, 3), 422, "invalid_request", "/passengers"),
        ({**flight(other), "passengers": []}, 422, "invalid_request", "/passengers"),
        ({**seat(offer), "seat": "99Z"}, 422, "seat_not_available", "/seat"),
        ({**seat(offer), "segment": 7}, 422, "invalid_request", "/segment"),
        ({**seat(offer), "segment": -1}, 422, "invalid_request", "/segment"),
        ({**seat(offer), "passenger": 2}, 422, "invalid_request", "/passenger"),
        (seat(other), 422, "offer_not_in_cart", "/offer_id"),
        ({**bag(offer), "pieces": 4}, 422, "bag_not_available", "/pieces"),
        ({**bag(offer), "pieces": 0}, 422, "invalid_request", "/pieces"),
        ({**bag(offer), "passenger": "0"}, 422, "invalid_request", "/passenger"),
        (bag(other), 422, "offer_not_in_cart", "/offer_id"),
        ({"kind": "pet", "offer_id": offer["id"]}, 422, "invalid_request", "/kind"),
        ({"offer_id": offer["id"]}, 422, "invalid_request", "/kind"),
        ({**bag(offer), "price": 1}, 422, "invalid_request", "/price"),
    ):
        assert problem(await ana.add(cart, item)) == (status, code, pointer), item
    assert len((await ana.cart(cart))["items"]) == 1


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("given_name", ""),
        ("given_name", "   "),
        ("surname", "a\u0000b"),
        ("given_name", "李"),
        ("surname", "Ωmega"),
        ("surname", "'"),
        ("surname", "x" * 61),
        ("birth_date", "01/05/1990"),
        ("birth_date", "1990-02-30"),
        ("birth_date", "2026-11-22"),
        ("birth_date", "1899-12-31"),
        ("birth_date", 19900501),
        ("document", None),
        ("document", ""),
        ("phone", "1"),
    ],
)
async def test_a_wrong_passenger_is_422_and_not_echoed(ana: Member, field: str, value: Any) -> None:
    [offer, *_] = await ana.offers(adults=1)
    people = [{**passengers(1)[0], field: value}]
    answer = await ana.add(await ana.made(), {**flight(offer), "passengers": people})
    assert problem(answer) == (422, "invalid_request", f"/passengers/0/{field}")
    assert "Souza" not in answer.text
    assert "FX12345" not in answer.text


async def test_a_child_is_422_at_its_birth_date(ana: Member) -> None:
    [offer, *_] = await ana.offers(adults=2)
    child = {**passengers(2)[1], "birth_date": "2020-01-31"}
    answer = await ana.add(await ana.made(), {**flight(offer), "passengers": [passengers(1)[0], child]})
    assert problem(answer) == (422, "invalid_request", "/passengers/1/birth_date")


async def test_the_same_person_twice_is_422_at_the_passenger(ana: Member) -> None:
    [offer, *_] = await ana.offers(adults=2)
    answer = await ana.add(await ana.made(), {**flight(offer), "passengers": passengers(1) * 2})
    assert problem(answer) == (422, "invalid_request", "/passengers/1")


async def test_a_letter_without_a_rule_is_named(ana: Member) -> None:
    [offer, *_] = await ana.offers(adults=1)
    people = [{**passengers(1)[0], "given_name": "Ana 李"}]
    answer = await ana.add(await ana.made(), {**flight(offer), "passengers": people})
    assert "李" in answer.text
    assert "Ana" not in answer.text


@pytest.mark.parametrize(
    ("given_name", "surname", "printed"),
    [
        ("Ana Lúcia", "D'Ávila-Souza", "DAVILA SOUZA/ANA LUCIA"),
        ("Þórður", "Ærø", "AEROE/THORDUR"),
        ("Юлия", "Щербакова", "SHCHERBAKOVA/IULIIA"),
    ],
)
async def test_the_name_is_shown_as_the_airline_will_print_it(
    ana: Member, given_name: str, surname: str, printed: str
) -> None:
    [offer, *_] = await ana.offers(adults=1)
    cart = await ana.made()
    people = [{**passengers(1)[0], "given_name": given_name, "surname": surname}]
    assert (await ana.add(cart, {**flight(offer), "passengers": people})).status_code == 201
    [item] = (await ana.cart(cart))["items"]
    assert item["passengers"] == [{**people[0], "name_on_ticket": printed}]


async def test_a_seat_or_bags_twice_are_409(ana: Member) -> None:
    [offer, *_] = await ana.offers()
    cart = await ana.filled(offer)
    assert (await ana.add(cart, seat(offer, 0, 0))).status_code == 201
    assert (await ana.add(cart, bag(offer, 0, 1))).status_code == 201
    assert problem(await ana.add(cart, seat(offer, 0, 1))) == (409, "duplicate_item", "/seat")
    assert problem(await ana.add(cart, seat(offer, 1, 0))) == (409, "duplicate_item", "/passenger")
    assert problem(await ana.add(cart, bag(offer, 0, 2))) == (409, "duplicate_item", "/passenger")


async def test_an_expired_offer_cannot_be_put_in(ana: Member, laptop: Laptop) -> None:
    [offer, *_] = await ana.offers()
    cart = await ana.made()
    laptop.hand.pass_by(seconds=900)
    assert problem(await ana.add(cart, flight(offer))) == (409, "offer_expired", "/offer_id")


async def test_an_offer_in_another_currency_is_422(ana: Member) -> None:
    [offer, *_] = await ana.offers()
    answer = await ana.add(await ana.made("EUR"), flight(offer))
    assert problem(answer) == (422, "currency_mismatch", "/offer_id")


async def test_somebody_elses_cart_is_404_in_every_way(ana: Member, bob: Member) -> None:
    [offer, *_] = await ana.offers()
    cart = await ana.filled(offer)
    item = (await ana.cart(cart))["items"][0]["id"]
    for answer in (
        await bob.get(f"/{cart}"),
        await bob.patch(f"/{cart}", {"use_miles": 1}),
        await bob.add(cart, bag(offer)),
        await bob.delete(f"/{cart}/items/{item}"),
        await bob.delete(f"/{cart}"),
        await bob.get("/0198c0de-0000-7000-8000-000000000000"),
    ):
        assert problem(answer)[:2] == (404, "not_found")
    assert len((await ana.cart(cart))["items"]) == 1


async def test_a_write_under_an_old_etag_is_412_and_patch_wants_one(ana: Member) -> None:
    [offer, *_] = await ana.offers()
    cart = await ana.made()
    old = (await ana.get(f"/{cart}")).headers["etag"]
    added = await ana.add(cart, flight(offer), **{"If-Match": old})
    assert added.status_code == 201
    new = added.headers["etag"]
    assert new != old
    item = added.json()["items"][0]["id"]
    for answer in (
        await ana.add(cart, bag(offer), **{"If-Match": old}),
        await ana.delete(f"/{cart}/items/{item}", **{"If-Match": old}),
        await ana.delete(f"/{cart}", **{"If-Match": old}),
        await ana.patch(f"/{cart}", {"use_miles": 1}, old),
        await ana.patch(f"/{cart}", {"use_miles": 1}, f"W/{new}"),
    ):
        assert problem(answer)[:2] == (412, "precondition_failed")
    assert problem(await ana.patch(f"/{cart}", {"use_miles": 1}, None))[:2] == (428, "precondition_required")
    assert (await ana.patch(f"/{cart}", {"use_miles": 1}, new)).status_code == 200


async def test_a_change_that_changes_nothing_keeps_the_etag(ana: Member) -> None:
    cart = await ana.made()
    before = (await ana.get(f"/{cart}")).headers["etag"]
    assert (await ana.patch(f"/{cart}", {})).headers["etag"] == before
    assert (await ana.patch(f"/{cart}", {"use_miles": 0})).headers["etag"] == before


async def test_concurrent_writes_are_all_kept_or_refused_as_busy(ana: Member) -> None:
    [offer, *_] = await ana.offers()
    cart = await ana.filled(offer)
    items = [seat(offer, 0, 0), seat(offer, 1, 1), bag(offer, 0), bag(offer, 1)]
    answers = await asyncio.gather(*[ana.add(cart, item) for item in items])
    assert {answer.status_code for answer in answers} <= {201, 409}
    kept = sum(answer.status_code == 201 for answer in answers)
    assert kept >= 2
    assert len((await ana.cart(cart))["items"]) == 1 + kept


async def test_of_concurrent_writes_under_one_etag_one_wins(ana: Member) -> None:
    [offer, *_] = await ana.offers()
    cart = await ana.filled(offer)
    tag = (await ana.get(f"/{cart}")).headers["etag"]
    answers = await asyncio.gather(*[ana.patch(f"/{cart}", {"use_miles": 100 + n}, tag) for n in range(4)])
    assert sorted(answer.status_code for answer in answers) == [200, 412, 412, 412]


async def test_an_expired_cart_says_so_and_cannot_be_changed(ana: Member, laptop: Laptop) -> None:
    cart = await ana.made()
    laptop.hand.pass_by(days=1)
    laptop.hand.pass_by(seconds=-1)
    late = Member(laptop, "ana")
    assert (await late.cart(cart))["status"] == "open"
    laptop.hand.pass_by(seconds=1)
    assert (await late.cart(cart))["status"] == "expired"
    assert problem(await late.patch(f"/{cart}", {"use_miles": 0}))[:2] == (409, "cart_closed")
    assert (await late.delete(f"/{cart}")).status_code == 204


async def test_a_deleted_cart_is_gone(ana: Member) -> None:
    cart, other = await ana.made(), await ana.made()
    assert (await ana.delete(f"/{cart}")).status_code == 204
    assert (await ana.get(f"/{cart}")).status_code == 404
    assert (await ana.delete(f"/{cart}")).status_code == 404
    assert [one["id"] for one in (await ana.get()).json()["carts"]] == [other]


async def test_carts_are_listed_newest_first_a_page_at_a_time(ana: Member, bob: Member, laptop: Laptop) -> None:
    made = []
    for _ in range(45):
        laptop.hand.pass_by(seconds=1)
        made.append(await ana.made())
    await bob.made()
    seen: list[str] = []
    page = (await ana.get()).json()
    while page["next_cursor"]:
        seen += [cart["id"] for cart in page["carts"]]
        page = (await ana.get(cursor=page["next_cursor"])).json()
    seen += [cart["id"] for cart in page["carts"]]
    assert seen == made[::-1]


async def test_a_cursor_that_is_none_of_ours_is_422(ana: Member) -> None:
    answer = await ana.get(cursor="bm9uZQ")
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["parameter"] == "cursor"


async def test_silent_offers_are_503_and_nothing_is_added(ana: Member, laptop: Laptop) -> None:
    [offer, *_] = await ana.offers()
    cart = await ana.made()
    laptop.wires.cut.add("offers.test")
    answer = await ana.add(cart, flight(offer))
    assert problem(answer)[:2] == (503, "offers_unavailable")
    assert int(answer.headers["retry-after"]) > 0
    assert (await ana.cart(cart))["items"] == []


async def test_the_scope_is_required(laptop: Laptop, ana: Member) -> None:
    async with laptop.client("cart", laptop.issuer.bearer(scope="offers")) as client:
        assert (await client.get("/v1/carts")).status_code == 403
        assert (await client.post("/v1/carts", json={})).status_code == 403
    async with laptop.client("cart") as client:
        assert (await client.get("/v1/carts")).status_code == 401


async def test_the_checkout_reads_any_cart_with_the_internal_token(ana: Member, laptop: Laptop) -> None:
    [offer, *_] = await ana.offers()
    cart = await ana.filled(offer, use_miles=1000)
    shown = await ana.cart(cart)
    async with laptop.client("cart") as anybody:
        assert (await anybody.get(f"/internal/carts/{cart}")).status_code == 401
    async with laptop.client("cart", laptop.authenticator.internal_headers) as checkout:
        seen = (await checkout.get(f"/internal/carts/{cart}")).json()
        assert seen.pop("revision") >= 1
        assert seen == {
            "id": cart,
            "member_id": "ana",
            "channel": "portal",
            "status": "open",
            "currency": "BRL",
            "items": 1,
            "expired_offers": [],
            "total": shown["total"],
        }
        laptop.hand.pass_by(seconds=900)
        assert (await checkout.get(f"/internal/carts/{cart}")).json()["expired_offers"] == [offer["id"]]
        assert (await checkout.get("/internal/carts/none")).status_code == 404
