"""The protocol of pages on a document store: rows in one collection, pages in another."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final, Literal, Protocol, assert_never

from shared.accepting.counting import BY_TIME, runs
from shared.accepting.protocol import Watch, settle
from shared.accepting.steps import (
    Answer,
    Close,
    Found,
    Holds,
    Insert,
    Key,
    Order,
    Outcome,
    ReadPages,
    ReadRows,
    Row,
    Save,
    Step,
    Take,
    Unit,
)
from shared.bus.outbox import Outbox
from shared.contracts.messages import OutboxMessage
from shared.contracts.positions import Position
from shared.kernel.clock import Clock, running_seconds
from shared.store.documents import Collection, CollectionSpec, Conflict, Document, Index

LONGEST_LIFE: Final = timedelta(days=30)
"""Of a key."""
OUTLIVES: Final = timedelta(days=1)
"""By so much a page outlives the rows that lead to it, whatever the clocks of those who delete them."""

Messages = Callable[[str, Holds, Mapping[str, Position]], Sequence[OutboxMessage]]
"""What goes out with a page of that id that holds these; those that are part of an order have positions."""


class Lanes(Protocol):
    """Who numbers what is part of an order."""

    async def positions(self, page: str, things: Sequence[tuple[str, str]]) -> Mapping[str, Position] | None:
        """The positions of things, which are ids and lanes in their order, for a page that is about to be saved; None
        where not all can be had. Raises nothing."""
        ...


class NoLanes:
    """Nothing has an order."""

    async def positions(self, page: str, things: Sequence[tuple[str, str]]) -> Mapping[str, Position] | None:
        raise NotImplementedError(f"{page} orders {len(things)} things, and nobody numbers them")


def rows_spec(name: str) -> CollectionSpec:
    """Of the rows: the engine forgets them."""
    return CollectionSpec(name, expiring=True)


def pages_spec(name: str) -> CollectionSpec:
    """Of the pages: they are to be swept, because what they say may not be sent yet."""
    return CollectionSpec(name, indexes=(Index(BY_TIME, ("at",)),))


class Pages:
    """What pages hold, as they are stored."""

    def __init__(self, pages: Collection, clock: Clock) -> None:
        self.collection = pages
        self._clock = clock

    async def holds(self, pages: Sequence[str]) -> Mapping[str, Holds]:
        """Of those that are there. Raises Unavailable."""
        return {found.id: tuple(found.body["holds"]) for found in await self.collection.get_many(pages)}

    async def close(self, pages: Sequence[str]) -> Mapping[str, Holds]:
        """Have each there, as one that holds nothing unless it is there already; what each holds now. Raises
        Unavailable."""
        await self.collection.insert_many([self.document(page, (), LONGEST_LIFE, ()) for page in pages])
        return await self.holds(pages)

    def document(self, page: str, holds: Holds, life: timedelta, marks: Sequence[str]) -> Document:
        """A page whose keys are known for so long, with what each thing is counted as."""
        now = self._clock.now()
        body: dict[str, Any] = {"at": now.isoformat(), "holds": list(holds), "marks": runs(marks)}
        return Document(page, body, wake_at=now + life + OUTLIVES)


class Books:
    """Carries out the protocol's steps. `settle` may be called by any number of processes at once.

    The outbox must watch the pages.
    """

    def __init__(
        self, rows: Collection, pages: Collection, outbox: Outbox, clock: Clock, lanes: Lanes | None = None
    ) -> None:
        self._lanes = lanes or NoLanes()
        self._rows = rows
        self._pages = Pages(pages, clock)
        self._outbox = outbox
        self._watch = Watch(clock.now, running_seconds)

    async def settle(self, page: str, units: Sequence[Unit], messages: Messages) -> Mapping[Unit, Outcome]:
        """What became of each unit; its page is saved then, and its messages are on their way.

        Raises `Unavailable`: nobody knows what became of them.
        """
        lives = [thing.life for unit in units for thing in unit.things]
        if max(lives) > LONGEST_LIFE:
            raise ValueError(f"a key is known for {LONGEST_LIFE} at most")
        settling = settle(page, units, self._watch)
        marks = {thing.id: thing.mark for unit in units for thing in unit.things}
        answer: Answer | None = None
        while True:
            try:
                step = settling.send(answer)
            except StopIteration as end:
                outcomes: Mapping[Unit, Outcome] = end.value
                return outcomes
            answer = await self._do(step, max(lives), messages, marks)

    async def _do(  # noqa: PLR0911 - one for each step
        self, step: Step, life: timedelta, messages: Messages, marks: Mapping[str, str]
    ) -> Answer:
        match step:
            case Insert(rows):
                return frozenset(await self._rows.insert_many([_row_document(row) for row in rows]))
            case ReadRows(keys):
                return {found.id: _found(found) for found in await self._rows.get_many(keys)}
            case ReadPages(pages):
                return await self._pages.holds(pages)
            case Close(pages):
                return await self._pages.close(pages)
            case Take(rows):
                return frozenset([found.row.key for found in rows if await self._taken(found)])
            case Order(page, things):
                return await self._lanes.positions(page, things)
            case Save(page, holds):
                document = self._pages.document(page, holds, life, [marks[id_] for id_ in holds])
                return await self._save(document, step, messages)
            case _:
                assert_never(step)

    async def _taken(self, found: Found) -> bool:
        try:
            await self._rows.save(_row_document(found.row, found.version))
        except Conflict:
            return False
        return True

    async def _save(self, document: Document, step: Save, messages: Messages) -> Holds:
        page, holds = step.page, step.holds
        entries = messages(page, holds, step.positions) if holds else ()
        try:
            await self._pages.collection.save(document, entries)
        except Conflict:
            return (await self._pages.holds((page,))).get(page, ())
        self._outbox.send_soon(self._pages.collection, page, entries)
        return holds


async def how_it_stands(
    rows: Collection, pages: Collection, key: Key
) -> tuple[str, str, Literal["accepted", "in_flight", "refused"]] | None:
    """What became of a key: the id and the page it was last meant for, and whether that page holds it. None where
    nobody has asked for it, or its time is over."""
    stored = await rows.get(key)
    if stored is None:
        return None
    row = _found(stored).row
    page = await pages.get(row.page)
    state: Literal["accepted", "in_flight", "refused"] = "in_flight"
    if page is not None:
        state = "accepted" if row.id in page.body["holds"] else "refused"
    return row.id, row.page, state


def _row_document(row: Row, version: int = 0) -> Document:
    body: dict[str, Any] = {
        "digest": row.digest,
        "id": row.id,
        "page": row.page,
        "at": row.at.isoformat(),
        "until": row.until.isoformat(),
    }
    return Document(row.key, body, version, wake_at=row.until)


def _found(stored: Document) -> Found:
    body = stored.body
    at, until = datetime.fromisoformat(body["at"]), datetime.fromisoformat(body["until"])
    return Found(Row(stored.id, body["digest"], body["id"], body["page"], at, until), stored.version)
