"""The bus edge: pages to be routed, events that are heard, what delivery does not know."""

from collections.abc import Mapping

from services.hub.cases.hearing import EVENTS, PUBLIC, Hearing
from services.hub.cases.in_force import InForce
from services.hub.cases.routing import PageRouting
from services.hub.cases.telling import Telling
from services.hub.domain.pages import PageToRoute
from shared.bus.arrival import Arrival
from shared.bus.dispatch import HandlerTable, Taker
from shared.contracts.cloudevents import Envelope
from shared.contracts.hub import TellTargets


def takers(hearing: Hearing, in_force: InForce) -> Mapping[str, Taker]:
    """Who takes what comes by the broker's other exchanges."""

    async def own(arrival: Arrival, body: bytes) -> None:
        await hearing.take_own(arrival, body, in_force)

    return {EVENTS: own, PUBLIC: hearing.take}


def table(routing: PageRouting, telling: Telling) -> HandlerTable:
    """The service's handlers by kind of message."""

    async def route(page: PageToRoute, _: Envelope) -> None:
        await routing.route(page)

    async def tell(question: TellTargets, _: Envelope) -> None:
        await telling.tell(question)

    return {PageToRoute: route, TellTargets: tell}
