"""What the adapter makes of answers that the sandbox does not give."""

from typing import Any, cast

import pytest

from services.ticketing.adapters.sabre import SabreAirline, SabreLine, SabreOffice
from services.ticketing.domain import Itinerary
from services.ticketing.ports import ReservationOrder
from shared.kernel.errors import Refused
from tests.unit.ticketing.travel import BACK, CONTACT, order

Json = dict[str, Any]


class Line:
    """Answers each method as told, and remembers what it was asked."""

    def __init__(self, **answers: Json) -> None:
        self.answers = answers
        self.asked: list[str] = []

    async def post(self, method: str, _body: Json) -> Json:
        self.asked.append(method)
        return self.answers.get(method, {})


async def test_a_booking_that_does_not_show_a_flight_as_ordered_is_given_back_and_refused() -> None:
    other = {"itemId": "11", "airlineCode": "TP", "flightNumber": 87, "fromAirportCode": "LIS"}
    booking = {"flights": [other | {"departureDate": "2027-02-04"}]}
    line = Line(createBooking={"confirmationId": "ABCDEF", "booking": booking})
    airline = SabreAirline(cast(SabreLine, line), SabreOffice("498BF1", "BR"))
    with pytest.raises(Refused, match="segment_unavailable"):
        await airline.reserve(ReservationOrder("x", Itinerary.of(order(BACK)), CONTACT))
    assert line.asked == ["createBooking", "cancelBooking"]
