"""Values: models that never change, and copies of them in which something else stands."""

from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict

M = TypeVar("M", bound=BaseModel)


class Value(BaseModel):
    """What is told from another only by what it says. Never changed: see `changed`."""

    model_config = ConfigDict(frozen=True)


def changed(model: M, **fields: Any) -> M:
    """A copy with other values in these fields. They are not validated; a field the model has not is a TypeError."""
    unknown = fields.keys() - type(model).model_fields.keys()
    if unknown:
        raise TypeError(f"{type(model).__name__} has no field {', '.join(sorted(unknown))}")
    return model.model_copy(update=fields)
