"""Every refusal names the field and what was expected."""

import uuid

import httpx
import pytest

from services.cli.ports import free_ports
from tests.conftest import StartStack
from tests.e2e.shop import PEOPLE, Json, Shop, in_days
from tests.eventually import eventually

pytestmark = pytest.mark.sqlite_alone

NOWHERE = str(uuid.uuid4())


def problem(response: httpx.Response, status: int, code: str | None = None, pointer: str | None = None) -> Json:
    """The body, once it is a problem of that status and code that points at that field."""
    assert response.status_code == status, response.text
    assert response.headers["content-type"].startswith("application/problem+json")
    body: Json = response.json()
    assert body["status"] == status
    assert body["type"]
    assert body["title"]
    assert body["detail"]
    if code is not None:
        assert body["code"] == code
    if pointer is not None:
        assert [fault["pointer"] for fault in body["errors"]] == [pointer]
        assert all(fault["detail"] for fault in body["errors"])
    return body


def flight(offer_id: str, people: int = 1) -> Json:
    return {"kind": "flight", "offer_id": offer_id, "passengers": [dict(PEOPLE[n % 2]) for n in range(people)]}


async def test_an_unknown_offer_is_not_found_and_not_put_into_a_cart(shop: Shop) -> None:
    member = await shop.member()
    problem(await member.http.get(f"/v1/offers/{NOWHERE}"), 404)
    cart = await member.empty_cart()
    problem(await member.add(cart["id"], flight(NOWHERE)), 422, pointer="/offer_id")


async def test_an_expired_offer_is_gone_and_stops_the_cart_that_holds_it(
    start_stack: StartStack, unused_port: int
) -> None:
    """On a stack of its own, whose offers live for three seconds."""
    stack = start_stack(environment={"OFFERS_SECONDS": "3", "PORT": str(unused_port)})
    async with Shop(stack.url) as shop:
        member = await shop.member()
        offer = await member.offer()
        cart = await member.cart(offer)

        async def gone() -> httpx.Response:
            response = await member.http.get(f"/v1/offers/{offer['id']}")
            assert response.status_code == 410
            return response

        problem(await eventually(gone), 410, "offer_expired")
        problem(await member.post_checkout(cart["id"]), 409, "offer_expired")
        empty = await member.empty_cart()
        refused = await member.add(empty["id"], flight(offer["id"]))
        problem(refused, 409, "offer_expired", pointer="/offer_id")


@pytest.fixture
def unused_port() -> int:
    return free_ports(1)[0]


@pytest.mark.parametrize("route", [("GRU", "ZZZ"), ("CGH", "NRT"), ("GRU", "GIG")], ids="-".join)
async def test_a_route_without_flights_is_an_empty_list(shop: Shop, route: tuple[str, str]) -> None:
    member = await shop.member()
    cabin = "first" if route == ("GRU", "GIG") else "economy"
    params: Json = {"from": route[0], "to": route[1], "date": in_days(30), "adults": 1, "cabin": cabin}
    response = await member.http.get("/v1/offers", params=params)
    assert response.status_code == 200
    assert response.json() == {"offers": []}


async def test_a_day_beyond_what_airlines_sell_is_an_empty_list(shop: Shop) -> None:
    member = await shop.member()
    params: Json = {"from": "GRU", "to": "LIS", "date": in_days(900), "adults": 1, "cabin": "economy"}
    response = await member.http.get("/v1/offers", params=params)
    assert (response.status_code, response.json()) == (200, {"offers": []})


@pytest.mark.parametrize(
    ("parameter", "value"),
    [
        ("from", "sao paulo"),
        ("date", "tomorrow"),
        ("date", in_days(-3)),
        ("adults", "0"),
        ("adults", "10"),
        ("cabin", "roof"),
        ("colour", "red"),
    ],
)
async def test_a_wrong_search_names_the_parameter(shop: Shop, parameter: str, value: str) -> None:
    member = await shop.member()
    params = {"from": "GRU", "to": "LIS", "date": in_days(30), "adults": "1", "cabin": "economy", parameter: value}
    body = problem(await member.http.get("/v1/offers", params=params), 422)
    assert [fault.get("parameter") for fault in body["errors"]] == [parameter]


@pytest.mark.parametrize("people", [1, 3])
async def test_a_passenger_count_that_does_not_fit_the_offer_is_refused(shop: Shop, people: int) -> None:
    member = await shop.member()
    offer = await member.offer(adults=2)
    cart = await member.empty_cart()
    problem(await member.add(cart["id"], flight(offer["id"], people)), 422, pointer="/passengers")


async def test_more_miles_than_the_fares_allow_are_refused(shop: Shop) -> None:
    member = await shop.member(10_000_000)
    offer = await member.offer()
    cart = await member.cart(offer)
    problem(await member.patch(cart["id"], {"use_miles": offer["miles"] + 1}), 422, pointer="/use_miles")
    problem(await member.patch(cart["id"], {"use_miles": -1}), 422, pointer="/use_miles")
    assert (await member.patch(cart["id"], {"use_miles": offer["miles"]})).status_code == 200


async def test_a_patch_without_its_etag_or_with_a_stale_one_is_refused(shop: Shop) -> None:
    member = await shop.member()
    cart = await member.cart()
    path = f"/v1/carts/{cart['id']}"
    problem(await member.http.patch(path, json={"use_miles": 1}), 428)
    stale = await member.http.patch(path, json={"use_miles": 1}, headers={"If-Match": '"0"'})
    problem(stale, 412)
    etag = (await member.http.get(path)).headers["etag"]
    assert (await member.http.patch(path, json={"use_miles": 1}, headers={"If-Match": etag})).status_code == 200


async def test_an_empty_cart_cannot_be_bought(shop: Shop) -> None:
    member = await shop.member()
    cart = await member.empty_cart()
    problem(await member.post_checkout(cart["id"]), 422, "cart_empty")


async def test_the_cart_of_somebody_else_does_not_exist(shop: Shop) -> None:
    member, other = await shop.member(), await shop.member()
    cart = await other.cart()
    path = f"/v1/carts/{cart['id']}"
    for response in (
        await member.http.get(path),
        await member.http.delete(path),
        await member.add(cart["id"], flight(NOWHERE)),
        await member.patch(cart["id"], {"use_miles": 1}),
        await member.post_checkout(cart["id"]),
    ):
        problem(response, 404)


async def test_the_purchase_of_somebody_else_does_not_exist(shop: Shop) -> None:
    member, other = await shop.member(), await shop.member()
    checkout_id = await other.buy(await other.cart())
    for method, path in (("GET", ""), ("GET", "/events"), ("POST", "/cancel")):
        problem(await member.http.request(method, f"/v1/checkouts/{checkout_id}{path}"), 404)
    assert (await member.get("/v1/checkouts"))["checkouts"] == []
    await other.ended(checkout_id)


async def test_a_second_checkout_of_the_same_cart_is_refused_while_it_is_bought_and_after(shop: Shop) -> None:
    member = await shop.member()
    cart = await member.cart()
    checkout = await member.ended(await member.buy(cart))
    assert checkout["status"] == "completed"
    problem(await member.post_checkout(cart["id"]), 409, "cart_locked")
    problem(await member.add(cart["id"], flight(NOWHERE)), 409)


async def test_money_that_is_due_needs_a_payment(shop: Shop) -> None:
    member = await shop.member()
    cart = await member.cart()
    problem(await member.post_checkout(cart["id"], payment=None), 422, pointer="/payment")


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"payment": {"method": "pix"}}, "/payment"),
        ({"payment": {"method": "card", "token": "tok_visa", "installments": 3}}, "/payment/installments"),
    ],
)
async def test_a_feature_that_is_not_built_yet_is_not_available(shop: Shop, changes: Json, pointer: str) -> None:
    member = await shop.member()
    cart = await member.cart()
    body = problem(await member.post_checkout(cart["id"], **changes), 422, "not_available")
    assert all(fault["pointer"].startswith(pointer) for fault in body["errors"])
    problem(await member.patch(cart["id"], {"promo_code": "SUMMER"}), 422, "not_available")
    assert (await member.patch(cart["id"], {"promo_code": None, "use_miles": 0})).status_code == 200


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"cart_id": 7}, "/cart_id"),
        ({"contact": {"email": "no address", "phone": None, "locale": "en"}}, "/contact/email"),
        ({"surprise": True}, "/surprise"),
        ({"payment": {"method": "card", "token": "4111111111111111"}}, "/payment"),
    ],
)
async def test_a_wrong_field_is_named(shop: Shop, changes: Json, pointer: str) -> None:
    member = await shop.member()
    body = problem(await member.post_checkout(NOWHERE, **changes), 422)
    assert any(fault["pointer"].startswith(pointer) for fault in body["errors"])
    assert "4111111111111111" not in str(body)


async def test_a_body_that_is_no_json_is_400(shop: Shop) -> None:
    member = await shop.member()
    headers = {"content-type": "application/json", "Idempotency-Key": "k"}
    for path in ("/v1/carts", "/v1/checkouts"):
        problem(await member.http.post(path, content=b"{not json", headers=headers), 400)


async def test_another_media_type_is_415_and_a_body_too_large_413(shop: Shop) -> None:
    member = await shop.member()
    problem(await member.http.post("/v1/carts", content=b"<x/>", headers={"content-type": "text/xml"}), 415)
    large = b'{"channel": "' + b"x" * 300_000 + b'"}'
    problem(await member.http.post("/v1/carts", content=large, headers={"content-type": "application/json"}), 413)


@pytest.mark.parametrize("token", ["", "nonsense", "a.b.c", "eyJhbGciOiJub25lIn0.eyJzdWIiOiJhbmEifQ."])
@pytest.mark.parametrize("path", ["/v1/offers", "/v1/carts", "/v1/checkouts", "/v1/miles/balance"])
async def test_a_missing_or_malformed_token_is_401(shop: Shop, token: str, path: str) -> None:
    client = await shop.client(token)
    response = await client.get(path)
    problem(response, 401)
    assert response.headers["www-authenticate"].startswith("Bearer")


async def test_a_token_without_the_scope_is_403(shop: Shop) -> None:
    member = await shop.member(scope="offers")
    for path in ("/v1/carts", "/v1/checkouts", "/v1/miles/balance", "/v1/operations/checkouts", "/v1/miles/entries"):
        problem(await member.http.get(path), 403)
