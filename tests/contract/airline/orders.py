"""Orders as checkout sends them, made from what the sandbox's GDS offers on the tests' day."""

from datetime import datetime, timedelta
from decimal import Decimal

from shared.contracts.journey import Bag, Contact, Flight, Order, Passenger, Seat, Segment
from shared.kernel.money import Money
from shared.kernel.values import changed
from tests.days import day_in, in_days
from tests.kit import trips
from tests.kit.world import Json, World

CHECKOUT = "0198c0de-0000-7000-8000-000000000001"
ANA = Passenger(given_name="Ana Lúcia", surname="Souza", birth_date="1990-05-01", document="FX123456")
RUI = Passenger(given_name="Rui", surname="D'Ávila", birth_date="1985-02-11", document="FX654321")
CONTACT = Contact(email="ana@example.com", phone="+5511999990000")


def money(amount: str | float) -> Money:
    return Money(amount=int(Decimal(str(amount)) * 100), currency="BRL")


async def flight(
    world: World, origin: str, destination: str, *, days: int = 60, carriers: int = 1, people: int = 2
) -> Flight:
    """A journey for so many with so many carriers, as an offers service would sell it."""
    itineraries = await trips.shop(world, origin, destination, in_days(days), adults=people)
    chosen = next(each for each in itineraries if len(set(_plates(each))) == carriers)
    return changed(_flight(chosen, f"item-{origin}", days), passengers=(ANA, RUI)[:people])


def _flight(chosen: Json, item_id: str, days: int) -> Flight:
    fare = chosen["fare"]["totalFare"]
    return Flight(
        item_id=item_id,
        offer_id=f"offer-{item_id}-{days}",
        segments=tuple(_segments(chosen, days)),
        passengers=(ANA, RUI),
        price=money(fare["baseFareAmount"]),
        taxes=money(fare["totalTaxAmount"]),
    )


async def hops(world: World, *legs: str) -> list[Flight]:
    """Flights sold one by one, each `GRU-LIS TP` a day after the one before."""
    flights = []
    for day, leg in enumerate(legs):
        places, carrier = leg.split()
        found = await trips.shop(world, places[:3], places[-3:], in_days(60 + day), adults=2)
        chosen = next(each for each in found if _plates(each) == [carrier])
        flights.append(_flight(chosen, f"item-{day}", 60 + day))
    return flights


async def seat(world: World, booked: Flight, *, segment: int = 0, passenger: int = 0, free: bool = False) -> Seat:
    """A seat that is to be had, for money unless `free`."""
    for found in await trips.seats(world, _as_booked(booked), segment):
        price = money(found["price"]["amount"])
        if found["occupationStatusCode"] == "F" and (price.amount == 0) == free:
            return Seat(
                item_id="seat",
                offer_id=booked.offer_id,
                segment=segment,
                passenger=passenger,
                seat=found["number"],
                price=price,
            )
    raise AssertionError("no such seat")


async def bag(world: World, booked: Flight, *, passenger: int = 1, pieces: int = 1) -> Bag:
    offered = (await trips.bags(world, _as_booked(booked)))[pieces - 1]
    return Bag(
        item_id="bag",
        offer_id=booked.offer_id,
        passenger=passenger,
        pieces=pieces,
        price=money(offered["price"]["amount"]),
    )


def order(flights: list[Flight], seats: list[Seat] | None = None, bags: list[Bag] | None = None) -> Order:
    parts = [each.price + each.taxes for each in flights] + [each.price for each in (*(seats or ()), *(bags or ()))]
    total = sum(parts, Money.zero("BRL"))
    return Order(flights=tuple(flights), seats=tuple(seats or ()), bags=tuple(bags or ()), money=total, miles=0)


async def lisbon(world: World) -> Order:
    """Sao Paulo to Lisbon for two, with a seat for one and a bag for the other."""
    booked = await flight(world, "GRU", "LIS")
    return order([booked], [await seat(world, booked)], [await bag(world, booked)])


def _plates(itinerary: Json) -> list[str]:
    return [schedule["carrier"]["marketing"] for schedule in itinerary["schedules"]]


def _segments(itinerary: Json, days: int) -> list[Segment]:
    sold = itinerary["fare"]["passengerInfoList"][0]["passengerInfo"]["fareComponents"][0]["segments"]
    first = day_in(days)
    segments = []
    for schedule, later, priced in zip(itinerary["schedules"], itinerary["days_later"], sold, strict=True):
        leaves = first + timedelta(days=later)
        arrives = leaves + timedelta(days=schedule["arrival"].get("dateAdjustment", 0))
        segments.append(
            Segment(
                carrier=schedule["carrier"]["marketing"],
                number=str(schedule["carrier"]["marketingFlightNumber"]),
                origin=schedule["departure"]["airport"],
                destination=schedule["arrival"]["airport"],
                departs_at=datetime.fromisoformat(f"{leaves}T{schedule['departure']['time']}"),
                arrives_at=datetime.fromisoformat(f"{arrives}T{schedule['arrival']['time']}"),
                booking_class=priced["segment"]["bookingCode"],
            )
        )
    return segments


def _as_booked(booked: Flight) -> list[Json]:
    return [
        {
            "flightNumber": segment.number,
            "airlineCode": segment.carrier,
            "fromAirportCode": segment.origin,
            "toAirportCode": segment.destination,
            "departureDate": segment.departs_at.date().isoformat(),
        }
        for segment in booked.segments
    ]
