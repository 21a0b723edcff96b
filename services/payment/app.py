"""Payment's composition root."""

from services.payment.adapters.stripe import StripeGateway
from services.payment.domain import Payment
from services.payment.handlers import table
from services.payment.service import SERVICE
from services.payment.settings import settings
from shared.runtime.keeping import Keeping
from shared.runtime.providers import provider_line
from shared.runtime.service import Runtime, Service
from shared.store.documents import CollectionSpec


def compose(runtime: Runtime) -> Service:
    """Payment over Stripe. Raises WrongSettings."""
    stripe = settings(runtime)
    line = provider_line(runtime, SERVICE.name, "stripe", stripe)
    gateway = StripeGateway(line, stripe.secret_key.get_secret_value())
    keeping = Keeping(runtime, SERVICE.name)
    payments = keeping.documents(CollectionSpec("payments"), Payment)
    participant = keeping.participant(payments, call_timeout=stripe.call_timeout, settle=stripe.settle)
    return keeping.service(table=table(participant, gateway))
