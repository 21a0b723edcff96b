"""The hub's words: what changed on its buses."""

from typing import ClassVar

from shared.contracts.messages import Event


class BusChanged(Event):
    """Another revision of a bus is kept; `by` is who asked for it."""

    type: ClassVar[str] = "hub.bus_changed.v1"
    bus: str
    revision: int
    by: str

    @property
    def subject(self) -> str:
        return self.bus
