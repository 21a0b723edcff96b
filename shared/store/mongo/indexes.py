"""Building MongoDB's indexes, and which of them refuses a document."""

import re
from typing import Any

from pymongo.errors import BulkWriteError, DuplicateKeyError, OperationFailure

from shared.store.documents import Duplicate
from shared.store.mongo.shapes import UNIQUE, Json, name_beside, options_of

_DUPLICATE_KEY = 11000
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


def refused_ids(error: BulkWriteError) -> set[str]:
    """The ids that exist already, of those inserted together. Raises the error where it is about anything else."""
    faults = (error.details or {}).get("writeErrors", [])
    if not faults or any(fault["code"] != _DUPLICATE_KEY for fault in faults) or error.details["writeConcernErrors"]:
        raise error
    return {fault["op"]["_id"] for fault in faults}


async def _is_there(collection: Any, keys: list[tuple[str, int]], options: Json) -> bool:
    """Is there such an index under another name?"""
    there = (await collection.index_information()).values()
    return any(list(map(tuple, found["key"])) == keys and options_of(found) == options for found in there)
