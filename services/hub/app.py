"""Composition root of the hub."""

from dataclasses import dataclass
from datetime import datetime

from services.hub.adapters.archive_http import ArchiveOverHttp
from services.hub.cases.applying import Applying
from services.hub.cases.counting import CountingEvents
from services.hub.cases.hearing import Hearing
from services.hub.cases.in_force import BUSES, PAUSE, REPLICAS, InForce
from services.hub.cases.numbering import Numbering
from services.hub.cases.ordering import Ordering
from services.hub.cases.publishing import PageSpeaker, Publishing
from services.hub.cases.registering import PARTNERS, Registry
from services.hub.cases.revisions import PAST, Revisions
from services.hub.cases.routing import PageRouting
from services.hub.cases.routing_again import RoutingAgain
from services.hub.cases.sweeping import PageSweeper
from services.hub.cases.telling import Telling
from services.hub.cases.tidying import Tidying, wakes
from services.hub.cases.tracing import Tracing
from services.hub.cases.trying import Trying
from services.hub.domain.bus import KeptBus, PastBus
from services.hub.domain.kind import Kind
from services.hub.domain.lane import Lane
from services.hub.domain.lane import wakes as wakes_lane
from services.hub.domain.partner import Partner
from services.hub.handlers import table, takers
from services.hub.http.counter import Counter
from services.hub.http.routes import routes
from services.hub.service import SERVICE
from services.hub.settings import HubSettings
from shared.accepting import allowance
from shared.accepting.allowance import Allowances
from shared.accepting.books import Books, Pages, pages_spec, rows_spec
from shared.accepting.counting import Counting
from shared.accepting.gathering import Gathering
from shared.runtime.every import Every
from shared.runtime.keeping import Keeping
from shared.runtime.providers import gating, neighbor
from shared.runtime.service import Runtime, Service
from shared.runtime.settings import read
from shared.store import sweeping
from shared.store.documents import Collection, CollectionSpec
from shared.store.repository import Repository
from shared.store.sweeping import Sweeper, sweeping_share

KINDS = CollectionSpec("types")
LANES = CollectionSpec("lanes")
HEARS_AGAIN = 60.0
"""Seconds."""
PREFETCH = 8
"""Pages in hand: each is some hundred events, and as many copies of each as there are targets."""


@dataclass(frozen=True)
class _Kept:
    """What acceptance and routing share: a row for each id of an event, a document for each page of them, the order of
    keys. `restored`: lanes that were written before came out of a backup."""

    rows: Collection
    pages: Collection
    lanes: Repository[Lane]
    restored: datetime | None


def compose(runtime: Runtime) -> Service:
    """The service with everything it needs. With `HUB_ROUTE=off` it takes no messages. Raises WrongSettings."""
    settings = read(HubSettings)
    keeping = Keeping(runtime, SERVICE.name)
    registry = _registry(runtime, keeping, settings)
    kept = _kept(runtime, keeping)
    gathering = _gathering(runtime, keeping, kept)
    allowances = Allowances(keeping.collection(allowance.spec("allowances"), silent=True), runtime.clock)
    publishing = Publishing(registry, gathering, allowances, runtime.clock, runtime.ids, meter=runtime.meter)
    hearing = Hearing(SERVICE.name, runtime.queues, registry, publishing, runtime.clock)
    applying = _applying(runtime, keeping, registry, hearing)
    in_force = applying.in_force
    routing = _routing(runtime, keeping, kept, in_force)
    archive = ArchiveOverHttp(neighbor(runtime, "archive", settings.archive_timeout_seconds))
    counter = Counter(
        registry,
        publishing,
        Tracing(kept.rows, kept.pages, applying.buses, archive),
        Trying(registry, in_force, runtime.clock),
        applying,
        hearing,
        CountingEvents(Counting(kept.pages), runtime.clock),
        RoutingAgain(kept.rows, kept.pages, archive, runtime.publisher, keeping.outbox),
        may_hash=settings.key is not None,
    )
    gated = gating(runtime, keeping, SERVICE.name, "releases")
    return keeping.service(
        table=table(routing, Telling(applying.buses, registry, keeping.outbox)) if settings.routes else {},
        takers=takers(hearing, in_force) if settings.routes else {},
        router=routes(counter, runtime.authenticator, gated.gate),
        tasks=(
            *_sweeping(runtime, kept, settings),
            Every(PAUSE, in_force.look, name="buses"),
            Every(HEARS_AGAIN, hearing.again, name="bindings"),
            Every(sweeping.PAUSE, Tidying(applying.buses, runtime.queues, runtime.clock).tidy, name="queues"),
            *gated.tasks,
        ),
        closing=(gathering.drain, in_force.leave),
        prefetch=PREFETCH,
    )


def _registry(runtime: Runtime, keeping: Keeping, settings: HubSettings) -> Registry:
    partners = keeping.documents(PARTNERS, Partner)
    return Registry(partners, keeping.documents(KINDS, Kind, silent=True), keeping.outbox, runtime.clock, settings.key)


def _kept(runtime: Runtime, keeping: Keeping) -> _Kept:
    return _Kept(
        rows=keeping.collection(rows_spec("inbox"), silent=True),
        pages=keeping.collection(pages_spec("pages")),
        lanes=keeping.documents(LANES, Lane, wake=wakes_lane),
        restored=runtime.clock.now() if runtime.settings.after_restore else None,
    )


def _gathering(runtime: Runtime, keeping: Keeping, kept: _Kept) -> Gathering:
    """What writes pages."""
    pages = Pages(kept.pages, runtime.clock)
    numbering = Numbering(kept.lanes, pages, runtime.clock, runtime.ids, kept.restored)
    books = Books(kept.rows, kept.pages, keeping.outbox, runtime.clock, numbering)
    return Gathering(books, PageSpeaker(keeping.outbox, runtime.meter), runtime.ids)


def _routing(runtime: Runtime, keeping: Keeping, kept: _Kept, in_force: InForce) -> PageRouting:
    """What reads them."""
    pages = Pages(kept.pages, runtime.clock)
    ordering = Ordering(kept.lanes, pages, keeping.outbox, runtime.queues, runtime.clock, runtime.ids, kept.restored)
    return PageRouting(
        in_force,
        runtime.publisher,
        runtime.queues,
        keeping.outbox,
        runtime.clock,
        ordering=ordering,
        meter=runtime.meter,
    )


def _sweeping(runtime: Runtime, kept: _Kept, settings: HubSettings) -> tuple[Every, Every]:
    """Of what is forgotten, so much in an hour."""
    of_pages, of_lanes = (sweeping_share(name, "HUB_SWEEP_SHARE", settings.sweep_share) for name in ("pages", "lanes"))
    pages = PageSweeper(kept.pages, runtime.clock, of_pages)
    lanes = Sweeper(kept.lanes, runtime.clock, of_lanes)
    return (
        Every(sweeping.PAUSE, pages.once, full=sweeping.PAGE, name="pages"),
        Every(sweeping.PAUSE, lanes.once, full=sweeping.PAGE, name="lanes"),
    )


def _applying(runtime: Runtime, keeping: Keeping, registry: Registry, hearing: Hearing) -> Applying:
    buses = keeping.documents(BUSES, KeptBus, wake=wakes)
    past = Revisions(keeping.documents(PAST, PastBus, silent=True))
    replicas = keeping.collection(REPLICAS, silent=True)
    in_force = InForce(buses, replicas, runtime.clock, runtime.ids, prepare=hearing.hear_own)
    return Applying(buses, past, registry, in_force, runtime.queues, keeping.outbox, runtime.clock)
