"""A type of events: the schema of its data, how long it is kept, what of it is never kept."""

from dataclasses import dataclass, field
from typing import Any, ClassVar, Final, Literal

from pydantic import BaseModel, ConfigDict

from shared.schemas.compatibility import incompatible
from shared.schemas.schema import Schema

FOREVER: Final = "forever"
KEEP: Final = r"^(forever|P[1-9][0-9]{0,4}D)$"
PERSONAL: Final = r"^(/subject|/data(/([^~/]|~[01])+)+)$"
"""A pointer into an event: its subject, or a field of its data, through whatever lists: their places are no steps."""
Redact = Literal["drop", "hash"]


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


@dataclass(frozen=True, slots=True)
class Known:
    """A registered type, ready to judge events by."""

    schema: Schema
    keep: str = FOREVER
    personal: tuple[str, ...] = ()
    redact: Redact | None = None
    key: bytes | None = field(default=None, repr=False)
    """By which what is personal is digested."""

    @classmethod
    def of(cls, kind: Kind, key: bytes | None) -> "Known":
        return cls(Schema(kind.schema_document), kind.keep, kind.personal, kind.redact, key)


class Incompatible(Exception):
    """The schema cannot take the place of the one in force; `reasons` say why."""

    def __init__(self, reasons: tuple[str, ...]) -> None:
        super().__init__("; ".join(reasons))
        self.reasons = reasons


def replaced(old: Kind | None, new: Kind, schema: Schema, *, force: bool) -> Kind:
    """The type as it is from now on. Raises Incompatible."""
    if old is None or force or old.schema_document == new.schema_document:
        return new
    if reasons := incompatible(Schema(old.schema_document), schema):
        raise Incompatible(reasons)
    return new
