"""Composition root of the archive."""

from services.archive.cases.finding import Finding
from services.archive.cases.keeping import Keeping
from services.archive.cases.reading import Reading
from services.archive.cases.removing import Removing
from services.archive.cases.shelf import LISTED, Shelf
from services.archive.domain.lines import read_line, read_record
from services.archive.domain.segment import RECORDS, Segment
from services.archive.handlers import table
from services.archive.http.routes import routes
from services.archive.service import SERVICE
from services.archive.settings import ArchiveSettings
from shared.runtime.every import Every
from shared.runtime.keeping import Keeping as Store
from shared.runtime.service import Runtime, Service
from shared.runtime.settings import read
from shared.store.documents import CollectionSpec, Index

SEGMENTS = CollectionSpec("segments", (Index(LISTED, ("last",)),))
RECORD_SEGMENTS = CollectionSpec("record_segments", (Index(LISTED, ("last",)),))
PREFETCH = 16
"""Pages in hand: each may have half a mebibyte."""
TIDY_PAUSE = 1.0


def compose(runtime: Runtime) -> Service:
    """The service with everything it needs. Raises WrongSettings."""
    settings = read(ArchiveSettings)
    store = Store(runtime, SERVICE.name)
    events = store.documents(SEGMENTS, Segment, wake=lambda segment: segment.wake_at, silent=True)
    records = store.documents(RECORD_SEGMENTS, Segment, wake=lambda segment: segment.wake_at, silent=True)
    root = settings.folder(runtime.settings.milesaga_home)

    def shelf(keep: str) -> Shelf:
        of_records = keep == RECORDS
        return Shelf(
            keep=keep,
            root=root,
            segments=records if of_records else events,
            read=read_record if of_records else read_line,
            limits=settings.limits,
            ids=runtime.ids,
            clock=runtime.clock,
        )

    keeping = Keeping(root, shelf)
    reading = Reading(root, keeping.folders, events, read_line, runtime.clock)
    of_records = Reading(root, keeping.records_folder, records, read_record, runtime.clock)
    removing = Removing(root, (events, records), runtime.clock)
    return store.service(
        table=table(keeping),
        router=routes(Finding(reading, of_records, events), runtime.authenticator),
        tasks=(
            Every(TIDY_PAUSE, keeping.tidy, name="segments"),
            Every(TIDY_PAUSE, removing.once, name="removing"),
        ),
        closing=(keeping.close,),
        prefetch=PREFETCH,
    )
