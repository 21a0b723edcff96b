"""Back-tests over HTTP."""

from datetime import datetime
from functools import partial
from typing import Annotated, Any, Final, Literal

from fastapi import Path, Response
from pydantic import Field, StrictInt

from services.archive.cases.backtesting import Backtesting, TooManyBacktests, opens_others_events
from services.archive.domain.backtest import MOST_OPEN, Backtest, Result, State
from services.archive.domain.jobs import Lost, NotPossible
from services.archive.http.callers import hub_answers, partner_of, too_many_jobs
from services.archive.http.newest import page_of
from shared.contracts.buses import BusTerms, Name
from shared.kernel.ids import Ids
from shared.routing.wrong import WrongBus
from shared.web.answers import answer
from shared.web.auth import Authenticator, Caller
from shared.web.bodies import Body, Moment, Shown
from shared.web.docs import READING, WRITING, answers
from shared.web.pages import Cursor, NextCursor
from shared.web.preconditions import RequiredIfMatch, check_if_match
from shared.web.problems import Fault, Problem, not_found
from shared.web.routes import Routes

PATH: Final = "/v1/hub/backtests"
LISTED: Final = 10
"""A page: each of them is read with all that it found, megabytes where it found much."""
FOUND: Final = frozenset(("events", "undecided", "revision", "microseconds"))
"""Of what is shown, that which is the result's: the revision is the one compared with."""
BacktestId = Annotated[str, Path(pattern="^[0-9a-f-]{36}$", description="The back-test.", examples=["0" * 36])]


class BacktestBody(Body):
    """A candidate, and the events to try it on."""

    name: Annotated[Name, Field(description="The bus: its revision in force is compared with", examples=["fuel"])]
    bus: Annotated[BusTerms, Field(description="The candidate, whole, as its file has it")]
    start: Annotated[
        Moment, Field(alias="from", description="Accepted then or later", examples=["2027-01-20T00:00:00Z"])
    ]
    end: Annotated[Moment, Field(alias="to", description="Accepted before", examples=["2027-01-21T00:00:00Z"])]
    revision: Annotated[
        Annotated[StrictInt, Field(ge=1, le=1_000_000_000)] | None,
        Field(description="The revision to compare with; left out, the one in force", examples=[7]),
    ] = None
    share: Annotated[
        StrictInt, Field(ge=1, le=100, description="Per cent of the events, by their hubids", examples=[100])
    ] = 100


class ShownRule(Shown):
    """What one rule of the candidate, or of the revision in force, does."""

    name: Annotated[str, Field(description="Its name in either file")]
    matched: Annotated[int, Field(description="Events, by the candidate")]
    per_hour: Annotated[float, Field(description="The same, an hour of that time")]
    gained: Annotated[int, Field(description="By the candidate alone")]
    lost: Annotated[int, Field(description="By the revision in force alone")]
    gained_ids: Annotated[list[str], Field(description="Hubids of the first 1,000 of them; 100,000 over all rules")]
    lost_ids: Annotated[list[str], Field(description="Hubids of the first 1,000 of them; 100,000 over all rules")]


class BacktestPatch(Body):
    """What is to change."""

    state: Annotated[
        Literal["running", "paused", "cancelled"], Field(description="What it is to be", examples=["paused"])
    ]


class ShownHead(Shown):
    """A back-test, and how far it is."""

    id: Annotated[str, Field(description="Its name")]
    bus: Annotated[str, Field(description="The bus")]
    owner: Annotated[str, Field(description="The partner; empty where an operator asked for it")]
    by: Annotated[str, Field(description="Who asked for it")]
    state: Annotated[
        State, Field(description="Whether it is over; what was found until then of one that is `paused` or `cancelled`")
    ]
    reason: Annotated[str, Field(description="Why it failed")]
    start: Annotated[datetime, Field(serialization_alias="from", description="Accepted then or later")]
    end: Annotated[datetime, Field(serialization_alias="to", description="Accepted before")]
    share: Annotated[int, Field(description="Per cent of the events")]
    events: Annotated[int, Field(description="That were tried")]
    undecided: Annotated[int, Field(description="With which the rules had too much work")]
    revision: Annotated[int | None, Field(description="That it was compared with; null where there is none")]
    microseconds: Annotated[float, Field(description="For one event, by the candidate, on average")]
    made_at: Annotated[datetime, Field(description="When it was asked for")]
    ended_at: Annotated[datetime | None, Field(description="When it was over")]


class ShownBacktest(ShownHead):
    """A back-test, and what it found."""

    rules: Annotated[list[ShownRule], Field(description="Of both files, by name")]


class ShownBacktests(Shown):
    """The newest first."""

    backtests: Annotated[list[ShownHead], Field(description="Without what their rules did")]
    next_cursor: NextCursor = None


def routes(router: Routes, backtesting: Backtesting, ids: Ids, authenticator: Authenticator) -> None:
    """`/v1/hub/backtests`."""
    reader = authenticator.requires_one(("archive:read", "ops:read"))
    _reading(router, backtesting, reader)
    _changing(router, backtesting, ids, reader)


def _changing(router: Routes, backtesting: Backtesting, ids: Ids, reader: Any) -> None:
    @router.post(
        PATH,
        status_code=202,
        response_model=None,
        responses=answers(ShownBacktest, *WRITING, 429, status=202, headers=("ETag", "Location")),
    )
    async def make_backtest(body: BacktestBody, caller: Caller = reader) -> Response:
        """Try a bus's file on events of the past, beside the revision in force. Nothing is sent."""
        partner = await partner_of(backtesting.hub, caller, "ops:read")
        if not body.start < body.end:
            fault = Fault("must be later than `from`", pointer="/to")
            raise Problem(422, "invalid_request", "This is no back-test", errors=[fault])
        try:
            await _check(backtesting, body, partner)
            stored = await backtesting.make(
                Backtest(
                    id=ids.new(),
                    owner=partner or "",
                    by=caller.subject,
                    bus=body.name,
                    terms=body.bus,
                    start=body.start,
                    end=body.end,
                    share=body.share,
                    against=body.revision,
                    made_at=backtesting.clock.now(),
                )
            )
        except WrongBus as error:
            faults = [Fault(f"must be {each.expected}", pointer=f"/bus{each.pointer}") for each in error.faults]
            raise Problem(422, error.code, "The candidate is no bus", errors=faults) from error
        except TooManyBacktests as error:
            raise too_many_jobs(f"{MOST_OPEN} back-tests are under way or wait: some must end before") from error
        return _answer(stored.value, 202, f"{PATH}/{stored.value.id}")

    @router.patch(f"{PATH}/{{backtest}}", response_model=None, responses=answers(ShownBacktest, *WRITING, 428))
    async def change_backtest(
        backtest: BacktestId, body: BacktestPatch, if_match: RequiredIfMatch = None, caller: Caller = reader
    ) -> Response:
        """Pause it, let it go on behind what it dealt with, cancel it: it stops within some seconds. What others asked
        for an operator steers with `ops:write`."""
        check = partial(check_if_match, if_match, required=True)
        partner = await partner_of(backtesting.hub, caller, "ops:read")
        found = await _own(backtesting, backtest, partner)
        if partner is None and found.by != caller.subject and "ops:write" not in caller.scopes:
            raise Problem(403, "missing_scope", "Another one's back-test is steered with the scope ops:write")
        try:
            return _answer((await backtesting.ask(found.id, body.state, check)).value)
        except NotPossible as error:
            raise Problem(409, "not_possible", str(error)) from error
        except Lost as error:
            raise not_found("back-test") from error


def _reading(router: Routes, backtesting: Backtesting, reader: Any) -> None:
    @router.get(PATH, response_model=None, responses=answers(ShownBacktests, *READING))
    async def list_backtests(cursor: Cursor = None, caller: Caller = reader) -> Response:
        """Back-tests; for whoever is no operator, its own."""
        partner = await partner_of(backtesting.hub, caller, "ops:read")
        found, following = await page_of(backtesting.backtests, partner, cursor, LISTED)
        heads = [ShownHead.model_validate(_head(each.value)) for each in found]
        return answer(ShownBacktests(backtests=heads, next_cursor=following))

    @router.get(
        f"{PATH}/{{backtest}}", response_model=None, responses=answers(ShownBacktest, *READING, headers=("ETag",))
    )
    async def read_backtest(backtest: BacktestId, caller: Caller = reader) -> Response:
        """A back-test, and what it found; for a week."""
        return _answer(await _own(backtesting, backtest, await partner_of(backtesting.hub, caller, "ops:read")))


async def _own(backtesting: Backtesting, id_: str, partner: str | None) -> Backtest:
    stored = await backtesting.backtests.load(id_)
    if stored is None or partner not in {None, stored.value.owner}:
        raise not_found("back-test")
    return stored.value


async def _check(backtesting: Backtesting, body: BacktestBody, partner: str | None) -> None:
    """Raises 404 for another partner's bus or revision, 403 for a file that looks at others' events, WrongBus, 503."""
    with hub_answers():
        now = await backtesting.before(body.name)
        before = await backtesting.before(body.name, body.revision) if body.revision is not None else now
    if body.revision is not None and (before is None or partner not in {None, before.terms.partner}):
        raise not_found("revision")
    if partner is None:
        return
    if body.bus.partner != partner or (now is not None and now.terms.partner != partner):
        raise not_found("bus")
    if opens_others_events(body.bus, now):
        fault = Fault("is for operators to say", pointer="/bus/publishers")
        raise Problem(403, "operators_only", "Parts of the file are for operators", errors=[fault])


def _answer(backtest: Backtest, status: int = 200, location: str | None = None) -> Response:
    return answer(_shown(backtest), status, revision=backtest.revision, location=location)


def _shown(backtest: Backtest) -> ShownBacktest:
    hours = (backtest.end - backtest.start).total_seconds() / 3600
    rules = [
        ShownRule(name=name, per_hour=round(rule.matched / hours, 3), **rule.model_dump())
        for name, rule in (backtest.result.rules if backtest.result else {}).items()
    ]
    return ShownBacktest(**_head(backtest), rules=rules)


def _head(backtest: Backtest) -> dict[str, Any]:
    found = backtest.result or Result()
    return {name: getattr(found if name in FOUND else backtest, name) for name in ShownHead.model_fields}
