"""Replays over HTTP."""

from datetime import datetime
from functools import partial
from typing import Annotated, Any, Final, Literal

from fastapi import Path, Response
from pydantic import Field, StrictBool, StrictInt

from services.archive.cases.replaying import AskedOtherwise, NoTarget, Replaying, TooManyReplays, id_of
from services.archive.domain.jobs import ENDS, NotPossible
from services.archive.domain.replay import CHANGEABLE, MOST_OPEN, Matching, Replay, State
from services.archive.http.callers import hub_answers, partner_of, too_many_jobs
from services.archive.http.newest import page_of
from shared.contracts.buses import NAME, Name
from shared.routing.wrong import WrongBus
from shared.rules.faults import Invalid
from shared.rules.parsing import parse
from shared.store.repository import Stored
from shared.web.answers import answer
from shared.web.auth import Authenticator, Caller
from shared.web.bodies import Body, Moment, Shown
from shared.web.docs import READING, WRITING, answers
from shared.web.pages import Cursor, NextCursor
from shared.web.preconditions import RequiredIfMatch, check_if_match
from shared.web.problems import Fault, Problem, not_found
from shared.web.routes import Routes

PATH: Final = "/v1/hub/replays"
SCOPE: Final = "archive:replay"
LISTED: Final = 100
TARGET: Final = f"{NAME[:-1]}/{NAME[1:]}"
Rate = Annotated[StrictInt, Field(ge=1, le=5_000, description="Copies a second, at most", examples=[100])]
ReplayId = Annotated[str, Path(pattern="^[0-9a-f]{32}$", description="The replay.", examples=["0" * 32])]


class ReplayBody(Body):
    """Which events, to which targets, how fast."""

    name: Annotated[Name, Field(description="The same again is the same replay", examples=["after-the-bug"])]
    start: Annotated[
        Moment, Field(alias="from", description="Accepted then or later", examples=["2027-01-20T00:00:00Z"])
    ]
    end: Annotated[Moment, Field(alias="to", description="Accepted before", examples=["2027-01-27T00:00:00Z"])]
    targets: Annotated[
        tuple[Annotated[str, Field(pattern=TARGET)], ...],
        Field(min_length=1, max_length=64, description="As BUS/TARGET", examples=[["fuel/coles-bi"]]),
    ]
    when: Annotated[
        dict[str, Any] | None,
        Field(description="A pattern that they must match as well", examples=[{"data": {"store": ["7"]}}]),
    ] = None
    matching: Annotated[
        Matching, Field(description="`rules`: what today's rules select for the targets; `all`: whatever they say")
    ] = "rules"
    rate: Rate = 100
    dry_run: Annotated[StrictBool, Field(description="Count, and send nothing")] = False


class ReplayPatch(Body):
    """What is to change."""

    state: Annotated[
        Literal["running", "paused", "cancelled"] | None, Field(description="What it is to be", examples=["paused"])
    ] = None
    rate: Annotated[Rate | None, Field(description="Copies a second, at most", examples=[50])] = None


class ShownCounts(Shown):
    """What it would send."""

    events: Annotated[int, Field(description="That have a copy")]
    copies: Annotated[dict[str, dict[str, int]], Field(description="By target and type")]
    broken: Annotated[int, Field(description="Copies whose template fails: they are dead from the beginning")]
    undecided: Annotated[int, Field(description="Events with which the rules had too much work: no copies")]
    first: Annotated[datetime | None, Field(description="When the first of them was accepted")]
    last: Annotated[datetime | None, Field(description="When the last of them was accepted")]
    total: Annotated[int, Field(description="All copies")]


class ShownReplay(Shown):
    """A replay, and how far it is."""

    id: Annotated[str, Field(description="Marks its copies, as `replayid`")]
    name: Annotated[str, Field(description="As it was given")]
    owner: Annotated[str, Field(description="The partner; empty where an operator asked for it")]
    by: Annotated[str, Field(description="Who asked for it")]
    start: Annotated[datetime, Field(serialization_alias="from", description="Accepted then or later")]
    end: Annotated[datetime, Field(serialization_alias="to", description="Accepted before")]
    targets: Annotated[list[str], Field(description="As BUS/TARGET")]
    when: Annotated[dict[str, Any] | None, Field(description="The pattern that events must match as well")]
    matching: Annotated[Matching, Field(description="By today's rules, or whatever they say")]
    rate: Annotated[int, Field(description="Copies a second, at most")]
    dry_run: Annotated[bool, Field(description="It counts, and sends nothing")]
    state: Annotated[State, Field(description="`ready`: counted; it waits for its turn, or was a dry run")]
    reason: Annotated[str, Field(description="Why it failed")]
    counts: Annotated[ShownCounts | None, Field(description="What there is to send, once that is counted")]
    copies: Annotated[int, Field(description="Sent, as far as is noted: once a second")]
    broken: Annotated[int, Field(description="Those of them that went to dead letters")]
    waits_for: Annotated[
        str,
        Field(
            description="The target, as BUS/TARGET, whose queue holds as many copies as a replay may lay there: it goes"
            " on when some are taken. How that target stands says why they are not; empty where nothing holds it up"
        ),
    ]
    waits_since: Annotated[datetime | None, Field(description="Since when")]
    seconds: Annotated[float | None, Field(description="How long all of it takes at this rate")]
    made_at: Annotated[datetime, Field(description="When it was asked for")]
    ended_at: Annotated[datetime | None, Field(description="When it was over")]


class ShownReplays(Shown):
    """The newest first."""

    replays: Annotated[list[ShownReplay], Field(description="With how far they are")]
    next_cursor: NextCursor = None


def routes(router: Routes, replaying: Replaying, authenticator: Authenticator) -> None:
    """`/v1/hub/replays`."""
    reader = authenticator.requires_one((SCOPE, "ops:read"))
    writer = authenticator.requires_one((SCOPE, "ops:write"))
    _reading(router, replaying, reader)
    _changing(router, replaying, writer)


def _changing(router: Routes, replaying: Replaying, writer: Any) -> None:
    @router.post(
        PATH,
        status_code=202,
        response_model=None,
        responses=answers(ShownReplay, *WRITING, 429, status=202, headers=("ETag", "Location")),
    )
    async def make_replay(body: ReplayBody, caller: Caller = writer) -> Response:
        """Send events of the past once more, to these targets alone. They are counted before the first is sent."""
        partner = await partner_of(replaying.hub, caller, "ops:write")
        now = replaying.clock.now()
        _check(body, now)
        owner = partner or ""
        try:
            with hub_answers():
                await replaying.buses(body.targets, owner)
            wanted = Replay(id=id_of(owner, body.name), owner=owner, by=caller.subject, made_at=now, **_asked(body))
            stored = await replaying.make(wanted)
        except NoTarget as error:
            fault = Fault(error.why, pointer=f"/targets/{error.place}")
            raise Problem(422, "unknown_target", "A target cannot be replayed to", errors=[fault]) from error
        except WrongBus as error:
            raise Problem(422, "unknown_target", "The rules of a bus cannot be read here") from error
        except AskedOtherwise as error:
            raise _otherwise(error.replay, error.fields) from error
        except TooManyReplays as error:
            raise too_many_jobs(f"{MOST_OPEN} replays are under way or wait: some must end before") from error
        return _answer(stored, 202, f"{PATH}/{stored.value.id}")

    @router.patch(f"{PATH}/{{replay}}", response_model=None, responses=answers(ShownReplay, *WRITING, 428))
    async def change_replay(
        replay: ReplayId, body: ReplayPatch, if_match: RequiredIfMatch = None, caller: Caller = writer
    ) -> Response:
        """Pause it, let it go on, cancel it, change its rate: done within a second. To run a dry run is to send."""
        check = partial(check_if_match, if_match, required=True)
        found = await _own(replaying, replay, await partner_of(replaying.hub, caller, "ops:write"))
        try:
            return _answer(await replaying.ask(found.value.id, body.state, body.rate, check))
        except NotPossible as error:
            raise Problem(409, "not_possible", str(error)) from error


def _reading(router: Routes, replaying: Replaying, reader: Any) -> None:
    @router.get(PATH, response_model=None, responses=answers(ShownReplays, *READING))
    async def list_replays(cursor: Cursor = None, caller: Caller = reader) -> Response:
        """Replays; for whoever is no operator, its own."""
        partner = await partner_of(replaying.hub, caller, "ops:read")
        found, following = await page_of(replaying.replays, partner, cursor, LISTED)
        return answer(ShownReplays(replays=[_shown(each.value) for each in found], next_cursor=following))

    @router.get(f"{PATH}/{{replay}}", response_model=None, responses=answers(ShownReplay, *READING, headers=("ETag",)))
    async def read_replay(replay: ReplayId, caller: Caller = reader) -> Response:
        """A replay, and how far it is."""
        return _answer(await _own(replaying, replay, await partner_of(replaying.hub, caller, "ops:read")))


def _check(body: ReplayBody, now: datetime) -> None:
    """Raises the 422 to answer."""
    if not body.start < body.end:
        raise _wrong(Fault("must be later than `from`", pointer="/to"))
    if body.end > now:
        raise _wrong(Fault("must not be in the future", pointer="/to"))
    if len(set(body.targets)) < len(body.targets):
        raise _wrong(Fault("must have each target once", pointer="/targets"))
    if body.when is not None:
        try:
            parse(body.when)
        except Invalid as invalid:
            raise _wrong(
                *(Fault(f"must be {each.expected}", pointer=f"/when{each.pointer}") for each in invalid.faults)
            ) from invalid


def _wrong(*faults: Fault) -> Problem:
    return Problem(422, "invalid_request", "This is no replay", errors=list(faults))


def _otherwise(replay: Replay, fields: frozenset[str]) -> Problem:
    """One that is to be changed is no other one: who is told that it is accepted would wait for what never comes."""
    places = {"start": "from", "end": "to"}
    if replay.state in ENDS or not fields <= CHANGEABLE:
        faults = [Fault("differs from that one's", pointer=f"/{places.get(name, name)}") for name in sorted(fields)]
        return Problem(409, "name_taken", f"Another replay, {replay.state}, has this name", errors=faults)
    faults = [Fault(_stands(replay, name), pointer=f"/{name}") for name in sorted(fields)]
    detail = f"The replay of this name, which is {replay.state}, was asked for otherwise; nothing was changed"
    return Problem(409, "asked_otherwise", detail, errors=faults)


def _stands(replay: Replay, name: str) -> str:
    """How it is in that field, and what makes it as it was asked for."""
    if name == "rate":
        return f"is {replay.rate} there: PATCH its `rate`"
    if replay.dry_run:
        return "is true there, so nothing is sent: PATCH its `state` to `running`"
    return "is false there, so it sends: take another name to count only"


def _asked(body: ReplayBody) -> dict[str, Any]:
    return {name: getattr(body, name) for name in ReplayBody.model_fields}


async def _own(replaying: Replaying, id_: str, partner: str | None) -> Stored[Replay]:
    stored = await replaying.replays.load(id_)
    if stored is None or partner not in {None, stored.value.owner}:
        raise not_found("replay")
    return stored


def _answer(stored: Stored[Replay], status: int = 200, location: str | None = None) -> Response:
    return answer(_shown(stored.value), status, revision=stored.value.revision, location=location)


def _shown(replay: Replay) -> ShownReplay:
    told = {name: getattr(replay, name) for name in ShownReplay.model_fields if name != "seconds"}
    seconds = replay.counts.total / replay.rate if replay.counts else None
    return ShownReplay.model_validate({**told, "seconds": seconds})
