"""The GDS as one of the providers."""

import sqlite3

from services.sandbox.provider import Beliefs, Provider, StandIn, Surroundings, rows
from services.sandbox.sabre import http, prices
from services.sandbox.sabre.records import lapse_bookings
from services.sandbox.sabre.tokens import Tokens

SCHEMA = """
CREATE TABLE IF NOT EXISTS bookings (
    locator TEXT PRIMARY KEY, reference TEXT, status TEXT NOT NULL, body TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS seats (
    flight TEXT NOT NULL, seat TEXT NOT NULL, locator TEXT NOT NULL, PRIMARY KEY (flight, seat));
CREATE INDEX IF NOT EXISTS seats_by_locator ON seats (locator);
CREATE TABLE IF NOT EXISTS documents (
    number TEXT PRIMARY KEY, kind TEXT NOT NULL, locator TEXT NOT NULL, reference TEXT,
    status TEXT NOT NULL, body TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS documents_by_locator ON documents (locator);
"""


class SabreStandIn(StandIn):
    def __init__(self, around: Surroundings) -> None:
        self._now = around.now
        self._level = prices.PriceLevel(around.memory, around.settings.currency)
        self._tokens = Tokens(around.memory, around.now)
        sabre = http.Sabre(around.memory, around.faults, self._tokens, self._level, around.now)
        self.routers = (prices.router(self._level), http.router(sabre))

    async def start(self) -> None:
        await self._level.load()
        await self._tokens.load()

    def believes(self, connection: sqlite3.Connection) -> Beliefs:
        lapse_bookings(connection, self._now())
        documents = connection.execute("SELECT number, kind, reference, status FROM documents ORDER BY rowid")
        bookings = connection.execute("SELECT locator, reference, status FROM bookings ORDER BY rowid")
        return {
            "tickets": rows(documents, "number", "kind", "reference", "status"),
            "bookings": rows(bookings, "locator", "reference", "status"),
        }


SABRE = Provider(
    name="sabre",
    open=SabreStandIn,
    operations=frozenset({"token", "shop", "revalidate", "getseats", "getancillaries", *http.TRIP_METHODS}),
    schema=SCHEMA,
    emptied=("bookings", "seats", "documents"),
)
