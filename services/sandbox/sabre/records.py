"""Bookings and documents as the memory keeps them."""

import sqlite3
from datetime import date, datetime, timedelta
from typing import Any, Literal

from pydantic import BaseModel

from services.sandbox.sabre.errors import SabreError
from services.sandbox.sabre.money import DEFAULT

TICKETING_LIMIT = timedelta(hours=24)
REFERENCE_PREFIX = "REF/"

DocumentStatus = Literal["issued", "voided", "refunded"]


class BookedSeat(BaseModel):
    number: str
    traveler: int


class BookedFlight(BaseModel):
    """`key` is the flight on its day; `base` and `taxes` are for one traveler, as quoted."""

    item_id: str
    key: str
    airline: str
    number: int
    origin: str
    destination: str
    departs_at: datetime
    arrives_at: datetime
    booking_class: str
    cabin: str
    joined: bool = True
    base: int
    taxes: int
    seats: list[BookedSeat]


class BookedAncillary(BaseModel):
    """A bag or a paid seat of one traveler, counted from 1."""

    item_id: str
    traveler: int
    name: str
    group_code: str
    subcode: str
    reason: str
    airline: str
    pieces: int
    price: int
    flights: list[str]


class BookedTraveler(BaseModel):
    given_name: str
    surname: str
    birth_date: date | None
    passenger_code: str
    identity_documents: list[dict[str, Any]]


class Booking(BaseModel):
    """`status` is open, ticketed or cancelled; `priced_on` and `factor` say how the quote came about."""

    locator: str
    reference: str | None
    status: str
    created_at: datetime
    priced: bool
    priced_on: date
    travelers: list[BookedTraveler]
    flights: list[BookedFlight]
    ancillaries: list[BookedAncillary]
    contact_info: dict[str, Any]
    remarks: list[dict[str, str]]
    currency: str = DEFAULT

    @property
    def base(self) -> int:
        return sum(flight.base for flight in self.flights)

    @property
    def taxes(self) -> int:
        return sum(flight.taxes for flight in self.flights)

    @property
    def deadline(self) -> datetime:
        return self.created_at + TICKETING_LIMIT


class Document(BaseModel):
    """A flight ticket, or an EMD when `ancillary` names what it pays for."""

    number: str
    locator: str
    reference: str | None
    status: DocumentStatus = "issued"
    issued_at: datetime
    airline: str
    traveler: int
    subtotal: int
    taxes: int
    flights: list[str]
    ancillary: str | None = None
    currency: str = DEFAULT

    @property
    def kind(self) -> str:
        return "ticket" if self.ancillary is None else "emd"


def reference_in(remarks: list[dict[str, str]]) -> str | None:
    """What follows `REF/` in a remark: whose booking this is."""
    texts = (remark["text"] for remark in remarks)
    return next((text[len(REFERENCE_PREFIX) :] for text in texts if text.startswith(REFERENCE_PREFIX)), None)


def load_booking(connection: sqlite3.Connection, locator: str, now: datetime) -> Booking:
    """The booking; one that nobody ticketed in time has lapsed by now."""
    row = connection.execute("SELECT body FROM bookings WHERE locator = ?", (locator,)).fetchone()
    if row is None:
        raise SabreError(
            "BOOKING_NOT_FOUND",
            f"Booking {locator} cannot be found",
            fieldName="confirmationId",
            fieldValue=locator,
        )
    booking = Booking.model_validate_json(row[0])
    if booking.status == "open" and booking.deadline < now:
        close_booking(connection, booking)
    return booking


def add_booking(connection: sqlite3.Connection, booking: Booking) -> None:
    connection.execute(
        "INSERT INTO bookings (locator, reference, status, body) VALUES (?, ?, ?, ?)",
        (booking.locator, booking.reference, booking.status, booking.model_dump_json()),
    )
    taken = [(flight.key, seat.number, booking.locator) for flight in booking.flights for seat in flight.seats]
    connection.executemany("INSERT INTO seats (flight, seat, locator) VALUES (?, ?, ?)", taken)


def save_booking(connection: sqlite3.Connection, booking: Booking) -> None:
    connection.execute(
        "UPDATE bookings SET status = ?, body = ? WHERE locator = ?",
        (booking.status, booking.model_dump_json(), booking.locator),
    )


def close_booking(connection: sqlite3.Connection, booking: Booking) -> None:
    """The segments are given back, and with them the seats."""
    booking.status = "cancelled"
    save_booking(connection, booking)
    connection.execute("DELETE FROM seats WHERE locator = ?", (booking.locator,))


def lapse_bookings(connection: sqlite3.Connection, now: datetime) -> None:
    """Cancel whatever nobody ticketed in time."""
    rows = connection.execute("SELECT locator FROM bookings WHERE status = 'open'").fetchall()
    for (locator,) in rows:
        load_booking(connection, locator, now)


def documents_of(connection: sqlite3.Connection, locator: str) -> list[Document]:
    rows = connection.execute("SELECT body FROM documents WHERE locator = ? ORDER BY rowid", (locator,))
    return [Document.model_validate_json(body) for (body,) in rows]


def find_document(connection: sqlite3.Connection, number: str) -> Document | None:
    row = connection.execute("SELECT body FROM documents WHERE number = ?", (number,)).fetchone()
    return None if row is None else Document.model_validate_json(row[0])


def add_document(connection: sqlite3.Connection, document: Document) -> None:
    connection.execute(
        "INSERT INTO documents (number, kind, locator, reference, status, body) VALUES (?, ?, ?, ?, ?, ?)",
        (
            document.number,
            document.kind,
            document.locator,
            document.reference,
            document.status,
            document.model_dump_json(),
        ),
    )


def save_document(connection: sqlite3.Connection, document: Document) -> None:
    connection.execute(
        "UPDATE documents SET status = ?, body = ? WHERE number = ?",
        (document.status, document.model_dump_json(), document.number),
    )
