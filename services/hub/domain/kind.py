"""A type of events: the schema of its data, how long it is kept, what of it is never kept."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Final, Literal

from pydantic import BaseModel, ConfigDict

from shared.kernel.values import changed
from shared.rules.pointers import steps_of
from shared.schemas.compatibility import incompatible
from shared.schemas.schema import Schema

FOREVER: Final = "forever"
KEEP: Final = r"^(forever|P[1-9][0-9]{0,4}D)$"
PERSONAL: Final = r"^(/subject|/data(/([^~/]|~[01])+)+)$"
"""A pointer into an event: its subject, or a field of its data, through whatever lists: their places are no steps."""
Redact = Literal["drop", "hash"]
MOST_BEFORE: Final = 16
"""Schemas that a type may have had before the one in force."""
ORDERED_BY: Final = r"^(partitionkey|subject|/data(/([^~/]|~[01])+)+)$"
"""What an event's key is: one of two attributes, or a field of its data by a pointer into the event."""


class Kind(BaseModel):
    """As it is kept; its name, such as `retail.receipt.issued.v1`, is its id."""

    model_config = ConfigDict(frozen=True)
    schema_version: ClassVar[int] = 1

    id: str
    schema_document: dict[str, Any]
    keep: str = FOREVER
    personal: tuple[str, ...] = ()
    redact: Redact | None = None
    examples: tuple[Any, ...] = ()
    ordered_by: str | None = None
    before: tuple[dict[str, Any], ...] = ()
    """The other schemas that it has had since it was registered, or broken by force: the newest first."""


@dataclass(frozen=True, slots=True)
class Known:
    """A registered type, ready to judge events by."""

    schema: Schema
    keep: str = FOREVER
    personal: tuple[str, ...] = ()
    redact: Redact | None = None
    key: bytes | None = field(default=None, repr=False)
    """By which what is personal is digested."""
    ordered_by: tuple[str, ...] = ()
    """Where its events' keys stand: steps into the event."""

    @classmethod
    def of(cls, kind: Kind, key: bytes | None) -> "Known":
        schema = Schema(kind.schema_document, known=True)
        return cls(schema, kind.keep, kind.personal, kind.redact, key, steps_to(kind.ordered_by))


def steps_to(ordered_by: str | None) -> tuple[str, ...]:
    """The way into an event to its key."""
    if ordered_by is None:
        return ()
    return steps_of(ordered_by) if ordered_by.startswith("/") else (ordered_by,)


class Incompatible(Exception):
    """The schema cannot take the place of the one in force; `reasons` say why."""

    def __init__(self, reasons: tuple[str, ...]) -> None:
        super().__init__("; ".join(reasons))
        self.reasons = reasons


def replaced(old: Kind | None, new: Kind, schema: Schema, *, force: bool) -> Kind:
    """The type as it is from now on. Raises Incompatible.

    That schemas go with each other is not handed on: what leaves out a field goes with what had it, and with what gives
    its name to another kind of value. So a schema must go with all that the type has had, whose events are still read.
    """
    if old is None or force:
        return new
    text = _text(new.schema_document)
    had = [each for each in (old.schema_document, *old.before) if _text(each) != text]
    if _text(old.schema_document) != text:
        _must_go_with(old, schema, had[1:])
    return changed(new, before=tuple(had))


def _text(document: Mapping[str, Any]) -> str:
    """Equal where they say the same. To Python, 1 is true."""
    return json.dumps(document, sort_keys=True)


def _must_go_with(old: Kind, schema: Schema, earlier: Sequence[Mapping[str, Any]]) -> None:
    """Raises Incompatible."""
    if reasons := incompatible(Schema(old.schema_document, known=True), schema):
        raise Incompatible(reasons)
    if any(incompatible(Schema(each, known=True), schema) for each in earlier):
        raise Incompatible(("it is not proved that it goes with every schema that the type had before",))
    if len(earlier) >= MOST_BEFORE:
        raise Incompatible((f"the type has had {MOST_BEFORE} schemas before the one in force",))
