"""The seats of a flight: layout, who sits there already, and what a choice costs."""

from dataclasses import dataclass
from datetime import date
from functools import lru_cache

from services.sandbox.sabre.network import Plan, draw

TAKEN_PERCENT = 35
PRICE_LEG_ROOM, PRICE_FRONT, PRICE_STANDARD = 8_900, 5_900, 3_500  # hundredths; the rear third is free
WIDE_BODY_TIMES = 2


@dataclass(frozen=True, slots=True)
class Layout:
    """`blocks` are the columns between aisles, as in "ABC DEF"."""

    first_row: int
    last_row: int
    blocks: str
    exit_rows: frozenset[int] = frozenset()

    @property
    def columns(self) -> list[str]:
        return [column for column in self.blocks if column != " "]


NARROW = {"Y": Layout(5, 31, "ABC DEF", frozenset({15, 16})), "S": Layout(1, 4, "ABC DEF")}
WIDE = {
    "F": Layout(1, 2, "A EF K"),
    "C": Layout(4, 11, "A DG K"),
    "S": Layout(15, 19, "AC DEFG HK"),
    "Y": Layout(20, 45, "ABC DEFG HJK", frozenset({20, 33})),
}


@dataclass(frozen=True, slots=True)
class Seat:
    """`price` in hundredths, per traveler; 0 is free of charge."""

    row: int
    column: str
    characteristics: tuple[str, ...]
    taken: bool
    price: int

    @property
    def number(self) -> str:
        return f"{self.row}{self.column}"


def layout(plan: Plan, cabin: str) -> Layout:
    return (WIDE if plan.wide_body else NARROW)[cabin]


@lru_cache(maxsize=500)
def seats(plan: Plan, day: date, cabin: str) -> dict[str, Seat]:
    """By number, in order. What was sold since is not in it."""
    shape = layout(plan, cabin)
    made = [
        Seat(
            row,
            column,
            _characteristics(shape, row, column),
            draw(100, plan.carrier, plan.number, day, row, column) < TAKEN_PERCENT,
            _price(plan, cabin, shape, row),
        )
        for row in range(shape.first_row, shape.last_row + 1)
        for column in shape.columns
    ]
    return {seat.number: seat for seat in made}


def _characteristics(shape: Layout, row: int, column: str) -> tuple[str, ...]:
    """PADIS codes: W window, A aisle, 9 middle, E exit row, L leg room."""
    here = shape.blocks.index(column)
    neighbours = (" " + shape.blocks + " ")[here], (" " + shape.blocks + " ")[here + 2]
    inside = "A" if " " in neighbours else "9"
    place = "W" if column in {shape.blocks[0], shape.blocks[-1]} else inside
    return (place, "E", "L") if row in shape.exit_rows else (place,)


def _price(plan: Plan, cabin: str, shape: Layout, row: int) -> int:
    if cabin in "CF":
        return 0
    third = (shape.last_row - shape.first_row + 1) // 3
    if row in shape.exit_rows or cabin == "S":
        price = PRICE_LEG_ROOM
    elif row < shape.first_row + third:
        price = PRICE_FRONT
    elif row < shape.first_row + 2 * third:
        price = PRICE_STANDARD
    else:
        price = 0
    return price * (WIDE_BODY_TIMES if plan.wide_body else 1)
