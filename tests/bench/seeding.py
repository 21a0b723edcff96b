"""Stores as they are after many purchases: a few real ones, written again and again under other names.

Every document of the purchases is taken as the services saved it, and saved through the store's port, so that indexes
and lookups grow with it. Ids of purchases, carts and members, locators and ticket numbers differ from copy to copy, the
same way in all stores, so that what belongs together goes on doing so.
"""

import asyncio
import json
import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from shared.store.documents import Collection, CollectionSpec, Document
from shared.store.installation import SPEC as INSTALLATION
from shared.store.sqlite import SqliteStore

OUTBOX: Final = ".outbox"
IN_FLIGHT: Final = 500
"""Saves at once, so that they are committed in groups."""

NAMES: Final = re.compile(
    r"(?P<uuid>[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})"
    r"|(?<=m-)(?P<member>[0-9a-f]{12})"
    r'|(?<=")(?P<locator>[A-Z]{6})(?=")'
    r'|(?<=")(?P<ticket>[0-9]{13})(?=")'
)
SPREAD: Final = 2_654_435_761
"""Knuth's multiplier: consecutive copies lie far from each other, as ids that are hashes do."""
LETTERS: Final = 26


@dataclass(frozen=True)
class Template:
    """A stored document, cut at its names: every second piece is one."""

    pieces: tuple[tuple[str, str], ...]
    """Kinds of names, "" for other text, and the texts."""
    schema: int
    wake_at: datetime | None

    def copy(self, number: int) -> Document:
        text = "".join(NEW_NAMES[kind](piece, number) if kind else piece for kind, piece in self.pieces)
        id_, _, body = text.partition("\n")
        return Document(id_, json.loads(body), schema=self.schema, wake_at=self.wake_at)


async def fill(store: Path, copies: int) -> int:
    """Save so many copies of all that is stored in the file; how many documents that were."""
    templates = {name: list(_templates(store, name)) for name in _collections(store)}
    opened = SqliteStore(store)
    collections = {name: opened.collection(CollectionSpec(name)) for name in templates}
    await opened.open()
    try:
        todo = (
            (collections[name], template.copy(number))
            for number in range(1, copies + 1)
            for name, some in templates.items()
            for template in some
        )
        await asyncio.gather(*(_save(todo) for _ in range(IN_FLIGHT)))
    finally:
        await opened.close()
    return copies * sum(map(len, templates.values()))


async def _save(todo: Iterator[tuple[Collection, Document]]) -> None:
    for collection, document in todo:
        await collection.save(document)


def _collections(store: Path) -> list[str]:
    """Those of services' documents, by their outboxes."""
    with closing(sqlite3.connect(store)) as connection:
        rows = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
    names = [name.removesuffix(OUTBOX) for (name,) in rows if name.endswith(OUTBOX)]
    return [name for name in names if name != INSTALLATION.name]


def _templates(store: Path, collection: str) -> Iterator[Template]:
    with closing(sqlite3.connect(store)) as connection:
        rows = connection.execute(f'SELECT id, body, schema, wake_at FROM "{collection}"').fetchall()  # noqa: S608
    for id_, body, schema, wake_at in rows:
        wakes = None if wake_at is None else datetime.fromtimestamp(wake_at / 1000, UTC)
        yield Template(tuple(_pieces(f"{id_}\n{body}")), schema, wakes)


def _pieces(text: str) -> Iterator[tuple[str, str]]:
    at = 0
    for found in NAMES.finditer(text):
        yield "", text[at : found.start()]
        yield found.lastgroup or "", found[0]
        at = found.end()
    yield "", text[at:]


def _hexadecimal(name: str, number: int) -> str:
    return f"{(int(name[:8], 16) + number * SPREAD) % 2**32:08x}{name[8:]}"


def _uuid(name: str, number: int) -> str:
    """Version 7 keeps its time, which comes first; others are hashes, whose order means nothing."""
    if name[14] == "7":
        return f"{name[:-12]}{(int(name[-12:], 16) + number * SPREAD) % 2**48:012x}"
    return _hexadecimal(name, number)


def _locator(name: str, number: int) -> str:
    value = sum((ord(letter) - ord("A")) * LETTERS**place for place, letter in enumerate(reversed(name)))
    value = (value + number * SPREAD) % LETTERS ** len(name)
    letters = [chr(ord("A") + value // LETTERS**place % LETTERS) for place in reversed(range(len(name)))]
    return "".join(letters)


def _ticket(name: str, number: int) -> str:
    """The airline's three digits stay."""
    return f"{name[:3]}{(int(name[3:]) + number * SPREAD) % 10**10:010d}"


NEW_NAMES: Final = {"uuid": _uuid, "member": _hexadecimal, "locator": _locator, "ticket": _ticket}
