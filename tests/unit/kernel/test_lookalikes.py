"""Names that people take for the same."""

import pytest

from shared.kernel.lookalikes import hides_something, skeleton


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("ana", "Ana"),
        ("ana", "ana "),
        ("ana", "\u0430na"),
        ("sre", "sr\u0435"),
        ("sre", "s\u200bre"),
        ("owner", "\u03bfwner"),
        ("Owner", "0wner"),
        ("bill", "biII"),
        ("bill", "b1ll"),
        ("ana", "\uff41\uff4e\uff41"),
        ("jos\u00e9", "jose\u0301"),
        ("office", "o\ufb03ce"),
    ],
)
def test_names_that_look_alike_have_one_skeleton(one: str, other: str) -> None:
    assert skeleton(one) == skeleton(other)


@pytest.mark.parametrize(("one", "other"), [("ana", "bia"), ("ana", "anna"), ("jos\u00e9", "jose"), ("p-2", "p-3")])
def test_other_names_have_others(one: str, other: str) -> None:
    assert skeleton(one) != skeleton(other)


@pytest.mark.parametrize("name", ["ana ", " ana", "a\u200bna", "a\nna", "a\u202ena", "jose\u0301", "a\u0000"])
def test_what_nobody_sees_is_told(name: str) -> None:
    assert hides_something(name)


@pytest.mark.parametrize("name", ["ana", "Ana Maria", "jos\u00e9", "\u0430\u043d\u043d\u0430", "auth0|5f7c8ec7c33c"])
def test_what_can_be_seen_is_no_fault(name: str) -> None:
    assert not hides_something(name)
