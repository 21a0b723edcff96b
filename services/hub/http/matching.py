"""A pattern tried on an event over HTTP: the verdict, and why."""

from typing import Annotated, Any

from fastapi import Response
from pydantic import Field

from services.hub.cases.registering import Registry
from services.hub.cases.seeing import Seeing
from services.hub.cases.trying import Trying
from services.hub.http.views import ShownExplanation
from shared.rules.explaining import Finding
from shared.rules.faults import Invalid
from shared.rules.looking import TooMuchWork
from shared.web.answers import answer
from shared.web.auth import Authenticator, Caller
from shared.web.bodies import Body
from shared.web.docs import CREATING, answers
from shared.web.problems import Fault, Problem
from shared.web.routes import Routes


class MatchBody(Body):
    """A pattern, and an event to try it on."""

    pattern: Annotated[
        dict[str, Any],
        Field(description="Of the rules' language", examples=[{"data": {"total": [{"numeric": [">=", 3000]}]}}]),
    ]
    event: Annotated[
        dict[str, Any],
        Field(
            description="A CloudEvent in JSON, as far as the pattern asks for it",
            examples=[{"type": "retail.receipt.issued.v1", "data": {"total": 3000}}],
        ),
    ]
    partner: Annotated[
        Annotated[str, Field(max_length=100)] | None,
        Field(description="Whose event it is; the caller's where it is left out"),
    ] = None


def routes(router: Routes, trying: Trying, registry: Registry, seeing: Seeing, authenticator: Authenticator) -> None:
    """`/v1/hub/match`."""
    reader = authenticator.requires_one(("hub:read", "ops:read"))

    @router.post("/v1/hub/match", response_model=None, responses=answers(ShownExplanation, *CREATING))
    async def match(body: MatchBody, caller: Caller = reader) -> Response:
        """Try a pattern on an event; nothing is kept. Values of a type's personal fields are not shown; of a type that
        the caller may not see nothing is known here."""
        own = await registry.partner_of(caller.subject)
        partner = body.partner or (own.id if own else "")
        kinds = {str(body.event.get("type"))}
        if "ops:read" not in caller.scopes:
            kinds = await seeing.types(own, kinds) if own else set()
        try:
            finding = await trying.explained(body.pattern, body.event, partner, kinds)
        except Invalid as invalid:
            faults = [Fault(f"must be {each.expected}", pointer=f"/pattern{each.pointer}") for each in invalid.faults]
            raise Problem(422, "invalid_request", "The pattern is none", errors=faults) from invalid
        except TooMuchWork as much:
            fault = Fault("has lists that are too long for the pattern", pointer="/event")
            raise Problem(422, "invalid_request", "The event is too much work", errors=[fault]) from much
        return answer(_shown(finding))


def _shown(finding: Finding) -> ShownExplanation:
    failed = None if finding.holds else next((each for each in finding.decided() if not each.holds), finding)
    return ShownExplanation(
        matches=finding.holds,
        failed_at=failed.clause if failed else None,
        test=failed.wanted if failed else None,
        at=failed.at if failed else None,
        found=failed.found.kind if failed else None,
        reason=str(finding),
    )
