"""What concerns all requests: freezes, people who lost their power, the policy in force."""

from typing import Annotated, Any, Final

from fastapi import Depends, Path, Response

from services.releases.cases.releasing import Releasing
from services.releases.domain.policy import Matching
from services.releases.domain.standing import FREEZES, LIFTING
from services.releases.domain.windows import Span
from services.releases.http import bodies
from services.releases.http.calling import ADMIN, APPROVE, ASK, READ, by
from services.releases.http.refusing import checked
from services.releases.http.views import ShownDone, ShownFreeze, ShownPolicy
from shared.web.answers import answer, nothing
from shared.web.auth import Authenticator, Caller
from shared.web.docs import CREATING, READING, answers, problems
from shared.web.grants import Gate, Gated, Guard
from shared.web.problems import invalid_field, not_found
from shared.web.routes import Routes

WRITING: Final = (400, 401, 403, 404, 409, 413, 415, 422, 503)
Id = Annotated[
    str,
    Path(
        max_length=64,
        pattern=r"^[A-Za-z0-9-]+$",
        description="The freeze.",
        examples=["0c1d3a8b-8b1e-5c55-9d0a-2f0f5e1c7b11"],
    ),
]
PersonId = Annotated[
    str, Path(max_length=64, pattern=r"^[a-z0-9][a-z0-9._-]*$", description="The person.", examples=["p-sre"])
]
TextId = Annotated[str, Path(pattern=r"^[0-9a-f]{64}$", description="The hash in the log.", examples=["5" * 64])]


def routes(router: Routes, releasing: Releasing, authenticator: Authenticator, gate: Gate | None) -> None:
    """`/v1/releases/freezes`, `singles`, `people`, `policy`."""
    admin = authenticator.allowed(ADMIN)
    _freezes(router, releasing, admin, gate)
    _singles(router, releasing, authenticator.allowed(ASK))
    _people(router, releasing, admin)
    _policy(router, releasing, authenticator.requires_one((READ[0], ASK, APPROVE, READ[1])))


def _freezes(router: Routes, releasing: Releasing, admin: Any, gate: Gate | None) -> None:
    gated = Gated(LIFTING, gate)

    @router.post(
        FREEZES,
        status_code=201,
        response_model=None,
        responses=answers(ShownFreeze, *CREATING, 429, status=201, headers=("ETag",)),
    )
    async def freeze(body: bodies.FreezeBody, caller: Caller = admin) -> Response:
        """Nothing that matches is granted or begun. What runs is not stopped."""
        if body.start is not None and body.end is not None and body.start >= body.end:
            raise invalid_field("/until", "must be after the beginning")
        span = Span(start=body.start, end=body.end)
        matching = Matching(action=body.match.action, environment=body.match.environment, target=body.match.target)
        id_, done = await releasing.freeze(by(releasing, caller), matching, span, body.reason)
        return answer(ShownFreeze(id=id_, log_index=checked(done).index), 201, revision=done.index)

    @router.delete(
        f"{FREEZES}/{{freeze_id}}",
        status_code=204,
        response_model=None,
        responses=problems(400, 401, 403, 404, 409, 422, 503),
    )
    async def thaw(freeze_id: Id, guard: Annotated[Guard, Depends(gated.guard)], caller: Caller = admin) -> Response:
        """End a freeze: power is given, so another person must agree where acts are gated."""
        async with guard() as request:
            checked(await releasing.thaw(by(releasing, caller), freeze_id, request or ""))
        return nothing()


def _singles(router: Routes, releasing: Releasing, asker: Any) -> None:
    @router.post(
        "/v1/releases/singles",
        response_model=None,
        responses=answers(ShownDone, *CREATING, 409),
    )
    async def single(body: bodies.SingleBody, caller: Caller = asker) -> Response:
        """Put on record that one act of a gated kind is done as usual work. Of a target so many an hour; then 409
        `grant_required`: ask others."""
        who = by(releasing, caller)
        done = await releasing.single(who, body.action, body.environment, body.target, body.act)
        return answer(ShownDone(log_index=checked(done).index))


def _people(router: Routes, releasing: Releasing, admin: Any) -> None:
    @router.post(
        "/v1/releases/people/{person_id}/deactivate", response_model=None, responses=answers(ShownDone, *WRITING, 429)
    )
    async def deactivate(person_id: PersonId, body: bodies.DeactivateBody, caller: Caller = admin) -> Response:
        """Take somebody's power away, at once. A newer file of people gives it back."""
        done = await releasing.deactivate(by(releasing, caller), person_id, body.reason)
        return answer(ShownDone(log_index=checked(done).index))

    @router.delete(
        "/v1/releases/texts/{text_id}",
        status_code=204,
        response_model=None,
        dependencies=[admin],
        responses=problems(400, 401, 403, 404, 422, 503),
    )
    async def erase(text_id: TextId) -> Response:
        """Erase a free text for good. The log, which has its hash alone, goes on to hold."""
        if not await releasing.erase(text_id):
            raise not_found("text")
        return nothing()


def _policy(router: Routes, releasing: Releasing, reader: Any) -> None:
    @router.get(
        "/v1/releases/policy",
        dependencies=[reader],
        response_model=None,
        responses=answers(ShownPolicy, *READING),
    )
    async def policy() -> Response:
        """By what is decided now."""
        rules, standing = releasing.log.rules, (await releasing.log.books.head()).standing
        return answer(
            ShownPolicy(
                policy_version=rules.policy.version,
                policy_digest=rules.policy_digest,
                people_version=rules.people.version,
                people_digest=rules.people_digest,
                rules=[each.model_dump(mode="json") for each in rules.policy.rule],
                inactive=sorted(person for person in standing.inactive if not standing.is_active(person, rules)),
                freezes=[each.model_dump(mode="json") for each in standing.freezes],
            )
        )
