"""Looking again at refunds that succeeded: a card's bank may send the money back for weeks, and tells only the gateway.

A payment's document wakes when its refund is to be looked at. Every replica looks; where two do at the same moment the
second one's save meets a conflict, and nothing is told twice.
"""

import logging
from dataclasses import dataclass

from services.payment.domain import Payment, Refund, WatchTerms
from services.payment.ports import Gateway
from shared.bus.outbox import Outbox
from shared.kernel.clock import Clock, far_off
from shared.kernel.errors import Misconfigured, NotSent, OutcomeUnknown, Refused
from shared.kernel.values import changed
from shared.store.documents import Conflict
from shared.store.repository import Repository, Stored

log = logging.getLogger(__name__)

PAGE = 20
POLL_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class RefundWatch:
    """Tells a purchase that money it had given back is ours again."""

    payments: Repository[Payment]
    gateway: Gateway
    outbox: Outbox
    clock: Clock
    terms: WatchTerms

    async def once(self) -> int:
        """Look at one page of what is due; how many were looked at. A gateway that takes no requests is left alone."""
        if far_off(self.clock):
            return 0
        due = await self.payments.due(self.clock.now(), PAGE)
        for stored in due:
            try:
                await self._look(stored)
            except NotSent:
                return 0
        return len(due)

    async def _look(self, stored: Stored[Payment]) -> None:
        payment, now = stored.value, self.clock.now()
        if payment.refund is None:
            return
        try:
            lasts = await self._lasts(payment.refund)
        except (OutcomeUnknown, Misconfigured, Refused) as error:
            log.warning(
                "a refund cannot be looked at", extra={"purchase_id": payment.id, "error": type(error).__name__}
            )
            await self._save(stored, changed(payment, refund=payment.refund.unseen(now, self.terms)))
            return
        if lasts:
            await self._save(stored, changed(payment, refund=payment.refund.seen(now, self.terms)))
            return
        await self._tell(stored)

    async def _lasts(self, refund: Refund) -> bool:
        for authorization in refund.authorizations:
            if not await self.gateway.refunded(authorization):
                return False
        return True

    async def _tell(self, stored: Stored[Payment]) -> None:
        """The document and what is said of it in one write."""
        after, answer = stored.value.kept_after_all()
        log.warning("a refund failed after it had succeeded", extra={"purchase_id": after.id})
        entries = [] if answer is None else [self.outbox.entry(answer)]
        try:
            await self.payments.save(after, version=stored.version, messages=entries)
        except Conflict:
            return  # another replica was faster, or the purchase moved on: what is due then is looked at again
        await self.outbox.send(self.payments.collection, after.id, entries)

    async def _save(self, stored: Stored[Payment], after: Payment) -> None:
        try:
            await self.payments.save(after, version=stored.version)
        except Conflict:
            return  # as above
