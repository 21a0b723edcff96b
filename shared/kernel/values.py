"""Values: models that never change, and copies of them in which something else stands."""

from functools import cache
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict

M = TypeVar("M", bound=BaseModel)


class Value(BaseModel):
    """What is told from another only by what it says. Never changed: see `changed`."""

    model_config = ConfigDict(frozen=True)


def changed(model: M, **fields: Any) -> M:
    """A copy with other values in these fields. They are not validated; a field the model has not is a TypeError.
    What was worked out of the old values and kept (`cached_property`) is worked out anew."""
    known = _fields(type(model))
    if not fields.keys() <= known:
        raise TypeError(f"{type(model).__name__} has no field {', '.join(sorted(fields.keys() - known))}")
    copy = model.model_copy(update=fields)
    held = vars(copy)
    if len(held) > len(known):
        for name in held.keys() - known:
            del held[name]
    return copy


@cache
def _fields(kind: type[BaseModel]) -> frozenset[str]:
    return frozenset(kind.model_fields)
