"""What becomes of a command: the entries it causes, and why not. Pure: the same question has the same answer.

Nothing is done here. Whoever asks appends the entries to the log by compare-and-set, all of them or none, at the place
for which they were decided; else he asks again. So what was decided in one order has happened in that order.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from services.releases.domain import agreeing, executing, glass
from services.releases.domain import commands as said
from services.releases.domain.asking import asked
from services.releases.domain.case import Case, Decision, after, no
from services.releases.domain.clock import due
from services.releases.domain.happenings import Happening
from services.releases.domain.policy import Rules
from services.releases.domain.request import Request
from services.releases.domain.standing import Standing


def decide(
    request: Request | None, standing: Standing, rules: Rules, command: said.OfRequest, now: datetime
) -> Decision:
    """The entries that the command causes now, and its refusal. A refusal may have entries: it is on record."""
    if isinstance(command, said.Tick):
        return Decision(due(request, now)) if request is not None else Decision()
    if not standing.knows(rules):
        return no("policy_outdated", "This process reads other files than the newest in the log")
    if isinstance(command, said.Ask):
        return asked(Case(request, standing, rules, now), command)
    if request is None:
        return no("not_found", "There is no such request")
    ticked = due(request, now)
    decision = _DECIDE[type(command)](after(Case(request, standing, rules, now), ticked), command)
    if isinstance(command, said.Redeem) and _has_just_ended(request, command, ticked):
        decision = no("grant_expired", "The grant's ten minutes are over")
    return Decision((*ticked, *decision.entries), decision.refusal)


def _has_just_ended(request: Request, command: said.Redeem, ticked: Sequence[Happening]) -> bool:
    return request.jti == command.jti and any(each.kind == "grant_lapsed" for each in ticked)


_DECIDE: Final[Mapping[type, Callable[[Case, Any], Decision]]] = {
    said.Approve: agreeing.approve,
    said.Deny: agreeing.deny,
    said.Withdraw: agreeing.withdraw,
    said.Revoke: agreeing.revoke,
    said.AskForGrant: executing.grant,
    said.Redeem: executing.redeem,
    said.Outcome: executing.outcome,
    said.BreakTheGlass: glass.break_the_glass,
    said.Look: glass.review,
}
