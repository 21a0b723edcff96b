"""createBooking: a PNR with its segments, seats, bags and price quote, or nothing at all."""

import sqlite3
from collections.abc import Iterator
from datetime import datetime

from services.sandbox.memory import next_serial
from services.sandbox.sabre.booking_requests import AncillaryToBook, CreateBooking, FlightToBook
from services.sandbox.sabre.errors import SabreError, invalid, not_confirmed
from services.sandbox.sabre.extras import (
    BAG_GROUP,
    BAG_REASON,
    BAG_SUBCODES,
    SEAT_GROUP,
    SEAT_REASON,
    SEAT_SUBCODE,
    bag_name,
    flight_key,
    sold_seats,
)
from services.sandbox.sabre.money import decimal
from services.sandbox.sabre.pricing import (
    CABIN_OF_CLASS,
    Fare,
    PriceDay,
    bag_prices,
    booking_fares,
    cabins_of,
)
from services.sandbox.sabre.records import (
    BookedAncillary,
    BookedFlight,
    BookedSeat,
    BookedTraveler,
    Booking,
    add_booking,
    reference_in,
)
from services.sandbox.sabre.schedule import Flight, find
from services.sandbox.sabre.seatmaps import Seat, seats

LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ"  # without I and O, which read as digits
LOCATORS = 24**6
SCATTER = 94_906_265  # odd and no multiple of 3, so that serial numbers scatter over all locators, once each
FIRST_FLIGHT_ITEM, FIRST_ANCILLARY_ITEM = 11, 21


def create(connection: sqlite3.Connection, order: CreateBooking, now: datetime, on: PriceDay) -> Booking:
    """Raises SabreError when a flight, a class, a seat or a bag is not to be had; nothing is booked then."""
    wanted = order.flight_details.flights
    flights = [_sold(index, flight, now) for index, flight in enumerate(wanted)]
    cabins = "".join(CABIN_OF_CLASS[flight.booking_class] for flight in wanted)
    fares = booking_fares(tuple(flights), cabins, [flight.is_marriage_group for flight in wanted], on)
    remarks = [remark.model_dump() for remark in order.remarks]
    chosen = [
        list(_seats(connection, order, index, flight, cabin))
        for index, (flight, cabin) in enumerate(zip(flights, cabins, strict=True))
    ]
    booking = Booking(
        locator=_locator(connection),
        reference=reference_in(remarks),
        status="open",
        created_at=now,
        priced=bool(order.flight_details.flight_pricing),
        priced_on=on.day,
        travelers=[BookedTraveler(**traveler.model_dump(exclude={"ancillaries"})) for traveler in order.travelers],
        flights=[
            _booked(FIRST_FLIGHT_ITEM + index, flight, wanted[index], fares[index], chosen[index])
            for index, flight in enumerate(flights)
        ],
        ancillaries=[],
        contact_info=order.contact_info,
        remarks=remarks,
        currency=on.currency,
    )
    _add_ancillaries(booking, order, flights, chosen)
    add_booking(connection, booking)
    return booking


def _booked(
    item: int, flight: Flight, wanted: FlightToBook, fare: Fare, chosen: list[tuple[int, Seat]]
) -> BookedFlight:
    """`chosen` are its seats, each with the index of who has it."""
    return BookedFlight(
        item_id=str(item),
        key=flight_key(flight),
        airline=flight.plan.carrier,
        number=flight.plan.number,
        origin=flight.plan.origin.code,
        destination=flight.plan.destination.code,
        departs_at=flight.departs_at,
        arrives_at=flight.arrives_at,
        booking_class=wanted.booking_class,
        cabin=CABIN_OF_CLASS[wanted.booking_class],
        joined=wanted.is_marriage_group,
        base=fare.base,
        taxes=fare.taxes,
        seats=[BookedSeat(number=seat.number, traveler=traveler) for traveler, seat in chosen],
    )


def _sold(index: int, wanted: FlightToBook, now: datetime) -> Flight:
    flight = find(
        wanted.airline_code,
        wanted.flight_number,
        wanted.from_airport_code,
        wanted.to_airport_code,
        wanted.departure_date,
    )
    path = f"flightDetails.flights[{index}]"
    if flight is None or flight.departs_at.time() != wanted.departure_time or flight.departs_at <= now:
        raise not_confirmed("UN", path)
    if CABIN_OF_CLASS.get(wanted.booking_class, "-") not in cabins_of(flight.plan):
        raise not_confirmed("NO", path)
    return flight


def _seats(
    connection: sqlite3.Connection, order: CreateBooking, index: int, flight: Flight, cabin: str
) -> Iterator[tuple[int, Seat]]:
    """The chosen seats with their traveler, each checked against the map and what was sold."""
    wanted = order.flight_details.flights[index].seats
    if not wanted:
        return
    on_map = seats(flight.plan, flight.departs_at.date(), cabin)
    gone, seated = set(sold_seats(connection, flight)), set[int]()
    for place, choice in enumerate(wanted):
        path = f"flightDetails.flights[{index}].seats[{place}]"
        if choice.traveler_index > len(order.travelers) or choice.traveler_index in seated:
            raise invalid(path, "travelerIndex", choice.traveler_index, "One seat per traveler and flight")
        seat = on_map.get(choice.number)
        if seat is None or seat.taken or seat.number in gone:
            raise SabreError(
                "SEAT_NOT_AVAILABLE",
                f"Seat {choice.number} is not available",
                fieldPath=path,
                fieldName="number",
                fieldValue=choice.number,
            )
        gone.add(seat.number)
        seated.add(choice.traveler_index)
        yield choice.traveler_index, seat


def _add_ancillaries(
    booking: Booking, order: CreateBooking, flights: list[Flight], chosen: list[list[tuple[int, Seat]]]
) -> None:
    """Bags as ordered; a seat that costs something becomes an ancillary by itself."""
    items = booking.ancillaries
    for number, traveler in enumerate(order.travelers, 1):
        for place, bag in enumerate(traveler.ancillaries):
            path = f"travelers[{number - 1}].ancillaries[{place}]"
            items.append(_bag(booking, bag, flights, number, path))
    for flight, seated in zip(booking.flights, chosen, strict=True):
        for number, seat in seated:
            if seat.price == 0:
                continue
            items.append(
                BookedAncillary(
                    item_id=str(FIRST_ANCILLARY_ITEM + len(items)),
                    traveler=number,
                    name=f"SEAT {seat.number}",
                    group_code=SEAT_GROUP,
                    subcode=SEAT_SUBCODE,
                    reason=SEAT_REASON,
                    airline=flight.airline,
                    pieces=1,
                    price=seat.price,
                    flights=[flight.item_id],
                )
            )


def _bag(booking: Booking, bag: AncillaryToBook, flights: list[Flight], traveler: int, path: str) -> BookedAncillary:
    if bag.group_code != BAG_GROUP or bag.subcode not in BAG_SUBCODES:
        raise invalid(path, "subcode", bag.subcode, "No such ancillary is filed")
    if bag.airline_code not in {flight.airline for flight in booking.flights}:
        raise invalid(path, "airlineCode", bag.airline_code, "The airline is not on this itinerary")
    pieces = BAG_SUBCODES.index(bag.subcode) + 1
    if any(not 1 <= index <= len(booking.flights) for index in bag.flight_indices):
        raise invalid(path, "flightIndices", bag.flight_indices, "No such flight in this booking")
    indices = bag.flight_indices or range(1, len(booking.flights) + 1)
    price = bag_prices([flights[index - 1].plan for index in indices])[pieces - 1]
    filed = decimal(price, booking.currency)
    if bag.currency_code != booking.currency or bag.base_price not in {None, filed}:
        raise invalid(path, "basePrice", bag.base_price, f"The filed price is {filed} {booking.currency}")
    return BookedAncillary(
        item_id=str(FIRST_ANCILLARY_ITEM + len(booking.ancillaries)),
        traveler=traveler,
        name=bag.commercial_name or bag_name(pieces),
        group_code=BAG_GROUP,
        subcode=bag.subcode,
        reason=BAG_REASON,
        airline=bag.airline_code,
        pieces=pieces,
        price=price,
        flights=[booking.flights[index - 1].item_id for index in indices],
    )


def _locator(connection: sqlite3.Connection) -> str:
    number = next_serial(connection, "locator") * SCATTER % LOCATORS
    letters = []
    for _ in range(6):
        number, letter = divmod(number, len(LETTERS))
        letters.append(LETTERS[letter])
    return "".join(letters)
