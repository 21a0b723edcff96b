"""The rules: for what is asked, who must agree, until when, and by which ways."""

from datetime import timedelta
from fnmatch import fnmatchcase
from typing import Annotated, Final, Literal, TypeAlias

from pydantic import Field

from services.releases.domain.people import GROUP, People, Strict, Version
from services.releases.domain.seats import Need
from services.releases.domain.windows import Window

Via: TypeAlias = Literal["chat", "http"]
"""The command line speaks HTTP: nobody could tell it apart, whatever it said of itself."""
NAME: Final = r"^[a-z0-9][a-z0-9 ._:-]{0,99}$"
DAY: Final = 86_400
PLAIN: Final = str.maketrans({"[": "[[]", "?": "[?]"})
"""To `fnmatch` these mean something; to who reads a policy they are what they are."""
Glob = Annotated[str, Field(min_length=1, max_length=200)]


class Matching(Strict):
    """What is meant: a * stands for any run of characters. Production is production, however it is written: else a
    capital letter would lead to a weaker rule, and past a freeze."""

    action: Glob = "*"
    environment: Glob = "*"
    target: Glob = "*"

    def takes(self, action: str, environment: str, target: str) -> bool:
        given = (action, self.action), (environment, self.environment), (target, self.target)
        return all(fnmatchcase(value.casefold(), glob.casefold().translate(PLAIN)) for value, glob in given)


class BreakGlass(Strict):
    """Who may go ahead without anybody's approval, and how many others must look at it afterwards, and how soon."""

    group: Annotated[str, Field(pattern=GROUP)]
    reviewers: Annotated[int, Field(ge=1, le=10)] = 1
    review_within: Annotated[int, Field(ge=1, le=30 * DAY)] = DAY
    """Seconds."""


class Rule(Strict):
    """One rule. Neither the requester nor the person behind a robot nor an author ever approves. Times are seconds."""

    name: Annotated[str, Field(pattern=NAME)]
    match: Matching
    need: Annotated[tuple[Need, ...], Field(min_length=1, max_length=10)]
    ask_ttl: Annotated[int, Field(ge=1, le=30 * DAY)] = DAY
    """How long may be asked."""
    use_ttl: Annotated[int, Field(ge=1, le=30 * DAY)] = 3_600
    """How long an approval is good, from the later of it and its window's opening."""
    outcome_within: Annotated[int, Field(ge=1, le=7 * DAY)] = 3_600
    """How long what was begun may be silent."""
    windows: Annotated[tuple[Window, ...], Field(max_length=20)] = ()
    via: Annotated[tuple[Via, ...], Field(min_length=1)] = ("chat", "http")
    break_glass: BreakGlass | None = None
    person_behind_robots: bool = True
    """A robot must show whom it acts for."""

    @property
    def groups(self) -> frozenset[str]:
        return frozenset(each.group for each in self.need)

    @property
    def ask_life(self) -> timedelta:
        return timedelta(seconds=self.ask_ttl)

    @property
    def use_life(self) -> timedelta:
        return timedelta(seconds=self.use_ttl)

    @property
    def silence(self) -> timedelta:
        return timedelta(seconds=self.outcome_within)


class Policy(Strict):
    """All rules, as one version of the file has them. The first that matches holds; without one nothing is done."""

    version: Version
    rule: Annotated[tuple[Rule, ...], Field(max_length=500)] = ()

    def rule_for(self, action: str, environment: str, target: str) -> Rule | None:
        return next((each for each in self.rule if each.match.takes(action, environment, target)), None)


class Rules(Strict):
    """What is decided by: the two files, and what each of them is to the byte."""

    policy: Policy
    people: People
    policy_digest: str
    people_digest: str


def faults(policy: Policy, people: People) -> list[tuple[str, str]]:
    """What cannot be true together: (the word to be looked for in the file, what is wrong with it)."""
    known = people.groups()
    names = [each.name for each in policy.rule]
    found = [(name, f"the rule {name} stands twice") for name in dict.fromkeys(names) if names.count(name) > 1]
    for each in policy.rule:
        groups = [*each.groups, *([each.break_glass.group] if each.break_glass else [])]
        found += [
            (group, f"the rule {each.name} names the group {group}, in which there is nobody")
            for group in sorted(set(groups))
            if group not in known
        ]
    return found
