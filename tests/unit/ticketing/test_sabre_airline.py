"""What the adapter makes of answers that the sandbox does not give."""

from typing import Any, cast

import pytest

from services.ticketing.adapters.sabre import SabreAirline, SabreLine, SabreOffice
from services.ticketing.domain import Itinerary
from services.ticketing.ports import Issued, IssueOrder, ReservationOrder
from shared.kernel.errors import OutcomeUnknown, Refused
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


ONE = {"number": "9572400000001", "ticketStatusCode": "TE", "isCommitted": True}
EMD = {"number": "9572400000002", "ticketStatusCode": "ME", "isCommitted": True}


async def issued(**answer: Any) -> Issued | None:
    airline = SabreAirline(cast(SabreLine, Line(fulfillFlightTickets=answer)), SabreOffice("498BF1", "BR"))
    return await airline.issue(IssueOrder("ABCDEF", ("1",), ()))


async def test_tickets_that_the_answer_names_and_commits_to_are_told() -> None:
    assert await issued(tickets=[ONE]) == Issued(("9572400000001",))
    assert await issued(tickets=[ONE, ONE | {"number": "9572400000003"}]) == Issued(("9572400000001", "9572400000003"))


@pytest.mark.parametrize(
    "answer",
    [
        {"tickets": [ONE, EMD]},
        {"tickets": [ONE | {"ticketStatusCode": "TV"}]},
        {"tickets": [ONE | {"ticketStatusCode": "XX"}]},
        {"tickets": [ONE | {"number": ""}]},
        {"tickets": [ONE | {"number": None}]},
        {"tickets": [ONE], "warnings": [{"type": "PRICE_CHANGE"}]},
        {"errors": [{"type": "BOOKING_FULFILLED"}]},
    ],
)
async def test_what_else_was_issued_is_complete_and_must_be_read(answer: Json) -> None:
    assert await issued(**answer) == Issued()


@pytest.mark.parametrize("committed", [False, None, "true"])
async def test_a_ticket_that_is_not_committed_is_not_known(committed: object) -> None:
    with pytest.raises(OutcomeUnknown):
        await issued(tickets=[ONE | {"isCommitted": committed}])


async def test_a_part_is_told_as_a_part() -> None:
    assert await issued(tickets=[ONE], warnings=[{"type": "PARTIAL_FULFILLMENT"}]) is None
    assert await issued(tickets=[ONE], errors=[{"type": "SOMETHING"}]) is None
