"""Broken glass: without anybody's approval, loudly, and looked at by others afterwards."""

from datetime import timedelta

from services.releases.domain.authority import NO_POWER, Why, other_payload, over, refused, turned_away
from services.releases.domain.case import Case, Decision, after, no, yes
from services.releases.domain.commands import BreakTheGlass, By, Look
from services.releases.domain.executing import granted
from services.releases.domain.happenings import Happening
from services.releases.domain.policy import Rule
from services.releases.domain.standing import MOST_REVIEWS
from shared.ledgerlog.leaves import written_time


def break_the_glass(case: Case, command: BreakTheGlass) -> Decision:
    """The grant, at once. Whoever has an overdue review breaks nothing more."""
    request, by, rule = case.here, command.by, case.rule
    if rule is None:
        return refused(case, by, ("no_policy", "No rule is for this any more"))
    if why := _may_not(case, by, rule):
        return refused(case, by, why)
    if request.state not in {"pending", "approved"} or request.broken:
        return yes() if (request.broken_by, request.jti) == (by.person, command.jti) else over(request)
    if command.digest != request.digest:
        return other_payload()
    if len(case.standing.reviews) >= MOST_REVIEWS:
        return no("review_overdue", "Too much is still to be reviewed")
    broke = _broke(case, command, rule)
    return yes(broke, *granted(after(case, (broke,)), by, command.jti, None).entries)


def _broke(case: Case, command: BreakTheGlass, rule: Rule) -> Happening:
    glass = rule.break_glass
    if glass is None:
        raise LookupError("whoever breaks it was not turned away")
    facts = {
        "incident": command.incident,
        "reason": command.reason,
        "review_due": written_time(case.now + timedelta(seconds=glass.review_within)),
        "reviewers": glass.reviewers,
        "use_until": written_time(case.now + rule.use_life),
    }
    return Happening("broke_glass", case.here.id, command.by.person, command.by.via, facts)


def _may_not(case: Case, by: By, rule: Rule) -> Why | None:
    person = case.rules.people.named(by.person)
    if by.via not in rule.via:
        return "via_not_allowed", f"This is decided by {', '.join(rule.via)}"
    if not case.is_active(by.person):
        return NO_POWER
    if rule.break_glass is None or person is None or person.robot or rule.break_glass.group not in person.groups:
        return "not_an_approver", "This person may not break the glass"
    if case.standing.has_overdue_review(by.person, case.now):
        return "review_overdue", "What this person broke before is still to be reviewed"
    return None


def _did_it(case: Case, by: By) -> Why | None:
    return ("self_approval", "Nobody reviews what he did himself") if by.person == case.here.broken_by else None


def review(case: Case, command: Look) -> Decision:
    """Of one of the others; one who rejects is enough."""
    request, by = case.here, command.by
    if why := turned_away(case, by) or _did_it(case, by):
        return refused(case, by, why)
    if by.person in request.reviews:
        return yes()
    if request.review not in {"due", "overdue"}:
        return no("closed", "There is nothing to be reviewed")
    last = command.verdict == "rejected" or len(request.reviews) + 1 >= request.reviewers
    facts = {"verdict": command.verdict, "reason": command.reason, "last": last}
    return yes(Happening("reviewed", request.id, by.person, by.via, facts))
