"""The checkout's HTTP edge for operators: every member's purchases, their timelines and timers."""

from typing import Annotated

from fastapi import APIRouter, Depends, Header, Query, Response
from fastapi.responses import StreamingResponse
from pydantic import AwareDatetime, BaseModel, ConfigDict

from services.checkout.domain import Checkout
from services.checkout.followers import Followers
from services.checkout.http import next_cursor, not_found, stream
from services.checkout.views import (
    OperatorDetail,
    OperatorPage,
    OperatorView,
    TimerView,
    operator_detail,
    operator_view,
)
from shared.saga.happening import AskRequested
from shared.saga.process import Orchestrator
from shared.saga.record import Status
from shared.store.repository import Repository
from shared.web.auth import Authenticator, Caller
from shared.web.docs import CREATING, READING, problems
from shared.web.pages import decode_cursor, encode_cursor
from shared.web.problems import Problem


class TimerBody(BaseModel):
    """When the timer shall fire."""

    model_config = ConfigDict(extra="forbid")

    at: AwareDatetime


class ListedTimer(TimerView):
    """A timer and whose it is."""

    checkout_id: str


class TimerPage(BaseModel):
    """A page of timers, the earliest first."""

    timers: list[ListedTimer]
    next_cursor: str | None


class Operations:
    """What operators may see and move."""

    def __init__(
        self, repository: Repository[Checkout], orchestrator: Orchestrator[Checkout], followers: Followers
    ) -> None:
        self._repository = repository
        self._orchestrator = orchestrator
        self._followers = followers

    async def list(self, status: Status | None, cursor: str | None, limit: int) -> OperatorPage:
        after = decode_cursor(cursor, (str, str))
        index, prefix = ("by_status", (status.value,)) if status else ("by_creation", ())
        found = await self._repository.find(index, prefix, limit=limit + 1, after=after, descending=True)
        page = [stored.value for stored in found[:limit]]
        views: list[OperatorView] = [operator_view(each) for each in page]
        return OperatorPage(checkouts=views, next_cursor=next_cursor(page, len(found)))

    async def show(self, checkout_id: str) -> OperatorDetail:
        return operator_detail(await self._any(checkout_id))

    async def events(self, checkout_id: str, last_event_id: str | None) -> StreamingResponse:
        return stream(self._followers, await self._any(checkout_id), last_event_id)

    async def timers(self, cursor: str | None, limit: int) -> TimerPage:
        after = decode_cursor(cursor, (str, str))
        found = await self._repository.find("by_timer", (), limit=limit + 1, after=after)
        page = [stored.value for stored in found[:limit]]
        timers = [
            ListedTimer(checkout_id=each.id, name=timer.name, step=timer.step, at=timer.at)
            for each in page
            for timer in each.record.timers
        ]
        more = len(found) > limit
        return TimerPage(timers=timers, next_cursor=encode_cursor(_timer_key(page[-1])) if more else None)

    async def move(self, checkout_id: str, name: str, at: AwareDatetime) -> OperatorDetail:
        await self._timer(checkout_id, name)
        after = await self._orchestrator.change(checkout_id, lambda record: record.with_timer_at(name, at))
        if after is None:
            raise not_found()
        return operator_detail(after)

    async def stop(self, checkout_id: str, name: str) -> None:
        await self._timer(checkout_id, name)
        await self._orchestrator.change(checkout_id, lambda record: record.without_timer(name))

    async def ask(self, checkout_id: str) -> OperatorDetail:
        checkout = await self._any(checkout_id)
        if not checkout.record.current:
            raise Problem(409, "nothing_awaited", "No step of this purchase is waiting for an answer")
        after = await self._orchestrator.happen(checkout_id, AskRequested())
        return operator_detail(after or checkout)

    async def _timer(self, checkout_id: str, name: str) -> None:
        checkout = await self._any(checkout_id)
        if not any(timer.name == name for timer in checkout.record.timers):
            raise Problem(404, "timer_not_found", "The purchase has no such timer now")

    async def _any(self, checkout_id: str) -> Checkout:
        stored = await self._repository.load(checkout_id)
        if stored is None:
            raise not_found()
        return stored.value


def operations_router(operations: Operations, authenticator: Authenticator) -> APIRouter:
    """The operators' routes."""
    reader = Annotated[Caller, Depends(authenticator.requires("ops:read"))]
    writer = Annotated[Caller, Depends(authenticator.requires("ops:write"))]
    paging = Annotated[int, Query(ge=1, le=500)]
    api = APIRouter(prefix="/v1/operations", tags=["operations"])

    @api.get("/checkouts", summary="Everybody's purchases, newest first", responses=problems(*READING))
    async def list_all(
        _: reader, status: Status | None = None, cursor: str | None = None, limit: paging = 50
    ) -> OperatorPage:
        return await operations.list(status, cursor, limit)

    @api.get(
        "/checkouts/{checkout_id}", summary="One purchase with its timeline and timers", responses=problems(*READING)
    )
    async def show(_: reader, checkout_id: str) -> OperatorDetail:
        return await operations.show(checkout_id)

    @api.get(
        "/checkouts/{checkout_id}/events",
        summary="Follow a purchase",
        response_class=StreamingResponse,
        responses=problems(*READING),
    )
    async def events(
        _: reader, checkout_id: str, last_event_id: Annotated[str | None, Header()] = None
    ) -> StreamingResponse:
        return await operations.events(checkout_id, last_event_id)

    @api.post(
        "/checkouts/{checkout_id}/ask",
        status_code=202,
        summary="Ask for the awaited step now",
        responses=problems(*READING, 409),
    )
    async def ask(_: writer, checkout_id: str) -> OperatorDetail:
        return await operations.ask(checkout_id)

    @api.get("/timers", summary="What will happen by itself, the earliest first", responses=problems(*READING))
    async def timers(_: reader, cursor: str | None = None, limit: paging = 50) -> TimerPage:
        return await operations.timers(cursor, limit)

    @api.put("/timers/{checkout_id}/{name}", summary="Move a timer", responses=problems(*CREATING, 404))
    async def move(_: writer, checkout_id: str, name: str, body: TimerBody) -> OperatorDetail:
        return await operations.move(checkout_id, name, body.at)

    @api.delete("/timers/{checkout_id}/{name}", status_code=204, summary="Cancel a timer", responses=problems(*READING))
    async def stop(_: writer, checkout_id: str, name: str) -> Response:
        await operations.stop(checkout_id, name)
        return Response(status_code=204)

    return api


def _timer_key(checkout: Checkout) -> tuple[str, str]:
    return (checkout.wake_key or "", checkout.id)
