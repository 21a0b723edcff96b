"""The protocol of pages on a document store: rows in one collection, pages in another."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final, Literal, assert_never

from shared.accepting.protocol import Watch, settle
from shared.accepting.steps import (
    Answer,
    Close,
    Found,
    Holds,
    Insert,
    Key,
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
from shared.kernel.clock import Clock, running_seconds
from shared.store.documents import Collection, CollectionSpec, Conflict, Document

LONGEST_LIFE: Final = timedelta(days=30)
"""Of a key."""
OUTLIVES: Final = timedelta(days=1)
"""By so much a page outlives the rows that lead to it, whatever the clocks of those who delete them."""

Messages = Callable[[str, Holds], Sequence[OutboxMessage]]
"""What goes out with a page of that id that holds these."""


def rows_spec(name: str) -> CollectionSpec:
    """Of the rows: the engine forgets them."""
    return CollectionSpec(name, expiring=True)


def pages_spec(name: str) -> CollectionSpec:
    """Of the pages: they are to be swept, because what they say may not be sent yet."""
    return CollectionSpec(name)


class Books:
    """Carries out the protocol's steps. `settle` may be called by any number of processes at once.

    The outbox must watch the pages.
    """

    def __init__(self, rows: Collection, pages: Collection, outbox: Outbox, clock: Clock) -> None:
        self._rows = rows
        self._pages = pages
        self._outbox = outbox
        self._clock = clock
        self._watch = Watch(clock.now, running_seconds)

    async def settle(self, page: str, units: Sequence[Unit], messages: Messages) -> Mapping[Unit, Outcome]:
        """What became of each unit; its page is saved then, and its messages are on their way.

        Raises `Unavailable`: nobody knows what became of them.
        """
        lives = [thing.life for unit in units for thing in unit.things]
        if max(lives) > LONGEST_LIFE:
            raise ValueError(f"a key is known for {LONGEST_LIFE} at most")
        settling = settle(page, units, self._watch)
        answer: Answer | None = None
        while True:
            try:
                step = settling.send(answer)
            except StopIteration as end:
                outcomes: Mapping[Unit, Outcome] = end.value
                return outcomes
            answer = await self._do(step, max(lives), messages)

    async def _do(self, step: Step, life: timedelta, messages: Messages) -> Answer:
        match step:
            case Insert(rows):
                return frozenset(await self._rows.insert_many([_row_document(row) for row in rows]))
            case ReadRows(keys):
                return {found.id: _found(found) for found in await self._rows.get_many(keys)}
            case ReadPages(pages):
                return await self._read(pages)
            case Close(pages):
                await self._pages.insert_many([self._page(page, (), LONGEST_LIFE) for page in pages])
                return await self._read(pages)
            case Take(rows):
                return frozenset([found.row.key for found in rows if await self._taken(found)])
            case Save(page, holds):
                return await self._save(page, holds, life, messages)
            case _:
                assert_never(step)

    async def _read(self, pages: Sequence[str]) -> Mapping[str, Holds]:
        return {found.id: tuple(found.body["holds"]) for found in await self._pages.get_many(pages)}

    async def _taken(self, found: Found) -> bool:
        try:
            await self._rows.save(_row_document(found.row, found.version))
        except Conflict:
            return False
        return True

    async def _save(self, page: str, holds: Holds, life: timedelta, messages: Messages) -> Holds:
        entries = messages(page, holds) if holds else ()
        try:
            await self._pages.save(self._page(page, holds, life), entries)
        except Conflict:
            return (await self._read((page,))).get(page, ())
        self._outbox.send_soon(self._pages, page, entries)
        return holds

    def _page(self, page: str, holds: Holds, life: timedelta) -> Document:
        now = self._clock.now()
        return Document(page, {"at": now.isoformat(), "holds": list(holds)}, wake_at=now + life + OUTLIVES)


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
