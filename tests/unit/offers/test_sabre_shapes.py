"""What Sabre's shopping answers mean, from documented examples."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from services.offers.adapters.sabre_shapes import bags, free_seats, itineraries, money, segment_request, shop_request
from services.offers.domain import Query
from shared.kernel.money import Money


def schedule(number: int, origin: str, leaves: str, destination: str, arrives: str, **arrival: int) -> dict[str, Any]:
    return {
        "id": number,
        "departure": {"airport": origin, "time": leaves},
        "arrival": {"airport": destination, "time": arrives, **arrival},
        "carrier": {"marketing": "TP", "marketingFlightNumber": 80 + number},
    }


def an_answer(**fare: Any) -> dict[str, Any]:
    """GRU-LIS-OPO, leaving late on the 20th: the second flight leaves a day after the first."""
    total = {
        "totalPrice": Decimal("7419.80"),
        "baseFareAmount": Decimal("7199.54"),
        "totalTaxAmount": Decimal("220.26"),
        "currency": "BRL",
        "baseFareCurrency": "BRL",
        **fare,
    }
    sold = [{"segment": {"bookingCode": code, "cabinCode": cabin}} for code, cabin in (("J", "C"), ("Y", "Y"))]
    return {
        "groupedItineraryResponse": {
            "scheduleDescs": [
                schedule(2, "LIS", "14:00:00+00:00", "OPO", "14:55:00+00:00"),
                schedule(1, "GRU", "23:15:00-03:00", "LIS", "12:15:00+00:00", dateAdjustment=1),
            ],
            "legDescs": [{"id": 1, "schedules": [{"ref": 1}, {"ref": 2, "departureDateAdjustment": 1}]}],
            "itineraryGroups": [
                {
                    "groupDescription": {"legDescriptions": [{"departureDate": "2027-01-20"}]},
                    "itineraries": [
                        {
                            "legs": [{"ref": 1}],
                            "pricingInformation": [
                                {
                                    "fare": {
                                        "totalFare": total,
                                        "passengerInfoList": [
                                            {"passengerInfo": {"fareComponents": [{"segments": sold}]}}
                                        ],
                                    }
                                }
                            ],
                        }
                    ],
                }
            ],
        }
    }


def test_a_grouped_answer_tells_dates_by_adjustments() -> None:
    [itinerary] = itineraries(an_answer())
    assert [
        (one.number, one.origin, one.departs_at.isoformat(), one.destination, one.arrives_at.isoformat())
        for one in itinerary.segments
    ] == [
        ("81", "GRU", "2027-01-20T23:15:00-03:00", "LIS", "2027-01-21T12:15:00+00:00"),
        ("82", "LIS", "2027-01-21T14:00:00+00:00", "OPO", "2027-01-21T14:55:00+00:00"),
    ]
    assert [(one.booking_class, one.cabin) for one in itinerary.segments] == [("J", "business"), ("Y", "economy")]


def test_decimal_money_becomes_minor_units_exactly() -> None:
    [itinerary] = itineraries(an_answer())
    assert itinerary.fare.price == Money(amount=719_954, currency="BRL")
    assert itinerary.fare.taxes == Money(amount=22_026, currency="BRL")


def test_a_fare_filed_abroad_is_sold_at_its_equivalent() -> None:
    answer = an_answer(baseFareCurrency="EUR", baseFareAmount=Decimal(1200), equivalentAmount=Decimal("7199.54"))
    [itinerary] = itineraries(answer)
    assert itinerary.fare.price == Money(amount=719_954, currency="BRL")


@pytest.mark.parametrize(
    ("amount", "currency", "minor"),
    [
        ("2964.53", "BRL", 296_453),
        ("0.00", "BRL", 0),
        ("15000", "JPY", 15_000),
        ("1.234", "KWD", 1_234),
        ("5000000", "VND", 5_000_000),
        ("70.125", "JOD", 70_125),
    ],
)
def test_a_currency_has_its_own_decimals(amount: str, currency: str, minor: int) -> None:
    assert money(amount, currency) == Money(amount=minor, currency=currency)


@pytest.mark.parametrize(("amount", "currency"), [("1.005", "BRL"), ("1.5", "JPY")])
def test_a_fraction_of_a_minor_unit_is_refused(amount: str, currency: str) -> None:
    with pytest.raises(ValueError, match="decimals"):
        money(amount, currency)


def test_what_is_sold_in_a_currency_nobody_can_count_is_left_out_and_the_rest_stays() -> None:
    answer = an_answer()
    gold = an_answer(currency="XAU", baseFareCurrency="XAU")
    groups = answer["groupedItineraryResponse"]["itineraryGroups"]
    groups[:0] = gold["groupedItineraryResponse"]["itineraryGroups"]
    assert [one.fare.price.currency for one in itineraries(answer)] == ["BRL"]


def test_no_availability_has_no_itineraries() -> None:
    nothing = {"groupedItineraryResponse": {"itineraryGroups": [], "messages": [{"code": "NAV"}]}}
    assert list(itineraries(nothing)) == []


def test_an_answer_without_its_envelope_is_not_read() -> None:
    with pytest.raises(KeyError):
        list(itineraries({"errors": []}))


def test_only_free_seats_are_offered() -> None:
    price = {"amount": "178.00", "currencyCode": "BRL"}
    row = [{"column": column, "occupationStatusCode": code, "price": price} for column, code in ("AF", "BO", "CF")]
    seat_map = {"paxSegmentRefId": "1", "cabinCompartments": [{"seatRows": [{"row": 20, "seats": row}]}]}
    assert [(one.segment, one.seat, one.price.amount) for one in free_seats(seat_map)] == [
        (1, "20A", 17_800),
        (1, "20C", 17_800),
    ]


def test_bags_are_told_from_other_ancillaries() -> None:
    def sold(group: str, pieces: int) -> dict[str, Any]:
        return {"groupCode": group, "numberOfItems": pieces, "price": {"amount": "360.00", "currencyCode": "BRL"}}

    found = bags({"response": {"ancillaries": [sold("BG", 1), sold("ML", 1), sold("BG", 2)]}})
    assert [bag.pieces for bag in found] == [1, 2]


def test_a_flight_that_is_gone_has_no_bags_and_silence_is_no_answer() -> None:
    assert bags({"errors": [{"type": "FLIGHT_NOT_FOUND"}, {"type": "FLIGHT_NOT_FOUND"}]}) == ()
    with pytest.raises(KeyError):
        bags({"errors": [{"type": "INTERNAL_SERVER_TIMEOUT"}]})


def test_a_revalidation_names_flights_by_their_local_times() -> None:
    [itinerary] = itineraries(an_answer())
    query = Query("GRU", "OPO", date(2027, 1, 20), 2, "business")
    request = shop_request(query, "MILE", itinerary.segments)["OTA_AirLowFareSearchRQ"]
    assert request["TravelPreferences"]["CabinPref"][0]["Cabin"] == "C"
    [leg] = request["OriginDestinationInformation"]
    assert leg["DepartureDateTime"] == "2027-01-20T00:00:00"
    assert [
        (one["Number"], one["DepartureDateTime"], one["ClassOfService"]) for one in leg["TPA_Extensions"]["Flight"]
    ] == [(81, "2027-01-20T23:15:00", "J"), (82, "2027-01-21T14:00:00", "Y")]


def test_seats_are_asked_for_the_flights_local_day_and_cabin() -> None:
    [itinerary] = itineraries(an_answer())
    asked = segment_request(0, itinerary.segments[1])
    assert asked["departure"]["aircraftScheduledDate"] == {"date": "2027-01-21"}
    assert asked["cabinTypeCode"] == "Y"
