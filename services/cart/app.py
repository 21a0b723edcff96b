"""Composition root of the cart service."""

from datetime import timedelta

from services.cart.adapters.offers_http import OffersOverHttp
from services.cart.cases.filling import BY_MEMBER, Carts, forgotten_at
from services.cart.cases.locking import Locking
from services.cart.domain.cart import Cart
from services.cart.handlers import no_cart, table
from services.cart.http.routes import routes
from services.cart.settings import CartSettings
from shared.bus.outbox import Outbox
from shared.runtime.providers import neighbor
from shared.runtime.service import Runtime, Service
from shared.runtime.settings import read
from shared.store.documents import CollectionSpec, Index
from shared.store.repository import Repository
from shared.store.sweeping import Sweeper, sweeping_share
from shared.worker.participant import Participant

NAME = "cart"
SETTLE = timedelta(seconds=2)


def compose(runtime: Runtime) -> Service:
    """The service with everything it needs."""
    settings = read(CartSettings)
    clock = runtime.clock
    store = runtime.store(NAME)
    outbox = Outbox("milesaga/cart", runtime.publisher, clock, runtime.ids)
    collection = outbox.watch(store.collection(CollectionSpec("carts", (Index(BY_MEMBER, ("member_id",)),))))
    kept = timedelta(seconds=settings.kept_seconds)
    repository = Repository(collection, Cart, key=lambda cart: cart.id, wake=forgotten_at(kept))
    timeout = settings.offers_timeout_seconds
    offers = OffersOverHttp(neighbor(runtime, "offers", timeout))
    participant = Participant(
        repository,
        outbox,
        clock,
        new=no_cart,
        call_timeout=timedelta(seconds=timeout),
        settle=SETTLE,
    )
    carts = Carts(repository, offers, clock, runtime.ids, timedelta(seconds=settings.seconds))
    return Service(
        name=NAME,
        table=table(participant, Locking(offers, clock), outbox),
        router=routes(carts, clock, runtime.authenticator),
        store=store,
        outbox=outbox,
        tasks=[Sweeper(repository, clock, sweeping_share("carts", "CART_SWEEP_SHARE", settings.sweep_share)).run],
    )
