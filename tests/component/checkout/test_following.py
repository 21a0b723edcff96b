"""Following a purchase, and cancelling it."""

import asyncio
import json
from typing import Any

from shared.contracts.cart import LockCart, UnlockCart
from shared.contracts.checkout import CheckoutCancelled
from shared.contracts.miles import HoldMiles, ReleaseMiles
from shared.contracts.notifications import NotifyCustomer
from shared.contracts.ticketing import CancelBooking, ReserveBooking
from tests.component.checkout.conftest import Desk
from tests.component.checkout.purchases import FROM_ISSUE, UNTIL_ISSUE, complete, shown
from tests.saga.purchases import HELD, locked
from tests.saga.script import undone


async def events(desk: Desk, checkout_id: str, last: str | None = None) -> list[tuple[int, dict[str, Any]]]:
    """Every event until the stream ends."""
    headers = {**desk.member(), **({"Last-Event-ID": last} if last else {})}
    answer = await desk.client.get(f"/v1/checkouts/{checkout_id}/events", headers=headers, timeout=20)
    assert answer.headers["content-type"].startswith("text/event-stream")
    blocks = [block.splitlines() for block in answer.text.split("\n\n") if block.startswith("event: change")]
    return [(int(block[1].removeprefix("id: ")), json.loads(block[2].removeprefix("data: "))) for block in blocks]


async def test_a_follower_sees_every_change_as_it_was_and_the_stream_ends(desk: Desk) -> None:
    checkout_id = (await desk.buy()).json()["id"]
    following = asyncio.create_task(events(desk, checkout_id))
    for kind, reply in (*UNTIL_ISSUE, *FROM_ISSUE):
        await desk.answer(kind, reply)
    seen = await following
    assert [position for position, _ in seen] == list(range(1, len(seen) + 1))
    assert seen[0][1]["status"] == "running"
    assert seen[-1][1] == await shown(desk, checkout_id)
    reserved = [event["locators"] for _, event in seen]
    assert reserved[0] == []
    assert reserved[-1] == ["ABC123"]
    statuses = [next(s["status"] for s in event["steps"] if s["name"] == "hold miles") for _, event in seen]
    assert [status for i, status in enumerate(statuses) if i == 0 or statuses[i - 1] != status] == [
        "pending",
        "running",
        "done",
    ]


async def test_a_follower_resumes_after_what_it_saw_last(desk: Desk) -> None:
    checkout_id = await complete(desk)
    everything = await events(desk, checkout_id)
    assert await events(desk, checkout_id, last="5") == everything[5:]
    assert await events(desk, checkout_id, last=str(len(everything))) == []
    wrong = await desk.client.get(
        f"/v1/checkouts/{checkout_id}/events", headers={**desk.member(), "Last-Event-ID": "five"}
    )
    assert wrong.status_code == 422


async def test_streams_end_when_the_process_drains(desk: Desk) -> None:
    checkout_id = (await desk.buy()).json()["id"]
    following = asyncio.create_task(events(desk, checkout_id))
    await asyncio.sleep(0)
    desk.runtime.draining.set()
    assert (await asyncio.wait_for(following, 10))[-1][1]["status"] == "running"


async def cancel(desk: Desk, checkout_id: str) -> tuple[int, dict[str, Any]]:
    answer = await desk.client.post(f"/v1/checkouts/{checkout_id}/cancel", headers=desk.member())
    return answer.status_code, answer.json()


async def test_a_cancel_before_the_tickets_undoes_everything(desk: Desk) -> None:
    checkout_id = (await desk.buy()).json()["id"]
    await desk.answer(LockCart, locked())
    await desk.answer(HoldMiles, HELD)
    await desk.expect(ReserveBooking)
    assert (await cancel(desk, checkout_id))[0] == 202
    assert (await cancel(desk, checkout_id))[0] == 202, "a cancel may be repeated"
    await desk.answer(CancelBooking, undone())
    await desk.answer(ReleaseMiles, undone())
    await desk.answer(UnlockCart, undone())
    await desk.expect(CheckoutCancelled)
    assert (await desk.expect(NotifyCustomer)).template == "cancelled"
    assert (await shown(desk, checkout_id))["status"] == "cancelled"


async def test_a_cancel_after_the_end_is_refused(desk: Desk) -> None:
    checkout_id = await complete(desk)
    status, problem = await cancel(desk, checkout_id)
    assert (status, problem["code"]) == (409, "already_ended")
