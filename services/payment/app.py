"""Payment's composition root."""

from services.payment.adapters.stripe import StripeGateway
from services.payment.domain import Payment
from services.payment.handlers import table
from services.payment.settings import settings
from shared.bus.outbox import Outbox
from shared.runtime.providers import provider_line
from shared.runtime.service import Runtime, Service
from shared.store.documents import CollectionSpec
from shared.store.repository import Repository
from shared.worker.participant import Participant

NAME = "payment"


def compose(runtime: Runtime) -> Service:
    """Payment over Stripe. Raises WrongSettings."""
    stripe = settings(runtime)
    line = provider_line(runtime, NAME, "stripe", stripe)
    gateway = StripeGateway(line, stripe.secret_key.get_secret_value())
    store = runtime.store(NAME)
    outbox = Outbox(f"milesaga/{NAME}", runtime.publisher, runtime.clock, runtime.ids)
    collection = outbox.watch(store.collection(CollectionSpec("payments")))
    participant = Participant(
        Repository(collection, Payment, key=lambda payment: payment.id),
        outbox,
        runtime.clock,
        new=lambda purchase_id: Payment(id=purchase_id),
        call_timeout=stripe.call_timeout,
        settle=stripe.settle,
    )
    return Service(
        name=NAME,
        table=table(participant, gateway),
        store=store,
        outbox=outbox,
    )
