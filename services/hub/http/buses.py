"""Buses over HTTP."""

from functools import partial
from typing import Annotated, Any, Final

from fastapi import Path, Query, Response
from pydantic import Field, StrictInt

from services.hub.cases.applying import (
    Applied,
    Applying,
    ForOperators,
    Going,
    NotEmpty,
    Plan,
    TooMany,
    TooManyLeft,
    Who,
)
from services.hub.cases.registering import Registry
from services.hub.domain.bus import MOST_QUEUED, KeptBus, PastBus
from services.hub.http.views import ShownBus, ShownBuses, ShownChange, ShownPlan, ShownRevision, ShownRevisions
from shared.bus.standing import BrokerAway
from shared.contracts.buses import NAME, BusTerms
from shared.routing.wrong import WrongBus
from shared.store.documents import After
from shared.store.repository import Stored
from shared.web.answers import answer, nothing
from shared.web.auth import Authenticator, Caller
from shared.web.bodies import Body
from shared.web.docs import READING, WRITING, answers, problems
from shared.web.pages import Cursor, Listing
from shared.web.preconditions import IfMatch, check_if_match
from shared.web.problems import Fault, Problem, not_found, try_again
from shared.web.routes import Routes

BusName = Annotated[str, Path(pattern=NAME, description="The bus.", examples=["fuel"])]
DryRun = Annotated[bool, Query(description="Tell what it would do, and do nothing.")]
Drain = Annotated[bool, Query(description="Wait until nothing of it waits, for some seconds.")]
LISTED: Final = 100
PATH: Final = "/v1/hub/buses/{bus}"
COSTS: Final = {
    "rule_too_costly": "The rule {} costs too much",
    "rule_without_anchor": "The rule {} names no exact value, as too many do",
}
BY_MARK = Listing[Stored[KeptBus]](lambda bus: (bus.value.mark, bus.value.id), (str, str))
NEWEST = Listing[Stored[PastBus]](lambda past: (past.value.revision, past.value.id), (int, str))


class RollBack(Body):
    """To which revision."""

    revision: Annotated[StrictInt, Field(ge=1, le=1_000_000_000, description="One that the bus has had", examples=[1])]


def routes(router: Routes, applying: Applying, registry: Registry, authenticator: Authenticator) -> None:
    """`/v1/hub/buses`."""
    reader = authenticator.requires_one(("hub:read", "ops:read"))
    writer = authenticator.requires_one(("hub:write", "ops:write"))
    _applying(router, applying, registry, writer)
    _forgetting(router, applying, registry, writer)
    _reading(router, applying, registry, reader)


def _applying(router: Routes, applying: Applying, registry: Registry, writer: Any) -> None:
    @router.put(
        PATH,
        response_model=None,
        responses=answers(ShownBus | ShownPlan, *WRITING, headers=("ETag",)),  # type: ignore[arg-type]
    )
    async def put_bus(
        bus: BusName,
        body: BusTerms,
        dry_run: DryRun = False,
        if_match: IfMatch = None,
        caller: Caller = writer,
    ) -> Response:
        """Apply a bus's file, whole: its next revision is in force everywhere when `active` is true."""
        who = await _who(registry, caller, "ops:write")
        await _own(applying, bus, who)
        if who.partner not in {None, body.partner}:
            raise not_found("partner")
        check = partial(check_if_match, if_match)
        with _told():
            if dry_run:
                return answer(_plan(await applying.plan(bus, body, who, check)))
            return _applied(await applying.put(bus, body, who, check))

    @router.post(f"{PATH}/rollback", response_model=None, responses=answers(ShownBus, *WRITING, headers=("ETag",)))
    async def roll_back(bus: BusName, body: RollBack, if_match: IfMatch = None, caller: Caller = writer) -> Response:
        """Apply once more what an earlier revision said, as the next one."""
        who = await _who(registry, caller, "ops:write")
        if await _own(applying, bus, who) is None:
            raise not_found("bus")
        with _told():
            applied = await applying.roll_back(bus, body.revision, who, partial(check_if_match, if_match))
        if applied is None:
            raise not_found("revision")
        return _applied(applied)


def _forgetting(router: Routes, applying: Applying, registry: Registry, writer: Any) -> None:
    @router.delete(PATH, status_code=204, response_model=None, responses=problems(*WRITING))
    async def delete_bus(
        bus: BusName, drain: Drain = False, if_match: IfMatch = None, caller: Caller = writer
    ) -> Response:
        """Forget a bus. Where copies wait it stays; its revisions stay in any case."""
        who = await _who(registry, caller, "ops:write")
        kept = await _own(applying, bus, who)
        if kept is None or kept.value.terms is None:
            raise not_found("bus")
        check_if_match(if_match, kept.version)
        with _told():
            await applying.delete(kept, who, drain=drain)
        return nothing()


def _reading(router: Routes, applying: Applying, registry: Registry, reader: Any) -> None:
    @router.get("/v1/hub/buses", response_model=None, responses=answers(ShownBuses, *READING))
    async def list_buses(cursor: Cursor = None, caller: Caller = reader) -> Response:
        """Buses by their names; for whoever is no operator, its own."""
        who = await _who(registry, caller, "ops:read")

        async def page(after: After, limit: int) -> list[Stored[KeptBus]]:
            return await applying.listed(who.partner, after, limit)

        found, following = await BY_MARK.page(cursor, LISTED, page)
        shown = [_bus(each) for each in found if each.value.terms]
        return answer(ShownBuses(buses=shown, next_cursor=following))

    @router.get(PATH, response_model=None, responses=answers(ShownBus, *READING, headers=("ETag",)))
    async def read_bus(bus: BusName, caller: Caller = reader) -> Response:
        """A bus as it is in force."""
        kept = await _own(applying, bus, await _who(registry, caller, "ops:read"))
        if kept is None or kept.value.terms is None:
            raise not_found("bus")
        return answer(_bus(kept), revision=kept.version)

    @router.get(f"{PATH}/revisions", response_model=None, responses=answers(ShownRevisions, *READING))
    async def revisions(bus: BusName, cursor: Cursor = None, caller: Caller = reader) -> Response:
        """What the bus said before, the newest first."""

        async def page(after: After, limit: int) -> list[Stored[PastBus]]:
            return await applying.past.listed(bus, after, limit)

        found, following = await NEWEST.page(cursor, LISTED, page)
        who = await _who(registry, caller, "ops:read")
        if await _own(applying, bus, who) is None:
            raise not_found("bus")
        mine = [each.value for each in found if _belongs(each.value.terms, who)]
        shown = [_revision(each) for each in mine]
        return answer(ShownRevisions(revisions=shown, next_cursor=following))


async def _who(registry: Registry, caller: Caller, everything: str) -> Who:
    """Raises 403 for whoever is neither an operator nor a partner's client."""
    if everything in caller.scopes:
        return Who(caller.subject, None)
    partner = await registry.partner_of(caller.subject)
    if partner is None:
        raise Problem(403, "unknown_partner", "The token's subject is no partner's client")
    return Who(caller.subject, partner.id)


async def _own(applying: Applying, bus: str, who: Who) -> Stored[KeptBus] | None:
    """The bus of that name, or None where there is none. Raises 404 where it is another partner's, or was."""
    kept = await applying.buses.load(bus)
    if kept is not None and who.partner not in {None, kept.value.owner}:
        raise not_found("bus")
    return kept


def _belongs(terms: BusTerms | None, who: Who) -> bool:
    """May they see what a revision said? A bus may have been another partner's, whose targets, and what is in their
    headers, are not its heir's."""
    return terms is None or who.partner in {None, terms.partner}


class _told:  # noqa: N801 - it stands where a function would
    """Refusals of the case as problems."""

    def __enter__(self) -> None:
        return

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        match error:
            case WrongBus():
                faults = [Fault(f"must be {fault.expected}", pointer=fault.pointer) for fault in error.faults]
                detail = COSTS.get(error.code, "The file is no bus").format(error.rule)
                raise Problem(422, error.code, detail, errors=faults) from error
            case ForOperators():
                detail = "Parts of the file are for operators"
                raise Problem(403, "operators_only", detail, errors=error.faults) from error
            case TooMany():
                detail = f"There may be {error.most} buses, with those that were deleted"
                raise Problem(409, "too_many_buses", detail) from error
            case NotEmpty():
                raise Problem(409, "not_empty", f"Not empty: {', '.join(error.queues[:10])}") from error
            case TooManyLeft():
                detail = f"There may be queues of {MOST_QUEUED} targets, with those left out in the last hours"
                raise Problem(409, "too_many_left", detail) from error
            case Going():
                raise Problem(409, "queues_going", "A queue is being taken away; try again in a minute") from error
            case BrokerAway():
                raise try_again("broker_unavailable", "The broker does not answer; nothing was changed") from error


def _applied(applied: Applied) -> Response:
    shown = _bus(applied.stored, active=applied.active)
    return answer(shown, revision=applied.stored.version)


def _bus(stored: Stored[KeptBus], *, active: bool | None = None) -> ShownBus:
    kept = stored.value
    if kept.terms is None:
        raise not_found("bus")
    terms = kept.terms.model_dump(mode="json", by_alias=True)
    return ShownBus(id=kept.id, revision=kept.revision, by=kept.by, at=kept.at, terms=terms, active=active)


def _revision(past: PastBus) -> ShownRevision:
    terms = past.terms.model_dump(mode="json", by_alias=True) if past.terms else None
    return ShownRevision(bus=past.bus, revision=past.revision, by=past.by, at=past.at, terms=terms)


def _plan(plan: Plan) -> ShownPlan:
    return ShownPlan(
        changes=[ShownChange(what=each.what, name=each.name, change=each.change) for each in plan.changes],
        queues=list(plan.queues),
        cost=plan.cost,
    )
