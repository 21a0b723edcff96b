"""For whom a partner may buy, as it is typed."""

import pytest
import typer

from services.cli.partners import _allowed


@pytest.mark.parametrize(
    ("members", "each", "expected"),
    [
        (None, [], "any"),
        ("any", [], "any"),
        ("ana, rui", [], {"ana", "rui"}),
        (None, ["any"], {"any"}),
        (None, ["a,b", "c d", " e ", "a/b\\c", '"q"', "%2F"], {"a,b", "c d", " e ", "a/b\\c", '"q"', "%2F"}),
        (None, ["x" * 255], {"x" * 255}),
    ],
)
def test_ids_are_taken_as_they_are_one_by_one_and_split_at_commas_together(
    members: str | None, each: list[str], expected: object
) -> None:
    assert _allowed(members, each) == expected


@pytest.mark.parametrize(
    ("members", "each"),
    [
        ("ana", ["rui"]),
        ("any", ["rui"]),
        ("", []),
        (",", []),
        (None, [""]),
        (None, ["x" * 256]),
        ("zoë", []),
        (None, ["a\n"]),
    ],
)
def test_what_names_nobody_is_refused(members: str | None, each: list[str]) -> None:
    with pytest.raises(typer.BadParameter):
        _allowed(members, each)
