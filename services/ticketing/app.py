"""Ticketing's composition root."""

import asyncio

from services.ticketing.adapters.sabre import TOKENS, SabreAirline, SabreLine, SabreOffice
from services.ticketing.domain import Booking
from services.ticketing.handlers import table
from services.ticketing.service import SERVICE
from services.ticketing.settings import settings
from shared.outside.tokens import ClientCredentials
from shared.runtime.keeping import Keeping
from shared.runtime.providers import provider_line
from shared.runtime.service import Runtime, Service
from shared.store.documents import CollectionSpec


def compose(runtime: Runtime) -> Service:
    """Ticketing over Sabre. Raises WrongSettings."""
    sabre = settings(runtime)
    line = provider_line(runtime, SERVICE.name, "sabre", sabre)
    credentials = ClientCredentials(
        line, TOKENS, sabre.client_id, sabre.client_secret.get_secret_value(), runtime.clock
    )
    airline = SabreAirline(SabreLine(line, credentials), SabreOffice(sabre.printer, sabre.country))
    keeping = Keeping(runtime, SERVICE.name)
    bookings = keeping.documents(CollectionSpec(SERVICE.documents[0]), Booking)
    participant = keeping.participant(bookings, call_timeout=sabre.call_timeout, settle=sabre.settle)
    return keeping.service(table=table(participant, airline, lambda: asyncio.sleep(sabre.reread_seconds)))
