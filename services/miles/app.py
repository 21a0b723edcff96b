"""The miles service, composed."""

from services.miles.adapters.accounts import LedgerAccounts
from services.miles.adapters.ledger import ACCOUNTS, JOURNAL, Ledger, Policy
from services.miles.domain.account import Account
from services.miles.domain.journal import Transaction
from services.miles.domain.redemption import Redemption
from services.miles.domain.validity import Calendar
from services.miles.handlers import table
from services.miles.http.routes import routes
from services.miles.service import SERVICE
from services.miles.settings import MilesSettings
from shared.runtime.every import Every
from shared.runtime.keeping import Keeping
from shared.runtime.providers import gating
from shared.runtime.service import Runtime, Service
from shared.runtime.settings import read
from shared.store.documents import CollectionSpec
from shared.telemetry import figures


def compose(runtime: Runtime) -> Service:
    settings = read(MilesSettings)
    keeping = Keeping(runtime, SERVICE.name)
    accounts = keeping.documents(ACCOUNTS, Account, wake=Account.next_expiry, silent=True)
    journal = keeping.documents(JOURNAL, Transaction, silent=True)
    redemptions = keeping.documents(CollectionSpec("redemptions"), Redemption)
    calendar = Calendar(settings.zone)
    policy = Policy(settings.validity_months, settings.grace, calendar)
    ledger = Ledger(accounts, journal, runtime.clock, policy, settings.expiry_share)
    members = LedgerAccounts(ledger, accounts, journal, redemptions, runtime.clock, calendar=calendar)
    gated = gating(runtime, keeping, SERVICE.name, "releases")
    return keeping.service(
        table=table(keeping.participant(redemptions), ledger),
        router=routes(members, runtime.authenticator, gated.gate),
        figures=(figures.holds(SERVICE.name, accounts.collection, "by_hold", runtime.clock),),
        tasks=(Every(settings.expiry_seconds, ledger.expire_due, full=1, name="expiry"), *gated.tasks),
    )
