"""The bus edge: pages to be kept."""

from services.archive.cases.keeping import Keeping
from shared.bus.dispatch import HandlerTable
from shared.contracts.archive import KeepPage
from shared.contracts.cloudevents import Envelope


def table(keeping: Keeping) -> HandlerTable:
    """The service's handlers by kind of message."""

    async def keep(page: KeepPage, _: Envelope) -> None:
        await keeping.keep(page)

    return {KeepPage: keep}
