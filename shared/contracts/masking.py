"""A message as it may be shown to an operator: what is about a person is hidden."""

from typing import Any

from pydantic import BaseModel

from shared.contracts.messages import PERSONAL

HIDDEN = "•••"


def masked(value: Any) -> Any:
    """JSON of a model in which every personal field, and every other one kept out of `repr`, is `•••`."""
    if isinstance(value, BaseModel):
        fields = type(value).model_fields
        return {
            name: HIDDEN if not field.repr or PERSONAL in field.metadata else masked(getattr(value, name))
            for name, field in fields.items()
        }
    if isinstance(value, dict):
        return {str(key): masked(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [masked(item) for item in value]
    return value if isinstance(value, str | int | float | bool | None) else str(value)
