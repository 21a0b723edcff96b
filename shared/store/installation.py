"""Which stack a store belongs to: an id that is drawn once for a store, and stays with it, in its backups too."""

from typing import Final

from shared.kernel.ids import Ids
from shared.store.documents import Collection, CollectionSpec, Conflict, Document

SPEC: Final = CollectionSpec("installation")
KEY: Final = "installation"


async def installation(documents: Collection, ids: Ids) -> str:
    """The store's id; whichever process asks first draws it. Raises Unavailable."""
    while (found := await documents.get(KEY)) is None:
        try:
            return str((await documents.save(Document(KEY, {"id": ids.new()}))).body["id"])
        except Conflict:
            continue  # another process was first
    return str(found.body["id"])
