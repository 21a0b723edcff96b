"""The checkout over HTTP, for members: buying, looking, following, cancelling."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Annotated, Any

from fastapi import Depends, Response
from fastapi.responses import StreamingResponse

from services.checkout.cases.following import Followers
from services.checkout.cases.looking import Purchases
from services.checkout.cases.starting import Starter, Wish
from services.checkout.cases.steering import Steering
from services.checkout.domain.checkout import Checkout
from services.checkout.http.bodies import CheckoutBody
from services.checkout.http.events import LastEventId, stream
from services.checkout.http.refusing import refusals_as_problems
from services.checkout.http.views import BY_CREATION, CheckoutId, CheckoutPage, CheckoutView, view
from shared.web.answers import answer
from shared.web.auth import Authenticator, Caller
from shared.web.docs import CREATING, READING, WRITING, answers, streamed
from shared.web.idempotency import idempotency_key
from shared.web.pages import Cursor
from shared.web.preconditions import IfMatch, check_if_match
from shared.web.problems import Problem
from shared.web.routes import Routes

PREFIX = "/v1/checkouts"
PAGE = 20


def routes(
    purchases: Purchases, steering: Steering, followers: Followers, authenticator: Authenticator, door: "Door"
) -> Routes:
    """The members' routes, under `/v1/checkouts`."""
    router = Routes("checkouts", PREFIX)
    member = authenticator.allowed("checkouts")
    _buying(router, door, member)
    _looking(router, purchases, followers, member)
    _cancelling(router, steering, member)
    return router


class Door:
    """Where purchases come in: of one key no two at a time."""

    def __init__(self, starter: Starter) -> None:
        self._starter = starter
        self._in_flight: set[str] = set()

    async def start(self, wish: Wish) -> Checkout:
        with self._one_at_a_time(wish.checkout_id), refusals_as_problems():
            return await self._starter.start(wish)

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


def _buying(router: Routes, door: Door, member: Any) -> None:
    @router.post(
        "",
        status_code=202,
        summary="Buy a cart",
        response_model=None,
        responses=answers(CheckoutView, *CREATING, 404, 409, status=202, headers=("Location",)),
    )
    async def buy(
        caller: Annotated[Caller, member], key: Annotated[str, Depends(idempotency_key)], body: CheckoutBody
    ) -> Response:
        checkout = await door.start(Wish(caller.subject, key, body.cart_id, body.payment, body.contact))
        return answer(view(checkout, 1), 202, location=f"{PREFIX}/{checkout.id}")


def _looking(router: Routes, purchases: Purchases, followers: Followers, member: Any) -> None:
    @router.get(
        "",
        summary="The member's purchases, newest first",
        response_model=None,
        responses=answers(CheckoutPage, *READING),
    )
    async def list_own(caller: Annotated[Caller, member], cursor: Cursor = None) -> Response:
        own = partial(purchases.of_member, caller.subject)
        newest_first, following = await BY_CREATION.page(cursor, PAGE, own)
        return answer(CheckoutPage(checkouts=[view(each) for each in newest_first], next_cursor=following))

    @router.get(
        "/{checkout_id}",
        summary="One purchase",
        response_model=None,
        responses=answers(CheckoutView, *READING, headers=("ETag",)),
    )
    async def show(caller: Annotated[Caller, member], checkout_id: CheckoutId) -> Response:
        with refusals_as_problems():
            checkout = await purchases.own(checkout_id, caller.subject)
        return answer(view(checkout), revision=checkout.revision)

    @router.get(
        "/{checkout_id}/events",
        summary="Follow a purchase (server-sent events)",
        response_class=StreamingResponse,
        responses=streamed(CheckoutView, "change", *READING, 429),
    )
    async def events(
        caller: Annotated[Caller, member], checkout_id: CheckoutId, last_event_id: LastEventId = None
    ) -> StreamingResponse:
        with refusals_as_problems():
            checkout = await purchases.own(checkout_id, caller.subject)
            return stream(followers, caller.subject, checkout, last_event_id)


def _cancelling(router: Routes, steering: Steering, member: Any) -> None:
    @router.post(
        "/{checkout_id}/cancel",
        status_code=202,
        summary="Cancel a purchase",
        response_model=None,
        responses=answers(CheckoutView, *WRITING, status=202),
    )
    async def cancel(caller: Annotated[Caller, member], checkout_id: CheckoutId, if_match: IfMatch = None) -> Response:
        with refusals_as_problems():
            checkout = await steering.cancel(checkout_id, caller.subject, _matching(if_match))
        return answer(view(checkout), 202)


def _matching(if_match: str | None) -> Callable[[Checkout], None]:
    return lambda checkout: check_if_match(if_match, checkout.revision)
