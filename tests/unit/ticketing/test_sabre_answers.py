"""What Sabre's errors and documents mean."""

from typing import Any

import pytest

from services.ticketing.adapters.sabre import answers
from services.ticketing.adapters.sabre.answers import Problem
from shared.kernel.errors import Misconfigured, OutcomeUnknown, Refused


def meaning(error: Exception) -> str:
    return error.code if isinstance(error, Refused) else type(error).__name__


def of(type_: str, category: str = "APPLICATION_ERROR", field: str = "", value: str = "") -> Problem:
    return Problem(type_, category, field, value)


WRONG_STATUS = "UNABLE_TO_BOOK_FLIGHTS_WRONG_STATUS_CODE"
GONE = [of(WRONG_STATUS, field="flightStatusCode", value=status) for status in ("UC", "US", "UN", "NO", "LL")]


@pytest.mark.parametrize(
    ("problem", "expected"),
    [
        *[(problem, "segment_unavailable") for problem in GONE],
        (of(WRONG_STATUS, field="flightStatusCode", value="HL"), "OutcomeUnknown"),
        (of("SEAT_NOT_AVAILABLE", field="number", value="31A"), "seat_unavailable"),
        (of("INVALID_VALUE", "BAD_REQUEST", "basePrice", "1.00"), "price_changed"),
        (of("MANDATORY_DATA_MISSING", "BAD_REQUEST", "surname"), "booking_refused"),
        (of("PRINTER_NOT_ASSIGNED"), "Misconfigured"),
        (of("UNABLE_TO_CHANGE_PCC"), "Misconfigured"),
        (of("INTERNAL_SERVER_TIMEOUT", "TIMEOUT"), "OutcomeUnknown"),
        (of("SOMETHING_NEW"), "OutcomeUnknown"),
    ],
)
def test_why_nothing_was_booked(problem: Problem, expected: str) -> None:
    assert meaning(answers.not_created((problem,))) == expected


@pytest.mark.parametrize(
    ("problem", "expected"),
    [
        *[(problem, "segment_unavailable") for problem in GONE],
        (of("PRICE_MISMATCH"), "price_changed"),
        (of("BOOKING_CANCELLED"), "issue_refused"),
        (of("BOOKING_NOT_FOUND", "BAD_REQUEST"), "issue_refused"),
        (of("MANDATORY_DATA_MISSING", "BAD_REQUEST", "surname"), "issue_refused"),
        (of("PRINTER_NOT_ASSIGNED"), "Misconfigured"),
        (of("INTERNAL_SERVER_TIMEOUT"), "OutcomeUnknown"),
        (of("UNABLE_TO_RETRIEVE_TICKETS", "PROCESSING_WARNING"), "OutcomeUnknown"),
        (of("FULFILLMENT_NOT_CONFIRMED", "PROCESSING_WARNING"), "OutcomeUnknown"),
        (of("SOMETHING_NEW"), "OutcomeUnknown"),
    ],
)
def test_why_nothing_was_issued(problem: Problem, expected: str) -> None:
    assert meaning(answers.not_issued((problem,))) == expected


def test_an_unknown_outcome_outweighs_a_refusal_beside_it() -> None:
    both = (of("PRICE_MISMATCH"), of("FULFILLMENT_NOT_CONFIRMED", "PROCESSING_WARNING"))
    assert isinstance(answers.not_issued(both), OutcomeUnknown)


def test_an_answer_without_anything_is_unknown() -> None:
    assert isinstance(answers.not_created(()), OutcomeUnknown)
    assert isinstance(answers.not_issued(()), OutcomeUnknown)


def test_sabres_own_words_about_a_passenger_go_no_further() -> None:
    body = {"errors": [{"type": "INVALID_VALUE", "category": "BAD_REQUEST", "description": "SOUZA/ANA is too short"}]}
    (problem,) = answers.errors(body)
    assert "SOUZA" not in repr(problem)
    assert "SOUZA" not in str(answers.not_created((problem,)))


def test_a_fault_of_ours_is_none_of_the_customers() -> None:
    assert isinstance(answers.not_issued((of("PRINTER_NOT_ASSIGNED"),)), Misconfigured)


def ticket(code: str, **more: Any) -> dict[str, Any]:
    return {
        "number": "0471234567890",
        "ticketStatusCode": code,
        "travelerIndex": 2,
        "flightCoupons": [{"itemId": "11"}],
    } | more


@pytest.mark.parametrize(
    ("code", "kind", "in_force"),
    [
        ("TE", "ticket", True),
        ("TV", "ticket", False),
        ("TR", "ticket", False),
        ("OV", "ticket", False),
        ("ME", "bag", True),
        ("MV", "bag", False),
        ("MR", "bag", False),
        ("XX", "ticket", True),
    ],
)
def test_each_status_code_says_what_a_document_is_and_an_unknown_one_is_taken_to_be_in_force(
    code: str, kind: str, in_force: bool
) -> None:
    (found,) = answers.reading("ABCDEF", {"flights": [{}], "flightTickets": [ticket(code)]}).documents
    assert (found.kind, found.in_force, found.passenger, found.flights) == (kind, in_force, 1, ("11",))


def test_an_emd_is_a_seat_or_a_bag_by_its_ancillary() -> None:
    booking = {
        "flights": [{}],
        "travelers": [{"ancillaries": [{"itemId": "21", "groupCode": "SA"}, {"itemId": "22", "groupCode": "BG"}]}],
        "flightTickets": [ticket("ME", ancillaryIds=["21"]), ticket("ME", ancillaryIds=["22"])],
    }
    assert [found.kind for found in answers.reading("ABCDEF", booking).documents] == ["seat", "bag"]


def test_a_booking_without_flights_is_cancelled() -> None:
    assert answers.reading("ABCDEF", {}).cancelled
    assert not answers.reading("ABCDEF", {"flights": [{}]}).cancelled
