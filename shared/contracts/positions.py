"""The places of things that are part of an order."""

from pydantic import Field

from shared.contracts.journey import Part


class Position(Part):
    """A thing's place in its lane. Numbers rise by one from 1 in each `epoch`; one may have been given for nothing."""

    lane: str = Field(description="Whose order it is: an event's partner and its key", examples=["coles:4711"])
    epoch: str = Field(description="The name of the lane's count")
    number: int = Field(description="Which of its epoch it is", examples=[7])
