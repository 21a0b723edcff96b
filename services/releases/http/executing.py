"""Grants, their redemption, and how it ended."""

from typing import Annotated, Final

from fastapi import Depends, Path, Response

from services.releases.cases.log import Done
from services.releases.cases.releasing import Releasing, Shown
from services.releases.http import bodies
from services.releases.http.calling import ASK, BREAK, RequestId, by, changed
from services.releases.http.refusing import bad_grant, checked
from services.releases.http.views import ShownDone, ShownExecution, ShownGrant, ShownRequest
from services.releases.ports import BadGrant
from shared.web.answers import answer
from shared.web.auth import Authenticator, Caller
from shared.web.docs import answers
from shared.web.idempotency import idempotency_key
from shared.web.problems import not_found
from shared.web.routes import Routes

WRITING: Final = (400, 401, 403, 404, 409, 413, 415, 422, 503)
Key = Annotated[str, Depends(idempotency_key)]
ExecutionId = Annotated[
    str,
    Path(
        max_length=64,
        pattern=r"^[A-Za-z0-9-]+$",
        description="What runs.",
        examples=["0c1d3a8b-8b1e-5c55-9d0a-2f0f5e1c7b11"],
    ),
]


def routes(router: Routes, releasing: Releasing, authenticator: Authenticator) -> None:
    """From the grant to the outcome."""
    asker, breaker = authenticator.allowed(ASK), authenticator.allowed(BREAK)

    @router.post(
        "/v1/releases/requests/{request_id}/grant", response_model=None, responses=answers(ShownGrant, *WRITING)
    )
    async def grant(request_id: RequestId, body: bodies.GrantBody, caller: Caller = asker) -> Response:
        """A grant, good for ten minutes and once. One that was given before is void."""
        return _granted(releasing, await releasing.grant(by(releasing, caller), request_id, body.digest))

    @router.post(
        "/v1/releases/requests/{request_id}/break-glass", response_model=None, responses=answers(ShownRequest, *WRITING)
    )
    async def break_glass(request_id: RequestId, body: bodies.BreakBody, caller: Caller = breaker) -> Response:
        """It is granted without anybody's approval; ask for the grant as ever. Others look at it afterwards."""
        person = by(releasing, caller)
        done = await releasing.break_glass(person, request_id, body.digest, body.incident, body.reason)
        return answer(await changed(releasing, done))

    @router.post("/v1/releases/grants/redeem", response_model=None, responses=answers(ShownExecution, *WRITING))
    async def redeem(body: bodies.RedeemBody, key: Key, caller: Caller = asker) -> Response:
        """Spend a grant, before anything runs. The same key again gets the same answer; it is one attempt's alone."""
        try:
            shown = Shown(body.grant, body.digest, body.target, key)
            done = await releasing.redeem(by(releasing, caller), shown)
        except BadGrant as error:
            raise bad_grant(error) from error
        request = checked(done).request
        if request is None:
            raise not_found("request")
        return answer(ShownExecution(execution=request.execution, request=request.id))

    @router.post(
        "/v1/releases/executions/{execution_id}/outcome",
        response_model=None,
        responses=answers(ShownDone, *WRITING),
    )
    async def outcome(execution_id: ExecutionId, body: bodies.OutcomeBody, caller: Caller = asker) -> Response:
        """How it ended, told by whoever redeemed; of one that is `unknown`, by anybody who has looked."""
        person = by(releasing, caller)
        request = await releasing.log.folding.executed(execution_id)
        if request is None:
            raise not_found("execution")
        done = await releasing.outcome(person, request, execution_id, body.exit_code, body.summary)
        return answer(ShownDone(log_index=checked(done).index))


def _granted(releasing: Releasing, done: Done) -> Response:
    request = checked(done).request
    if request is None:
        raise not_found("request")
    signed = releasing.signed(request, done.at)
    return answer(ShownGrant(grant=signed, expires_at=request.grant_until, request=request.id))
