"""The bus edge: pages and records to be kept."""

from services.archive.cases.keeping import Keeping
from services.archive.domain.pages import PageToKeep
from shared.bus.dispatch import HandlerTable
from shared.contracts.archive import KeepRecords
from shared.contracts.cloudevents import Envelope


def table(keeping: Keeping) -> HandlerTable:
    """The service's handlers by kind of message."""

    async def keep(page: PageToKeep, _: Envelope) -> None:
        await keeping.keep(page)

    async def keep_records(records: KeepRecords, _: Envelope) -> None:
        await keeping.keep_records(records)

    return {PageToKeep: keep, KeepRecords: keep_records}
