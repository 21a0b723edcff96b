"""Asking, agreeing, objecting, looking."""

from typing import Annotated, Any, Final

from fastapi import Depends, Query, Response

from services.releases.cases.releasing import Asked, Releasing
from services.releases.domain.bodies import WrongBody
from services.releases.domain.request import Request, State
from services.releases.domain.windows import Span
from services.releases.http import bodies, following
from services.releases.http.calling import APPROVE, ASK, READ, RequestId, by, changed, existing, whole
from services.releases.http.views import ShownRequest, ShownRequests, shown
from services.releases.http.waiting import Waiting
from services.releases.ports import IssuerSilent, NotProved, Pipelines
from shared.kernel.digest import NoCanonicalForm
from shared.runtime.service import Runtime
from shared.web.answers import answer
from shared.web.auth import Authenticator, Caller
from shared.web.bodies import WholeNumber
from shared.web.docs import CREATING, READING, answers
from shared.web.idempotency import idempotency_key
from shared.web.pages import Cursor, Listing
from shared.web.problems import invalid_field, try_again
from shared.web.routes import Routes

LISTED: Final = 100
LONGEST_WAIT: Final = 60
WRITING: Final = (400, 401, 403, 404, 409, 413, 415, 422, 503)
LIST = Listing[Request](lambda request: (request.asked_at.isoformat(), request.id), (str, str))
Key = Annotated[str, Depends(idempotency_key)]


def routes(router: Routes, releasing: Releasing, pipelines: Pipelines | None, runtime: Runtime) -> None:
    """`/v1/releases/requests`. `pipelines` say who is behind a robot."""
    _asking(router, releasing, pipelines, runtime.authenticator)
    _looking(router, releasing, runtime)
    _deciding(router, releasing, runtime.authenticator)


def _asking(router: Routes, releasing: Releasing, pipelines: Pipelines | None, authenticator: Authenticator) -> None:
    asker = authenticator.allowed(ASK)

    @router.post(
        "/v1/releases/requests",
        status_code=201,
        response_model=None,
        responses=answers(ShownRequest, *CREATING, 409, 429, status=201, headers=("Location", "ETag")),
    )
    async def ask(body: bodies.AskBody, key: Key, caller: Caller = asker) -> Response:
        """Ask others to agree to exactly this payload. The same key again is the same request."""
        window = body.window or bodies.WindowBody()
        if window.start is not None and window.end is not None and window.start >= window.end:
            raise invalid_field("/window/until", "must be after the beginning")
        asked = Asked(
            key=key,
            action=body.action,
            environment=body.environment,
            target=body.target,
            payload=body.payload,
            reason=body.reason,
            initiator=await _initiator(releasing, pipelines, body.initiator_token),
            authors=tuple(dict.fromkeys(map(releasing.log.rules.people.known_as, body.authors))),
            window=Span(start=window.start, end=window.end),
            replaces=body.replaces or "",
            body=body.body,
        )
        try:
            done = await releasing.ask(by(releasing, caller), asked)
        except WrongBody as error:
            raise invalid_field("/body", str(error)) from error
        except NoCanonicalForm as error:
            raise invalid_field("/payload", f"has no canonical form: {error}") from error
        found = await changed(releasing, done)
        return answer(found, 201, revision=found.revision, location=f"/v1/releases/requests/{found.id}")


async def _initiator(releasing: Releasing, pipelines: Pipelines | None, token: str | None) -> str:
    """The person behind a robot; nobody without a token. Raises 422, 503."""
    place = "/initiator_token"
    if token is None:
        return ""
    if pipelines is None:
        raise invalid_field(place, "cannot be checked here: no continuous integration is known", "not_available")
    try:
        login = await pipelines.login(token)
    except NotProved as error:
        raise invalid_field(place, f"proves nobody: {error}") from error
    except IssuerSilent as error:
        raise try_again("issuer_unavailable", "Nobody says whom the robot acts for; try again") from error
    person = releasing.log.rules.people.of_ci(login)
    if person is None:
        raise invalid_field(place, "is somebody's who stands not in the file of people")
    return person


def _looking(router: Routes, releasing: Releasing, runtime: Runtime) -> None:
    reader = runtime.authenticator.requires_one((READ[0], ASK, APPROVE, READ[1]))
    following.routes(router, releasing, runtime, reader)
    waiting = Waiting(releasing, runtime.draining)

    @router.get(
        "/v1/releases/requests",
        dependencies=[reader],
        response_model=None,
        responses=answers(ShownRequests, *READING),
    )
    async def listed(
        state: Annotated[State | None, Query(description="In this state only.", examples=["pending"])] = None,
        limit: Annotated[WholeNumber, Query(ge=1, le=LISTED, description="So many, at most.", examples=[50])] = 50,
        cursor: Cursor = None,
    ) -> Response:
        """Requests, the newest first."""
        index, prefix = ("by_state", (state,)) if state else ("by_time", ())

        async def find(after: Any, limit: int) -> list[Request]:
            found = await releasing.log.books.requests.find(index, prefix, limit=limit, after=after, descending=True)
            return [each.value for each in found]

        await releasing.log.catch_up()
        page, following = await LIST.page(cursor, limit, find)
        head = await releasing.log.books.head()
        told = [shown(each, releasing.log, head.standing) for each in page]
        return answer(ShownRequests(requests=told, next_cursor=following))

    @router.get(
        "/v1/releases/requests/{request_id}",
        response_model=None,
        responses=answers(ShownRequest, *READING, headers=("ETag",)),
    )
    async def show(
        request_id: RequestId,
        wait: Annotated[
            WholeNumber | None,
            Query(
                ge=0,
                le=LONGEST_WAIT,
                description="Seconds at most, for something to happen; none where too many wait already.",
                examples=[60],
            ),
        ] = None,
        since: Annotated[
            WholeNumber | None, Query(ge=0, le=2**53, description="Happened: another revision than this.", examples=[1])
        ] = None,
        caller: Caller = reader,
    ) -> Response:
        """A request; with `wait` and `since`, when something has happened to it: 304 where nothing has."""
        if wait and since is not None:
            found = await waiting.change(caller.subject, request_id, since, wait)
        else:
            found = await existing(releasing, request_id)
        if since is not None and wait is not None and found.revision == since:
            return Response(status_code=304)
        return answer(await whole(releasing, found), revision=found.revision)


def _deciding(router: Routes, releasing: Releasing, authenticator: Authenticator) -> None:
    approver, asker = authenticator.allowed(APPROVE), authenticator.allowed(ASK)
    told = answers(ShownRequest, *WRITING)

    @router.post("/v1/releases/requests/{request_id}/decisions", response_model=None, responses=told)
    async def decide(request_id: RequestId, body: bodies.DecisionBody, caller: Caller = approver) -> Response:
        """Approve or deny. Again, it changes nothing."""
        person = by(releasing, caller)
        if body.decision == "approve":
            done = await releasing.approve(person, request_id, body.digest)
        else:
            done = await releasing.deny(person, request_id, body.digest, body.reason)
        return answer(await changed(releasing, done))

    @router.post("/v1/releases/requests/{request_id}/withdraw", response_model=None, responses=told)
    async def withdraw(request_id: RequestId, caller: Caller = asker) -> Response:
        """Whoever asked needs it no more."""
        return answer(await changed(releasing, await releasing.withdraw(by(releasing, caller), request_id)))

    @router.post("/v1/releases/requests/{request_id}/revoke", response_model=None, responses=told)
    async def revoke(request_id: RequestId, body: bodies.RevokeBody, caller: Caller = approver) -> Response:
        """Take back what was agreed to, and what was granted, until it runs."""
        return answer(await changed(releasing, await releasing.revoke(by(releasing, caller), request_id, body.reason)))

    @router.post("/v1/releases/requests/{request_id}/review", response_model=None, responses=told)
    async def review(request_id: RequestId, body: bodies.ReviewBody, caller: Caller = approver) -> Response:
        """Look at what was done with broken glass."""
        done = await releasing.review(by(releasing, caller), request_id, body.verdict, body.reason)
        return answer(await changed(releasing, done))
