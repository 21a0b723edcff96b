"""From the grant to how it ended."""

from datetime import datetime, timedelta
from typing import Final

from services.releases.domain.authority import NO_POWER, Why, is_askers, other_payload, over, refused
from services.releases.domain.case import GRANT_LIFE, Case, Decision, no, yes
from services.releases.domain.commands import AskForGrant, By, Outcome, Redeem
from services.releases.domain.happenings import Happening
from services.releases.domain.request import RUNNING, WAITING
from services.releases.domain.windows import NotOpening
from shared.ledgerlog.leaves import written_time

USED: Final = RUNNING | {"succeeded", "failed"}
MOST_GRANTS: Final = 100
"""Of one request. A gate uses its first, or after a freeze the next; each is an entry of the log for good."""
SILENCE: Final = timedelta(hours=1)
"""How long what was begun may say nothing where no rule is for it any more."""


def grant(case: Case, command: AskForGrant) -> Decision:
    """A grant, in the place of the one before; those who agreed are counted again, as they stand now."""
    request, by = case.here, command.by
    if not case.is_active(by.person) or not case.askers_are_active():
        return refused(case, by, NO_POWER)
    if not is_askers(request, by.person):
        return no("not_the_requester", "Only whoever asked is given the grant")
    if request.state not in WAITING:
        return over(request)
    return _given(case, command)


def _given(case: Case, command: AskForGrant) -> Decision:
    request = case.here
    if command.digest != request.digest:
        return other_payload()
    if request.state == "granted" and command.jti == request.jti:
        return yes()  # one's own write was acknowledged late
    if request.grants >= MOST_GRANTS:
        return no("too_many_grants", f"{MOST_GRANTS} grants were given for it, and no more are: ask anew")
    if request.broken:
        return granted(case, command.by, command.jti, None)
    if request.state == "pending" or not case.enough(request.approvals):
        return no("not_approved", "Not all seats are filled by people who may still agree")
    return _within_its_time(case, command)


def _within_its_time(case: Case, command: AskForGrant) -> Decision:
    if freeze := case.frozen():
        return no("frozen", "There is a freeze", told={"freeze": freeze.id})
    try:
        begins, ends = case.opening()
    except NotOpening:
        return no("outside_window", "No window opens any more")
    if begins > case.now:
        seconds = int((begins - case.now).total_seconds()) + 1
        return no("outside_window", f"The window opens at {written_time(begins)}", told={"retry_after": seconds})
    return granted(case, command.by, command.jti, ends)


def granted(case: Case, by: By, jti: str, ends: datetime | None) -> Decision:
    """Good for ten minutes, and no longer than the approval and the window."""
    times = (case.now + GRANT_LIFE, case.here.use_until, ends)
    until = written_time(min(each for each in times if each is not None))
    facts = {"jti": jti, "until": until, "digest": case.here.digest, "target": case.here.target}
    return yes(Happening("granted", case.here.id, by.person, by.via, facts))


def redeem(case: Case, command: Redeem) -> Decision:
    """Once. The same attempt again gets the same answer, and so does nobody else: its key stands in the log."""
    request = case.here
    attempt = (command.key, command.jti, command.by.person)
    if request.execution and (request.redeemed_by, request.jti, request.redeemer) == attempt:
        return yes() if command.digest == request.digest else other_payload()
    if why := _void(case, command) or _stopped(case):
        return no(*why)
    facts = {
        "execution": command.execution,
        "jti": command.jti,
        "digest": command.digest,
        "key": command.key,
        "outcome_until": written_time(case.now + (case.rule.silence if case.rule else SILENCE)),
    }
    return yes(Happening("executing", request.id, command.by.person, command.by.via, facts))


def _void(case: Case, command: Redeem) -> Why | None:
    """Is it this grant, for this?"""
    request = case.here
    if request.state in USED and command.jti == request.jti:
        return "grant_used", "The grant was redeemed already"
    if request.state != "granted" or command.jti != request.jti:
        return "grant_void", "The grant is good no longer"
    elsewhere = command.environment not in {"", request.environment}
    if elsewhere or (command.digest, command.target) != (request.digest, request.target):
        return "payload_changed", "The grant is for something else"
    return None


def _stopped(case: Case) -> Why | None:
    """Has something happened since it was granted? Nothing stops whoever broke the glass but a revocation, and the
    loss of his power."""
    request = case.here
    if not case.askers_are_active():
        return "grant_void", "Of those who asked some may not any more"
    if request.broken:
        return None
    if case.frozen():
        return "frozen", "There is a freeze"
    if not case.enough(request.approvals):
        return "grant_void", "Of those who agreed some may not any more"
    return None


def outcome(case: Case, command: Outcome) -> Decision:
    """Told by whoever redeemed; after the silence by anybody in the file who has looked, or it would be unknown for
    ever where that was a robot, or a person who left. It gives no power: the lane is free since the silence."""
    request = case.here
    if not request.execution or request.execution != command.execution:
        return no("not_found", "There is no such execution")
    if request.redeemer != command.by.person:
        if request.state != "unknown":
            return no("not_the_requester", "While it runs only whoever redeemed the grant tells how it ended")
        if case.rules.people.named(command.by.person) is None or not case.is_active(command.by.person):
            return no(*NO_POWER)
    if request.state not in RUNNING:
        return yes() if request.exit_code == command.exit_code else over(request)
    facts = {"execution": command.execution, "exit_code": command.exit_code, "summary": command.summary}
    return yes(Happening("outcome", request.id, command.by.person, command.by.via, facts))
