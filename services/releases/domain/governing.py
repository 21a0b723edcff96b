"""What concerns all requests: power is only taken away here. It is given by a file that somebody has reviewed."""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from services.releases.domain import commands as said
from services.releases.domain.authority import NO_POWER
from services.releases.domain.case import Case, Decision, no, yes
from services.releases.domain.happenings import Happening
from services.releases.domain.policy import Rules
from services.releases.domain.request import lane_of
from services.releases.domain.standing import MOST_FREEZES, MOST_INACTIVE, Standing
from shared.kernel.acts import SINGLES, SINGLES_WITHIN
from shared.ledgerlog.leaves import written_time


def govern(standing: Standing, rules: Rules, command: said.OfAll, now: datetime) -> Decision:
    """The entries that the command causes now, or its refusal."""
    case = Case(None, standing, rules, now)
    if isinstance(command, said.ReadRules):
        return _rules(case)
    if not standing.knows(rules):
        return no("policy_outdated", "This process reads other files than the newest in the log")
    return _GOVERN[type(command)](case, command)


def _rules(case: Case) -> Decision:
    """A roll-out cannot be played off: whoever has older files than the log's newest decides nothing."""
    standing, rules = case.standing, case.rules
    known = (standing.policy_version, standing.people_version)
    read = (rules.policy.version, rules.people.version)
    if any(mine < theirs for mine, theirs in zip(read, known, strict=True)):
        return no("policy_outdated", f"The log knows versions {known} of policy and people, these files are {read}")
    digests = (standing.policy_digest, rules.policy_digest), (standing.people_digest, rules.people_digest)
    for version, newest, (before, after) in zip(read, known, digests, strict=True):
        if version == newest and before != after:
            return no("policy_outdated", f"A file has changed and is still version {version}: give it the next one")
    if known == read:
        return yes()
    facts = {
        "policy_version": rules.policy.version,
        "policy_digest": rules.policy_digest,
        "people_version": rules.people.version,
        "people_digest": rules.people_digest,
    }
    return yes(Happening("rules", "", facts=facts))


def _freeze(case: Case, command: said.SetFreeze) -> Decision:
    if any(each.id == command.id for each in case.standing.freezes):
        return yes()
    holding = [each for each in case.standing.freezes if each.end is None or each.end > case.now]
    if len(holding) >= MOST_FREEZES:
        return no("too_many_waiting", "There are too many freezes")
    start = command.start or case.now
    if command.end is not None and command.end <= max(start, case.now):
        return no("in_the_past", "The freeze would be over before it began")
    facts = {
        "id": command.id,
        "match": command.match.model_dump(),
        "start": written_time(start),
        "end": written_time(command.end) if command.end is not None else None,
        "reason": command.reason,
    }
    return yes(Happening("frozen", "", command.by.person, command.by.via, facts))


def _thaw(case: Case, command: said.Thaw) -> Decision:
    if not any(each.id == command.id for each in case.standing.freezes):
        return no("not_found", "There is no such freeze")
    facts = {"id": command.id, "redeemed": command.redeemed}
    return yes(Happening("thawed", "", command.by.person, command.by.via, facts))


def _deactivate(case: Case, command: said.Deactivate) -> Decision:
    if case.rules.people.named(command.person) is None:
        return no("not_found", "There is no such person")
    if not case.standing.is_active(command.person, case.rules):
        return yes()
    if len(case.standing.inactive) >= MOST_INACTIVE:
        return no("too_many_waiting", "Too many people lost their power: give the file of people a next version")
    facts = {
        "person": command.person,
        "people_version": case.rules.people.version,
        "reason": command.reason,
    }
    return yes(Happening("deactivated", "", command.by.person, command.by.via, facts))


def _single(case: Case, command: said.DoSingly) -> Decision:
    """A freeze does not hold what is no release; whoever has no power does nothing."""
    if case.rules.policy.rule_for(command.action, command.environment, command.target) is None:
        return no("no_policy", "No rule is for this, so nobody may do it")
    if not case.is_active(command.by.person):
        return no(*NO_POWER)
    if not case.standing.may_be_single(lane_of(command.action, command.environment, command.target), case.now):
        hours = SINGLES_WITHIN // timedelta(hours=1)
        return no("grant_required", f"Another person must agree: {SINGLES} in {hours} h are no single acts any more")
    facts = {
        "action": command.action,
        "environment": command.environment,
        "target": command.target,
        "act": command.act,
    }
    return yes(Happening("single", "", command.by.person, command.by.via, facts))


_GOVERN: Final[Mapping[type, Callable[[Case, Any], Decision]]] = {
    said.SetFreeze: _freeze,
    said.Thaw: _thaw,
    said.Deactivate: _deactivate,
    said.DoSingly: _single,
}
