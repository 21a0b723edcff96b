"""Copies in which something else stands."""

from functools import cached_property

import pytest

from shared.kernel.values import Value, changed


class Seat(Value):
    row: int
    letter: str = "A"


def test_a_changed_value_leaves_the_first_as_it_was() -> None:
    seat = Seat(row=12)
    assert changed(seat, letter="C") == Seat(row=12, letter="C")
    assert seat == Seat(row=12)


def test_a_misspelled_field_is_named_and_not_carried_along_unseen() -> None:
    with pytest.raises(TypeError, match=r"^Seat has no field leter, rows$"):
        changed(Seat(row=12), rows=13, leter="C")


class Row(Value):
    seats: tuple[Seat, ...]

    @cached_property
    def letters(self) -> str:
        return "".join(seat.letter for seat in self.seats)


def test_what_was_worked_out_of_a_value_is_not_that_of_a_changed_one() -> None:
    row = Row(seats=(Seat(row=1, letter="A"),))
    assert row.letters == "A"
    other = changed(row, seats=(Seat(row=1, letter="B"),))
    assert (other.letters, row.letters) == ("B", "A")
    assert other == Row(seats=other.seats)
