"""Composition root of the archive."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass

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
from services.archive.ports import Hub
from services.archive.service import SERVICE
from services.archive.settings import ArchiveSettings
from shared.runtime.every import Every
from shared.runtime.keeping import Keeping as Store
from shared.runtime.providers import neighbor
from shared.runtime.service import Runtime, Service
from shared.runtime.settings import read
from shared.segments.appending import Limits
from shared.segments.contents import ReadLine
from shared.segments.places import Place
from shared.segments.unclosed import Unclosed
from shared.store.documents import CollectionSpec, Index
from shared.store.repository import Repository
from shared.telemetry import catalogue
from shared.telemetry.figures import Figure
from shared.telemetry.figures import Reading as Told

SEGMENTS = CollectionSpec("segments", (Index(LISTED, ("last",)), Index(NAMED, ("keep",))))
RECORD_SEGMENTS = CollectionSpec("record_segments", (Index(LISTED, ("last",)), Index(NAMED, ("keep",))))
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
    root = settings.opened(runtime.settings.milesaga_home, runtime.ids.new, runtime.settings.https_ca_file)
    kept = _Kept(events, read_line, Unclosed(read_line)), _Kept(records, read_record, Unclosed(read_record))
    keeping = Keeping(root, _shelves(runtime, settings.limits, root, *kept), runtime.clock)
    removing = Removing(root, (events, records), runtime.clock)
    courtesy = Courtesy(keeping.since_page)
    threads = Threads(courtesy)
    of_events, of_records = (
        Reading(root, classes, each.segments, each.read, threads, runtime.clock, each.open_ones)
        for classes, each in zip((keeping.classes_of_events, lambda: [RECORDS]), kept, strict=True)
    )
    hub = HubOverHttp(neighbor(runtime, "hub", settings.hub_timeout_seconds))
    runner = _runner(runtime, store, of_events, hub, courtesy)
    backtests = store.documents(BACKTESTS, Backtest, wake=lambda backtest: backtest.wake_at, silent=True)
    backtesting = Backtesting(backtests, of_events, hub, runtime.clock, holder=runtime.ids.new())
    return store.service(
        table=table(keeping),
        router=routes(
            Finding(of_events, of_records, events),
            Balancing(of_events, of_records, events, runtime.clock),
            Verifying((of_events, of_records), (events, records), threads, runtime.clock),
            runner.sender.replaying,
            backtesting,
            Feeding(root, keeping.classes, of_events, events, hub, runtime.draining, runtime.clock),
            runtime.ids,
            runtime.authenticator,
        ),
        tasks=(
            Every(TIDY_PAUSE, keeping.tidy, name="segments"),
            Every(TIDY_PAUSE, removing.once, name="removing"),
            Every(REPLAY_PAUSE, runner.once, name="replays"),
            Every(REPLAY_PAUSE, backtesting.once, name="backtests"),
        ),
        figures=(_figures(root, keeping, runner.sender),),
        closing=(runner.jobs.stop, backtesting.jobs.stop, keeping.close, threads.close),
        prefetch=PREFETCH,
    )


@dataclass(frozen=True)
class _Kept:
    """Events, or what is on record of them; `open_ones` is what is known of segments that are written."""

    segments: Repository[Segment]
    read: ReadLine
    open_ones: Unclosed


def _shelves(runtime: Runtime, limits: Limits, root: Place, events: _Kept, records: _Kept) -> Callable[[str], Shelf]:
    """One for each class of keeping, and that of records."""

    def shelf(keep: str) -> Shelf:
        kept = records if keep == RECORDS else events
        return Shelf(
            keep=keep,
            root=root,
            segments=kept.segments,
            read=kept.read,
            limits=limits,
            ids=runtime.ids,
            clock=runtime.clock,
            readers=kept.open_ones,
        )

    return shelf


def _runner(runtime: Runtime, store: Store, reading: Reading, hub: Hub, courtesy: Courtesy) -> Runner:
    """What carries out replays, of this process."""
    replays = store.documents(REPLAYS, Replay, wake=lambda replay: replay.wake_at)
    sender = Sender(
        replaying=Replaying(replays, hub, store.outbox, runtime.clock),
        reading=reading,
        publisher=runtime.publisher,
        queues=runtime.queues,
        clock=runtime.clock,
        holder=runtime.ids.new(),
        courtesy=courtesy,
    )
    return Runner(sender, TakingTurns(store.documents(TURNS, Turns, silent=True), replays, runtime.clock))


def _figures(root: Place, keeping: Keeping, sender: Sender) -> Figure:
    """The lag, the bytes, and the copies of replays. Nothing is read but sizes of files."""

    async def read() -> Sequence[Told]:
        return (
            Told(catalogue.ARCHIVE_LAG, (), keeping.lag.seconds),
            Told(catalogue.ARCHIVE_BYTES, (), await asyncio.to_thread(root.size)),
            Told(catalogue.REPLAY_COPIES, (), sender.copies),
        )

    return read
