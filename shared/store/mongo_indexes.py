"""Building MongoDB's indexes, and which of them refuses a document."""

import re
from typing import Any

from pymongo.errors import DuplicateKeyError, OperationFailure

from shared.store.documents import Duplicate
from shared.store.mongo_shapes import UNIQUE, Json, name_beside, options_of

_CHANGED_INDEX = (85, 86)  # IndexOptionsConflict, IndexKeySpecsConflict
_INDEX_IN_ERROR = re.compile(r"[Ii]ndex:? '?([A-Za-z0-9_-]+)")


async def build(collection: Any, name: str, keys: list[tuple[str, int]], options: Json) -> None:
    """Make the index, where it is missing; beside one of its name that is defined otherwise. Raises Duplicate."""
    try:
        try:
            await collection.create_index(keys, name=name, **options)
        except OperationFailure as error:
            if error.code not in _CHANGED_INDEX:
                raise
            if not await _is_there(collection, keys, options):
                await collection.create_index(keys, name=name_beside(name, keys, options), **options)
    except DuplicateKeyError as error:
        raise Duplicate(name.removesuffix(UNIQUE)) from error


def duplicate(error: DuplicateKeyError) -> Duplicate:
    """The refusal of a declared unique index."""
    found = _INDEX_IN_ERROR.search(str((error.details or {}).get("errmsg", error)))
    return Duplicate(found[1].removesuffix(UNIQUE) if found else "")


async def _is_there(collection: Any, keys: list[tuple[str, int]], options: Json) -> bool:
    """Is there such an index under another name?"""
    there = (await collection.index_information()).values()
    return any(list(map(tuple, found["key"])) == keys and options_of(found) == options for found in there)
