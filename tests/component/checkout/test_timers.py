"""Silence is noticed, whatever happens to the process that waits."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from services.checkout.app import CHECKOUTS
from services.checkout.domain.checkout import Checkout
from shared.bus import headers as names
from shared.bus.outbox import NotPublished
from shared.contracts.cart import LockCart
from shared.contracts.checkout import WakeCheckout
from shared.contracts.messages import OutboxMessage
from shared.kernel.clock import CheckedClock
from shared.saga.timers import TimerPoller
from shared.store.repository import NewerSchema
from tests.component.checkout.conftest import CartService, Desk, checkout_desk
from tests.component.checkout.purchases import shown
from tests.eventually import eventually, happens_within
from tests.kit.clock import HandClock
from tests.saga.purchases import locked


async def test_silence_is_noticed_and_the_command_said_again(desk: Desk, clock: HandClock) -> None:
    checkout_id = (await desk.buy()).json()["id"]
    first = await desk.expect(LockCart)
    clock.pass_by(seconds=2.5)
    await eventually(lambda: len(desk.runtime.recorder.said) == 2)
    second = await desk.expect(LockCart)
    assert (second.purchase_id, second.attempt) == (first.purchase_id, first.attempt)
    step = (await shown(desk, checkout_id))["steps"][0]
    assert (step["status"], step["attempts"]) == ("unknown", 2)


async def test_two_processes_that_poll_the_same_timers_ask_once(
    tmp_path: Path, clock: HandClock, carts: CartService, desk: Desk
) -> None:
    async with checkout_desk(tmp_path, clock, carts) as other:
        checkout_id = (await desk.buy()).json()["id"]
        await desk.expect(LockCart)
        clock.pass_by(seconds=2.5)

        async def asked_again() -> bool:
            asks: int = (await desk.stored(checkout_id)).body["record"]["steps"]["lock cart"]["asks"]
            return asks == 2

        await eventually(asked_again)
        # Both polls run four times a second: a second ask of the other's would come within this one.
        assert not await happens_within(1.0, lambda: len(desk.said()) + len(other.said()) > 2)


async def test_a_timer_that_cannot_be_fired_is_pushed_back_and_ends_among_the_dead_letters(
    desk: Desk, clock: HandClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    checkout_id = (await desk.buy()).json()["id"]
    await desk.expect(LockCart)

    def broken(_: object) -> Checkout:
        raise RuntimeError("a bug")

    monkeypatch.setattr("shared.saga.orchestrator.advance", lambda *_args, **_kwargs: broken(None))
    entries = desk.runtime.recorder.entries
    for _ in range(10):
        clock.pass_by(hours=1)
        stored = await desk.stored(checkout_id)

        async def seen(version: int = stored.version) -> bool:
            return (await desk.stored(checkout_id)).version > version

        await eventually(seen)
    await eventually(lambda: any(entry.routing_key == "checkout.dead" for entry in entries))
    letter = next(entry for entry in entries if entry.routing_key == "checkout.dead")
    assert letter.headers[names.EXCEPTION] == "RuntimeError"
    assert (await desk.stored(checkout_id)).wake_at is not None, "it is tried on, whatever becomes of the letter"
    monkeypatch.undo()
    await desk.tell(WakeCheckout.model_validate_json(letter.body))
    assert (await shown(desk, checkout_id))["steps"][0]["attempts"] == 2


async def test_nothing_is_asked_while_nothing_can_be_sent(desk: Desk, clock: HandClock) -> None:
    """The budget for silence counts asks that went out."""
    checkout_id = (await desk.buy()).json()["id"]
    await desk.expect(LockCart)
    desk.runtime.recorder.connected = False
    clock.pass_by(hours=3)
    assert not await happens_within(1.0, lambda: len(desk.said()) > 1)
    assert (await shown(desk, checkout_id))["steps"][0]["attempts"] == 1
    desk.runtime.recorder.connected = True
    await eventually(lambda: len(desk.said()) == 2)


async def test_an_ask_counts_when_the_broker_has_confirmed_it(
    desk: Desk, clock: HandClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A broker that takes and never confirms looks able to send; a day of it leaves one ask, and spends no budget."""
    checkout_id = (await desk.buy()).json()["id"]
    await desk.expect(LockCart)
    publish = desk.runtime.recorder.publish

    async def unconfirmed(_messages: Sequence[OutboxMessage]) -> None:
        raise NotPublished("no confirm in time")

    monkeypatch.setattr(desk.runtime.recorder, "publish", unconfirmed)

    async def attempts() -> int:
        return int((await shown(desk, checkout_id))["steps"][0]["attempts"])

    async def asked_twice() -> bool:
        return await attempts() == 2

    clock.pass_by(hours=1)
    await eventually(asked_twice)
    for _ in range(24):
        clock.pass_by(hours=1)
        stored = await desk.stored(checkout_id)

        async def seen(version: int = stored.version) -> bool:
            return (await desk.stored(checkout_id)).version > version

        await eventually(seen)
    assert await attempts() == 2
    assert (await shown(desk, checkout_id))["status"] == "running"
    monkeypatch.setattr(desk.runtime.recorder, "publish", publish)
    assert desk.service.outbox is not None
    assert await desk.service.outbox.relay() == 1
    assert [type(said) for said in desk.said()] == [LockCart, LockCart]


async def test_timers_of_a_newer_release_are_left_to_it(desk: Desk, clock: HandClock) -> None:
    checkout_id = (await desk.buy()).json()["id"]
    await desk.expect(LockCart)
    await desk.overwrite(replace(await desk.stored(checkout_id), schema=99))
    for _ in range(15):
        version = (await desk.stored(checkout_id)).version
        clock.pass_by(hours=1)

        async def put_off(version: int = version) -> bool:
            return (await desk.stored(checkout_id)).version > version

        await eventually(put_off)
    assert (await desk.stored(checkout_id)).wake_at is not None
    await desk.nothing_more()


async def test_a_document_of_a_newer_release_is_left_alone(desk: Desk) -> None:
    checkout_id = (await desk.buy()).json()["id"]
    lock = await desk.expect(LockCart)
    await desk.overwrite(replace(await desk.stored(checkout_id), schema=99))
    with pytest.raises(NewerSchema):
        await desk.tell(locked()(lock))


async def test_nothing_is_fired_by_a_clock_that_is_far_off(desk: Desk, clock: HandClock) -> None:
    """The next timer would be set by it: for another year."""
    await desk.buy()
    await desk.expect(LockCart)
    store = desk.runtime.store("checkout")
    collection = store.collection(CHECKOUTS)
    await store.open()
    known = CheckedClock(clock)
    known.compare("store", clock.now() - timedelta(days=400), 0.01)
    fired: list[str] = []

    async def fire(checkout_id: str) -> None:
        fired.append(checkout_id)

    assert desk.service.outbox is not None
    clock.pass_by(seconds=3)
    poller = TimerPoller(
        collection,
        fire,
        clock=known,
        outbox=desk.service.outbox,
        service="checkout",
        wake=lambda id_: WakeCheckout(checkout_id=id_),
    )
    assert (await poller.poll(), fired) == (0, [])
    await store.close()
