"""Copies in which something else stands."""

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
