"""Orders to book, written by hand."""

from datetime import datetime

from shared.contracts.journey import Bag, Contact, Flight, Order, Passenger, Seat, Segment
from shared.kernel.money import Money

ANA = Passenger(given_name="Ana Lúcia", surname="D'Ávila-Souza", birth_date="1990-05-01", document="FX123456")
RUI = Passenger(given_name="Rui", surname="Größe", birth_date="1985-02-11", document="FX654321")
CONTACT = Contact(email="ana@example.com", phone="+5511999990000")


def money(amount: int) -> Money:
    return Money(amount=amount, currency="BRL")


def segment(carrier: str, number: str, leg: str, departs: str, arrives: str) -> Segment:
    origin, destination = leg.split("-")
    return Segment(
        carrier=carrier,
        number=number,
        origin=origin,
        destination=destination,
        departs_at=datetime.fromisoformat(departs),
        arrives_at=datetime.fromisoformat(arrives),
    )


POA_GRU = segment("G3", "1201", "POA-GRU", "2027-01-20T18:05:00-03:00", "2027-01-20T19:45:00-03:00")
GRU_LIS = segment("TP", "84", "GRU-LIS", "2027-01-20T23:15:00-03:00", "2027-01-21T12:15:00+00:00")
LIS_GRU = segment("TP", "87", "LIS-GRU", "2027-02-03T23:35:00+00:00", "2027-02-04T06:45:00-03:00")

OUT = Flight(
    item_id="1",
    offer_id="out",
    segments=(POA_GRU, GRU_LIS),
    passengers=(ANA, RUI),
    price=money(719_954),
    taxes=money(22_026),
)
BACK = Flight(
    item_id="2",
    offer_id="back",
    segments=(LIS_GRU,),
    passengers=(RUI, ANA),
    price=money(300_000),
    taxes=money(33_080),
)
PAID_SEAT = Seat(item_id="3", offer_id="back", segment=0, passenger=0, seat="31A", price=money(17_800))
FREE_SEAT = Seat(item_id="4", offer_id="out", segment=1, passenger=0, seat="40C", price=money(0))
BAG = Bag(item_id="5", offer_id="out", passenger=0, pieces=2, price=money(81_000))


def order(*flights: Flight, seats: tuple[Seat, ...] = (), bags: tuple[Bag, ...] = ()) -> Order:
    return Order(flights=flights, seats=seats, bags=bags, money=money(1), miles=30_000)
