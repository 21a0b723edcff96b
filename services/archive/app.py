"""Composition root of the archive."""

from services.archive.cases.finding import Finding
from services.archive.cases.keeping import LISTED, Keeping
from services.archive.domain import Segment, read_line
from services.archive.handlers import table
from services.archive.http.routes import routes
from services.archive.service import SERVICE
from services.archive.settings import ArchiveSettings
from shared.runtime.every import Every
from shared.runtime.keeping import Keeping as Store
from shared.runtime.service import Runtime, Service
from shared.runtime.settings import read
from shared.segments.appending import Appender
from shared.segments.lines import Summary
from shared.store.documents import CollectionSpec, Index

SEGMENTS = CollectionSpec("segments", (Index(LISTED, ("last",)),))
PREFETCH = 16
"""Pages in hand: each may have half a mebibyte."""
TIDY_PAUSE = 1.0


def compose(runtime: Runtime) -> Service:
    """The service with everything it needs. Raises WrongSettings."""
    settings = read(ArchiveSettings)
    store = Store(runtime, SERVICE.name)
    segments = store.documents(SEGMENTS, Segment, silent=True)
    folder = settings.folder(runtime.settings.milesaga_home)

    async def listed(closed: Summary) -> None:
        await keeping.listed(closed)

    appender = Appender(folder, runtime.ids, read_line, listed, limits=settings.limits)
    keeping = Keeping(appender, segments)
    return store.service(
        table=table(keeping),
        router=routes(Finding(folder, segments), runtime.authenticator),
        tasks=(Every(TIDY_PAUSE, keeping.tidy, name="segments"),),
        closing=(keeping.close,),
        prefetch=PREFETCH,
    )
