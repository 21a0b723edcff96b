"""The hub's words: what is to be routed, what changed on its buses."""

from typing import ClassVar

from shared.contracts.archive import Page
from shared.contracts.journey import Part
from shared.contracts.messages import Event


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


class ClientsOf(Part):
    """The subjects of a partner's tokens, as other services ask."""

    partner: str
    clients: tuple[str, ...]


class ClientOf(Part):
    """Whose the subject of a token is, as other services ask."""

    partner: str
