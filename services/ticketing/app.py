"""Ticketing's composition root."""

import asyncio

from services.ticketing.adapters.sabre import SabreAirline, SabreLine, SabreOffice
from services.ticketing.domain import Booking
from services.ticketing.handlers import table
from services.ticketing.settings import settings
from shared.bus.outbox import Outbox
from shared.outside.sabre import sabre_credentials
from shared.runtime.providers import provider_line
from shared.runtime.service import Runtime, Service
from shared.store.documents import CollectionSpec
from shared.store.repository import Repository
from shared.worker.participant import Participant

NAME = "ticketing"


def compose(runtime: Runtime) -> Service:
    """Ticketing over Sabre. Raises WrongSettings."""
    sabre = settings(runtime)
    line = provider_line(runtime, NAME, "sabre", sabre)
    credentials = sabre_credentials(line, sabre.client_id, sabre.client_secret.get_secret_value(), runtime.clock)
    airline = SabreAirline(SabreLine(line, credentials), SabreOffice(sabre.printer, sabre.country))
    store = runtime.store(NAME)
    outbox = Outbox(f"milesaga/{NAME}", runtime.publisher, runtime.clock, runtime.ids)
    collection = outbox.watch(store.collection(CollectionSpec("bookings")))
    participant = Participant(
        Repository(collection, Booking, key=lambda booking: booking.id),
        outbox,
        runtime.clock,
        new=lambda purchase_id: Booking(id=purchase_id),
        call_timeout=sabre.call_timeout,
        settle=sabre.settle,
    )
    handlers = table(participant, airline, lambda: asyncio.sleep(sabre.reread_seconds))
    return Service(name=NAME, table=handlers, store=store, outbox=outbox)
