"""A log that many purchases write keeps what may still be asked for, and every fence."""

from shared.contracts.payment import CardAuthorized
from shared.store.sqlite import SqliteStore
from shared.worker.compaction import compacted, keep_all
from shared.worker.work import StepLog, Work
from tests.kit.bus import Recorder
from tests.kit.clock import HandClock
from tests.unit.worker.desk import DO, Desk, Provider


def a_work(*slots: str, fenced: bool = False) -> Work:
    work = Work(id="w-1")
    for number, slot in enumerate(slots, start=1):
        work = work.with_log(slot, StepLog(attempt=number, calls=1, fenced_through=number if fenced else 0))
    return work


def test_the_latest_stay_whole_and_older_ones_without_a_fence_go() -> None:
    assert list(compacted(a_work("a", "b", "c", "d"), whole=2).steps) == ["c", "d"]


def test_of_older_ones_the_fences_stay_and_nothing_else() -> None:
    work = compacted(a_work("a", "b", "c", fenced=True), whole=1)
    assert work.steps["a"] == StepLog(attempt=1, fenced_through=1)
    assert work.steps["c"] == StepLog(attempt=3, calls=1, fenced_through=3)


def test_what_is_kept_stays_whole_however_old() -> None:
    assert list(compacted(a_work("a", "b", "c"), whole=1, kept=lambda slot: slot == "a").steps) == ["a", "c"]


def test_a_log_that_is_written_again_is_the_latest() -> None:
    work = a_work("a", "b", "c").with_log("a", StepLog(attempt=4))
    assert list(compacted(work, whole=2).steps) == ["c", "a"]


def test_a_short_log_stays_the_very_same() -> None:
    work = a_work("a", "b")
    assert compacted(work, whole=2) is work
    assert keep_all(Work(id="before"), work) is work


async def test_a_participant_stores_what_is_kept(
    held_store: SqliteStore, clock: HandClock, provider: Provider, bus: Recorder
) -> None:
    desk = Desk(held_store, clock, provider, bus, keep=lambda _, after: compacted(after, whole=1))
    await desk.do()
    await desk.undo()
    stored = await desk.stored()
    assert list(stored.steps) == [DO, f"{DO}:undo"]
    assert stored.log(DO).answer is None, "of the step only its fence is left"
    assert stored.log(DO).fenced_through == 1
    await desk.undo()
    assert len([answer for answer in bus.answers() if isinstance(answer, CardAuthorized)]) == 1
    assert len(bus.answers()) == 3, "the undo is answered again as it was"
