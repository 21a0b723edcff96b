"""What every body on HTTP has in common."""

from pydantic import BaseModel, ConfigDict


class Body(BaseModel):
    """What clients send: unknown fields are refused, and what stood in a wrong one is never repeated."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)


class Shown(BaseModel):
    """What clients are shown; made of the domain's own objects where the names are the same."""

    model_config = ConfigDict(from_attributes=True)
