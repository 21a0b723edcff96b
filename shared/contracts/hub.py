"""The hub's words: what is to be routed, what changed on its buses."""

from typing import ClassVar

from pydantic import Field

from shared.contracts.archive import Page
from shared.contracts.journey import Part
from shared.contracts.messages import Event, Message


class RoutePage(Page):
    """Find the targets of accepted events, and send each its copy. Idempotent: a page that comes again makes the same
    copies under the same delivery ids. Owner: hub. No answer."""

    type: ClassVar[str] = "hub.route_page.v1"


class BusChanged(Event):
    """Another revision of a bus is kept; `by` is who asked for it."""

    type: ClassVar[str] = "hub.bus_changed.v1"
    bus: str
    revision: int
    by: str

    @property
    def subject(self) -> str:
        return self.bus


class TellTargets(Message):
    """Tell delivery what it does not know: this is all that it knows. The answer are `delivery.configure.v1` and
    `delivery.configure_clients.v1`, of what is newer alone. Idempotent. Owner: hub."""

    type: ClassVar[str] = "hub.tell_targets.v1"
    exchange: ClassVar[str] = "commands"
    mandatory: ClassVar[bool] = True

    buses: dict[str, int] = Field(description="The newest revision of each bus that it was told of")
    partners: dict[str, int] | None = Field(
        description="The position of each partner whose clients it was told; null where it is told of buses alone"
    )

    @property
    def subject(self) -> str:
        return "targets"


class ClientOf(Part):
    """Whose the subject of a token is, as other services ask."""

    partner: str
