"""Building MongoDB's indexes, and which of them refuses a document."""

import inspect
import re
from typing import Any

from pymongo.errors import BulkWriteError, DuplicateKeyError, OperationFailure

from shared.store.documents import Duplicate, Index, Lookup, StoredTwice
from shared.store.mongo.shapes import UNIQUE, Json, name_beside, options_of

_DUPLICATE_KEY = 11000
_CHANGED_INDEX = (85, 86)  # IndexOptionsConflict, IndexKeySpecsConflict
_INDEX_IN_ERROR = re.compile(r"[Ii]ndex:? '?([A-Za-z0-9_-]+)")


async def build(
    collection: Any, declared: Index | Lookup, name: str, keys: list[tuple[str, int]], options: Json
) -> None:
    """Make the index, where it is missing; beside one of its name that is defined otherwise. Raises StoredTwice."""
    try:
        try:
            await collection.create_index(keys, name=name, **options)
        except OperationFailure as error:
            if error.code not in _CHANGED_INDEX:
                raise
            if not await _is_there(collection, keys, options):
                await collection.create_index(keys, name=name_beside(name, keys, options), **options)
    except DuplicateKeyError as error:
        raise StoredTwice(collection.name, declared, await _twice(collection, keys, options)) from error


async def _twice(collection: Any, keys: list[tuple[str, int]], options: Json) -> dict[str, list[str]]:
    """Which documents have the same values."""
    paths = [path for path, _ in keys]
    parts = [path.split(".") for path in paths]
    lists = sorted({".".join(each[:end]) for each in parts for end in range(2, len(each) + 1)})
    members = [{"$unwind": {"path": f"${path}", "preserveNullAndEmptyArrays": True}} for path in lists]
    values = {str(number): f"${path}" for number, path in enumerate(paths)}
    chosen = {"$match": options["partialFilterExpression"]}
    found = collection.aggregate(
        [
            chosen,
            *members,
            chosen,  # of the members, too
            {"$group": {"_id": values, "ids": {"$addToSet": "$_id"}}},
            {"$match": {"ids.1": {"$exists": True}}},
            {"$sort": {"_id": 1}},
            {"$limit": StoredTwice.MOST},
        ]
    )
    found = await found if inspect.isawaitable(found) else found  # it depends on the driver
    return {
        " / ".join(str(each["_id"].get(key, "")) for key in values): sorted(each["ids"])
        for each in await found.to_list(StoredTwice.MOST)
    }


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
