"""Composition of the checkout: the only place that names concrete classes."""

from fastapi import APIRouter

from services.checkout.adapters.cart_http import HttpCarts
from services.checkout.announcing import announce
from services.checkout.domain import Checkout
from services.checkout.followers import Followers
from services.checkout.handlers import Handlers
from services.checkout.http import CheckoutRoutes, router
from services.checkout.operations import Operations, operations_router
from services.checkout.saga import VERSIONS
from services.checkout.settings import CheckoutSettings, SandboxCheckoutSettings
from services.checkout.starting import Starter
from shared.bus.outbox import Outbox
from shared.contracts.checkout import WakeCheckout
from shared.runtime.service import Runtime, Service
from shared.runtime.settings import read
from shared.saga.process import Orchestrator
from shared.saga.timers import TimerPoller
from shared.store.documents import CollectionSpec, Index
from shared.store.repository import Repository

CHECKOUTS = CollectionSpec(
    "checkouts",
    (
        Index("by_member", ("state.member_id", "created_at")),
        Index("by_status", ("record.status", "created_at")),
        Index("by_creation", ("created_at",)),
        Index("by_timer", ("wake_key",)),
        Index("by_cart_in_hand", ("cart_in_hand",)),
    ),
)


def compose(runtime: Runtime) -> Service:
    """The checkout service on a runtime."""
    settings = read(SandboxCheckoutSettings if runtime.settings.sandbox else CheckoutSettings)
    store = runtime.store("checkout")
    outbox = Outbox("milesaga/checkout", runtime.publisher, runtime.clock, runtime.ids)
    collection = outbox.watch(store.collection(CHECKOUTS))
    repository = Repository(collection, Checkout, key=lambda it: it.id, wake=lambda it: it.record.wake_at)
    followers = Followers(repository, runtime.draining)
    orchestrator = Orchestrator(
        repository,
        outbox,
        runtime.clock,
        versions=VERSIONS,
        patience=settings.patience(),
        announce=announce,
        changed=followers.touch,
    )
    client = runtime.http(runtime.service_url("cart"), settings.cart_timeout_seconds)
    carts = HttpCarts(client, runtime.authenticator.internal_headers)
    starter = Starter(repository, orchestrator, carts, runtime.clock, earn_rate=settings.miles_per_unit)
    timers = TimerPoller(
        collection,
        orchestrator.fire,
        clock=runtime.clock,
        outbox=outbox,
        service="checkout",
        wake=lambda checkout_id: WakeCheckout(checkout_id=checkout_id),
    )
    routes = CheckoutRoutes(repository, orchestrator, starter, followers, runtime.draining)
    api = APIRouter()
    api.include_router(router(routes, runtime.authenticator))
    api.include_router(operations_router(Operations(repository, orchestrator, followers), runtime.authenticator))
    return Service(
        name="checkout",
        table=Handlers(orchestrator, starter, outbox).table(),
        router=api,
        store=store,
        outbox=outbox,
        tasks=(timers.run, followers.run),
    )
