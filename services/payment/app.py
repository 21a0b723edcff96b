"""Payment's composition root."""

from typing import Final

from services.payment.adapters.stripe import StripeGateway
from services.payment.cases import watching
from services.payment.cases.watching import RefundWatch
from services.payment.domain import Payment
from services.payment.handlers import Steps, table
from services.payment.service import SERVICE
from services.payment.settings import PaymentSettings, settings
from shared.runtime.every import Every
from shared.runtime.keeping import Keeping
from shared.runtime.providers import provider_line
from shared.runtime.service import Runtime, Service
from shared.runtime.settings import read
from shared.store.documents import CollectionSpec, Index
from shared.telemetry import figures

PAYMENTS: Final = CollectionSpec("payments", (Index("by_hold", ("held_since",)),))


def compose(runtime: Runtime) -> Service:
    """Payment over Stripe. Raises WrongSettings."""
    stripe, watch = settings(runtime), read(PaymentSettings).watch
    line = provider_line(runtime, SERVICE.name, "stripe", stripe)
    gateway = StripeGateway(line, stripe.secret_key.get_secret_value())
    keeping = Keeping(runtime, SERVICE.name)
    payments = keeping.documents(PAYMENTS, Payment, wake=lambda payment: payment.look_at)
    participant = keeping.participant(payments, call_timeout=stripe.call_timeout, settle=stripe.settle)
    refunds = RefundWatch(payments, gateway, keeping.outbox, runtime.clock, watch)
    return keeping.service(
        table=table(participant, Steps(gateway, runtime.clock, watch)),
        tasks=(Every(watching.POLL_SECONDS, refunds.once, full=watching.PAGE, name="refunds"),),
        figures=(figures.holds(SERVICE.name, payments.collection, "by_hold", runtime.clock),),
    )
