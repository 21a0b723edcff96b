"""A house for tests: five people, a robot, and rules for what they may do."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from services.releases.domain import commands as said
from services.releases.domain.case import Decision
from services.releases.domain.deciding import decide
from services.releases.domain.governing import govern
from services.releases.domain.happenings import Entry
from services.releases.domain.people import People, Person
from services.releases.domain.policy import BreakGlass, Matching, Policy, Rule, Rules
from services.releases.domain.request import Request
from services.releases.domain.request import folded as fold_request
from services.releases.domain.seats import Need
from services.releases.domain.standing import Standing
from services.releases.domain.standing import folded as fold_standing
from services.releases.domain.windows import Window

START = datetime(2027, 1, 20, 10, tzinfo=UTC)
SECOND, MINUTE, HOUR, DAY = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
DIGEST, OTHER = "sha256:" + "1" * 64, "sha256:" + "2" * 64

PEOPLE = People(
    version=1,
    person=(
        Person(id="ana", subjects=("ana-1", "ana-2"), chat=("UANA",), ci=("ana-ci",), groups=("owners", "sre")),
        Person(id="bia", subjects=("bia-1",), chat=("UBIA",), groups=("sre", "oncall")),
        Person(id="caio", subjects=("caio-1",), chat=("UCAIO",), groups=("sre", "owners")),
        Person(id="davi", subjects=("davi-1",), groups=("owners",)),
        Person(id="eva", subjects=("eva-1",), groups=("oncall",)),
        Person(id="robot", subjects=("ci",), robot=True),
    ),
)
GLASS = BreakGlass(group="oncall", reviewers=1, review_within=7200)
POLICY = Policy(
    version=1,
    rule=(
        Rule(
            name="production",
            match=Matching(action="deploy", environment="production"),
            need=(Need(group="sre"), Need(group="owners")),
            ask_ttl=3600,
            use_ttl=1800,
            outcome_within=900,
            break_glass=GLASS,
        ),
        Rule(
            name="at night",
            match=Matching(action="deploy", environment="night"),
            need=(Need(group="sre", count=2),),
            ask_ttl=7200,
            use_ttl=600,
            windows=(Window(cron="30 * * * *", minutes=20),),
            via=("chat",),
        ),
        Rule(name="lifting", match=Matching(action="releases.lift_freeze"), need=(Need(group="sre"),)),
    ),
)
RULES = Rules(policy=POLICY, people=PEOPLE, policy_digest="sha256:policy", people_digest="sha256:people")


def ask(id_: str = "r-1", person: str = "ana", environment: str = "production", **others: Any) -> said.Ask:
    given: dict[str, Any] = {
        "action": "deploy",
        "target": "checkout",
        "digest": DIGEST,
        "asked": f"sha256:{id_}",
        **others,
    }
    return said.Ask(id=id_, by=said.By(person, "http"), environment=environment, **given)


def by(person: str, via: str = "chat") -> said.By:
    return said.By(person, via)


class Place:
    """A log in memory, at which one command after the other is decided."""

    def __init__(self, rules: Rules = RULES) -> None:
        self.rules = rules
        self.now = START
        self.entries: list[Entry] = []
        self.standing = Standing()
        self.requests: dict[str, Request] = {}
        self.command(said.ReadRules())

    def command(self, command: said.Command, request: str = "") -> Decision:
        """Decide, and have it happen."""
        if isinstance(command, said.OfAll):
            decision = govern(self.standing, self.rules, command, self.now)
        else:
            id_ = command.id if isinstance(command, said.Ask) else request
            decision = decide(self.requests.get(id_), self.standing, self.rules, command, self.now)
        for happening in decision.entries:
            entry = Entry.placed(happening, len(self.entries), self.now)
            self.entries.append(entry)
            self.standing = fold_standing(self.standing, entry)
            if after := fold_request(self.requests.get(entry.request), entry):
                self.requests[entry.request] = after
        return decision

    def told(self, command: said.Command, request: str = "r-1") -> str:
        """The refusal's code; empty where there is none."""
        refusal = self.command(command, request).refusal
        return refusal.code if refusal else ""

    def all_told(self, *commands: said.Command, request: str = "r-1") -> list[str]:
        return [self.told(command, request) for command in commands]

    def later(self, by_: timedelta) -> "Place":
        self.now += by_
        return self

    def kinds(self, first: int = 1) -> list[str]:
        return [entry.kind for entry in self.entries[first:]]

    @property
    def request(self) -> Request:
        return self.requests["r-1"]


def approved(rules: Rules = RULES, person: str = "ana", **others: Any) -> Place:
    """A place at which r-1 has all it needs."""
    place = Place(rules)
    approvals: Sequence[said.Command] = (
        ask(person=person, **others),
        said.Approve(by("bia"), DIGEST),
        said.Approve(by("caio"), DIGEST),
    )
    assert place.all_told(*approvals) == ["", "", ""]
    return place


def granted(jti: str = "j-1") -> Place:
    place = approved()
    assert place.told(said.AskForGrant(by("ana", "http"), DIGEST, jti)) == ""
    return place


def redeem(jti: str = "j-1", key: str = "k-1", digest: str = DIGEST, target: str = "checkout") -> said.Redeem:
    return said.Redeem(by("ana", "http"), jti, digest, target, key, f"x-{jti}-{key}")
