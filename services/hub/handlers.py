"""The bus edge: pages to be routed."""

from services.hub.cases.routing import PageRouting
from shared.bus.dispatch import HandlerTable
from shared.contracts.cloudevents import Envelope
from shared.contracts.hub import RoutePage


def table(routing: PageRouting) -> HandlerTable:
    """The service's handlers by kind of message."""

    async def route(page: RoutePage, _: Envelope) -> None:
        await routing.route(page)

    return {RoutePage: route}
