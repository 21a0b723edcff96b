"""Composition root of the hub."""

from services.hub.adapters.archive_http import ArchiveOverHttp
from services.hub.cases.publishing import PageSpeaker, Publishing
from services.hub.cases.registering import BY_CLIENT, Registry
from services.hub.cases.sweeping import PageSweeper
from services.hub.cases.tracing import Tracing
from services.hub.domain.kind import Kind
from services.hub.domain.partner import Partner
from services.hub.http.routes import routes
from services.hub.service import SERVICE
from services.hub.settings import HubSettings
from shared.accepting import allowance
from shared.accepting.allowance import Allowances
from shared.accepting.books import Books, pages_spec, rows_spec
from shared.accepting.gathering import Gathering
from shared.runtime.every import Every
from shared.runtime.keeping import Keeping
from shared.runtime.providers import neighbor
from shared.runtime.service import Runtime, Service
from shared.runtime.settings import read
from shared.store.documents import CollectionSpec, Lookup
from shared.store.sweeping import PAGE, PAUSE, sweeping_share

PARTNERS = CollectionSpec("partners", lookups=(Lookup(BY_CLIENT, "clients"),))
KINDS = CollectionSpec("types")


def compose(runtime: Runtime) -> Service:
    """The service with everything it needs. Until there is a router it takes no messages. Raises WrongSettings."""
    settings = read(HubSettings)
    keeping = Keeping(runtime, SERVICE.name)
    registry = Registry(keeping.documents(PARTNERS, Partner, silent=True), keeping.documents(KINDS, Kind, silent=True))
    rows = keeping.collection(rows_spec("inbox"), silent=True)
    pages = keeping.collection(pages_spec("pages"))
    buckets = keeping.collection(allowance.spec("allowances"), silent=True)
    books = Books(rows, pages, keeping.outbox, runtime.clock)
    gathering = Gathering(books, PageSpeaker(keeping.outbox), runtime.ids)
    allowances = Allowances(buckets, runtime.clock)
    publishing = Publishing(registry, gathering, allowances, runtime.clock, runtime.ids)
    archive = ArchiveOverHttp(neighbor(runtime, "archive", settings.archive_timeout_seconds))
    share = sweeping_share("pages", "HUB_SWEEP_SHARE", settings.sweep_share)
    sweeper = PageSweeper(pages, runtime.clock, share)
    return keeping.service(
        router=routes(registry, publishing, Tracing(rows, pages, archive), runtime.authenticator),
        tasks=(Every(PAUSE, sweeper.once, full=PAGE, name="pages"),),
        closing=(gathering.drain,),
    )
