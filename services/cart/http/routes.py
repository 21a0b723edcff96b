"""Carts over HTTP: the public API, and what the checkout asks."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Annotated, Any

from fastapi import Path, Request, Response

from services.cart.cases.filling import Carts
from services.cart.domain import cart as rules
from services.cart.domain.cart import CannotChange, Cart, UnknownCart, WrongField
from services.cart.domain.items import BagChoice, SeatChoice
from services.cart.http.bodies import CartChange, NewCart, NewFlight, NewItem, NewSeat
from services.cart.http.views import ShownCart, ShownCarts, for_services, shown
from services.cart.ports import OffersUnavailable
from shared.contracts.journey import Passenger
from shared.contracts.offers import Quote
from shared.kernel.clock import Clock
from shared.web import docs
from shared.web.answers import answer, nothing
from shared.web.auth import Authenticator, Caller
from shared.web.docs import CREATING, READING, WRITING, problems
from shared.web.pages import Cursor, Listing
from shared.web.preconditions import IfMatch, RequiredIfMatch, check_if_match
from shared.web.problems import Fault, Problem, invalid_field, not_found, try_again
from shared.web.routes import Routes

CartId = Annotated[str, Path(description="A cart of the caller's.", examples=["0198f0c2-5a61-7c3e"])]
ItemId = Annotated[str, Path(description="An item of the cart.", examples=["0198f0c2-77b0-7d11"])]
PREFIX = "/v1/carts"
PAGE = 20
NEWEST = Listing[Cart](lambda cart: (cart.id,), (str,))

answers = partial(docs.answers, description="Done")


def routes(carts: Carts, clock: Clock, authenticator: Authenticator) -> Routes:
    """The service's routes: public under `/v1/carts`, for services under `/internal/carts`."""
    router = Routes("carts")
    owner = authenticator.allowed("carts")
    _whole_carts(router, carts, clock, owner)
    _items(router, carts, clock, owner)
    _miles(router, carts, clock, owner)
    _internal(router, carts, clock, authenticator)
    return router


def _whole_carts(router: Routes, carts: Carts, clock: Clock, owner: Any) -> None:
    @router.post(
        PREFIX,
        status_code=201,
        response_model=None,
        responses=answers(ShownCart, *CREATING, status=201, headers=("ETag", "Location")),
    )
    async def make(body: NewCart, caller: Annotated[Caller, owner]) -> Response:
        """Open an empty cart."""
        cart = await carts.open(caller.subject, body.channel, body.currency)
        return answer(shown(cart, clock.now()), 201, revision=cart.revision, location=f"{PREFIX}/{cart.id}")

    @router.get(PREFIX, response_model=None, responses=answers(ShownCarts, *READING))
    async def newest(caller: Annotated[Caller, owner], cursor: Cursor = None) -> Response:
        """The caller's carts, newest first, a page at a time."""
        newest_first, following = await NEWEST.page(cursor, PAGE, partial(carts.newest, caller.subject))
        now = clock.now()
        return answer(ShownCarts(carts=[shown(cart, now) for cart in newest_first], next_cursor=following))

    @router.get(PREFIX + "/{cart_id}", response_model=None, responses=answers(ShownCart, *READING, headers=("ETag",)))
    async def one(cart_id: CartId, caller: Annotated[Caller, owner]) -> Response:
        """A cart of the caller's."""
        with refusals_as_problems():
            cart = await carts.read(cart_id, caller.subject)
        return answer(shown(cart, clock.now()), revision=cart.revision)

    @router.delete(PREFIX + "/{cart_id}", status_code=204, response_model=None, responses=problems(*WRITING))
    async def delete(cart_id: CartId, caller: Annotated[Caller, owner], if_match: IfMatch = None) -> Response:
        """Forget a cart."""
        with refusals_as_problems():
            await carts.delete(cart_id, caller.subject, _matching(if_match))
        return nothing()


def _items(router: Routes, carts: Carts, clock: Clock, owner: Any) -> None:
    @router.post(
        PREFIX + "/{cart_id}/items",
        status_code=201,
        response_model=None,
        responses=answers(ShownCart, *WRITING, status=201, headers=("ETag",)),
    )
    async def add(
        cart_id: CartId, body: NewItem, caller: Annotated[Caller, owner], if_match: IfMatch = None
    ) -> Response:
        """Put a flight, a seat or a bag into a cart, at its offer's price."""
        matching = _matching(if_match)
        with refusals_as_problems():
            await carts.check(cart_id, caller.subject, matching)
            quote = await carts.quote(body.offer_id)
            adding = _adding(body, quote, carts.new_item_id(), clock)
            cart = await carts.change(cart_id, caller.subject, matching, adding)
        return answer(shown(cart, clock.now()), 201, revision=cart.revision)

    @router.delete(
        PREFIX + "/{cart_id}/items/{item_id}",
        response_model=None,
        responses=answers(ShownCart, *WRITING, headers=("ETag",)),
    )
    async def remove(
        cart_id: CartId, item_id: ItemId, caller: Annotated[Caller, owner], if_match: IfMatch = None
    ) -> Response:
        """Take an item out; a flight takes its seats and bags along."""

        def removing(cart: Cart) -> Cart:
            if all(item.id != item_id for item in cart.items):
                raise not_found("item in the cart")
            return rules.remove_item(cart, item_id)

        with refusals_as_problems():
            cart = await carts.change(cart_id, caller.subject, _matching(if_match), removing)
        return answer(shown(cart, clock.now()), revision=cart.revision)


def _miles(router: Routes, carts: Carts, clock: Clock, owner: Any) -> None:
    @router.patch(
        PREFIX + "/{cart_id}", response_model=None, responses=answers(ShownCart, *WRITING, 428, headers=("ETag",))
    )
    async def change(
        cart_id: CartId, body: CartChange, caller: Annotated[Caller, owner], if_match: RequiredIfMatch = None
    ) -> Response:
        """Say how many miles pay the fares. `If-Match` is required."""
        if body.promo_code is not None:
            raise invalid_field("/promo_code", "must be null: promo codes are not taken yet", "not_available")

        def changing(cart: Cart) -> Cart:
            return cart if body.use_miles is None else rules.use_miles(cart, body.use_miles)

        with refusals_as_problems():
            matching = _matching(if_match, required=True)
            cart = await carts.change(cart_id, caller.subject, matching, changing)
        return answer(shown(cart, clock.now()), revision=cart.revision)


def _internal(router: Routes, carts: Carts, clock: Clock, authenticator: Authenticator) -> None:
    @router.internal("/internal/carts/{cart_id}", authenticator)
    async def whole(request: Request) -> Response:
        cart = await carts.find(request.path_params["cart_id"])
        if cart is None or cart.member_id is None:
            raise _problem(UnknownCart())
        return answer(for_services(cart, cart.member_id, clock.now()))


def _adding(body: NewItem, quote: Quote, item_id: str, clock: Clock) -> Callable[[Cart], Cart]:
    """The change that adds an item once: where a save went through although it seemed to fail, nothing."""

    def adding(cart: Cart) -> Cart:
        if any(item.id == item_id for item in cart.items):
            return cart
        if isinstance(body, NewFlight):
            passengers = [Passenger(**passenger.model_dump()) for passenger in body.passengers]
            return rules.add_flight(cart, item_id, quote, passengers, clock.now())
        if isinstance(body, NewSeat):
            seat = SeatChoice(segment=body.segment, passenger=body.passenger, seat=body.seat)
            return rules.add_seat(cart, item_id, quote, seat)
        bag = BagChoice(passenger=body.passenger, pieces=body.pieces)
        return rules.add_bag(cart, item_id, quote, bag)

    return adding


def _matching(if_match: str | None, *, required: bool = False) -> Callable[[Cart], None]:
    return lambda cart: check_if_match(if_match, cart.revision, required=required)


@contextmanager
def refusals_as_problems() -> Iterator[None]:
    try:
        yield
    except (UnknownCart, CannotChange, WrongField, OffersUnavailable) as error:
        raise _problem(error) from error


def _problem(error: UnknownCart | CannotChange | WrongField | OffersUnavailable) -> Problem:
    match error:
        case WrongField(pointer=pointer, detail=detail, code=code):
            return invalid_field(pointer, detail, code)
        case CannotChange(pointer=pointer, detail=detail, code=code):
            return Problem(409, code, detail, errors=[Fault(detail, pointer=pointer)] if pointer else ())
        case OffersUnavailable():
            detail = "The offers cannot be read for the moment; try again"
            return try_again("offers_unavailable", detail, seconds=2)
        case _:
            return not_found("cart")
