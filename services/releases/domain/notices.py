"""What the chat shows of a request: everything that somebody who decides must see, and which buttons there are."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal, TypeAlias

from services.releases.domain.counting import eligible
from services.releases.domain.policy import Rules
from services.releases.domain.request import Request
from services.releases.domain.seats import filled
from services.releases.domain.standing import Standing

Kind: TypeAlias = Literal["ask", "broke_glass", "review_overdue"]
Button: TypeAlias = Literal["approve", "deny"]
LOUD: Final[frozenset[Kind]] = frozenset(("broke_glass", "review_overdue"))
"""Messages of their own, at which everybody in the channel is called."""

_BUTTONS: Final[dict[str, tuple[Button, ...]]] = {
    "pending": ("approve", "deny"),
    "approved": ("deny",),
    "granted": ("deny",),
}


@dataclass(frozen=True, slots=True)
class Seat:
    """One person of `group` is needed; `person` has taken the seat, or nobody has."""

    group: str
    person: str = ""


@dataclass(frozen=True, slots=True)
class Notice:
    """One message, as it is to look now. Free texts are as strangers wrote them."""

    id: str
    kind: Kind
    request: Request
    reason: str
    payload: Mapping[str, Any]
    seats: tuple[Seat, ...]
    until: datetime | None
    body: str | None = ""
    """The text of a request of ours, as it will be sent; empty for none, None where it was erased."""

    @property
    def buttons(self) -> tuple[Button, ...]:
        """A no is heard until it runs; a yes while one is asked for."""
        if self.kind != "ask":
            return ()
        return _BUTTONS.get(self.request.state, ())


@dataclass(frozen=True, slots=True)
class Texts:
    """What stands beside the log, as in `Notice`."""

    reason: str
    payload: Mapping[str, Any]
    body: str | None = ""


def notice_of(kind: Kind, id_: str, request: Request, standing: Standing, rules: Rules, *, texts: Texts) -> Notice:
    """Seats as they are filled by people who count now."""
    rule = rules.policy.rule_for(request.action, request.environment, request.target)
    able = eligible(rule, request.persons_concerned, standing, rules) if rule else {}
    need = rule.need if rule else request.need
    holders = filled(need, {person: able[person] for person in request.approvals if person in able})
    groups = [each.group for each in need for _ in range(each.count)]
    seats = tuple(Seat(group, holders.get(number, "")) for number, group in enumerate(groups))
    return Notice(id_, kind, request, texts.reason, texts.payload, seats, request.wake_at(), texts.body)
