"""What became of an event is told for as long as somebody knows it."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from services.hub.cases.tracing import Tracing
from services.hub.domain.bus import KeptBus
from shared.accepting.books import pages_spec, rows_spec
from shared.contracts.archive import Attempt, Contents, Records, RoutedCopy
from shared.contracts.hubids import moment_of
from shared.kernel.ids import Uuid7Ids
from shared.store import open_store
from shared.store.documents import CollectionSpec
from shared.store.repository import Repository
from tests.kit.clock import HandClock

MINE, OTHERS = "fuel", "air"


class ArchiveInMind:
    """The port, of one archived event."""

    def __init__(self, hubid: str) -> None:
        self.hubid = hubid
        self.known: Records = Records(hubid=hubid)

    async def has(self, hubid: str) -> bool:
        return hubid == self.hubid

    async def contents(self, hubid: str) -> Contents | None:
        raise NotImplementedError(hubid)

    async def named(self, partner: str, event_id: str) -> str | None:
        return self.hubid if (partner, event_id) == ("coles", "4711") else None

    async def records(self, hubid: str) -> Records:
        return self.known if hubid == self.hubid else Records(hubid=hubid)


@pytest.fixture
def archive(clock: HandClock) -> ArchiveInMind:
    return ArchiveInMind(Uuid7Ids(clock).new())


@pytest.fixture
async def tracing(tmp_path: Path, archive: ArchiveInMind, clock: HandClock) -> AsyncIterator[Tracing]:
    """Over books of acceptance that have forgotten the event."""
    store = open_store("hub", tmp_path)
    rows, pages = store.collection(rows_spec("inbox")), store.collection(pages_spec("pages"))
    buses = Repository(store.collection(CollectionSpec("buses")), KeptBus, key=lambda each: each.id)
    await store.open()
    for bus, owner in ((MINE, "coles"), (OTHERS, "qf")):
        kept = KeptBus(id=bus, owner=owner, revision=1, terms=None, by="ops", at=clock.now())
        await buses.save(kept, version=0)
    yield Tracing(rows, pages, buses, archive)
    await store.close()


async def test_an_event_of_long_ago_is_told_of_by_the_archive(tracing: Tracing, archive: ArchiveInMind) -> None:
    copies = [
        RoutedCopy(hubid=archive.hubid, bus=bus, revision=1, rules=("all",), target="bi") for bus in (MINE, OTHERS)
    ]
    delivered = Attempt.model_validate(
        {
            "deliveryid": "msg_1",
            "hubid": archive.hubid,
            "bus": MINE,
            "target": "bi",
            "at": "2027-01-20T10:00:00Z",
            "ms": 5,
            "attempt": 1,
            "outcome": "delivered",
        }
    )
    archive.known = Records(hubid=archive.hubid, routed=tuple(copies), attempts=(delivered,))
    found = await tracing.trace("coles", "4711", "coles")
    assert found is not None
    assert (found.id, found.page, found.state, found.archived) == (archive.hubid, "", "accepted", True)
    assert found.accepted_at == moment_of(archive.hubid)
    assert [(each.bus, each.state) for each in found.targets] == [(MINE, "delivered")], "others' buses are others'"


async def test_when_its_records_are_gone_it_is_there_all_the_same(tracing: Tracing, archive: ArchiveInMind) -> None:
    found = await tracing.trace("coles", "4711", None)
    assert found is not None
    assert (found.id, found.targets) == (archive.hubid, ())


@pytest.mark.parametrize(("partner", "event_id"), [("coles", "4712"), ("qf", "4711"), ("coles", "47\0")])
async def test_there_is_no_other(tracing: Tracing, partner: str, event_id: str) -> None:
    assert await tracing.trace(partner, event_id, None) is None
