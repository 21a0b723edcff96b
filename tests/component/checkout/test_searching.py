"""Purchases as operators look for them: each filter by an index, and several together."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from services.checkout.cases.searching import PAGE, Search, Searching
from services.checkout.domain.checkout import Checkout
from shared.saga.record import Status
from shared.store.documents import After
from tests.component.checkout.conftest import CART, CartService, Desk
from tests.component.checkout.purchases import UNTIL_ISSUE, complete
from tests.kit.clock import HandClock
from tests.saga.script import refused

LOCK = UNTIL_ISSUE[0][0]


async def found(desk: Desk, **wanted: str) -> list[str]:
    """Their ids, newest first, page by page of one each."""
    ids: list[str] = []
    cursor: str | None = None
    for _ in range(20):
        params: dict[str, str] = {**wanted, "limit": "1"} | ({"cursor": cursor} if cursor else {})
        answer = await desk.client.get("/v1/operations/checkouts", params=params, headers=desk.operator())
        assert answer.status_code == 200, answer.text
        ids += [each["id"] for each in answer.json()["checkouts"]]
        cursor = answer.json()["next_cursor"]
        if cursor is None:
            return ids
    raise AssertionError("the pages do not end")


@pytest.fixture
async def three(desk: Desk, carts: CartService, clock: HandClock) -> dict[str, Any]:
    """Ana's, refused; Rui's, which holds miles; and Ana's second, whose cart is being locked. Half a second
    lies between them, so that no silent step is asked for again meanwhile."""
    clock.pass_by(seconds=0.25)
    carts.carts["c-2"] = {**CART, "id": "c-2", "member_id": "rui"}
    carts.carts["c-3"] = {**CART, "id": "c-3"}
    times = []
    ids = []
    for member, cart in (("ana", "c-1"), ("rui", "c-2"), ("ana", "c-3")):
        times.append(clock.now())
        ids.append((await desk.buy(cart, member, cart_id=cart)).json()["id"])
        if cart == "c-1":
            await desk.answer(LOCK, refused("cart_empty"))
        if cart == "c-2":
            await desk.answer(*UNTIL_ISSUE[0])
        await desk.flushed()
        desk._read = len(desk.said())
        clock.pass_by(seconds=0.5)
    return {"ids": ids, "times": times}


async def test_purchases_are_found_by_every_filter_and_by_several_at_once(desk: Desk, three: dict[str, Any]) -> None:
    (first, second, third), times = three["ids"], three["times"]
    just_after = [(each + timedelta(seconds=0.1)).isoformat() for each in times]
    expected: list[tuple[dict[str, str], list[str]]] = [
        ({}, [third, second, first]),
        ({"member_id": "ana"}, [third, first]),
        ({"member_id": "eva"}, []),
        ({"status": "refused"}, [first]),
        ({"status": "running"}, [third, second]),
        ({"step": "hold miles"}, [second]),
        ({"step": "lock cart"}, [third]),
        ({"code": "cart_empty"}, [first]),
        ({"code": "price_changed"}, []),
        ({"begun_before": just_after[1]}, [second, first]),
        ({"begun_before": times[1].isoformat()}, [first]),
        ({"changed_since": just_after[1]}, [third]),
        ({"changed_since": times[0].isoformat()}, [third, second, first]),
        ({"member_id": "ana", "status": "running"}, [third]),
        ({"member_id": "ana", "begun_before": just_after[0]}, [first]),
        ({"member_id": "ana", "code": "cart_empty", "status": "running"}, []),
        ({"status": "running", "begun_before": just_after[1]}, [second]),
        ({"changed_since": times[1].isoformat(), "begun_before": just_after[1]}, [second]),
    ]
    assert [(wanted, await found(desk, **wanted)) for wanted, _ in expected] == expected


@pytest.mark.parametrize(
    ("parameter", "value"),
    [
        ("begun_before", "yesterday"),
        ("changed_since", "2027-01-20"),
        ("status", "lost"),
        ("step", "x" * 101),
    ],
)
async def test_a_filter_that_is_none_is_refused_and_named(desk: Desk, parameter: str, value: str) -> None:
    answer = await desk.client.get("/v1/operations/checkouts", params={parameter: value}, headers=desk.operator())
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["parameter"] == parameter


async def test_a_purchase_is_found_by_its_locator_and_by_the_number_of_any_of_its_tickets(desk: Desk) -> None:
    checkout_id = await complete(desk)
    shown = (await desk.client.get(f"/v1/operations/checkouts/{checkout_id}", headers=desk.operator())).json()
    (locator,) = shown["locators"]
    numbers = [each["number"] for each in (*shown["tickets"], *shown["documents"])]
    assert numbers
    assert await found(desk, locator=locator) == [checkout_id]
    assert [await found(desk, ticket=number) for number in numbers] == [[checkout_id]] * len(numbers)
    assert await found(desk, locator=locator, status="completed") == [checkout_id]
    assert await found(desk, locator=locator, status="refused") == []
    assert await found(desk, locator="ZZZZZZ") == []
    assert await found(desk, ticket=locator) == []


class Walked:
    """A repository of which every page is full and nothing is what is looked for."""

    def __init__(self, checkout: Checkout) -> None:
        self.asked: list[tuple[str, int]] = []
        self._checkout = checkout

    async def find(self, index: str, _: tuple[str, ...], *, limit: int, after: After, descending: bool) -> list[Any]:
        assert (after is None) == (not self.asked)
        assert descending
        self.asked.append((index, limit))

        class Stored:
            value = self._checkout

        return [Stored()] * limit


async def test_one_search_reads_so_many_purchases_and_says_where_to_go_on(desk: Desk, three: dict[str, Any]) -> None:
    one = Checkout.model_validate((await desk.stored(three["ids"][0])).body)
    walked = Walked(one)
    searching = Searching(walked)  # type: ignore[arg-type]
    listed, following = await searching.find(Search(member_id="ana", status=Status.COMPLETED), None, 50)
    assert (listed, walked.asked) == ([], [("by_member", PAGE)] * 5)
    assert following is not None
    assert following[1] == one.id


async def test_purchases_are_counted_by_status_with_the_oldest_of_each(desk: Desk, three: dict[str, Any]) -> None:
    answer = await desk.client.get("/v1/operations/summary", headers=desk.operator())
    told = {each["status"]: each for each in answer.json()["statuses"]}
    assert {status: each["count"] for status, each in told.items()} == {
        "running": 2,
        "waiting_for_customer": 0,
        "completed": 0,
        "refused": 1,
        "cancelled": 0,
        "needs_attention": 0,
    }
    assert datetime.fromisoformat(told["running"]["oldest_at"]) == three["times"][1]
    assert told["completed"]["oldest_at"] is None
    assert not any(each["more"] for each in told.values())
    assert (await desk.client.get("/v1/operations/summary", headers=desk.member())).status_code == 403
