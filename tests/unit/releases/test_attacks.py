"""What a stranger, and what a deployer with bad intentions, would try on the rules."""

from dataclasses import replace
from typing import Any

import pytest

from services.releases.domain import commands as said
from services.releases.domain import people as about_people
from services.releases.domain.files import WrongFile, rules_of
from services.releases.domain.people import People, Person
from services.releases.domain.policy import Matching, Rule
from services.releases.domain.seats import Need
from services.releases.settings import ON_A_LAPTOP
from shared.kernel.values import changed
from tests.unit.releases.places import DIGEST, PEOPLE, POLICY, RULES, Place, approved, ask, by, granted, redeem

POLICY_FILE = (ON_A_LAPTOP / "release-policy.toml").read_bytes()
PEOPLE_FILE = (ON_A_LAPTOP / "people.toml").read_bytes()
DEEP = 20_000


@pytest.mark.parametrize("name", ["bia", "BIA", "Bia", "bia-1", "BIA-1", "b1a"])
def test_an_author_is_kept_out_however_his_name_is_written(name: str) -> None:
    assert PEOPLE.known_as(name) == "bia"


def test_an_author_whom_nobody_knows_is_nobody() -> None:
    assert PEOPLE.known_as("somebody-else") == "somebody-else"


def test_a_robot_is_no_way_for_somebody_who_lost_his_power() -> None:
    place = Place()
    place.told(said.Deactivate(by("eva"), "ana", ""))
    assert place.told(ask(person="robot", initiator="ana")) == "inactive"
    assert place.kinds() == ["deactivated"]


def test_whoever_lost_his_power_gets_no_grant_by_his_robot() -> None:
    place = approved(person="robot", initiator="ana")
    place.told(said.Deactivate(by("eva"), "ana", ""))
    assert place.told(said.AskForGrant(by("robot", "http"), DIGEST, "j-1")) == "inactive"


def test_nor_is_one_used_that_his_robot_had_before() -> None:
    place = approved(person="robot", initiator="ana")
    assert place.told(said.AskForGrant(by("robot", "http"), DIGEST, "j-1")) == ""
    place.told(said.Deactivate(by("eva"), "ana", ""))
    assert place.told(redeem()) == "grant_void"


@pytest.mark.parametrize("lost", ["ana", "bia"])
def test_a_glass_that_was_broken_by_somebody_who_then_lost_his_power_lets_nothing_pass(lost: str) -> None:
    """Ana asked, Bia broke it: perhaps it was neither of them, and this is how it is stopped."""
    place = Place()
    place.told(ask())
    assert place.told(said.BreakTheGlass(by("bia"), DIGEST, "INC-1", "", "j-1")) == ""
    place.told(said.Deactivate(by("eva"), lost, ""))
    assert place.told(redeem()) == "grant_void"


def test_who_learns_of_an_attempt_is_not_told_to_go_on_with_it() -> None:
    """The attempt's key stands in the log: whoever reads it there and has the grant, too, is not who redeemed it."""
    place = granted()
    assert place.told(redeem()) == ""
    assert place.told(redeem()) == "", "the same attempt has its answer again"
    assert place.told(changed_by("eva")) == "grant_used"


def changed_by(person: str) -> said.Redeem:
    return replace(redeem(), by=by(person, "http"))


def weaker() -> Place:
    """After the rule for production stands one for all the rest, with one seat."""
    rest = Rule(name="the rest", match=Matching(), need=(Need(group="sre"),))
    return Place(changed(RULES, policy=changed(POLICY, rule=(*POLICY.rule, rest))))


@pytest.mark.parametrize(
    "others", [{"environment": "Production"}, {"action": "Deploy"}, {"action": "DEPLOY", "environment": "PRODUCTION"}]
)
def test_a_capital_letter_leads_to_no_weaker_rule(others: Any) -> None:
    place = weaker()
    place.told(ask(**others))
    place.told(said.Approve(by("bia"), DIGEST))
    assert place.request.state == "pending", "one sre is not enough in production"
    assert place.entries[1].facts["rule"] == "production"


def test_a_capital_letter_is_no_other_lane_and_passes_no_freeze() -> None:
    place = weaker()
    place.told(ask())
    assert place.told(ask("r-2", environment="Production", target="Checkout")) == "request_open"
    place = granted()
    place.told(said.SetFreeze(by("eva"), "f-1", Matching(environment="PRODUCTION"), None, None, ""))
    assert place.told(redeem()) == "frozen"


@pytest.mark.parametrize(
    ("glob", "taken", "not_taken"),
    [
        ("shop[1]", "shop[1]", "shop1"),
        ("shop?", "shop?", "shop1"),
        ("shop-*", "Shop-1", "shop"),
        ("[!a]*", "[!A]b", "b"),
        ("*" * 100 + "b", "a" * 199 + "b", "a" * 200),
    ],
)
def test_a_star_alone_stands_for_something_else(glob: str, taken: str, not_taken: str) -> None:
    assert Matching(target=glob).takes("deploy", "production", taken)
    assert not Matching(target=glob).takes("deploy", "production", not_taken)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"subjects": ("sre",)}, {"subjects": ("sr\u0435",)}),
        ({"subjects": ("ana@x",)}, {"subjects": ("Ana@x",)}),
        ({"chat": ("U0ANA",)}, {"chat": ("UOANA",)}),
        ({"ci": ("ana",)}, {"ci": ("ANA",)}),
        ({"groups": ("sre",)}, {"groups": ("sre", "oncall", "onca1l")}),
    ],
)
def test_names_that_look_alike_are_not_of_two_people(one: Any, other: Any) -> None:
    """Whoever reads the file would take them for one person, who then agrees twice."""
    faults = about_people.faults(People(version=1, person=(Person(id="p-a", **one), Person(id="p-b", **other))))
    assert [what for _, what in faults if "looks like" in what], faults


def test_one_person_may_have_names_that_look_alike() -> None:
    ana = Person(id="p-a", subjects=("ana", "Ana"), ci=("ana",), groups=("sre",))
    assert about_people.faults(People(version=1, person=(ana, Person(id="p-b", groups=("sre",))))) == []


@pytest.mark.parametrize("name", ["ana ", "a\u200bna", "ana\n"])
def test_a_name_in_which_something_is_hidden_is_named(name: str) -> None:
    faults = about_people.faults(People(version=1, person=(Person(id="p-a", subjects=(name,)),)))
    assert any("cannot be seen" in what for _, what in faults)


@pytest.mark.parametrize("which", ["policy", "people"])
@pytest.mark.parametrize(
    "bomb",
    [
        b"x = " + b"[" * DEEP + b"]" * DEEP,
        b"x = " + b"{a = " * DEEP + b"1" + b"}" * DEEP,
        b"[" + b".".join([b"a"] * DEEP) + b"]",
        b"x = " + b"9" * DEEP,
        b"#" * (1024 * 1024),
        b"\xff\xfe",
    ],
    ids=["arrays", "tables", "keys", "number", "long", "bytes"],
)
def test_a_file_that_is_a_bomb_is_refused_as_a_file_that_is_wrong(which: str, bomb: bytes) -> None:
    files = {"policy": POLICY_FILE, "people": PEOPLE_FILE}
    files[which] += b"\n" + bomb
    with pytest.raises(WrongFile) as found:
        rules_of(files["policy"], files["people"])
    assert found.value.which == which


@pytest.mark.parametrize("version", [b"true", b'"2"', b"1.0", b"0", b"-1", b"9" * 40])
def test_a_version_that_no_later_one_follows_is_none(version: bytes) -> None:
    with pytest.raises(WrongFile, match="version"):
        rules_of(POLICY_FILE.replace(b"version = 1", b"version = " + version, 1), PEOPLE_FILE)
