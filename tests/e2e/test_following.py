"""The purchase's event stream: from the first change, or after the last one seen."""

import pytest

from tests.e2e.shop import Event, Member, Shop

pytestmark = pytest.mark.sqlite_alone


async def stream(member: Member, checkout_id: str, last_event_id: str | None = None) -> list[Event]:
    return [event async for event in member.events(checkout_id, last_event_id)]


async def test_a_follower_sees_every_change_from_the_first_to_the_last(shop: Shop) -> None:
    member = await shop.member()
    checkout_id = await member.buy(await member.cart(use_miles=30_000))
    events = await stream(member, checkout_id)
    assert {event.kind for event in events} == {"change"}
    positions = [int(event.id) for event in events]
    assert positions == list(range(1, len(events) + 1))
    assert [event.data["status"] for event in events][-1] == "completed"
    assert {event.data["status"] for event in events[:-1]} == {"running"}
    done = [sum(step["status"] in {"done", "skipped"} for step in event.data["steps"]) for event in events]
    assert done == sorted(done)
    assert events[-1].data == await member.checkout(checkout_id)


async def test_a_follower_that_comes_late_sees_the_same(shop: Shop) -> None:
    member = await shop.member()
    checkout_id = await member.buy(await member.cart())
    live = await stream(member, checkout_id)
    assert await stream(member, checkout_id) == live


async def test_a_follower_resumes_after_the_last_event_it_saw(shop: Shop) -> None:
    member = await shop.member()
    checkout_id = await member.buy(await member.cart(use_miles=30_000))
    seen: list[Event] = []
    events = member.events(checkout_id)
    async for event in events:
        seen.append(event)
        if len(seen) == 3:
            break
    await events.aclose()  # type: ignore[attr-defined]
    rest = await stream(member, checkout_id, seen[-1].id)
    assert rest[0].id == "4"
    assert seen + rest == await stream(member, checkout_id)


async def test_a_refused_purchase_is_followed_through_its_undoing(shop: Shop) -> None:
    member = await shop.member()
    checkout_id = await member.buy(await member.cart(use_miles=30_000), "tok_declined")
    events = await stream(member, checkout_id)
    assert events[-1].data["status"] == "refused"
    last = {step["name"]: step["status"] for step in events[-1].data["steps"]}
    assert (last["hold miles"], last["reserve booking"], last["lock cart"]) == ("undone", "undone", "undone")


@pytest.mark.parametrize("last_event_id", ["x", "-1", "1" * 20])
async def test_an_event_id_that_is_none_is_refused(shop: Shop, last_event_id: str) -> None:
    member = await shop.member()
    checkout_id = await member.buy(await member.cart())
    headers = {"Last-Event-ID": last_event_id}
    response = await member.http.get(f"/v1/checkouts/{checkout_id}/events", headers=headers)
    assert response.status_code == 422, response.text
    assert "Last-Event-ID" in response.text
    await member.ended(checkout_id)


async def test_two_followers_see_the_same(shop: Shop) -> None:
    member = await shop.member()
    checkout_id = await member.buy(await member.cart(use_miles=30_000))
    operator = await shop.operator()
    watching = Member("operator", operator)
    first = await stream(member, checkout_id)
    response = await watching.http.get(f"/v1/operations/checkouts/{checkout_id}/events")
    assert response.status_code == 200
    assert response.text.count("event: change") == len(first)
