"""Composition root of the cart service."""

from datetime import timedelta

from services.cart.adapters.offers_http import OffersOverHttp
from services.cart.cases.filling import BY_MEMBER, Carts, forgotten_at
from services.cart.cases.locking import Locking
from services.cart.domain.cart import Cart, bounded
from services.cart.handlers import no_cart, table
from services.cart.http.routes import routes
from services.cart.service import SERVICE
from services.cart.settings import CartSettings
from shared.runtime.keeping import Keeping
from shared.runtime.providers import neighbor
from shared.runtime.service import Runtime, Service
from shared.runtime.settings import read
from shared.store.documents import CollectionSpec, Index
from shared.store.sweeping import sweeping_share

CARTS = CollectionSpec("carts", (Index(BY_MEMBER, ("member_id",)),))
SETTLE = timedelta(seconds=2)


def compose(runtime: Runtime) -> Service:
    """The service with everything it needs."""
    settings = read(CartSettings)
    clock = runtime.clock
    keeping = Keeping(runtime, SERVICE.name)
    kept = timedelta(seconds=settings.kept_seconds)
    documents = keeping.documents(CARTS, Cart, wake=forgotten_at(kept))
    timeout = settings.offers_timeout_seconds
    offers = OffersOverHttp(neighbor(runtime, "offers", timeout))
    participant = keeping.participant(
        documents, new=no_cart, call_timeout=timedelta(seconds=timeout), settle=SETTLE, keep=bounded
    )
    carts = Carts(documents, offers, clock, runtime.ids, timedelta(seconds=settings.seconds))
    share = sweeping_share("carts", "CART_SWEEP_SHARE", settings.sweep_share)
    return keeping.service(
        table=table(participant, Locking(offers, clock), keeping.outbox),
        router=routes(carts, clock, runtime.authenticator),
        tasks=(keeping.sweeping(documents, share),),
    )
