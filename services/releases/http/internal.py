"""What other services redeem grants by."""

from fastapi import Request, Response

from services.releases.cases.releasing import Releasing, Shown
from services.releases.domain.commands import By
from services.releases.http.refusing import problem
from services.releases.ports import BadGrant
from shared.contracts.releases import ActEnded, GrantRedeemed, GrantRefused, GrantShown
from shared.web.answers import answer
from shared.web.auth import Authenticator
from shared.web.routes import Routes, told


def routes(router: Routes, releasing: Releasing, authenticator: Authenticator) -> None:
    """`/internal/releases`."""

    @router.internal("/internal/releases/redeem", authenticator, method="POST")
    async def redeem(request: Request) -> Response:
        shown = await told(request, GrantShown)
        person = _by(releasing, shown.subject)
        try:
            done = await releasing.redeem(
                person, Shown(shown.grant, shown.digest, shown.target, shown.key, shown.action, shown.environment)
            )
        except BadGrant:
            return answer(GrantRefused(code="grant_void", detail="It is no grant for this act"))
        if done.decision.refusal is not None or done.request is None:
            refusal = done.decision.refusal
            code, detail = (refusal.code, refusal.detail) if refusal else ("grant_void", "It is no grant of this log")
            return answer(GrantRefused(code="grant_void" if code == "not_found" else code, detail=detail))
        return answer(GrantRedeemed(request=done.request.id, execution=done.request.execution))

    @router.internal("/internal/releases/ended", authenticator, method="POST")
    async def ended(request: Request) -> Response:
        """It is told until it is taken: 200 where it is on record, and where telling it again would not have it so."""
        act = await told(request, ActEnded)
        person = _by(releasing, act.subject)
        done = await releasing.outcome(person, act.request, act.execution, 0 if act.well else 1, "")
        refusal = done.decision.refusal
        if refusal is not None and refusal.code == "policy_outdated":
            raise problem(refusal)
        return answer(act)


def _by(releasing: Releasing, subject: str) -> By:
    return By(releasing.log.rules.people.of_subject(subject), "http")
