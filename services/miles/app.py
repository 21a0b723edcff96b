"""The miles service, composed."""

import asyncio
import logging
from collections.abc import Awaitable, Callable

from services.miles.adapters.books import LedgerBooks
from services.miles.adapters.ledger import ACCOUNTS, JOURNAL, Ledger, Policy
from services.miles.domain.account import Account
from services.miles.domain.journal import Transaction
from services.miles.domain.redemption import Redemption
from services.miles.handlers import table
from services.miles.http.routes import routes
from services.miles.settings import MilesSettings
from shared.bus.outbox import Outbox
from shared.runtime.service import Runtime, Service
from shared.runtime.settings import read
from shared.store.documents import CollectionSpec
from shared.store.repository import Repository
from shared.worker.participant import Participant

log = logging.getLogger(__name__)


def compose(runtime: Runtime) -> Service:
    settings = read(MilesSettings)
    store = runtime.store("miles")
    outbox = Outbox("milesaga/miles", runtime.publisher, runtime.clock, runtime.ids)
    accounts = Repository(
        store.collection(ACCOUNTS), Account, key=lambda account: account.id, wake=lambda account: account.next_expiry()
    )
    journal = Repository(store.collection(JOURNAL), Transaction, key=lambda transaction: transaction.id)
    redemptions = Repository(
        outbox.watch(store.collection(CollectionSpec("redemptions"))), Redemption, key=lambda redemption: redemption.id
    )
    policy = Policy(settings.validity_months, settings.grace)
    ledger = Ledger(accounts, journal, runtime.clock, policy, settings.expiry_share)
    books = LedgerBooks(ledger, accounts, journal, redemptions, runtime.clock)
    participant = Participant(redemptions, outbox, runtime.clock, new=lambda purchase_id: Redemption(id=purchase_id))
    return Service(
        name="miles",
        table=table(participant, ledger),
        router=routes(books, runtime.authenticator),
        store=store,
        outbox=outbox,
        tasks=(_expiring(ledger, settings.expiry_seconds),),
    )


def _expiring(ledger: Ledger, pause_seconds: float) -> Callable[[], Awaitable[None]]:
    async def expire() -> None:
        """Post expiries as they fall due, page after page, for ever."""
        while True:
            try:
                while await ledger.expire_due():
                    pass
            except Exception as error:  # noqa: BLE001 - whatever it is, the next look may go well
                log.warning("expiry waits", extra={"error": type(error).__name__})
            await asyncio.sleep(pause_seconds)

    return expire
