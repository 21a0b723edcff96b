"""Who may agree or object, and what is told to others."""

from typing import Final

from services.releases.domain.case import Case, Decision, no
from services.releases.domain.commands import By
from services.releases.domain.happenings import Happening
from services.releases.domain.request import RUNNING, Request

MOST_REFUSED: Final = 100
Why = tuple[str, str]
"""A code and a sentence."""


def turned_away(case: Case, by: By) -> Why | None:
    """Why the person may not agree or object, if so."""
    rule = case.rule
    if rule is None:
        return "no_policy", "No rule is for this any more"
    if by.via not in rule.via:
        return "via_not_allowed", f"This is decided by {', '.join(rule.via)}"
    if not case.is_active(by.person):
        return NO_POWER
    if by.person in case.here.persons_concerned:
        return "self_approval", "Nobody decides on what he asked for, or wrote"
    if by.person not in case.eligible:
        return "not_an_approver", "This person is in none of the groups that decide"
    return None


NO_POWER: Final = ("inactive", "This person has no power any more")


def refused(case: Case, by: By, why: Why) -> Decision:
    """On record, once for each person and reason."""
    code, detail = why
    known = case.here.refused
    if (by.person, code) in known or len(known) >= MOST_REFUSED:
        return no(code, detail)
    return no(code, detail, Happening("refused", case.here.id, by.person, by.via, {"code": code}))


def is_askers(request: Request, person: str) -> bool:
    """Is it the request of this person?"""
    return person in request.askers


def over(request: Request) -> Decision:
    """It has come to an end, or runs."""
    told = {"state": request.state}
    if request.state in RUNNING:
        return no("already_executing", "It runs already", told=told)
    if request.state == "expired":
        return no("expired", "Its time is over", told=told)
    return no("closed", f"The request is {request.state}", told=told)


def other_payload() -> Decision:
    return no("payload_changed", "What was named is not what was asked for")
