"""The checkout's public HTTP edge."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

from fastapi import APIRouter, Depends, Header, Query, Response
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, ConfigDict, Field

from services.checkout.domain import Checkout
from services.checkout.followers import Followers
from services.checkout.ports import CartsUnavailable
from services.checkout.saga import VERSIONS
from services.checkout.starting import CannotStart, Starter, Wish
from services.checkout.views import CheckoutPage, CheckoutView, view
from shared.contracts.checkout import CustomerContact, Payment
from shared.saga.engine import cancellable
from shared.saga.happening import CancelRequested
from shared.saga.process import Orchestrator
from shared.store.repository import Repository
from shared.web.auth import Authenticator, Caller
from shared.web.docs import CREATING, READING, WRITING, problems
from shared.web.idempotency import idempotency_key
from shared.web.pages import decode_cursor, encode_cursor
from shared.web.preconditions import check_if_match, etag
from shared.web.problems import Fault, Problem

PAGE = 20
SCOPE = "checkouts"
STATUS = {
    "cart_not_found": 404,
    "cart_locked": 409,
    "cart_expired": 409,
    "offer_expired": 409,
}
"""HTTP status of what is refused at once; 422 for everything else."""


class CheckoutBody(BaseModel):
    """What to buy, how to pay, where to be told. `payment` is null only when nothing is left to pay in money."""

    model_config = ConfigDict(extra="forbid")

    cart_id: str = Field(min_length=1, max_length=255)
    payment: Payment | None
    contact: CustomerContact


class CheckoutRoutes:
    """Buying, looking, following, cancelling."""

    def __init__(
        self,
        repository: Repository[Checkout],
        orchestrator: Orchestrator[Checkout],
        starter: Starter,
        followers: Followers,
        draining: asyncio.Event,
    ) -> None:
        self._repository = repository
        self._orchestrator = orchestrator
        self._starter = starter
        self._followers = followers
        self._draining = draining
        self._in_flight: set[str] = set()

    async def buy(self, caller: Caller, key: str, body: CheckoutBody, response: Response) -> CheckoutView:
        if self._draining.is_set():
            raise Problem(503, "draining", "This process is stopping: try again", headers={"Retry-After": "1"})
        wish = Wish(caller.subject, key, body.cart_id, body.payment, body.contact)
        with self._one_at_a_time(wish.checkout_id):
            try:
                checkout = await self._starter.start(wish)
            except CannotStart as refused:
                raise _problem(refused) from refused
            except CartsUnavailable as silence:
                raise Problem(
                    503,
                    "carts_unavailable",
                    "The cart service does not answer: try again",
                    headers={"Retry-After": "1"},
                ) from silence
        response.headers["Location"] = f"/v1/checkouts/{checkout.id}"
        return view(checkout, 1)

    async def show(self, caller: Caller, checkout_id: str, response: Response) -> CheckoutView:
        checkout = await self._own(caller, checkout_id)
        response.headers["ETag"] = etag(checkout.revision)
        return view(checkout)

    async def list(self, caller: Caller, cursor: str | None) -> CheckoutPage:
        after = decode_cursor(cursor, (str, str))
        found = await self._repository.find(
            "by_member", (caller.subject,), limit=PAGE + 1, after=after, descending=True
        )
        page = [stored.value for stored in found[:PAGE]]
        return CheckoutPage(checkouts=[view(each) for each in page], next_cursor=next_cursor(page, len(found)))

    async def events(self, caller: Caller, checkout_id: str, last_event_id: str | None) -> StreamingResponse:
        checkout = await self._own(caller, checkout_id)
        return stream(self._followers, checkout, last_event_id)

    async def cancel(self, caller: Caller, checkout_id: str, if_match: str | None) -> CheckoutView:
        checkout = await self._own(caller, checkout_id)
        check_if_match(if_match, checkout.revision)
        recorded = checkout.record.cancelled_at is not None
        if checkout.record.ended or not (recorded or cancellable(VERSIONS[checkout.record.version], checkout.record)):
            raise _too_late(checkout)
        after = await self._orchestrator.happen(checkout_id, CancelRequested())
        if after is None or after.record.cancelled_at is None:
            raise _too_late(after or checkout)
        return view(after)

    async def _own(self, caller: Caller, checkout_id: str) -> Checkout:
        stored = await self._repository.load(checkout_id)
        if stored is None or stored.value.member_id != caller.subject:
            raise not_found()
        return stored.value

    @contextmanager
    def _one_at_a_time(self, checkout_id: str) -> Iterator[None]:
        """A repetition that comes while the first is in flight is told so."""
        if checkout_id in self._in_flight:
            detail = "A request with this key is being answered: wait for it"
            raise Problem(409, "request_in_flight", detail, headers={"Retry-After": "1"})
        self._in_flight.add(checkout_id)
        try:
            yield
        finally:
            self._in_flight.discard(checkout_id)


def router(routes: CheckoutRoutes, authenticator: Authenticator) -> APIRouter:
    """The public routes."""
    member = Annotated[Caller, Depends(authenticator.requires(SCOPE))]
    api = APIRouter(prefix="/v1/checkouts", tags=["checkouts"])

    @api.post("", status_code=202, summary="Buy a cart", responses=problems(*CREATING, 404, 409))
    async def buy(
        caller: member, key: Annotated[str, Depends(idempotency_key)], body: CheckoutBody, response: Response
    ) -> CheckoutView:
        return await routes.buy(caller, key, body, response)

    @api.get("", summary="The member's purchases, newest first", responses=problems(*READING))
    async def list_own(caller: member, cursor: Annotated[str | None, Query()] = None) -> CheckoutPage:
        return await routes.list(caller, cursor)

    @api.get("/{checkout_id}", summary="One purchase", responses=problems(*READING))
    async def show(caller: member, checkout_id: str, response: Response) -> CheckoutView:
        return await routes.show(caller, checkout_id, response)

    @api.get(
        "/{checkout_id}/events",
        summary="Follow a purchase (server-sent events)",
        response_class=StreamingResponse,
        responses=problems(*READING),
    )
    async def events(
        caller: member, checkout_id: str, last_event_id: Annotated[str | None, Header()] = None
    ) -> StreamingResponse:
        return await routes.events(caller, checkout_id, last_event_id)

    @api.post("/{checkout_id}/cancel", status_code=202, summary="Cancel a purchase", responses=problems(*WRITING))
    async def cancel(
        caller: member, checkout_id: str, if_match: Annotated[str | None, Header()] = None
    ) -> CheckoutView:
        return await routes.cancel(caller, checkout_id, if_match)

    return api


def stream(followers: Followers, checkout: Checkout, last_event_id: str | None) -> StreamingResponse:
    """The changes after the one the client saw last."""
    position = _position(last_event_id)
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    return StreamingResponse(followers.events(checkout, position), media_type="text/event-stream", headers=headers)


def next_cursor(page: list[Checkout], found: int) -> str | None:
    """Where the next page begins, when there is one."""
    if found <= len(page):
        return None
    last = page[-1]
    return encode_cursor((last.model_dump(mode="json", include={"created_at"})["created_at"], last.id))


def not_found() -> Problem:
    return Problem(404, "not_found", "There is no such checkout")


def _position(last_event_id: str | None) -> int:
    if not last_event_id:
        return 0
    if not last_event_id.isdigit() or len(last_event_id) > 9:  # noqa: PLR2004 - no timeline is that long
        fault = Fault("must be the id of an event of this stream", header="Last-Event-ID")
        raise Problem(422, "invalid_request", "Last-Event-ID " + fault.detail, errors=[fault])
    return int(last_event_id)


def _problem(refused: CannotStart) -> Problem:
    errors = [Fault(refused.detail, pointer=refused.pointer)] if refused.pointer else []
    return Problem(STATUS.get(refused.code, 422), refused.code, refused.detail, errors=errors)


def _too_late(checkout: Checkout) -> Problem:
    if checkout.record.ended:
        return Problem(409, "already_ended", f"The purchase has ended: {checkout.record.status}")
    return Problem(409, "too_late", "The tickets have been issued: the time to cancel has gone by")
