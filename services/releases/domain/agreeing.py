"""To agree, to object, to take back."""

from typing import Final, Literal

from services.releases.domain.authority import is_askers, other_payload, over, refused, turned_away
from services.releases.domain.case import Case, Decision, no, yes
from services.releases.domain.commands import Approve, Deny, Revoke, Withdraw
from services.releases.domain.happenings import Happening
from services.releases.domain.request import WAITING
from services.releases.domain.windows import NotOpening
from shared.ledgerlog.leaves import written_time

MOST_APPROVALS: Final = 50
"""Beside those that fill a seat."""


def approve(case: Case, command: Approve) -> Decision:
    """The seat of one person. Again, it changes nothing."""
    request, by = case.here, command.by
    if why := turned_away(case, by):
        return refused(case, by, why)
    if request.state not in {"pending", "approved"}:
        return over(request)
    if command.digest != request.digest:
        return other_payload()
    if by.person in request.approvals or _needs_no_more(case, by.person):
        return yes()
    approval = Happening("approval", request.id, by.person, by.via, {"digest": command.digest})
    if request.state == "approved" or not case.enough((*request.approvals, by.person)):
        return yes(approval)
    return yes(approval, Happening("approved", request.id, by.person, by.via, {"use_until": _use_until(case)}))


def _needs_no_more(case: Case, person: str) -> bool:
    """Many have agreed, and he would fill no seat that is empty."""
    agreed = case.here.approvals
    return len(agreed) >= MOST_APPROVALS and case.seated((*agreed, person)) == case.seated(agreed)


def _use_until(case: Case) -> str:
    """From the later of now and the window's opening."""
    rule = case.rule
    if rule is None:
        raise LookupError("whoever agrees was not turned away")
    try:
        begins, _ = case.opening()
    except NotOpening:
        begins = case.now
    return written_time(begins + rule.use_life)


def deny(case: Case, command: Deny) -> Decision:
    """To object is always the safe side: what is granted already is taken back."""
    if command.digest != case.here.digest:
        return other_payload()
    kind: Literal["revoked", "denied"] = "revoked" if case.here.state == "granted" else "denied"
    return _objected(case, command, kind)


def revoke(case: Case, command: Revoke) -> Decision:
    return _objected(case, command, "revoked")


def _objected(case: Case, command: Deny | Revoke, kind: Literal["revoked", "denied"]) -> Decision:
    request, by = case.here, command.by
    if why := turned_away(case, by):
        return refused(case, by, why)
    if request.state in {"denied", "revoked"}:
        return yes()
    if request.state not in WAITING:
        return over(request)
    return yes(Happening(kind, request.id, by.person, by.via, {"reason": command.reason}))


def withdraw(case: Case, command: Withdraw) -> Decision:
    request = case.here
    if not is_askers(request, command.by.person):
        return no("not_the_requester", "Only whoever asked may withdraw")
    if request.state == "withdrawn":
        return yes()
    if request.state not in WAITING:
        return over(request)
    return yes(Happening("withdrawn", request.id, command.by.person, command.by.via))
