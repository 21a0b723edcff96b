"""Booking Management's request bodies, as far as they are understood; unknown fields are ignored."""

from datetime import date, time
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel


class _Camel(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, frozen=True, coerce_numbers_to_str=True)


class AncillaryToBook(_Camel):
    subcode: str
    group_code: str = "BG"
    commercial_name: str | None = None
    airline_code: str
    base_price: str | None = None
    currency_code: str = "BRL"
    flight_indices: tuple[int, ...] = ()


def _in_pnr(text: str) -> str:
    return " ".join("".join(letter for letter in text.upper() if letter not in "'.-").split())


NameInPnr = Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9 '.-]*$"), AfterValidator(_in_pnr)]
"""A PNR takes no letter beyond A to Z, and keeps capitals without punctuation."""


class TravelerToBook(_Camel):
    given_name: NameInPnr
    surname: NameInPnr
    birth_date: date | None = None
    passenger_code: str = "ADT"
    identity_documents: tuple[dict[str, Any], ...] = ()
    ancillaries: tuple[AncillaryToBook, ...] = ()


class SeatToBook(_Camel):
    number: str
    traveler_index: int = Field(ge=1)


class FlightToBook(_Camel):
    flight_number: int
    airline_code: str
    from_airport_code: str
    to_airport_code: str
    departure_date: date
    departure_time: time
    booking_class: str
    is_marriage_group: bool = True
    """Is it a connection from the flight before, sold and priced together with it?"""
    seats: tuple[SeatToBook, ...] = ()


class _FlightDetails(_Camel):
    flights: tuple[FlightToBook, ...] = Field(min_length=1, max_length=8)
    flight_pricing: tuple[dict[str, Any], ...] = ()


class Remark(_Camel):
    type: str = "GENERAL"
    text: str


class CreateBooking(_Camel):
    travelers: tuple[TravelerToBook, ...] = Field(min_length=1, max_length=9)
    contact_info: dict[str, Any] = Field(default_factory=dict)
    flight_details: _FlightDetails
    remarks: tuple[Remark, ...] = ()


class GetBooking(_Camel):
    confirmation_id: str


class Fulfillment(_Camel):
    ancillary_ids: tuple[str, ...] = ()


class FulfillTickets(_Camel):
    confirmation_id: str
    fulfillments: tuple[Fulfillment, ...] = Field(min_length=1, max_length=99)
    accept_price_changes: bool = True


class TicketNumber(_Camel):
    number: str


ErrorPolicy = Literal["HALT_ON_ERROR", "ALLOW_PARTIAL_CANCEL"]


class CheckTickets(_Camel):
    confirmation_id: str | None = None
    tickets: tuple[TicketNumber, ...] = Field(default=(), max_length=12)


class VoidTickets(_Camel):
    confirmation_id: str | None = None
    tickets: tuple[str, ...] = Field(default=(), max_length=12)
    error_handling_policy: ErrorPolicy = "HALT_ON_ERROR"


class RefundTickets(_Camel):
    confirmation_id: str | None = None
    tickets: tuple[TicketNumber, ...] = Field(default=(), max_length=12)
    error_handling_policy: ErrorPolicy = "HALT_ON_ERROR"


class CancelBooking(_Camel):
    confirmation_id: str
    cancel_all: Literal[True]
    flight_ticket_operation: Literal["VOID", "REFUND"] | None = None
    retrieve_booking: bool = False
    error_handling_policy: ErrorPolicy = "HALT_ON_ERROR"
