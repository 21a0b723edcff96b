"""Request bodies, against Sabre's public examples, copied by hand."""

import pytest

from services.ticketing.adapters.sabre import requests
from services.ticketing.domain import Itinerary
from services.ticketing.ports import IssueOrder, ReservationOrder
from shared.contracts.journey import Contact, Flight
from shared.kernel.errors import Refused
from shared.kernel.values import changed
from tests.unit.ticketing.travel import ANA, BACK, BAG, CONTACT, FREE_SEAT, OUT, PAID_SEAT, RUI, order


def reservation(*flights: Flight, contact: Contact = CONTACT) -> ReservationOrder:
    whole = order(*flights, seats=(PAID_SEAT, FREE_SEAT), bags=(BAG,))
    return ReservationOrder("0198c0de", Itinerary.of(whole), contact)


def test_a_booking_has_all_flights_everybody_and_our_reference() -> None:
    assert requests.create_booking(reservation(OUT, BACK)) == {
        "agency": {"ticketingPolicy": "TODAY"},
        "travelers": [
            {
                "givenName": "ANA LUCIA",
                "surname": "DAVILA SOUZA",
                "birthDate": "1990-05-01",
                "passengerCode": "ADT",
                "identityDocuments": [{"documentNumber": "FX123456", "documentType": "PASSPORT"}],
                "ancillaries": [
                    {
                        "commercialName": "2 CHECKED BAGS UP TO 23KG",
                        "reasonForIssuance": "C",
                        "subcode": "0CD",
                        "groupCode": "BG",
                        "airlineCode": "TP",
                        "basePrice": "810.00",
                        "currencyCode": "BRL",
                        "numberOfItems": 2,
                        "electronicMiscellaneousDocumentType": "2",
                        "flightIndices": [1, 2],
                    }
                ],
            },
            {
                "givenName": "RUI",
                "surname": "GROSSE",
                "birthDate": "1985-02-11",
                "passengerCode": "ADT",
                "identityDocuments": [{"documentNumber": "FX654321", "documentType": "PASSPORT"}],
            },
        ],
        "contactInfo": {"emails": ["ana@example.com"], "phones": ["+5511999990000"]},
        "flightDetails": {
            "flights": [
                {
                    "flightNumber": 1201,
                    "airlineCode": "G3",
                    "fromAirportCode": "POA",
                    "toAirportCode": "GRU",
                    "departureDate": "2027-01-20",
                    "departureTime": "18:05",
                    "bookingClass": "Y",
                    "isMarriageGroup": False,
                    "flightStatusCode": "NN",
                },
                {
                    "flightNumber": 84,
                    "airlineCode": "TP",
                    "fromAirportCode": "GRU",
                    "toAirportCode": "LIS",
                    "departureDate": "2027-01-20",
                    "departureTime": "23:15",
                    "bookingClass": "Y",
                    "isMarriageGroup": True,
                    "flightStatusCode": "NN",
                    "seats": [{"number": "40C", "travelerIndex": 1}],
                },
                {
                    "flightNumber": 87,
                    "airlineCode": "TP",
                    "fromAirportCode": "LIS",
                    "toAirportCode": "GRU",
                    "departureDate": "2027-02-03",
                    "departureTime": "23:35",
                    "bookingClass": "Y",
                    "isMarriageGroup": False,
                    "flightStatusCode": "NN",
                    "seats": [{"number": "31A", "travelerIndex": 2}],
                },
            ],
            "flightPricing": [{}],
        },
        "remarks": [{"type": "GENERAL", "text": "REF/0198c0de"}],
    }


def test_a_customer_without_telephone_is_reached_by_mail() -> None:
    body = requests.create_booking(reservation(OUT, BACK, contact=Contact(email="ana@example.com")))
    assert body["contactInfo"] == {"emails": ["ana@example.com"]}


def test_more_bags_than_are_filed_cannot_be_booked() -> None:
    many = changed(BAG, pieces=4)
    with pytest.raises(Refused, match="booking_refused"):
        requests.create_booking(ReservationOrder("x", Itinerary.of(order(OUT, bags=(many,))), CONTACT))


def test_all_documents_are_issued_at_the_quoted_price_or_none() -> None:
    wanted = IssueOrder("ABCDEF", ("1",), ("21", "22"))
    assert requests.fulfill_flight_tickets(wanted, "498BF1", "BR") == {
        "confirmationId": "ABCDEF",
        "fulfillments": [
            {"ticketingQualifiers": {"priceQuoteRecordIds": ["1"]}, "payment": {"primaryFormOfPayment": 1}},
            {"ancillaryIds": ["21", "22"], "payment": {"primaryFormOfPayment": 1}},
        ],
        "designatePrinters": [{"hardcopy": {"address": "498BF1"}}, {"ticket": {"countryCode": "BR"}}],
        "formsOfPayment": [{"type": "CASH"}],
        "acceptPriceChanges": False,
        "priceQuoteExpirationMethod": "Quit",
    }


def test_without_extras_only_tickets_are_asked_for() -> None:
    body = requests.fulfill_flight_tickets(IssueOrder("ABCDEF", ("1",), ()), "498BF1", "BR")
    assert len(body["fulfillments"]) == 1


def test_numbers_are_strings_to_void_and_objects_to_refund() -> None:
    numbers = ["0471234567890", "0471234567891"]
    assert requests.void_flight_tickets(numbers) == {
        "tickets": ["0471234567890", "0471234567891"],
        "errorHandlingPolicy": "ALLOW_PARTIAL_CANCEL",
    }
    assert requests.refund_flight_tickets(numbers) == {
        "tickets": [{"number": "0471234567890"}, {"number": "0471234567891"}],
        "errorHandlingPolicy": "ALLOW_PARTIAL_CANCEL",
    }


def test_a_booking_is_asked_for_by_its_locator() -> None:
    assert requests.of_booking("ABCDEF") == {"confirmationId": "ABCDEF"}


def test_cancelling_names_what_becomes_of_tickets_only_where_there_are_some() -> None:
    plain = {
        "confirmationId": "ABCDEF",
        "retrieveBooking": False,
        "cancelAll": True,
        "errorHandlingPolicy": "HALT_ON_ERROR",
    }
    assert requests.cancel_booking("ABCDEF", None) == plain
    assert requests.cancel_booking("ABCDEF", "VOID") == plain | {"flightTicketOperation": "VOID"}


def test_nobodys_name_or_document_shows_when_an_order_is_printed() -> None:
    shown = repr(reservation(OUT, BACK))
    for personal in (ANA.given_name, ANA.document, RUI.surname, CONTACT.email):
        assert personal not in shown


def test_a_name_that_cannot_be_printed_is_not_booked() -> None:
    stranger = changed(ANA, surname="李")
    alone = changed(BACK, passengers=(stranger,))
    with pytest.raises(Refused, match="booking_refused"):
        requests.create_booking(ReservationOrder("x", Itinerary.of(order(alone)), CONTACT))
