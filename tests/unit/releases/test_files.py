"""Policy and people are files; what is wrong with one is told with its line."""

import pytest

from services.releases.domain.files import WrongFile, rules_of
from shared.kernel.digest import digest_of_bytes

PEOPLE = b"""version = 3

[[person]]
id = "ana"
subjects = ["ana-1"]
groups = ["sre"]

[[person]]
id = "bia"
subjects = ["bia-1"]
groups = ["sre", "owners:checkout"]
"""
POLICY = b"""version = 7

[[rule]]
name = "production"
match = { action = "deploy", environment = "production" }
need = [{ group = "sre" }, { group = "owners:checkout" }]
windows = [{ cron = "0 9 * * 1-5", minutes = 480, zone = "Europe/Lisbon" }]
break_glass = { group = "sre", review_within = 3600 }
"""


def test_the_files_say_the_rules() -> None:
    rules = rules_of(POLICY, PEOPLE)
    assert (rules.policy.version, rules.people.version) == (7, 3)
    assert (rules.policy_digest, rules.people_digest) == (digest_of_bytes(POLICY), digest_of_bytes(PEOPLE))
    rule = rules.policy.rule_for("deploy", "production", "checkout")
    assert rule is not None
    assert [each.group for each in rule.need] == ["sre", "owners:checkout"]
    assert rules.policy.rule_for("deploy", "staging", "checkout") is None


@pytest.mark.parametrize(
    ("policy", "line", "what"),
    [
        (POLICY.replace(b'"owners:checkout"', b'"owners:po"'), 6, "the group owners:po, in which there is nobody"),
        (POLICY.replace(b'group = "sre", review', b'group = "night", review'), 8, "the group night"),
        (POLICY.replace(b"minutes = 480", b"minutes = 0"), 3, "rule.1.windows.1.minutes"),
        (POLICY.replace(b"name =", b"nmae ="), 3, "rule.1.name"),
        (POLICY.replace(b'"0 9', b'"x 9'), 3, "cron expression"),
        (POLICY.replace(b"Europe/Lisbon", b"localtime"), 3, "zone: must be the name of a zone such as Europe/Lisbon"),
        (POLICY.replace(b"Europe/Lisbon", b"Europe/Lisboa"), 3, "did you mean Europe/Lisbon?"),
        (POLICY.replace(b"version = 7", b"version = 0"), 1, "version"),
        (POLICY + POLICY.partition(b"\n\n")[2], 4, "the rule production stands twice"),
        (b"version = ", 0, "no TOML"),
        (b"\xff", 0, "no TOML"),
    ],
)
def test_what_is_wrong_with_a_policy_is_told_with_its_line(policy: bytes, line: int, what: str) -> None:
    with pytest.raises(WrongFile, match=what) as told:
        rules_of(policy, PEOPLE)
    assert (told.value.which, told.value.line) == ("policy", line)


@pytest.mark.parametrize(
    ("people", "line", "what"),
    [
        (PEOPLE.replace(b'"bia-1"', b'"ana-1"'), 5, "the subject ana-1 stands twice"),
        (PEOPLE.replace(b'"bia"', b'"ana"'), 4, "the person ana stands twice"),
        (PEOPLE.replace(b'id = "bia"', b'id = "bia"\nrobot = true'), 9, "the robot bia is in a group"),
        (PEOPLE.replace(b'"bia"', b'"stranger-1"'), 9, "a stranger's id"),
        (PEOPLE.replace(b'id = "bia"', b'id = "Bia Souza"'), 8, "person.2.id"),
    ],
)
def test_what_is_wrong_with_people_is_told_with_its_line(people: bytes, line: int, what: str) -> None:
    with pytest.raises(WrongFile, match=what) as told:
        rules_of(POLICY, people)
    assert (told.value.which, told.value.line) == ("people", line)
