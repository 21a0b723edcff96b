"""Composition root of the archive."""

import asyncio
from collections.abc import Sequence

from services.archive.adapters.hub_http import HubOverHttp
from services.archive.cases.backtesting import BACKTESTS, Backtesting
from services.archive.cases.balancing import Balancing
from services.archive.cases.courtesy import Courtesy
from services.archive.cases.feeding import Feeding
from services.archive.cases.finding import Finding
from services.archive.cases.keeping import Keeping
from services.archive.cases.reading import Reading
from services.archive.cases.removing import Removing
from services.archive.cases.replaying import REPLAYS, Replaying
from services.archive.cases.running import Runner
from services.archive.cases.sending import Sender
from services.archive.cases.shelf import LISTED, NAMED, Shelf
from services.archive.cases.threads import Threads
from services.archive.cases.turns import TURNS, TakingTurns, Turns
from services.archive.cases.verifying import Verifying
from services.archive.domain.backtest import Backtest
from services.archive.domain.lines import read_line, read_record
from services.archive.domain.replay import Replay
from services.archive.domain.segment import RECORDS, Segment
from services.archive.handlers import table
from services.archive.http.routes import routes
from services.archive.service import SERVICE
from services.archive.settings import ArchiveSettings
from shared.runtime.every import Every
from shared.runtime.keeping import Keeping as Store
from shared.runtime.providers import neighbor
from shared.runtime.service import Runtime, Service
from shared.runtime.settings import read
from shared.segments.places import Place
from shared.store.documents import CollectionSpec, Index
from shared.telemetry import catalogue
from shared.telemetry.figures import Figure
from shared.telemetry.figures import Reading as Told

SEGMENTS = CollectionSpec("segments", (Index(LISTED, ("last",)), Index(NAMED, ("keep",))))
RECORD_SEGMENTS = CollectionSpec("record_segments", (Index(LISTED, ("last",)),))
PREFETCH = 16
"""Pages in hand: each may have half a mebibyte."""
TIDY_PAUSE = 1.0
REPLAY_PAUSE = 0.25


def compose(runtime: Runtime) -> Service:
    """The service with everything it needs. Raises WrongSettings."""
    settings = read(ArchiveSettings)
    store = Store(runtime, SERVICE.name)
    events = store.documents(SEGMENTS, Segment, wake=lambda segment: segment.wake_at, silent=True)
    records = store.documents(RECORD_SEGMENTS, Segment, wake=lambda segment: segment.wake_at, silent=True)
    of_all = runtime.settings
    root = settings.opened(of_all.milesaga_home, runtime.ids.new, of_all.https_ca_file)

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

    keeping = Keeping(root, shelf, runtime.clock)
    courtesy = Courtesy(keeping.since_page)
    threads = Threads(courtesy)
    reading = Reading(root, keeping.classes_of_events, events, read_line, threads, runtime.clock)
    of_records = Reading(root, lambda: [RECORDS], records, read_record, threads, runtime.clock)
    removing = Removing(root, (events, records), runtime.clock)
    hub = HubOverHttp(neighbor(runtime, "hub", settings.hub_timeout_seconds))
    replays = store.documents(REPLAYS, Replay, wake=lambda replay: replay.wake_at)
    replaying = Replaying(replays, hub, store.outbox, runtime.clock)
    turns = TakingTurns(store.documents(TURNS, Turns, silent=True), replays, runtime.clock)
    sender = Sender(
        replaying=replaying,
        reading=reading,
        publisher=runtime.publisher,
        queues=runtime.queues,
        clock=runtime.clock,
        holder=runtime.ids.new(),
        courtesy=courtesy,
    )
    runner = Runner(sender, turns)
    backtests = store.documents(BACKTESTS, Backtest, wake=lambda backtest: backtest.wake_at, silent=True)
    backtesting = Backtesting(backtests, reading, hub, runtime.clock)
    feeding = Feeding(root, keeping.classes, reading, events, hub, runtime.draining, runtime.clock)
    finding = Finding(reading, of_records, events)
    balancing = Balancing(reading, of_records, events, runtime.clock)
    verifying = Verifying((reading, of_records), (events, records), threads, runtime.clock)
    return store.service(
        table=table(keeping),
        router=routes(
            finding, balancing, verifying, replaying, backtesting, feeding, runtime.ids, runtime.authenticator
        ),
        tasks=(
            Every(TIDY_PAUSE, keeping.tidy, name="segments"),
            Every(TIDY_PAUSE, removing.once, name="removing"),
            Every(REPLAY_PAUSE, runner.once, name="replays"),
            Every(REPLAY_PAUSE, backtesting.once, name="backtests"),
        ),
        figures=(_figures(root, keeping, sender),),
        closing=(runner.jobs.stop, backtesting.jobs.stop, keeping.close, threads.close),
        prefetch=PREFETCH,
    )


def _figures(root: Place, keeping: Keeping, sender: Sender) -> Figure:
    """The lag, the bytes, and the copies of replays. Nothing is read but sizes of files."""

    async def read() -> Sequence[Told]:
        return (
            Told(catalogue.ARCHIVE_LAG, (), keeping.lag.seconds),
            Told(catalogue.ARCHIVE_BYTES, (), await asyncio.to_thread(root.size)),
            Told(catalogue.REPLAY_COPIES, (), sender.copies),
        )

    return read
