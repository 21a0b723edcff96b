"""Whether something may be asked for at all."""

from services.releases.domain.case import Case, Decision, no, yes
from services.releases.domain.commands import Ask
from services.releases.domain.counting import eligible, missing
from services.releases.domain.happenings import Happening
from services.releases.domain.policy import Rule
from services.releases.domain.request import lane_of
from services.releases.domain.standing import MOST_WAITING
from services.releases.domain.windows import NotOpening, opening
from shared.ledgerlog.leaves import written_time


def asked(case: Case, command: Ask) -> Decision:
    """The same ask again gets the first one's answer."""
    if case.request is not None:
        if case.request.asked != command.asked:
            return no("idempotency_key_reused", "The key belongs to something else that was asked for")
        return yes()
    rule = case.rules.policy.rule_for(command.action, command.environment, command.target)
    if rule is None:
        return no("no_policy", "No rule is for this, so nobody may do it")
    if refusal := _not_askable(case, command, rule) or _lane_taken(case, command):
        return refusal
    entries = (_requested(case, command, rule),)
    if command.replaces:
        superseded = Happening("superseded", command.replaces, command.by.person, command.by.via, {"by": command.id})
        return yes(superseded, *entries)
    return yes(*entries)


def _not_askable(case: Case, command: Ask, rule: Rule) -> Decision | None:
    if not all(case.is_active(each) for each in (command.by.person, command.initiator) if each):
        return no("inactive", "This person has no power any more")
    if rule.person_behind_robots and case.rules.people.is_robot(command.by.person) and not command.initiator:
        return no("initiator_required", "A robot must show, by a token, whom it acts for")
    try:
        opening(rule.windows, command.window, case.now)
    except NotOpening as error:
        return no("in_the_past", f"It could never be done: {error}")
    concerned = (command.by.person, command.initiator, *command.authors)
    able = eligible(rule, concerned, case.standing, case.rules)
    if short := missing(rule, able):
        return no("unsatisfiable", f"Nobody could agree: {'; '.join(short)}", told={"eligible": sorted(able)})
    return None


def _lane_taken(case: Case, command: Ask) -> Decision | None:
    waits = case.standing.lanes.get(lane_of(command.action, command.environment, command.target), "")
    if waits != command.replaces:
        if waits:
            return no("request_open", f"{waits} waits for the same", told={"request": waits})
        return no("closed", "What it should replace waits no longer")
    if not waits and len(case.standing.lanes) >= MOST_WAITING:
        return no("too_many_waiting", "Too many requests wait")
    return None


def _requested(case: Case, command: Ask, rule: Rule) -> Happening:
    start, end = command.window.start, command.window.end
    facts = {
        "action": command.action,
        "environment": command.environment,
        "target": command.target,
        "digest": command.digest,
        "asked": command.asked,
        "reason": command.reason,
        "body": command.body,
        "initiator": command.initiator,
        "authors": list(command.authors),
        "window_start": written_time(start) if start is not None else None,
        "window_end": written_time(end) if end is not None else None,
        "rule": rule.name,
        "need": [each.model_dump() for each in rule.need],
        "policy": case.rules.policy_digest,
        "people": case.rules.people_digest,
        "ask_until": written_time(case.now + rule.ask_life),
    }
    return Happening("requested", command.id, command.by.person, command.by.via, facts)
