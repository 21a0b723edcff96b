"""Composition root of releases."""

from services.releases.adapters.anchors import FolderAnchor
from services.releases.adapters.grants import JwtGrants
from services.releases.cases.head import Head, Page
from services.releases.cases.log import Books, Log
from services.releases.cases.minding import Minding
from services.releases.cases.proving import KeptNote, Proving
from services.releases.cases.releasing import KeptText, Payload, Releasing
from services.releases.domain.request import Request
from services.releases.http.gate import OwnGate
from services.releases.http.routes import routes
from services.releases.service import SERVICE
from services.releases.settings import ReleasesSettings, SandboxReleasesSettings
from shared.runtime.configuration import read_beside
from shared.runtime.every import Every
from shared.runtime.keeping import Keeping
from shared.runtime.service import Runtime, Service
from shared.store.documents import CollectionSpec, Index
from shared.web.auth import INTERNAL_HEADER

LOG = CollectionSpec("log")
PAGES = CollectionSpec("pages")
REQUESTS = CollectionSpec(
    "requests",
    (
        Index("by_state", ("state", "asked_at")),
        Index("by_time", ("asked_at",)),
        Index("by_execution", ("execution",)),
        Index("by_review", ("review", "review_due")),
    ),
)
TEXTS = CollectionSpec("texts", (Index("by_salt", ("salt",)),))
PAYLOADS = CollectionSpec("payloads")
ANCHORS = CollectionSpec("anchors", (Index("by_size", ("size",)),))
PAUSE = 0.5
"""Seconds between two looks at what is due, and what is behind."""


def compose(runtime: Runtime) -> Service:
    """The service with everything it needs. Raises WrongSettings."""
    settings = read_beside(ReleasesSettings, SandboxReleasesSettings, sandbox=runtime.settings.sandbox)
    rules = settings.rules()
    signer = settings.signer(runtime.authenticator.internal_headers[INTERNAL_HEADER])
    keeping = Keeping(runtime, SERVICE.name)
    books = Books(
        keeping.documents(LOG, Head),
        keeping.documents(PAGES, Page, silent=True),
        keeping.documents(REQUESTS, Request, wake=Request.wake_at, silent=True),
    )
    texts = keeping.documents(TEXTS, KeptText, silent=True)
    payloads = keeping.documents(PAYLOADS, Payload, silent=True)
    notes = keeping.documents(ANCHORS, KeptNote)
    log = Log(books, keeping.outbox, runtime.clock, rules)
    grants = JwtGrants(signer)
    releasing = Releasing(log, texts, payloads, grants, runtime.ids)
    proving = Proving(log, notes, texts, signer, runtime.clock)
    anchor = FolderAnchor(settings.anchor_dir) if settings.anchor_dir else None
    gate = OwnGate(releasing, runtime.authenticator) if runtime.settings.gated else None
    minding = Minding(log, proving, keeping.outbox, anchor, runtime.clock)
    return keeping.service(
        router=routes(releasing, proving, grants.jwks(), runtime, gate),
        tasks=(
            Every(PAUSE, minding.behind, name="folding"),
            Every(PAUSE, minding.timers, full=Minding.PAGE, name="timers"),
            Every(PAUSE, minding.checkpoints, name="checkpoints"),
        ),
        closing=(log.drain,),
    )
