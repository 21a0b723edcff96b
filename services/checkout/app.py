"""Composition of the checkout: the only place that names concrete classes."""

from services.checkout.adapters.cart_http import HttpCarts
from services.checkout.adapters.partners_file import PartnersFile
from services.checkout.cases.following import Followers
from services.checkout.cases.looking import Purchases
from services.checkout.cases.searching import Searching
from services.checkout.cases.starting import Starter
from services.checkout.cases.steering import Steering
from services.checkout.domain.announcing import announce
from services.checkout.domain.checkout import Checkout
from services.checkout.handlers import Requests, table
from services.checkout.http import members, operators
from services.checkout.saga import VERSIONS
from services.checkout.service import SERVICE
from services.checkout.settings import CheckoutSettings, SandboxCheckoutSettings
from shared.bus.partners import Partners
from shared.contracts.checkout import StartCheckout, WakeCheckout
from shared.runtime.every import Every
from shared.runtime.keeping import Keeping
from shared.runtime.providers import neighbor
from shared.runtime.service import Runtime, Service
from shared.runtime.settings import read
from shared.saga.orchestrator import Orchestrator
from shared.saga.record import OPEN
from shared.saga.timers import PAGE, POLL_SECONDS, TimerPoller
from shared.saga.watching import Watch
from shared.store.documents import Collection, CollectionSpec, Index, Lookup
from shared.telemetry import figures

CHECKOUTS = CollectionSpec(
    "checkouts",
    (
        Index("by_member", ("state.member_id", "created_at")),
        Index("by_status", ("record.status", "created_at")),
        Index("by_creation", ("created_at",)),
        Index("by_timer", ("wake_key",)),
        Index("by_cart_in_hand", ("cart_in_hand",)),
        Index("by_silence", ("silent_since",)),
        Index("by_step", ("record.current", "created_at")),
        Index("by_code", ("record.refusal.code", "created_at")),
        Index("by_change", ("updated_at",)),
    ),
    (
        Lookup("by_locator", "state.locators"),
        Lookup("by_ticket", "state.tickets", "number"),
        Lookup("by_document", "state.documents", "number"),
    ),
)


def compose(runtime: Runtime) -> Service:
    """The checkout service on a runtime."""
    settings = read(SandboxCheckoutSettings if runtime.settings.sandbox else CheckoutSettings)
    keeping = Keeping(runtime, SERVICE.name)
    repository = keeping.documents(CHECKOUTS, Checkout, wake=lambda it: it.record.wake_at)
    followers = Followers(
        repository, runtime.draining, streams=settings.streams, per_caller=settings.streams_per_caller
    )
    orchestrator = Orchestrator(
        repository,
        keeping.outbox,
        runtime.clock,
        versions=VERSIONS,
        patience=settings.patience(),
        announce=announce,
        changed=followers.touch,
        watch=Watch(SERVICE.name, runtime.meter),
    )
    carts = HttpCarts(neighbor(runtime, "cart", settings.cart_timeout_seconds))
    starter = Starter(repository, orchestrator, carts, runtime.clock, earn_rate=settings.miles_per_unit)
    timers = TimerPoller(
        repository.collection,
        orchestrator.fire,
        clock=runtime.clock,
        outbox=keeping.outbox,
        service=SERVICE.name,
        wake=lambda checkout_id: WakeCheckout(checkout_id=checkout_id),
    )
    senders = PartnersFile(Partners(runtime.settings.partners), nameless=runtime.settings.environment != "production")
    requests = Requests(orchestrator, starter, keeping.outbox, senders)
    purchases = Purchases(repository)
    steering = Steering(purchases, orchestrator)
    door, authenticator = members.Door(starter), runtime.authenticator
    routes = members.routes(purchases, steering, followers, authenticator, door).join(
        operators.routes(purchases, Searching(repository), steering, followers, authenticator)
    )
    return keeping.service(
        table=table(requests),
        misread={StartCheckout: requests.unreadable},
        router=routes,
        tasks=(Every(POLL_SECONDS, timers.poll, full=PAGE, name="timers"), followers.run),
        figures=_figures(runtime, repository.collection),
    )


def _figures(runtime: Runtime, checkouts: Collection) -> tuple[figures.Figure, ...]:
    return (
        figures.purchases(SERVICE.name, checkouts, "by_status", OPEN, runtime.clock),
        figures.unknowns(SERVICE.name, checkouts, "by_silence", runtime.clock),
    )
