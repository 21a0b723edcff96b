"""The cart's texts and their patterns in the document: what a pattern allows is taken."""

import re
import sys
import unicodedata

import pytest
from pydantic import TypeAdapter, ValidationError

from services.cart.http.bodies import TICKETABLE, VISIBLE, Name, NewPassenger

NAME = TypeAdapter(Name)


def a_passenger(document: str) -> NewPassenger:
    return NewPassenger(given_name="Ana", surname="Souza", birth_date="1990-05-01", document=document)


def characters() -> list[str]:
    return [chr(code) for code in range(sys.maxunicode + 1)]


def test_every_letter_that_the_pattern_allows_in_a_name_is_taken() -> None:
    letters = [letter for letter in characters() if re.fullmatch(TICKETABLE, letter)]
    assert len(letters) > 400
    assert [letter for letter in letters if not NAME.validate_python(f"A{letter}")] == []


def test_what_can_be_printed_is_taken_as_a_documents_number_and_nothing_else_that_is_assigned() -> None:
    allowed = {character for character in characters() if re.fullmatch(VISIBLE, f"1{character}")}
    basic = {character for character in characters()[:0x10000] if character.isprintable()}
    assert basic - allowed == {"\ufffc", "\ufffd"}, "they stand for what was lost"
    assert all(character.isprintable() or unassigned(character) for character in allowed)


def unassigned(character: str) -> bool:
    """May a later version of Unicode give it a meaning?"""
    return unicodedata.category(character) == "Cn"


@pytest.mark.parametrize("document", ["FX123456", "IV-МЮ 123456", "12.345.678-9", "日本 1", "A<B"])
def test_numbers_of_travel_documents_are_taken_in_any_script(document: str) -> None:
    assert a_passenger(document).document == document


@pytest.mark.parametrize(
    "document", [" ", "", "A\n", "A\u00adB", "\u200fA", "\u2028", "A\u3000B", "\ud800", "\ufeff1", "\U000e0041"]
)
def test_what_cannot_be_printed_is_no_number(document: str) -> None:
    with pytest.raises(ValidationError):
        a_passenger(document)
