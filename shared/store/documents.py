"""The document store's port: what services may ask of whatever keeps their state.

A service keeps whole documents. A document and the messages its change causes are saved in one write, so there is
nothing to keep consistent afterwards: either the state is stored and its messages wait in the outbox, or neither is.
Writes are compare-and-set on `version`; no transaction spans documents, which is what lets one port stand on SQLite,
on one MongoDB, and on a sharded one.

Every method that speaks to the engine raises `Unavailable` when it cannot be reached in time; the engines' own
exceptions never leave them. A document that not every engine could store (no JSON object, an integer beyond 64 bits,
a time without zone, NUL in its id or in an indexed text) is the caller's mistake: `ValueError`.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar, Protocol

from shared.contracts.messages import OutboxMessage

Scalar = str | int | None
After = tuple[Scalar, ...] | None
"""The key that a page of a list follows; None for the first page."""
"""What an index orders. None comes first, then numbers, then text by its UTF-8 bytes, in every engine."""


@dataclass(frozen=True, slots=True)
class Index:
    """An order in which a collection can be walked.

    `fields` are dotted paths in the body, each leading to a scalar; null counts as absent. A document without the first
    field is not in the index. A unique index refuses a second document with equal values in *all* fields, where absent
    equals absent. A declared index is built at `Store.open`; one no longer declared stays, because an older release may
    still run beside this one. For the same reason an index of this name that is defined otherwise stays, with what it
    refuses where it is unique, and this one is built beside it: an operator drops it when its release has gone.
    `cure` tells an operator what to do where stored documents break a unique one.
    """

    name: str
    fields: tuple[str, ...]
    unique: bool = False
    cure: str = ""


@dataclass(frozen=True, slots=True)
class Lookup:
    """Texts of which a document has any number, and each of which finds it.

    `list` is the dotted path of a list in the body. Its members are the texts, or objects that have them under
    `member`. What is no text counts as absent. Built at `Store.open` over what is stored already, as an index is. A
    unique one refuses a document with a text that another document has; its lists hold texts alone. `cure` is as an
    index has it.
    """

    name: str
    list: str
    member: str = ""
    unique: bool = False
    cure: str = ""


@dataclass(frozen=True, slots=True)
class CollectionSpec:
    """A kind of document and the ways to find it. Names are lower case: `[a-z][a-z0-9_]*`.

    The engine forgets `expiring` documents by itself, within minutes after their `wake_at`, by its own clock, and asks
    nobody: what must not be lost is no such document. They cause no messages.
    """

    name: str
    indexes: tuple[Index, ...] = ()
    lookups: tuple[Lookup, ...] = ()
    expiring: bool = False


@dataclass(frozen=True, slots=True)
class Document:
    """One document. `save` expects the stored version to be `version` (0: not stored yet) and stores `version + 1`.

    `body` is a JSON object, `schema` the version of its shape. `wake_at` is when it wants to be looked at, aware, kept
    to the millisecond and rounded *up*, so that nothing is ever due before its time.
    """

    id: str
    body: dict[str, Any]
    version: int = 0
    schema: int = 1
    wake_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Unsent:
    """A message still in its document's outbox."""

    document_id: str
    message: OutboxMessage


@dataclass(frozen=True, slots=True)
class Standing:
    """How a collection stands. `unsent` counts messages or, where an engine keeps them so, documents that have some."""

    unsent: int
    oldest_unsent: datetime | None
    due: int
    next_wake: datetime | None


class Conflict(Exception):
    """Somebody else saved this document first, or deleted it, or it exists already. Nothing was written: reload.

    It may also be the echo of one's own write, when a driver repeated a request whose acknowledgement was lost. The
    cure is the same: whoever reloads finds its own change already made.
    """

    def __init__(self, id: str) -> None:  # noqa: A002 - the port's word
        super().__init__(f"{id} was saved by somebody else")
        self.id = id


class Duplicate(Exception):
    """A unique index, or a unique lookup, refuses the document. Nothing was written.

    Not a `Conflict`, on purpose: reloading and trying again would be refused again. The caller looks up who has the
    value, or answers that it is taken.
    """

    def __init__(self, index: str) -> None:
        super().__init__(f"another document has the same values in {index}")
        self.index = index


class StoredTwice(Duplicate):
    """Documents that are stored break a unique index or lookup: who declared it first is a later release than who saved
    them. `found` are the values, each with the ids of the documents that have it; so many at most."""

    MOST: ClassVar[int] = 1_000
    SHOWN: ClassVar[int] = 10

    def __init__(self, collection: str, unique: Index | Lookup, found: Mapping[str, Sequence[str]]) -> None:
        super().__init__(unique.name)
        self.found = found
        told = [f"{value!r} stands in {', '.join(ids)}" for value, ids in list(found.items())[: self.SHOWN]]
        more = f", and {len(found) - self.SHOWN} more" if len(found) > self.SHOWN else ""
        cure = unique.cure or "take it from all others"
        self.args = (f"what one of the {collection} may have, several have: {'; '.join(told)}{more}: {cure}",)

    def __str__(self) -> str:
        return str(self.args[0])


class Unavailable(Exception):
    """The store cannot be reached now. Whether the last write took place is unknown: reload before going on."""


class Collection(Protocol):
    """The documents of one kind."""

    async def get(self, id: str) -> Document | None:  # noqa: A002
        """The document as last saved: an acknowledged save is always seen."""
        ...

    async def get_many(self, ids: Iterable[str]) -> list[Document]:
        """Those of `ids` that exist, each once, in any order, by one query."""
        ...

    async def versions(self, ids: Iterable[str]) -> dict[str, int]:
        """The versions of those of `ids` that exist, by one query that reads no body."""
        ...

    async def count(self) -> int:
        """About how many documents there are: cheap, and right enough to tell a few of them from most."""
        ...

    async def save(self, document: Document, messages: Sequence[OutboxMessage] = ()) -> Document:
        """Store the state and its messages in one durable write; return the document with its new version.

        Raises `Conflict` unless the stored version is `document.version`, `Duplicate` when a unique index or lookup
        refuses.
        """
        ...

    async def insert_many(self, documents: Sequence[Document]) -> set[str]:
        """Store new documents, each for itself, in one durable write; return the ids of those that exist already.

        `ValueError`, and nothing is stored, where an id stands twice among them, one is not new (version 0), or the
        collection has a unique index or lookup, whose refusal this could not tell. Where the store is `Unavailable`,
        some may be stored.
        """
        ...

    async def delete(self, document: Document) -> None:
        """Remove the document, unless its version is another (`Conflict`).

        Messages in its outbox survive it: `unsent` lists them until they are sent. The id may be used again, and then
        starts at version 1, so whoever still holds the old version 1 could overwrite the new document: use ids again
        only where that is the same thing.
        """
        ...

    async def find(
        self,
        index: str,
        prefix: tuple[Scalar, ...],
        *,
        limit: int,
        after: After = None,
        descending: bool = False,
    ) -> list[Document]:
        """Documents whose leading index fields equal `prefix`, ordered by the remaining fields, then by id.

        `after` is (remaining fields..., id) of the last document of the page before. `descending` turns the whole
        order round. An empty prefix walks the index from its beginning.
        """
        ...

    async def having(self, lookup: str, text: str, *, limit: int) -> list[Document]:
        """Documents that have the text among those of the lookup, each once, in the order of their ids."""
        ...

    async def due(self, now: datetime, limit: int) -> list[Document]:
        """Documents with `wake_at` <= now: a random choice among the longest due, so that replicas differ."""
        ...

    async def next_wake(self) -> datetime | None:
        """The earliest `wake_at`, past or future."""
        ...

    async def keys(self, index: str, prefix: tuple[Scalar, ...], *, limit: int) -> list[Scalar]:
        """What the documents that `find` would give have in the field after the prefix, without reading them."""
        ...

    async def standing(self, due: datetime, most: int) -> Standing:
        """What is unsent, and what has wanted to be looked at since `due` or longer. Counts end at `most`; nothing is
        written, and no body read."""
        ...

    async def unsent(self, older_than: datetime, limit: int) -> list[Unsent]:
        """Messages saved before `older_than` and not yet cleared, oldest first; one document's keep their order."""
        ...

    async def unsent_of(self, ids: Iterable[str]) -> set[str]:
        """Those of `ids` of which a message is not yet cleared, by one query that reads none."""
        ...

    async def sent(self, ids: Mapping[str, Sequence[str]]) -> None:
        """Clear messages (document id -> message ids); the version is neither checked nor raised.

        Ids that are not there are passed over. Durability is not waited for: a clearing lost in a crash costs a
        duplicate message, no more.
        """
        ...


class Store(Protocol):
    """One service's documents. Used from the event loop that opened it."""

    def collection(self, spec: CollectionSpec) -> Collection:
        """Declare a collection; before `open`."""
        ...

    async def open(self) -> None:
        """Connect, and build what declared indexes are missing. Raises `StoredTwice` where stored documents break
        one."""
        ...

    async def ping(self) -> None:
        """Return when the engine has taken a write that changes no document, else raise `Unavailable`."""
        ...

    async def now(self) -> datetime:
        """The engine's clock, to the millisecond. An embedded engine has none but this machine's."""
        ...

    async def close(self) -> None:
        """Finish the writes in hand and let go. What is asked afterwards is `Unavailable`."""
        ...
