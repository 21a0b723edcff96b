"""The checkout over HTTP, for operators: every member's purchases, their timelines and timers."""

from dataclasses import asdict
from typing import Annotated, Any

from fastapi import Path, Query, Response
from fastapi.responses import StreamingResponse

from services.checkout.cases.following import Followers
from services.checkout.cases.looking import Purchases
from services.checkout.cases.searching import Search, Searching
from services.checkout.cases.steering import Steering
from services.checkout.http.bodies import TimerBody
from services.checkout.http.events import LastEventId, stream
from services.checkout.http.refusing import refusals_as_problems
from services.checkout.http.views import (
    BY_TIMER,
    CheckoutId,
    CheckoutView,
    OperatorDetail,
    OperatorPage,
    StandingView,
    Summary,
    TimerPage,
    listed_timers,
    operator_detail,
    operator_view,
)
from shared.saga.record import Status
from shared.web.answers import answer, nothing
from shared.web.auth import Authenticator, Caller
from shared.web.bodies import Moment, WholeNumber
from shared.web.docs import CREATING, READING, answers, problems, streamed
from shared.web.pages import Cursor, decode_cursor, next_cursor
from shared.web.routes import Routes

Size = Annotated[WholeNumber, Query(ge=1, le=500, description="The most that a page may have.", examples=[50])]
OfStatus = Annotated[Status | None, Query(description="Only purchases that stand so.")]
OfMember = Annotated[str | None, Query(max_length=255, description="Only this member's.", examples=["ana-1"])]
AtStep = Annotated[
    str | None, Query(max_length=100, description="Only those that await this step.", examples=["issue tickets"])
]
WithCode = Annotated[
    str | None, Query(max_length=100, description="Only those refused so.", examples=["price_changed"])
]
WithLocator = Annotated[str | None, Query(max_length=20, description="Only of this booking.", examples=["ABCDEF"])]
WithTicket = Annotated[
    str | None,
    Query(max_length=20, description="Only of this ticket's or document's number.", examples=["0471234567890"]),
]
Before = Annotated[
    Moment | None, Query(description="Only those begun before, with its zone.", examples=["2027-01-20T10:00:00Z"])
]
Since = Annotated[
    Moment | None, Query(description="Only those that changed since, with its zone.", examples=["2027-01-20T10:00:00Z"])
]
TimerName = Annotated[str, Path(description="A timer of the purchase, as its list names it.", examples=["ask"])]


def routes(
    purchases: Purchases,
    searching: Searching,
    steering: Steering,
    followers: Followers,
    authenticator: Authenticator,
) -> Routes:
    """The operators' routes, under `/v1/operations`."""
    router = Routes("operations", "/v1/operations")
    reader = authenticator.allowed("ops:read")
    writer = authenticator.allowed("ops:write")
    _search(router, searching, reader)
    _purchases(router, purchases, followers, reader)
    _asking(router, steering, writer)
    _timers(router, purchases, reader)
    _moving_timers(router, steering, writer)
    return router


def _search(router: Routes, searching: Searching, reader: Any) -> None:
    @router.get(
        "/checkouts",
        summary="Everybody's purchases of which all that is asked holds, newest first",
        description="A page may have fewer than `limit`, or none, though more follow: `next_cursor` tells.",
        response_model=None,
        responses=answers(OperatorPage, *READING),
    )
    async def list_all(
        _: Annotated[Caller, reader],
        *,
        status: OfStatus = None,
        member_id: OfMember = None,
        step: AtStep = None,
        code: WithCode = None,
        locator: WithLocator = None,
        ticket: WithTicket = None,
        begun_before: Before = None,
        changed_since: Since = None,
        cursor: Cursor = None,
        limit: Size = 50,
    ) -> Response:
        wanted = Search(status, member_id, step, code, locator, ticket, begun_before, changed_since)
        found, following = await searching.find(wanted, decode_cursor(cursor, (str, str)), limit)
        listed = [operator_view(each) for each in found]
        return answer(OperatorPage(checkouts=listed, next_cursor=next_cursor(following)))

    @router.get(
        "/summary",
        summary="How many purchases have each status",
        response_model=None,
        responses=answers(Summary, *READING),
    )
    async def summary(_: Annotated[Caller, reader]) -> Response:
        statuses = [StandingView.model_validate(asdict(each)) for each in await searching.standing()]
        return answer(Summary(statuses=statuses))


def _purchases(router: Routes, purchases: Purchases, followers: Followers, reader: Any) -> None:
    @router.get(
        "/checkouts/{checkout_id}",
        summary="One purchase with its timeline and timers",
        response_model=None,
        responses=answers(OperatorDetail, *READING),
    )
    async def show(_: Annotated[Caller, reader], checkout_id: CheckoutId) -> Response:
        with refusals_as_problems():
            return answer(operator_detail(await purchases.one(checkout_id)))

    @router.get(
        "/checkouts/{checkout_id}/events",
        summary="Follow a purchase",
        response_class=StreamingResponse,
        responses=streamed(CheckoutView, "change", *READING, 429),
    )
    async def events(
        caller: Annotated[Caller, reader], checkout_id: CheckoutId, last_event_id: LastEventId = None
    ) -> StreamingResponse:
        with refusals_as_problems():
            checkout = await purchases.one(checkout_id)
            return stream(followers, caller.subject, checkout, last_event_id)


def _asking(router: Routes, steering: Steering, writer: Any) -> None:
    @router.post(
        "/checkouts/{checkout_id}/ask",
        status_code=202,
        summary="Ask for the awaited step now",
        response_model=None,
        responses=answers(OperatorDetail, *READING, 409, status=202),
    )
    async def ask(_: Annotated[Caller, writer], checkout_id: CheckoutId) -> Response:
        with refusals_as_problems():
            return answer(operator_detail(await steering.ask(checkout_id)), 202)


def _timers(router: Routes, purchases: Purchases, reader: Any) -> None:
    @router.get(
        "/timers",
        summary="What will happen by itself, the earliest first",
        response_model=None,
        responses=answers(TimerPage, *READING),
    )
    async def timers(_: Annotated[Caller, reader], cursor: Cursor = None, limit: Size = 50) -> Response:
        earliest_first, following = await BY_TIMER.page(cursor, limit, purchases.by_timer)
        return answer(TimerPage(timers=listed_timers(earliest_first), next_cursor=following))


def _moving_timers(router: Routes, steering: Steering, writer: Any) -> None:
    @router.put(
        "/timers/{checkout_id}/{name}",
        summary="Move a timer",
        response_model=None,
        responses=answers(OperatorDetail, *CREATING, 404),
    )
    async def move(_: Annotated[Caller, writer], checkout_id: CheckoutId, name: TimerName, body: TimerBody) -> Response:
        with refusals_as_problems():
            return answer(operator_detail(await steering.move_timer(checkout_id, name, body.at)))

    @router.delete(
        "/timers/{checkout_id}/{name}", status_code=204, summary="Cancel a timer", responses=problems(*READING)
    )
    async def stop(_: Annotated[Caller, writer], checkout_id: CheckoutId, name: TimerName) -> Response:
        with refusals_as_problems():
            await steering.stop_timer(checkout_id, name)
        return nothing()
