"""What there is in the archive, and what became of the events of a time, counted over HTTP."""

from dataclasses import asdict, astuple
from datetime import datetime, timedelta
from typing import Annotated, Any, Final

from fastapi import Query, Response
from pydantic import Field

from services.archive.cases.balancing import Balancing, Reached
from services.archive.domain.balance import Balance
from services.archive.http.callers import archive_reads
from services.archive.http.parameters import End, Start
from shared.contracts.archive import MinuteOfEvents
from shared.web.answers import answer
from shared.web.bodies import Shown
from shared.web.docs import READING, answers
from shared.web.pages import Cursor, NextCursor, decode_cursor, next_cursor
from shared.web.problems import invalid_parameter
from shared.web.routes import Routes

LONGEST: Final = timedelta(days=31)
A_DAY: Final = timedelta(days=1)


class ShownUnrouted(Shown):
    """An archived event of whose routing nothing is on record."""

    hubid: Annotated[str, Field(description="The hub's name for it")]
    partner: Annotated[str, Field(description="Whose it is")]
    id: Annotated[str, Field(description="As the partner gave it")]
    type: Annotated[str, Field(description="Of the event")]


class ShownOutcomes(Shown):
    """What became of the events accepted in that time; each is counted once, however often it was kept."""

    events: Annotated[dict[str, dict[str, int]], Field(description="By partner and type")]
    minutes: Annotated[
        list[MinuteOfEvents],
        Field(description="The same by partner, class of keeping and minute, where that was asked"),
    ]
    copies: Annotated[dict[str, int], Field(description="By BUS/TARGET, those that were routed")]
    outcomes: Annotated[
        dict[str, dict[str, int]],
        Field(
            description="By BUS/TARGET, how each of them stands: `delivered`, `dead`, `skipped`, `discarded`, "
            "`retrying`, and `waiting` where nothing was tried yet or nobody tells"
        ),
    ]
    counted_only: Annotated[dict[str, int], Field(description="By BUS/TARGET, what shadow rules asked for")]
    replayed: Annotated[dict[str, dict[str, int]], Field(description="By BUS/TARGET, how copies of replays stand")]
    undecided: Annotated[dict[str, int], Field(description="By bus, events with which its rules had too much work")]
    unrouted: Annotated[
        list[ShownUnrouted],
        Field(
            description="Events of whose routing nothing is on record: they are under way, or were lost on it. Of the "
            "last 29 days"
        ),
    ]


class ShownStats(Shown):
    """What is in closed segments; of a time that is named, what became of its events; each as far as it was counted for
    this page. The counts of all pages add up to the whole, which is told when `next_cursor` is null."""

    segments: Annotated[int, Field(description="How many were counted")]
    events: Annotated[int, Field(description="How many are in them")]
    bytes: Annotated[int, Field(description="Of the segments")]
    partners: Annotated[dict[str, int], Field(description="Events by partner")]
    types: Annotated[dict[str, int], Field(description="Events by type")]
    balance: Annotated[ShownOutcomes | None, Field(description="Of [`from`, `to`), where both are given")] = None
    next_cursor: NextCursor = None


def routes(router: Routes, balancing: Balancing, reader: Any) -> None:
    """`/v1/hub/archive/stats`."""

    @router.get(
        "/v1/hub/archive/stats",
        dependencies=[reader],
        response_model=None,
        responses=answers(ShownStats, *READING, 500),
    )
    async def stats(
        start: Start = None,
        end: End = None,
        by_minute: Annotated[bool, Query(description="Count events by minute, too, of a day at most.")] = False,
        cursor: Cursor = None,
    ) -> Response:
        """What there is in closed segments; and what became of the events of a time, at most 31 days. It is counted
        page by page: the counts of all pages add up."""
        span = (start, end) if start is not None and end is not None else None
        if span is not None:
            _check_length(*span, by_minute=by_minute)
        reached = decode_cursor(cursor, (str, str, str))
        with archive_reads():
            page = await balancing.page(span, Reached(*map(str, reached or ())), by_minute=by_minute)
        return answer(
            ShownStats(
                **asdict(page.totals),
                balance=_shown(page.balance) if page.balance is not None else None,
                next_cursor=next_cursor(astuple(page.following) if page.following is not None else None),
            )
        )


def _shown(balance: Balance) -> ShownOutcomes:
    return ShownOutcomes(
        minutes=balance.in_minutes(),
        unrouted=[ShownUnrouted.model_validate(each) for each in balance.unrouted],
        **{name: getattr(balance, name) for name in ShownOutcomes.model_fields if name not in {"minutes", "unrouted"}},
    )


def _check_length(start: datetime, end: datetime, *, by_minute: bool) -> None:
    if by_minute and end - start > A_DAY:
        raise invalid_parameter("to", "must be a day after `from` at most, where minutes are asked for")
    if end - start > LONGEST:
        raise invalid_parameter("to", "must be 31 days after `from` at most")
