"""What a decision is made of, and what it is."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final

from services.releases.domain import request as requests
from services.releases.domain import standing as standings
from services.releases.domain.commands import Refusal
from services.releases.domain.counting import eligible, enough, seated
from services.releases.domain.happenings import Entry, Happening
from services.releases.domain.policy import Rule, Rules
from services.releases.domain.request import Request
from services.releases.domain.standing import Freeze, Standing
from services.releases.domain.windows import opening

GRANT_LIFE: Final = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Decision:
    """The entries, in their order, and why not."""

    entries: tuple[Happening, ...] = ()
    refusal: Refusal | None = None


def yes(*entries: Happening) -> Decision:
    return Decision(entries)


def no(code: str, detail: str, *entries: Happening, told: Mapping[str, Any] | None = None) -> Decision:
    return Decision(entries, Refusal(code, detail, told or {}))


@dataclass(frozen=True, slots=True)
class Case:
    """How all stands at the moment."""

    request: Request | None
    standing: Standing
    rules: Rules
    now: datetime

    @property
    def here(self) -> Request:
        """The request that there is."""
        if self.request is None:
            raise LookupError("there is no request")
        return self.request

    @property
    def rule(self) -> Rule | None:
        """The rule of now: whoever lost his power since it was asked has none."""
        request = self.here
        return self.rules.policy.rule_for(request.action, request.environment, request.target)

    @property
    def eligible(self) -> Mapping[str, frozenset[str]]:
        rule = self.rule
        return eligible(rule, self.here.persons_concerned, self.standing, self.rules) if rule is not None else {}

    def enough(self, approvals: Iterable[str]) -> bool:
        rule = self.rule
        return rule is not None and enough(self.here, approvals, rule, self.standing, self.rules)

    def seated(self, approvals: Iterable[str]) -> int:
        """So many seats are filled by those who agreed."""
        rule = self.rule
        return seated(self.here, approvals, rule, self.standing, self.rules) if rule is not None else 0

    def is_active(self, person: str) -> bool:
        return self.standing.is_active(person, self.rules)

    def askers_are_active(self) -> bool:
        """Has none of those whose request it is lost his power? A robot has no more than whoever is behind it."""
        return all(map(self.is_active, self.here.askers))

    def frozen(self) -> Freeze | None:
        return self.standing.frozen(self.here, self.now)

    def opening(self) -> tuple[datetime, datetime | None]:
        """From when and until when it may be begun. Raises NotOpening."""
        rule = self.rule
        return opening(rule.windows if rule is not None else (), self.here.window, self.now)


def after(case: Case, happened: Iterable[Happening]) -> Case:
    """How all stands when this has happened."""
    for happening in happened:
        entry = Entry.placed(happening, case.here.through, case.now)
        request, standing = requests.folded(case.request, entry), standings.folded(case.standing, entry)
        case = replace(case, request=request, standing=standing)
    return case
