"""Documents as models: what a service's handlers load, change and save."""

import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Generic, TypeVar

from pydantic import BaseModel, ValidationError

from shared.contracts.messages import OutboxMessage
from shared.kernel.errors import Later
from shared.store.documents import After, Collection, Conflict, Document, Scalar

log = logging.getLogger(__name__)

M = TypeVar("M", bound=BaseModel)

REMEMBERED = 250
"""Models kept beside the body they were saved as, so that what was saved a moment ago need not be read apart again."""
TRIES = 5
"""Others who save first, one after the other, before a change is given up."""
UNREADABLE_PAUSE = timedelta(minutes=10)
"""How far a due document that its model refuses is put off, so that it does not stand before the others."""


class NewerSchema(Later):
    """A newer release wrote this document, and this one must not guess at it: whatever needs it waits."""

    def __init__(self, id: str, found: int, known: int) -> None:  # noqa: A002 - the port's word
        super().__init__(f"{id} has schema {found}, this release knows {known}", timedelta(seconds=30))
        self.id = id
        self.found = found
        self.known = known


@dataclass(frozen=True)
class Stored(Generic[M]):
    """A model and the version under which it is stored: what `save` has to be given back."""

    value: M
    version: int


class Repository(Generic[M]):
    """The models of one kind in a collection.

    A model says by `schema_version: ClassVar[int]` which shape it has. What was stored under a lower one goes
    through its class method `upcast(schema, body) -> body`, where it has one, and is stored in the new shape at
    the next save.
    `key` gives a model's id, `wake` when it wants to be looked at.
    """

    def __init__(
        self,
        collection: Collection,
        model: type[M],
        *,
        key: Callable[[M], str],
        wake: Callable[[M], datetime | None] = lambda _: None,
    ) -> None:
        self.collection = collection
        self.model = model
        self._key = key
        self._wake = wake
        self._schema: int = model.schema_version  # type: ignore[attr-defined]
        self._upcast: Callable[[int, dict[str, Any]], dict[str, Any]] | None = getattr(model, "upcast", None)
        self._remembered: dict[str, tuple[M, dict[str, Any]]] = {}

    async def load(self, id: str) -> Stored[M] | None:  # noqa: A002
        """The model as last saved. Raises `NewerSchema`."""
        document = await self.collection.get(id)
        remembered = self._remembered.pop(id, None)
        if document is None:
            return None
        # Not by the version: a document that was deleted and made again has counted from one again.
        if remembered is None or document.schema != self._schema or remembered[1] != document.body:
            return self._stored(document)
        self._remember(id, *remembered)
        return Stored(remembered[0], document.version)

    async def load_many(self, ids: Iterable[str]) -> list[Stored[M]]:
        """Those that exist and that this release can read, by one query, in any order."""
        return [self._stored(found) for found in await self.collection.get_many(ids) if found.schema <= self._schema]

    async def versions(self, ids: Iterable[str]) -> dict[str, int]:
        """The versions of those that exist, without reading them."""
        return await self.collection.versions(ids)

    async def save(self, value: M, *, version: int, messages: Sequence[OutboxMessage] = ()) -> Stored[M]:
        """Store the model and its messages in one write; `version` is that of `load`, or 0 for a new one.

        Raises `Conflict` and `Duplicate` as the collection does.
        """
        document = self._document(value, version)
        saved = await self.collection.save(document, messages)
        self._remember(document.id, value, document.body)
        return Stored(value, saved.version)

    async def change(self, id: str, edit: Callable[[M | None], M], *, tries: int = TRIES) -> Stored[M]:  # noqa: A002
        """Save what `edit` makes of the model, or of None where there is none; start over where others save first.

        What `edit` gives back as it was is not saved. Raises what `edit` raises, and after `tries` the `Conflict`.
        """
        while True:
            tries -= 1
            stored = await self.load(id)
            after = edit(stored.value if stored else None)
            if stored is not None and after is stored.value:
                return stored
            try:
                return await self.save(after, version=stored.version if stored else 0)
            except Conflict:
                if tries <= 0:
                    raise

    async def delete(self, stored: Stored[M]) -> None:
        """Remove it, unless it was saved since (`Conflict`)."""
        id_ = self._key(stored.value)
        self._remembered.pop(id_, None)
        await self.collection.delete(Document(id_, {}, stored.version))

    async def find(
        self,
        index: str,
        prefix: tuple[Scalar, ...],
        *,
        limit: int,
        after: After = None,
        descending: bool = False,
    ) -> list[Stored[M]]:
        """One page of an index, as in `Collection.find`. Raises `NewerSchema` rather than leave one out."""
        found = await self.collection.find(index, prefix, limit=limit, after=after, descending=descending)
        return [self._stored(document) for document in found]

    async def having(self, lookup: str, text: str, *, limit: int) -> list[Stored[M]]:
        """As in `Collection.having`. Raises `NewerSchema` rather than leave one out."""
        return [self._stored(document) for document in await self.collection.having(lookup, text, limit=limit)]

    async def due(self, now: datetime, limit: int) -> list[Stored[M]]:
        """Models whose time has come and that this release can read.

        Newer ones are left to the release that wrote them. One that its model refuses is put off and logged, or it
        would stand before the others for ever.
        """
        readable = []
        for document in await self.collection.due(now, limit):
            if document.schema > self._schema:
                continue
            try:
                readable.append(self._stored(document))
            except ValidationError as error:
                await self._put_off(document, now, error)
        return readable

    def _remember(self, id: str, value: M, body: dict[str, Any]) -> None:  # noqa: A002
        """The newest stand last; models are immutable, so one may be given to many."""
        self._remembered.pop(id, None)
        self._remembered[id] = value, body
        if len(self._remembered) > REMEMBERED:
            del self._remembered[next(iter(self._remembered))]

    def _document(self, value: M, version: int) -> Document:
        return Document(self._key(value), value.model_dump(mode="json"), version, self._schema, self._wake(value))

    def _stored(self, document: Document) -> Stored[M]:
        if document.schema > self._schema:
            raise NewerSchema(document.id, document.schema, self._schema)
        body = document.body
        if document.schema < self._schema and self._upcast is not None:
            body = self._upcast(document.schema, body)
        return Stored(self.model.model_validate(body), document.version)

    async def _put_off(self, document: Document, now: datetime, error: ValidationError) -> None:
        places = [".".join(map(str, found["loc"])) for found in error.errors(include_input=False)]
        log.error("stored document is not readable", extra={"document_id": document.id, "fields": places})
        try:
            await self.collection.save(replace(document, wake_at=now + UNREADABLE_PAUSE))
        except Conflict:
            return  # somebody else changed it meanwhile
