"""What a seat costs: distance, cabin, day of the week, days ahead. In hundredths, per traveler and flight."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import ROUND_HALF_UP, Decimal
from itertools import pairwise

from services.sandbox.sabre.money import DEFAULT
from services.sandbox.sabre.network import Plan, draw
from services.sandbox.sabre.schedule import Flight, Journey

CABINS = "YSCF"
# What the programme's partners sell in each cabin is one booking class here.
BOOKING_CLASS = {"Y": "Y", "S": "W", "C": "J", "F": "F"}
CABIN_OF_CLASS = {booking_class: cabin for cabin, booking_class in BOOKING_CLASS.items()}
CABIN_PERCENT = {"Y": 100, "S": 165, "C": 340, "F": 560}
FIRST_CLASS_CARRIERS = frozenset({"EK"})

START_DOMESTIC, START_ABROAD = 13_000, 42_000
PER_KM_DOMESTIC, PER_KM_ABROAD = 27, 38
THROUGH_PERCENT = 82  # of a connection's flights: a through fare is less than its parts
WEEKEND_PERCENT = 115
WEEKEND = frozenset({4, 5, 6})  # Friday to Sunday
ADVANCE = ((3, 165), (7, 140), (14, 120), (30, 108))  # (fewer days ahead than, percent)
SPREAD_PERCENT = 24  # between the cheapest and the dearest flight of a route

TAX_DOMESTIC, TAX_FROM_BRAZIL, TAX_ELSEWHERE = 3_852, 11_013, 16_540

BAGS_DOMESTIC = (14_000, 33_000, 58_000)
BAGS_ABROAD = (36_000, 81_000, 145_000)


@dataclass(frozen=True, slots=True)
class Fare:
    """For one traveler on one flight."""

    base: int
    taxes: int

    @property
    def total(self) -> int:
        return self.base + self.taxes


@dataclass(frozen=True, slots=True)
class PriceDay:
    """On what day, at what level and in what currency is asked."""

    day: date
    factor: Decimal = Decimal(1)
    currency: str = DEFAULT


def cabins_of(plan: Plan) -> str:
    if not plan.wide_body:
        return "YS"
    return "YSCF" if plan.carrier in FIRST_CLASS_CARRIERS else "YSC"


def cabin_on(plan: Plan, wanted: str) -> str:
    """The cabin wanted, or economy where the aircraft has none."""
    return wanted if wanted in cabins_of(plan) else "Y"


def fare(flight: Flight, cabin: str, *, through: bool, on: PriceDay) -> Fare:
    """Deterministic: the same flight, cabin, day and level cost the same on every machine."""
    plan, leaves = flight.plan, flight.departs_at
    start, per_km = (START_DOMESTIC, PER_KM_DOMESTIC) if plan.domestic else (START_ABROAD, PER_KM_ABROAD)
    percents = (
        CABIN_PERCENT[cabin],
        THROUGH_PERCENT if through else 100,
        WEEKEND_PERCENT if leaves.weekday() in WEEKEND else 100,
        _advance_percent(leaves, on.day),
        100 - SPREAD_PERCENT // 2 + draw(SPREAD_PERCENT + 1, plan.carrier, plan.number, leaves.date()),
    )
    amount = Decimal(start + round(plan.km) * per_km)
    for percent in percents:
        amount = amount * percent / 100
    published = amount.quantize(Decimal(1), ROUND_HALF_UP)
    return Fare(int((published * on.factor).quantize(Decimal(1), ROUND_HALF_UP)), _taxes(plan))


def journey_fares(journey: Journey, cabins: str, on: PriceDay) -> list[Fare]:
    """One fare per flight, for one traveler; `cabins` has a letter for each flight."""
    through = len(journey) > 1
    return [fare(flight, cabin, through=through, on=on) for flight, cabin in zip(journey, cabins, strict=True)]


def booking_fares(flights: Journey, cabins: str, joined: Sequence[bool], on: PriceDay) -> list[Fare]:
    """Like `journey_fares`, for several journeys in one booking: a flight that is not `joined` to the one before it
    begins a journey of its own, with fares of its own."""
    starts = [0, *(place for place in range(1, len(flights)) if not joined[place]), len(flights)]
    return [
        fare_ for start, end in pairwise(starts) for fare_ in journey_fares(flights[start:end], cabins[start:end], on)
    ]


def bag_prices(plans: list[Plan]) -> tuple[int, int, int]:
    """For 1, 2 and 3 pieces, each the whole price for that number, on the whole journey."""
    return BAGS_DOMESTIC if all(plan.domestic for plan in plans) else BAGS_ABROAD


def _taxes(plan: Plan) -> int:
    if plan.domestic:
        return TAX_DOMESTIC
    return TAX_FROM_BRAZIL if plan.origin.country == "BR" else TAX_ELSEWHERE


def _advance_percent(leaves: datetime, today: date) -> int:
    ahead = (leaves.date() - today).days
    return next((percent for days, percent in ADVANCE if ahead < days), 100)
