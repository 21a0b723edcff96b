"""What JSON's text can say that no value can hold."""

import json

import pytest

from shared.kernel.jsontext import LONGEST_NAME, each_once, is_text, repeated, shown_name


@pytest.mark.parametrize(
    ("text", "whole"),
    [("", True), ("abc", True), ("é 😀", True), ("\ud7ff\ue000", True), ("a\ud800", False), ("\udfff", False)],
)
def test_a_text_has_no_half_of_a_surrogate_pair(text: str, *, whole: bool) -> None:
    assert is_text(text) is whole


def test_a_strangers_name_is_shown_as_an_answer_can_carry_it() -> None:
    assert shown_name("n" * 1_000) == "n" * LONGEST_NAME
    assert shown_name("a\ud800b") == "a?b"


def test_names_that_stand_again_are_told_once_in_their_order() -> None:
    assert repeated([("b", 1), ("a", 1), ("c", 1), ("a", 2), ("b", 2), ("a", 3)]) == ("b", "a")


def test_an_object_whose_names_stand_once_is_read_and_no_other() -> None:
    assert json.loads('{"a": {"b": 1}}', object_pairs_hook=each_once) == {"a": {"b": 1}}
    with pytest.raises(ValueError, match="twice"):
        json.loads('{"a": {"b": 1, "b": 1}}', object_pairs_hook=each_once)
