"""Events over HTTP: accepted, judged, followed."""

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Annotated, Any, Final

from fastapi import Path, Query, Request, Response

from services.hub.cases.publishing import Publishing, RateLimited, Result, Taken
from services.hub.cases.registering import Registry
from services.hub.cases.trying import Matching
from services.hub.domain.admission import LARGEST_BODY, MOST_EVENTS, Admitted, Refusal
from services.hub.domain.partner import Partner
from services.hub.http.counter import Counter
from services.hub.http.views import ShownCheck, ShownChecks, ShownEvent, ShownMatching, ShownResult, ShownResults
from services.hub.ports import ArchiveUnavailable
from shared.accepting.gathering import Overloaded
from shared.rules.faults import pointer_to
from shared.web import cloudevents
from shared.web.answers import answer
from shared.web.auth import Authenticator, Caller
from shared.web.cloudevents import BATCH, STRUCTURED, Received
from shared.web.docs import READING, answers, problems
from shared.web.problems import Fault, Problem, not_found, try_again
from shared.web.routes import Routes

PUBLISH: Final = "events:publish"
REFUSALS: Final = (400, 401, 403, 409, 413, 415, 422, 429, 503)
IN_THE_WAY: Final = {
    "event_id_reused": "belongs to another event of this partner",
    "in_flight": "is being accepted by another request",
}
PartnerName = Annotated[str, Path(description="The partner whose event it is.", examples=["coles"])]
EventId = Annotated[str, Path(description="The event's id, as the partner gave it.", examples=["4711"])]
BODY: Final[dict[str, Any]] = {
    "requestBody": {
        "required": True,
        "content": {
            STRUCTURED: {"schema": cloudevents.SCHEMA},
            BATCH: {
                "schema": {
                    "type": "array",
                    "maxItems": MOST_EVENTS,
                    "items": cloudevents.SCHEMA | {"title": "BatchedEvent"},
                }
            },
        },
    }
}


def routes(router: Routes, counter: Counter, authenticator: Authenticator) -> None:
    """`/v1/events`."""
    may_publish = authenticator.requires_one((PUBLISH, "ops:write"))
    _publishing(router, counter, may_publish)
    _checking(router, counter, may_publish)
    _following(router, counter, authenticator.requires_one(("hub:read", "ops:read")))


def _publishing(router: Routes, counter: Counter, may_publish: Any) -> None:
    publishing, registry = counter.publishing, counter.registry

    @router.direct(
        "/v1/events",
        "POST",
        status_code=202,
        response_model=None,
        openapi_extra=BODY,
        responses={
            202: {"model": ShownResult | ShownResults, "description": "Accepted: one event, or each of a batch"},
            207: {"model": ShownResults, "description": "Some of a batch were refused"},
            **problems(*REFUSALS),
        },
    )
    async def publish(
        request: Request,
        caller: Caller = may_publish,
        atomic: Annotated[bool, Query(description="All events of a batch, or none; else each by itself.")] = True,
    ) -> Response:
        """Publish an event, or a batch. What was accepted is durable; the same event again is a duplicate."""
        partner = await _partner(registry, caller)
        received = await _paid_for(publishing, partner, request)
        judged = await publishing.judged(received, partner, _globs(caller))
        admitted = [each for each in judged if isinstance(each, Admitted)]
        if atomic and len(admitted) < len(judged):
            publishing.tell(partner, judged)
            raise _refused(judged)
        results = await _accepted(publishing, partner, judged, atomic=atomic)
        placed = [_placed(each, received, place, atomic=atomic) for place, each in enumerate(results)]
        return _shown(received, placed, atomic=atomic)


def _checking(router: Routes, counter: Counter, may_publish: Any) -> None:
    publishing, registry = counter.publishing, counter.registry

    @router.post(
        "/v1/events/check",
        response_model=None,
        openapi_extra=BODY,
        responses=answers(ShownChecks, *REFUSALS),
    )
    async def check(request: Request, caller: Caller = may_publish) -> Response:
        """The same judgement, and the rules that would match; nothing is kept, and it counts for the allowance. A
        partner sees its own buses' rules."""
        partner = await _partner(registry, caller)
        received = await _paid_for(publishing, partner, request)
        judged = await publishing.judged(received, partner, _globs(caller))
        matching = await counter.trying.matching(partner, judged, everything="ops:read" in caller.scopes)
        return answer(ShownChecks(results=[_checked(*each) for each in zip(judged, matching, strict=True)]))


def _following(router: Routes, counter: Counter, reader: Any) -> None:
    @router.get("/v1/events/{partner}/{event_id:path}", response_model=None, responses=answers(ShownEvent, *READING))
    async def follow(partner: PartnerName, event_id: EventId, caller: Caller = reader) -> Response:
        """What became of an event; whatever is somebody else's is not there."""
        own = await counter.registry.partner_of(caller.subject)
        owner = None if "ops:read" in caller.scopes else own.id if own else ""
        if owner not in {None, partner}:
            raise not_found("event")
        try:
            found = await counter.tracing.trace(partner, event_id, owner)
        except ArchiveUnavailable as error:
            raise try_again("archive_unavailable", "The archive does not answer; try again") from error
        if found is None:
            raise not_found("event")
        return answer(ShownEvent.model_validate(found))


async def _partner(registry: Registry, caller: Caller) -> Partner:
    partner = await registry.partner_of(caller.subject)
    if partner is None:
        raise Problem(403, "unknown_partner", "The token's subject is no partner's client")
    return partner


def _globs(caller: Caller) -> tuple[str, ...]:
    """The types that the token allows."""
    if PUBLISH in caller.scopes:
        return ("*",)
    narrowed = f"{PUBLISH}:"
    return tuple(scope.removeprefix(narrowed) for scope in caller.scopes if scope.startswith(narrowed))


async def _paid_for(publishing: Publishing, partner: Partner, request: Request) -> Received:
    """What came, paid for before it is judged, which is most of the work: what is refused is paid for as well. What
    cannot be read at all is paid for as one event, and of whoever has nothing left nothing is read."""
    with _allowed(partner):
        publishing.ask(partner)
        body = await request.body()
        try:
            received = _received(request, body)
        except Problem:
            await publishing.pay(partner, 1)
            raise
        await publishing.pay(partner, len(received.entries))
    return received


def _received(request: Request, body: bytes) -> Received:
    received = cloudevents.read(request.headers, body, LARGEST_BODY)
    if len(received.entries) > MOST_EVENTS:
        raise Problem(413, "body_too_large", f"A batch may have {MOST_EVENTS} events, this has {len(received.entries)}")
    return received


@contextmanager
def _allowed(partner: Partner) -> Iterator[None]:
    try:
        yield
    except RateLimited as limited:
        seconds = math.ceil(limited.seconds)
        headers = {"Retry-After": str(seconds), "RateLimit": f'"events";r=0;t={seconds}'}
        detail = f"{partner.rate.events_per_second:g} events a second are allowed"
        raise Problem(429, "rate_limited", detail, headers=headers) from limited


async def _accepted(
    publishing: Publishing, partner: Partner, judged: Sequence[Admitted | Refusal], *, atomic: bool
) -> list[Result]:
    admitted = [each for each in judged if isinstance(each, Admitted)]
    try:
        results = await (publishing.accept(partner, admitted) if atomic else publishing.accept_each(partner, judged))
    except Overloaded as error:
        raise try_again("overloaded", "More events come than are written at the moment; try again") from error
    publishing.tell(partner, results)
    return results


def _placed(result: Result, received: Received, place: int, *, atomic: bool) -> Result:
    """With the places of the event that stood in the way: of all that were to be accepted together, any may be it."""
    if not isinstance(result, Refusal) or not result.event:
        return result
    places = range(len(received.entries)) if atomic else (place,)
    return replace(
        result,
        faults=tuple(
            Fault(IN_THE_WAY[result.code], pointer=pointer_to((*received.at(each), "id")))
            for each in places
            if received.entries[each]["id"] == result.event
        ),
    )


def _shown(received: Received, results: Sequence[Result], *, atomic: bool) -> Response:
    """Raises the first refusal, where all were to be accepted together, or there is but one event."""
    refused = [each for each in results if isinstance(each, Refusal)]
    if refused and (atomic or not received.is_batch):
        raise _problem(refused[0])
    if received.is_batch:
        return answer(ShownResults(results=[_result(each) for each in results]), 207 if refused else 202)
    (result,) = results
    return answer(_result(result), 202)


def _refused(judged: Sequence[Admitted | Refusal]) -> Problem:
    """The first refusal's status, every refusal's places."""
    refusals = [each for each in judged if isinstance(each, Refusal)]
    return _problem(refusals[0], refusals)


def _problem(refusal: Refusal, all_refusals: Sequence[Refusal] = ()) -> Problem:
    faults = [fault for each in all_refusals or (refusal,) for fault in each.faults]
    headers = {"Retry-After": "1"} if refusal.code == "in_flight" else {}
    return Problem(refusal.status, refusal.code, refusal.detail, errors=faults, headers=headers)


def _result(result: Result) -> ShownResult:
    if isinstance(result, Taken):
        return ShownResult(id=result.id, status=result.status)
    return ShownResult(
        status="refused", code=result.code, detail=result.detail, errors=tuple(fault.body() for fault in result.faults)
    )


def _checked(judged: Admitted | Refusal, matching: Sequence[Matching]) -> ShownCheck:
    if isinstance(judged, Admitted):
        return ShownCheck(status="acceptable", rules=tuple(map(_matching, matching)))
    return ShownCheck(
        status="refused", code=judged.code, detail=judged.detail, errors=tuple(fault.body() for fault in judged.faults)
    )


def _matching(found: Matching) -> ShownMatching:
    rule = found.rule
    return ShownMatching(
        bus=found.bus,
        revision=found.revision,
        rule=rule.name if rule else None,
        mode=rule.mode if rule and rule.mode != "off" else None,
        share=rule.share if rule else None,
        to=list(rule.to) if rule else [],
    )
