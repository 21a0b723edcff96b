import asyncio
from datetime import timedelta

import pytest

from tests.eventually import eventually
from tests.kit.world import KEY, STRIPE, World


async def only_charge(world: World) -> dict[str, object]:
    charges = (await world.books())["charges"]
    assert len(charges) == 1
    charge: dict[str, object] = charges[0]
    return charge


async def charged(world: World) -> bool:
    return bool((await world.books())["charges"])


def charge(authorized: int, captured: int = 0, voided: int = 0, refunded: int = 0) -> dict[str, object]:
    return {
        "reference": "checkout-1",
        "authorized": authorized,
        "captured": captured,
        "voided": voided,
        "refunded": refunded,
        "currency": "BRL",
    }


async def test_money_is_held_then_taken_then_given_back(world: World) -> None:
    intent = (await world.intent()).json()
    assert (intent["status"], intent["amount_capturable"]) == ("requires_capture", 125_000)
    assert await only_charge(world) == charge(125_000)

    taken = (await world.stripe(f"/payment_intents/{intent['id']}/capture")).json()
    assert (taken["status"], taken["amount_received"], taken["amount_capturable"]) == ("succeeded", 125_000, 0)
    assert await only_charge(world) == charge(125_000, captured=125_000)

    part = (await world.stripe("/refunds", {"payment_intent": intent["id"], "amount": "25000"})).json()
    rest = (await world.stripe("/refunds", {"payment_intent": intent["id"]})).json()
    assert [(part["amount"], part["status"]), (rest["amount"], rest["status"])] == [
        (25_000, "succeeded"),
        (100_000, "succeeded"),
    ]
    assert await only_charge(world) == charge(125_000, captured=125_000, refunded=125_000)
    listed = await world.stripe_get("/refunds", payment_intent=intent["id"])
    assert listed["data"] == [rest, part]
    assert await world.stripe_get(f"/refunds/{part['id']}") == part


async def test_a_cancelled_intent_releases_what_was_held(world: World) -> None:
    intent = (await world.intent()).json()
    cancelled = (await world.stripe(f"/payment_intents/{intent['id']}/cancel")).json()
    assert (cancelled["status"], cancelled["amount_capturable"]) == ("canceled", 0)
    assert await only_charge(world) == charge(125_000, voided=125_000)


async def test_a_partial_capture_releases_the_rest(world: World) -> None:
    intent = (await world.intent()).json()
    await world.stripe(f"/payment_intents/{intent['id']}/capture", {"amount_to_capture": "100000"})
    assert await only_charge(world) == charge(125_000, captured=100_000, voided=25_000)


@pytest.mark.parametrize(
    ("token", "decline"), [("tok_declined", "generic_decline"), ("tok_insufficient_funds", "insufficient_funds")]
)
async def test_a_declined_card_is_a_402_with_the_banks_reason_and_leaves_no_charge(
    world: World, token: str, decline: str
) -> None:
    response = await world.intent(payment_method=token)
    error = response.json()["error"]
    assert response.status_code == 402
    assert (error["type"], error["code"], error["decline_code"]) == ("card_error", "card_declined", decline)
    assert error["payment_intent"]["status"] == "requires_payment_method"
    kept = await world.stripe_get(f"/payment_intents/{error['payment_intent']['id']}")
    assert kept["last_payment_error"]["decline_code"] == decline
    assert (await world.books())["charges"] == []


async def test_a_card_with_3d_secure_waits_for_the_customer(world: World) -> None:
    intent = (await world.intent(payment_method="tok_3ds", return_url="https://portal.example/back")).json()
    redirect = intent["next_action"]["redirect_to_url"]
    assert (intent["status"], redirect["return_url"]) == ("requires_action", "https://portal.example/back")
    assert (await world.books())["charges"] == []
    completed = await world.http.post(redirect["url"])
    assert (completed.status_code, completed.json()["status"]) == (200, "requires_capture")
    assert await only_charge(world) == charge(125_000)


async def test_a_customer_who_fails_3d_secure_pays_nothing(world: World) -> None:
    intent = (await world.intent(payment_method="tok_3ds")).json()
    failed = await world.http.post(f"/sandbox/stripe/3ds/{intent['id']}/complete", json={"result": "failed"})
    assert failed.json()["status"] == "requires_payment_method"
    assert failed.json()["last_payment_error"]["code"] == "payment_intent_authentication_failure"
    again = await world.http.post(f"/sandbox/stripe/3ds/{intent['id']}/complete")
    assert again.json()["error"]["code"] == "payment_intent_unexpected_state"
    assert (await world.books())["charges"] == []


@pytest.mark.parametrize(
    ("changed", "param", "code"),
    [
        ({"payment_method": "tok_other"}, "payment_method", "resource_missing"),
        ({"amount": ""}, "amount", "parameter_missing"),
        ({"amount": "12.5"}, "amount", "parameter_invalid_integer"),
        ({"amount": "0"}, "amount", "parameter_invalid_integer"),
        ({"currency": ""}, "currency", "parameter_missing"),
        ({"reference": "x"}, "reference", "parameter_unknown"),
    ],
)
async def test_a_wrong_parameter_is_named_and_not_remembered(
    world: World, changed: dict[str, str], param: str, code: str
) -> None:
    response = await world.intent("key", **changed)
    error = response.json()["error"]
    assert (response.status_code, error["param"], error["code"]) == (400, param, code)
    corrected = await world.intent("key")
    assert corrected.status_code == 200
    assert "Idempotent-Replayed" not in corrected.headers


async def test_states_that_do_not_allow_it_are_refused(world: World) -> None:
    intent = (await world.intent()).json()
    path = f"/payment_intents/{intent['id']}"
    too_much = await world.stripe(f"{path}/capture", {"amount_to_capture": "125001"})
    early = await world.stripe("/refunds", {"payment_intent": intent["id"]})
    await world.stripe(f"{path}/capture")
    twice = await world.stripe(f"{path}/capture")
    late = await world.stripe(f"{path}/cancel")
    above = await world.stripe("/refunds", {"payment_intent": intent["id"], "amount": "125001"})
    await world.stripe("/refunds", {"payment_intent": intent["id"]})
    empty = await world.stripe("/refunds", {"payment_intent": intent["id"]})
    answers = [(each.status_code, each.json()["error"].get("code")) for each in (early, twice, late, empty)]
    assert answers == [
        (400, "payment_intent_unexpected_state"),
        (400, "payment_intent_unexpected_state"),
        (400, "payment_intent_unexpected_state"),
        (400, "charge_already_refunded"),
    ]
    assert [too_much.json()["error"]["param"], above.json()["error"]["param"]] == ["amount_to_capture", "amount"]
    assert await only_charge(world) == charge(125_000, captured=125_000, refunded=125_000)


async def test_an_unknown_intent_is_a_404(world: World) -> None:
    for path in ("/payment_intents/pi_none", "/refunds/re_none"):
        response = await world.http.get(STRIPE + path, headers=KEY)
        assert (response.status_code, response.json()["error"]["code"]) == (404, "resource_missing")


@pytest.mark.parametrize("header", [{}, {"Authorization": "Bearer pk_live_1"}, {"Authorization": "Bearer sk_test_"}])
async def test_a_request_without_a_secret_key_is_a_401(world: World, header: dict[str, str]) -> None:
    assert (await world.http.get(f"{STRIPE}/payment_intents", headers=header)).status_code == 401
    assert (await world.http.post(f"{STRIPE}/refunds", data={"a": "b"}, headers=header)).status_code == 401


async def test_a_key_may_come_as_the_user_of_http_basic(world: World) -> None:
    response = await world.http.get(f"{STRIPE}/payment_intents", auth=("sk_test_component", ""))
    assert response.status_code == 200


async def test_the_same_key_gives_the_first_answer_again(world: World) -> None:
    first = await world.intent("key-1")
    again = await world.intent("key-1")
    assert first.json() == again.json()
    assert again.headers["Idempotent-Replayed"] == "true"
    assert await only_charge(world) == charge(125_000)


async def test_a_decline_is_replayed_too(world: World) -> None:
    first = await world.intent("key-1", payment_method="tok_declined")
    again = await world.intent("key-1", payment_method="tok_declined")
    assert (again.status_code, again.json()) == (402, first.json())


async def test_the_same_key_with_another_body_is_an_error(world: World) -> None:
    await world.intent("key-1")
    response = await world.intent("key-1", amount="1")
    assert (response.status_code, response.json()["error"]["type"]) == (400, "idempotency_error")
    assert await only_charge(world) == charge(125_000)


async def test_a_key_is_forgotten_after_a_day(world: World) -> None:
    first = (await world.intent("key-1")).json()
    world.later = timedelta(hours=23, minutes=59)
    assert (await world.intent("key-1")).json()["id"] == first["id"]
    world.later = timedelta(hours=24, seconds=1)
    assert (await world.intent("key-1")).json()["id"] != first["id"]


async def test_the_same_key_in_flight_is_a_conflict(world: World) -> None:
    await world.fault({"provider": "stripe", "operation": "authorize", "mode": "slow", "seconds": 0.5, "times": 1})
    slow = asyncio.create_task(world.intent("key-1"))
    await eventually(lambda: charged(world))  # the effect comes first, then the waiting
    early = await world.intent("key-1")
    assert (early.status_code, early.json()["error"]["code"]) == (409, "idempotency_key_in_use")
    assert (await slow).status_code == 200
    assert (await world.intent("key-1")).json() == (await slow).json()


async def test_intents_are_found_by_reference_newest_first(world: World) -> None:
    first = (await world.intent()).json()
    second = (await world.intent(payment_method="tok_declined")).json()["error"]["payment_intent"]
    await world.intent(**{"metadata[reference]": "checkout-2"})
    found = await world.stripe_get("/payment_intents/search", query="metadata['reference']:'checkout-1'")
    assert (found["object"], [each["id"] for each in found["data"]]) == ("search_result", [second["id"], first["id"]])
    held = await world.stripe_get(
        "/payment_intents/search", query="metadata['reference']:'checkout-1' AND status:'requires_capture'"
    )
    assert [each["id"] for each in held["data"]] == [first["id"]]
    assert await world.stripe_get(f"/payment_intents/{first['id']}") == first
    none = await world.stripe_get("/payment_intents/search", query="metadata['reference']:'checkout-3'")
    assert none["data"] == []


async def test_a_search_that_cannot_be_read_is_a_400(world: World) -> None:
    response = await world.http.get(f"{STRIPE}/payment_intents/search", params={"query": "name=x"}, headers=KEY)
    assert (response.status_code, response.json()["error"]["param"]) == (400, "query")


async def test_lists_come_in_pages(world: World) -> None:
    ids = [(await world.intent()).json()["id"] for _ in range(3)]
    page = await world.stripe_get("/payment_intents", limit="2")
    assert ([each["id"] for each in page["data"]], page["has_more"]) == ([ids[2], ids[1]], True)
    rest = await world.stripe_get("/payment_intents", limit="2", starting_after=ids[1])
    assert ([each["id"] for each in rest["data"]], rest["has_more"]) == ([ids[0]], False)


async def test_lists_are_bounded_by_the_time_of_creation(world: World) -> None:
    first = (await world.intent()).json()
    world.later = timedelta(minutes=20)
    second = (await world.intent()).json()
    since = await world.stripe_get("/payment_intents", **{"created[gte]": str(first["created"] + 1)})
    before = await world.stripe_get("/payment_intents", **{"created[lt]": str(second["created"])})
    assert [[each["id"] for each in page["data"]] for page in (since, before)] == [[second["id"]], [first["id"]]]
    response = await world.http.get(f"{STRIPE}/payment_intents", params={"created[gte]": "yesterday"}, headers=KEY)
    assert (response.status_code, response.json()["error"]["param"]) == (400, "created")


async def test_a_payment_method_is_shown_in_full_where_it_is_asked_for(world: World) -> None:
    plain = (await world.intent("key-1")).json()
    assert plain["payment_method"].startswith("pm_")
    full = (await world.intent("key-2", **{"expand[0]": "payment_method"})).json()
    card = full["payment_method"]["card"]
    assert (card["brand"], card["last4"]) == ("visa", "4242")
    read = await world.stripe_get(f"/payment_intents/{plain['id']}", **{"expand[0]": "payment_method"})
    assert read["payment_method"]["id"] == plain["payment_method"]
    page = await world.stripe_get("/payment_intents", **{"expand[0]": "data.payment_method"})
    assert [each["payment_method"]["card"]["last4"] for each in page["data"]] == ["4242", "4242"]
    wrong = await world.http.get(f"{STRIPE}/payment_intents", params={"expand[0]": "customer"}, headers=KEY)
    assert (wrong.status_code, wrong.json()["error"]["param"]) == (400, "expand")


async def test_a_token_may_come_inside_the_payment_methods_data(world: World) -> None:
    form = {
        "amount": "100",
        "currency": "brl",
        "confirm": "true",
        "payment_method_data[type]": "card",
        "payment_method_data[card][token]": "tok_visa",
    }
    assert (await world.stripe("/payment_intents", form)).json()["status"] == "succeeded"


async def test_charges_are_listed_by_the_group_of_their_intents(world: World) -> None:
    ours = {"transfer_group": "checkout-1"}
    held = (await world.intent(**ours)).json()
    declined = (await world.intent(payment_method="tok_declined", **ours)).json()["error"]["payment_intent"]
    await world.intent(payment_method="tok_3ds", **ours)
    await world.intent(transfer_group="checkout-2")
    await world.intent()
    await world.stripe(f"/payment_intents/{held['id']}/capture", {"amount_to_capture": "100"})
    await world.stripe("/refunds", {"payment_intent": held["id"]})
    found = (await world.stripe_get("/charges", **ours))["data"]
    assert [(each["payment_intent"], each["status"]) for each in found] == [
        (declined["id"], "failed"),
        (held["id"], "succeeded"),
    ]
    assert [(each["amount_captured"], each["amount_refunded"], each["refunded"]) for each in found] == [
        (0, 0, False),
        (100, 100, True),
    ]
    assert found[1]["id"] == held["latest_charge"]
    assert len((await world.stripe_get("/charges"))["data"]) == 4
    first = await world.stripe_get("/charges", limit="1", **ours)
    assert ([each["id"] for each in first["data"]], first["has_more"]) == ([found[0]["id"]], True)


async def test_a_charge_shows_its_whole_intent_where_it_is_asked_for(world: World) -> None:
    held = (await world.intent(transfer_group="checkout-1")).json()
    whole = {"transfer_group": "checkout-1", "expand[0]": "data.payment_intent"}
    [shown] = (await world.stripe_get("/charges", **whole))["data"]
    assert shown["payment_intent"] == held
    whole["expand[0]"] = "data.payment_intent.payment_method"
    [shown] = (await world.stripe_get("/charges", **whole))["data"]
    assert shown["payment_intent"]["payment_method"]["card"]["last4"] == "4242"
    wrong = await world.http.get(f"{STRIPE}/charges", params={"expand[0]": "data.customer"}, headers=KEY)
    assert (wrong.status_code, wrong.json()["error"]["param"]) == (400, "expand")


async def test_a_refund_may_be_on_its_way_and_come_back(world: World) -> None:
    intent = (await world.intent(payment_method="tok_pendingRefund")).json()
    await world.stripe(f"/payment_intents/{intent['id']}/capture")
    refund = (await world.stripe("/refunds", {"payment_intent": intent["id"]})).json()
    assert refund["status"] == "pending"
    assert (await world.complete_refund(intent["id"]))["status"] == "succeeded"
    assert await only_charge(world) == charge(125_000, captured=125_000, refunded=125_000)
    failed = await world.complete_refund(intent["id"], "failed")
    assert (failed["status"], failed["failure_reason"]) == ("failed", "expired_or_canceled_card")
    assert await world.stripe_get(f"/refunds/{refund['id']}") == failed
    assert await only_charge(world) == charge(125_000, captured=125_000)
    again = await world.http.post(f"/sandbox/stripe/refunds/{refund['id']}/complete")
    assert again.status_code == 400
    assert (await world.stripe("/refunds", {"payment_intent": intent["id"]})).json()["status"] == "pending"


async def test_an_authorisation_ends_by_itself(world: World) -> None:
    intent = (await world.intent()).json()
    await world.expire_intent(intent["id"])
    ended = await world.stripe_get(f"/payment_intents/{intent['id']}")
    assert (ended["status"], ended["cancellation_reason"]) == ("canceled", "automatic")
    assert await only_charge(world) == charge(125_000, voided=125_000)
    again = await world.http.post(f"/sandbox/stripe/payment_intents/{intent['id']}/expire")
    assert again.json()["error"]["code"] == "payment_intent_unexpected_state"
