"""What is bought, as one service tells another: flights, passengers, seats, bags, and the documents issued for them."""

from datetime import date
from typing import Annotated, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from shared.contracts.messages import Personal
from shared.kernel.money import Money
from shared.kernel.names import NoRule, printed


class Part(BaseModel):
    """A piece of a message. Like messages it ignores what it does not know."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class Segment(Part):
    """One flight of a journey. Times carry their airport's offset. `carrier` and airports are IATA codes."""

    carrier: str
    number: str
    origin: str
    destination: str
    departs_at: AwareDatetime
    arrives_at: AwareDatetime
    booking_class: str = "Y"


ADULT_AGE = 12
"""Years on the day of the first segment, where it departs; whoever is younger travels on a child's fare."""


class Passenger(Part):
    """Who flies, as the travel document says."""

    given_name: Personal[str]
    surname: Personal[str]
    birth_date: Personal[str]
    document: Personal[str]

    @property
    def name_on_ticket(self) -> str | None:
        """As the airline prints it: `SOUZA/ANA LUCIA`. None where a letter has no rule."""
        try:
            return f"{printed(self.surname)}/{printed(self.given_name)}"
        except NoRule:
            return None

    def age_on(self, day: date) -> int:
        """In whole years, on a day of the place where it counts."""
        born = date.fromisoformat(self.birth_date)
        return day.year - born.year - ((day.month, day.day) < (born.month, born.day))


class Flight(Part):
    """One flight item of a cart: an offer, its segments, the people on it. Price and taxes are for all of them."""

    item_id: str
    offer_id: str
    segments: tuple[Segment, ...]
    passengers: tuple[Passenger, ...]
    price: Money
    taxes: Money
    cabin: str = "economy"


class Seat(Part):
    """One seat: which offer, segment and passenger (indexes into the flight's own), e.g. `12A`."""

    item_id: str
    offer_id: str
    segment: int
    passenger: int
    seat: str
    price: Money


class Bag(Part):
    """Checked bags of one passenger."""

    item_id: str
    offer_id: str
    passenger: int
    pieces: int
    price: Money


class Order(Part):
    """What a locked cart holds: priced, and no longer changing."""

    flights: tuple[Flight, ...]
    seats: tuple[Seat, ...] = ()
    bags: tuple[Bag, ...] = ()
    money: Money
    """To pay in money: fares less what miles pay, taxes, seats, bags."""
    miles: int
    """To pay in miles; 0 or more."""

    def place_of(self, flight: Flight, passenger: int) -> int | None:
        """The index, among the first flight's passengers, of one of a flight's; None when it is nobody's.

        Flights may list the same people in another order. Of people who are told alike the first is the first.
        """
        if not 0 <= passenger < len(flight.passengers):
            return None
        who = flight.passengers[passenger]
        alike = [place for place, other in enumerate(self.flights[0].passengers) if other == who]
        nth = flight.passengers[:passenger].count(who)
        return alike[nth] if nth < len(alike) else None


class Ticket(Part):
    """A flight ticket of one passenger with one carrier, or with several by an interline agreement. `number` has 13
    digits. Each number of a conjunction (more than four flights) is an entry of its own, with its own segments.

    `passenger` is an index into the passengers of the order's first flight (everybody is on every flight), `segments`
    are indexes into the segments of all the order's flights, one flight after the other.
    """

    number: Annotated[str, Field(description="13 digits", examples=["0471234567890"])]
    passenger: Annotated[int, Field(description="Index into the passengers", examples=[0])]
    segments: Annotated[tuple[int, ...], Field(description="Indexes into the order's segments", examples=[[0]])]


class Document(Part):
    """An electronic miscellaneous document (EMD): a seat or a bag that was paid for. `passenger` as in `Ticket`."""

    number: Annotated[str, Field(description="13 digits", examples=["0478210000001"])]
    passenger: Annotated[int, Field(description="Index into the passengers", examples=[0])]
    kind: Annotated[Literal["seat", "bag"], Field(description="What was paid for")]


class Contact(Part):
    """Where the customer is told. `locale` is a BCP 47 tag such as `pt-BR`."""

    email: Personal[str]
    phone: Personal[str | None] = None
    locale: str = "pt-BR"
