"""What the routes are the counter of."""

from dataclasses import dataclass

from services.hub.cases.applying import Applying
from services.hub.cases.counting import CountingEvents
from services.hub.cases.hearing import Hearing
from services.hub.cases.publishing import Publishing
from services.hub.cases.registering import Registry
from services.hub.cases.routing_again import RoutingAgain
from services.hub.cases.tracing import Tracing
from services.hub.cases.trying import Trying


@dataclass(frozen=True)
class Counter:
    """The cases behind it; `may_hash` where there is a key by which what is personal is digested."""

    registry: Registry
    publishing: Publishing
    tracing: Tracing
    trying: Trying
    applying: Applying
    hearing: Hearing
    counting: CountingEvents
    routing_again: RoutingAgain
    may_hash: bool
