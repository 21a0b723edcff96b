"""Pages of lists, and cursors: where the next page begins, opaque to clients."""

import base64
import json
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Annotated, Generic, TypeVar

from fastapi import Query
from pydantic import Field

from shared.kernel.jsontext import is_text
from shared.store.documents import After, Scalar
from shared.web.problems import Problem, invalid_parameter

T = TypeVar("T")

LONGEST = 512
"""No cursor of ours is longer."""
Cursor = Annotated[
    str | None,
    Query(
        description="`next_cursor` of the page before; left out, the first page.",
        examples=["WyIwMTk4ZjBjMiJd"],
        json_schema_extra={"maxLength": LONGEST, "pattern": "^[A-Za-z0-9_-]*$"},
    ),
]
NextCursor = Annotated[str | None, Field(description="`cursor` of the page that follows; null on the last one.")]


@dataclass(frozen=True)
class Listing(Generic[T]):
    """A list that clients read page by page, in the order of a key."""

    key: Callable[[T], Sequence[Scalar]]
    shape: tuple[type[str | int], ...]
    """The types of the key's parts."""

    async def page(
        self, cursor: str | None, size: int, find: Callable[[After, int], Awaitable[Sequence[T]]]
    ) -> tuple[Sequence[T], str | None]:
        """The page that begins at the cursor, and the cursor of the one that follows.

        `find(after, limit)` has what follows a key, in order. 422 for a cursor that we did not make.
        """
        found = await find(decode_cursor(cursor, self.shape), size + 1)
        shown = found[:size]
        return shown, next_cursor(self.key(shown[-1]) if len(found) > size else None)


def next_cursor(after: Sequence[Scalar] | None) -> str | None:
    """The cursor of the page that follows the given key; None where none follows."""
    return None if after is None else encode_cursor(after)


def encode_cursor(after: Sequence[Scalar]) -> str:
    """The cursor of the page that follows the given key (what `Collection.find` takes as `after`)."""
    text = json.dumps(list(after), ensure_ascii=False, separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).rstrip(b"=").decode()


def decode_cursor(cursor: str | None, shape: tuple[type[str | int], ...]) -> After:
    """The key in a cursor, whose parts must be of these types; None, for the first page, where it is left out or empty.

    422 naming `cursor` for anything else that we did not make.
    """
    if not cursor:
        return None
    try:
        parts = json.loads(base64.urlsafe_b64decode(_padded(cursor)))
    except (ValueError, RecursionError) as error:
        raise _not_ours() from error
    if not isinstance(parts, list) or [type(part) for part in parts] != list(shape):
        raise _not_ours()
    if not all(_can_be_stored(part) for part in parts) or encode_cursor(parts) != cursor:
        raise _not_ours()
    return tuple(parts)


def _can_be_stored(part: str | int) -> bool:
    """Is it a number of 64 bits, or text that has a form in UTF-8?"""
    if isinstance(part, int):
        return -(2**63) <= part < 2**63
    return is_text(part)


def _padded(cursor: str) -> bytes:
    if len(cursor) > LONGEST or not cursor.isascii():
        raise _not_ours()
    return cursor.encode() + b"=" * (-len(cursor) % 4)


def _not_ours() -> Problem:
    return invalid_parameter("cursor", "must be a next_cursor as it came with the page before")
