"""Who is behind a name."""

import pytest

from services.releases.domain import people as about_people
from services.releases.domain.people import STRANGER, People, Person
from shared.kernel.lookalikes import skeleton
from shared.kernel.values import changed
from tests.unit.releases.places import PEOPLE


def test_each_name_leads_to_its_person_and_no_other() -> None:
    assert [PEOPLE.of_subject(name) for name in ("ana-1", "ana-2", "ci")] == ["ana", "ana", "robot"]
    assert PEOPLE.of_subject("ana").startswith(STRANGER), "an id is no subject"
    assert (PEOPLE.of_chat("UBIA"), PEOPLE.of_chat("ubia"), PEOPLE.of_chat("UNOBODY")) == ("bia", None, None)
    assert (PEOPLE.of_ci("ana-ci"), PEOPLE.of_ci("ana")) == ("ana", None)
    assert [each.id for each in PEOPLE.in_groups(("oncall", "owners", "none"))] == ["ana", "bia", "caio", "davi", "eva"]
    assert PEOPLE.named("nobody") is None


def test_an_id_goes_before_a_login_and_that_before_a_subject() -> None:
    people = People(
        version=1,
        person=(
            Person(id="one", subjects=("x", "y", "z")),
            Person(id="two", ci=("x", "Y")),
            Person(id="x"),
        ),
    )
    assert [people.known_as(name) for name in ("X", "y", "z", "w")] == ["x", "two", "one", "w"]


def test_what_names_look_like_is_worked_out_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """An ask names up to 50 authors; a house has thousands of people, each with some names."""
    seen: list[str] = []

    def counted(name: str) -> str:
        seen.append(name)
        return skeleton(name)

    monkeypatch.setattr(about_people, "skeleton", counted)
    people = People(version=1, person=tuple(Person(id=f"p-{n}", subjects=(f"s-{n}",)) for n in range(1_000)))
    assert [people.known_as(f"nobody-{n}") for n in range(50)] == [f"nobody-{n}" for n in range(50)]
    assert len(seen) == 2 * 1_000 + 50


def test_other_people_are_asked_anew() -> None:
    assert PEOPLE.of_chat("UANA") == "ana"
    assert changed(PEOPLE, person=PEOPLE.person[1:]).of_chat("UANA") is None
