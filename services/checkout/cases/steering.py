"""Changing the course of a purchase under way: cancel it, ask again at once, move or stop a timer."""

from collections.abc import Callable
from datetime import datetime

from services.checkout.cases.looking import Purchases, UnknownCheckout
from services.checkout.domain.checkout import Checkout
from services.checkout.saga import VERSIONS
from shared.saga.draft import cancellable
from shared.saga.happening import AskRequested, CancelRequested
from shared.saga.orchestrator import Orchestrator, newer_than_we

Check = Callable[[Checkout], None]
"""Refuses a purchase that is not the one the caller read."""


class TooLate(Exception):
    """Nothing can be cancelled any more. `checkout` is the purchase as it stands."""

    def __init__(self, checkout: Checkout) -> None:
        super().__init__(f"{checkout.id} is {checkout.record.status}")
        self.checkout = checkout


class NothingAwaited(Exception):
    """No step of the purchase waits for an answer."""


class UnknownTimer(Exception):
    """The purchase has no such timer now."""


class Steering:
    """What members and operators may ask of a purchase. Methods raise UnknownCheckout."""

    def __init__(self, purchases: Purchases, orchestrator: Orchestrator[Checkout]) -> None:
        self._purchases = purchases
        self._orchestrator = orchestrator

    async def cancel(self, checkout_id: str, member_id: str, check: Check) -> Checkout:
        """Undo a member's purchase; once more, the same. Raises TooLate, and what `check` does."""
        checkout = await self._purchases.own(checkout_id, member_id)
        check(checkout)
        record = checkout.record
        asked_before = record.cancelled_at is not None
        saga = VERSIONS.get(record.version)
        if saga is None and not record.ended:
            raise newer_than_we(record.version)
        if saga is None or record.ended or not (asked_before or cancellable(saga, record)):
            raise TooLate(checkout)
        after = await self._orchestrator.happen(checkout_id, CancelRequested())
        if after is None or after.record.cancelled_at is None:
            raise TooLate(after or checkout)
        return after

    async def ask(self, checkout_id: str) -> Checkout:
        """Send the awaited step's command again now. Raises NothingAwaited."""
        checkout = await self._purchases.one(checkout_id)
        if not checkout.record.current:
            raise NothingAwaited
        return await self._orchestrator.happen(checkout_id, AskRequested()) or checkout

    async def move_timer(self, checkout_id: str, name: str, at: datetime) -> Checkout:
        """Let the timers of a name fire at another time. Raises UnknownTimer."""
        await self._check_timer(checkout_id, name)
        after = await self._orchestrator.change(checkout_id, lambda record: record.with_timer_at(name, at))
        if after is None:
            raise UnknownCheckout
        return after

    async def stop_timer(self, checkout_id: str, name: str) -> None:
        """Nothing happens by these timers any more. Raises UnknownTimer."""
        await self._check_timer(checkout_id, name)
        await self._orchestrator.change(checkout_id, lambda record: record.without_timer(name))

    async def _check_timer(self, checkout_id: str, name: str) -> None:
        checkout = await self._purchases.one(checkout_id)
        if all(timer.name != name for timer in checkout.record.timers):
            raise UnknownTimer
