"""Sabre's HTTP: who may ask, what the body must be, and which answer means what."""

import json
import sqlite3
import uuid
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any, TypeVar

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ValidationError

from services.sandbox.faults import Faults, Rule, answer
from services.sandbox.memory import Memory
from services.sandbox.oauth import basic_credentials
from services.sandbox.plain import PlainRoute
from services.sandbox.problems import as_json
from services.sandbox.sabre import extras, shopping, tickets
from services.sandbox.sabre.booking_requests import (
    CancelBooking,
    CheckTickets,
    CreateBooking,
    FulfillTickets,
    GetBooking,
    RefundTickets,
    VoidTickets,
)
from services.sandbox.sabre.bookings import create
from services.sandbox.sabre.errors import SabreError, gateway_body, gateway_error, invalid, missing, refused
from services.sandbox.sabre.prices import PriceLevel
from services.sandbox.sabre.pricing import PriceDay
from services.sandbox.sabre.records import documents_of, load_booking
from services.sandbox.sabre.shop_requests import SegmentsRequest, ShopRequest
from services.sandbox.sabre.tokens import LIFETIME_SECONDS, Tokens
from services.sandbox.sabre.views import booking_view

M = TypeVar("M", bound=BaseModel)
Work = Callable[[sqlite3.Connection], dict[str, Any]]
Page = tuple[int, dict[str, Any]]

REFUSALS = {
    "createBooking": "UC",
    "fulfillFlightTickets": "UC",
    "getBooking": "INTERNAL_SERVER_TIMEOUT",
    "checkFlightTickets": "INTERNAL_SERVER_TIMEOUT",
    "voidFlightTickets": "UNABLE_TO_VOID_TICKET",
    "refundFlightTickets": "UNABLE_TO_REFUND_TICKET",
    "cancelBooking": "UNABLE_TO_CANCEL_FLIGHTS",
    "getseats": "INTERNAL_SERVER_TIMEOUT",
    "getancillaries": "INTERNAL_SERVER_TIMEOUT",
}
PARTIAL = "PARTIAL_FULFILLMENT"
TRIP_METHODS = (
    "createBooking",
    "getBooking",
    "fulfillFlightTickets",
    "checkFlightTickets",
    "voidFlightTickets",
    "refundFlightTickets",
    "cancelBooking",
)


class Sabre:
    """One GDS: its tokens, its price level, its records."""

    def __init__(
        self,
        memory: Memory,
        faults: Faults,
        tokens: Tokens,
        level: PriceLevel,
        now: Callable[[], datetime],
    ) -> None:
        self._memory, self._faults, self._tokens, self._level, self._now = memory, faults, tokens, level, now

    async def token(self, request: Request) -> Response:
        rule = await self._faults.fire("sabre", "token")

        async def act() -> Response:
            grant = b"grant_type=client_credentials" in await request.body()
            if not grant or basic_credentials(request.headers.get("authorization")) is None:
                return as_json(
                    {"error": "invalid_client", "error_description": "Credentials are missing or wrong"}, 401
                )
            token = self._tokens.issue()
            said = {"access_token": token, "token_type": "bearer", "expires_in": LIFETIME_SECONDS}
            return as_json(said)

        async def refuse() -> Response:
            status = (rule.http_status if rule else None) or 401
            return as_json({"error": "invalid_client", "error_description": "Refused"}, status)

        return await answer(request, rule, act, refuse=refuse, broken=_broken)

    def on(self) -> PriceDay:
        return PriceDay(self._now().astimezone(shopping.AGENCY_ZONE).date(), self._level.factor, self._level.currency)

    async def shop(self, request: Request) -> Response:
        return await self._shopping(request, "shop", shopping.shop)

    async def revalidate(self, request: Request) -> Response:
        return await self._shopping(request, "revalidate", shopping.revalidate)

    async def _shopping(self, request: Request, operation: str, price: Callable[..., dict[str, Any]]) -> Response:
        async def act(_: Rule | None) -> Page:
            try:
                query = (await _parsed(request, ShopRequest)).query
            except SabreError as error:
                return 400, gateway_body("Incomplete", "ERR.2SG.CLIENT.INVALID_REQUEST", str(error.error))
            return 200, price(query, self._now(), self.on())

        async def refuse(_: str) -> Page:
            query = (await _parsed(request, ShopRequest)).query
            return 200, shopping.answer(query, [], self.on())

        return await self._guarded(request, operation, act, refuse)

    async def seats(self, request: Request) -> Response:
        async def act(_: Rule | None) -> Page:
            order = await _parsed(request, SegmentsRequest)
            return 200, await self._memory.run(extras.seat_maps(order.request.pax_segments, self._level.currency))

        return await self._guarded(request, "getseats", act)

    async def ancillaries(self, request: Request) -> Response:
        async def act(_: Rule | None) -> Page:
            order = await _parsed(request, SegmentsRequest)
            return 200, extras.bags(order.request.pax_segments, self._level.currency)

        return await self._guarded(request, "getancillaries", act)

    async def trip(self, request: Request, method: str) -> Response:
        """Booking Management: every method changes or reads the records in one piece."""

        async def act(rule: Rule | None) -> Page:
            work = await self._work(request, method, rule)
            return 200, {"timestamp": self._timestamp()} | await self._memory.run(work)

        async def refuse(code: str) -> Page:
            if method == "fulfillFlightTickets" and code == PARTIAL:
                return await act(Rule(provider="sabre", mode="refuse", code=PARTIAL))
            return 200, {"timestamp": self._timestamp()} | refused(code)

        return await self._guarded(request, method, act, refuse)

    async def _work(self, request: Request, method: str, rule: Rule | None) -> Work:
        now, on = self._now(), self.on()
        match method:
            case "createBooking":
                order = await _parsed(request, CreateBooking)

                def booked(connection: sqlite3.Connection) -> dict[str, Any]:
                    booking = create(connection, order, now, on)
                    return {"confirmationId": booking.locator, "booking": booking_view(booking, [])}

                return booked
            case "getBooking":
                asked = await _parsed(request, GetBooking)

                def shown(connection: sqlite3.Connection) -> dict[str, Any]:
                    booking = load_booking(connection, asked.confirmation_id, now)
                    return booking_view(booking, documents_of(connection, booking.locator))

                return shown
            case "fulfillFlightTickets":
                wanted = await _parsed(request, FulfillTickets)
                halfway = rule is not None and rule.code == PARTIAL
                return await _echoed(
                    request, lambda connection: tickets.fulfill(connection, wanted, now, on.factor, halfway=halfway)
                )
            case "cancelBooking":
                ended = await _parsed(request, CancelBooking)
                return await _echoed(request, lambda connection: tickets.cancel(connection, ended, now))
            case _:
                return await _echoed(request, await self._on_documents(request, method, now))

    @staticmethod
    async def _on_documents(request: Request, method: str, now: datetime) -> Work:
        if method == "checkFlightTickets":
            checked = await _parsed(request, CheckTickets)
            _either(checked.confirmation_id, checked.tickets)
            return lambda connection: tickets.check(connection, checked, now)
        if method == "voidFlightTickets":
            order: VoidTickets | RefundTickets = await _parsed(request, VoidTickets)
            into: tickets.Undone = "voided"
        else:
            order, into = await _parsed(request, RefundTickets), "refunded"
        _either(order.confirmation_id, order.tickets)
        numbers = [each if isinstance(each, str) else each.number for each in order.tickets]

        def undone(connection: sqlite3.Connection) -> dict[str, Any]:
            chosen = numbers or tickets.issued_numbers(connection, order.confirmation_id or "", now)
            return tickets.undo(connection, chosen, into, order.error_handling_policy, now)

        return undone

    async def _guarded(
        self,
        request: Request,
        operation: str,
        act: Callable[[Rule | None], Awaitable[Page]],
        refuse: Callable[[str], Awaitable[Page]] | None = None,
    ) -> Response:
        """Fault first, then the token, then the work; what Sabre refuses is a page like any other."""
        rule = await self._faults.fire("sabre", operation)

        async def carried_out() -> Response:
            if not self._tokens.accepts(request.headers.get("authorization")):
                return gateway_error(401, "ERR.2SG.SEC.INVALID_CREDENTIALS", "Credentials are missing or wrong")
            return await self._page(act(None))

        async def turned_down() -> Response:
            if rule is not None and rule.http_status is not None:
                status = rule.http_status
                return gateway_error(status, f"ERR.2SG.GATEWAY.{status}", "Refused", "Application")
            code = (rule.code if rule else None) or REFUSALS.get(operation, "NAV")
            if refuse is None:
                return as_json({"timestamp": self._timestamp()} | refused(code))
            return await self._page(refuse(code))

        response = await answer(request, rule, carried_out, refuse=turned_down, broken=_broken)
        response.headers["x-request-id"] = uuid.uuid4().hex
        response.headers["ConversationId"] = request.headers.get("conversationid") or uuid.uuid4().hex
        return response

    async def _page(self, work: Awaitable[Page]) -> Response:
        try:
            status, body = await work
        except SabreError as error:
            return as_json({"timestamp": self._timestamp()} | error.body(), error.status)
        return as_json(body, status)

    def _timestamp(self) -> str:
        return f"{self._now().astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def router(sabre: Sabre) -> APIRouter:
    routes = APIRouter(prefix="/sandbox/sabre", tags=["sabre"], route_class=PlainRoute)
    routes.post("/v2/auth/token")(sabre.token)
    routes.post("/v5/offers/shop")(sabre.shop)
    routes.post("/v5/shop/flights/revalidate")(sabre.revalidate)
    routes.post("/v1/offers/getseats")(sabre.seats)
    routes.post("/v2/offers/getancillaries")(sabre.ancillaries)

    def method_route(method: str) -> None:
        @routes.post(f"/v1/trip/orders/{method}", name=method)
        async def trip(request: Request) -> Response:
            return await sabre.trip(request, method)

    for method in TRIP_METHODS:
        method_route(method)
    return routes


def _broken() -> Response:
    return gateway_error(500, "ERR.2SG.GATEWAY.INTERNAL_ERROR", "Internal error", "Application")


async def _echoed(request: Request, work: Work) -> Work:
    """Booking Management repeats the request in its answer."""
    said = json.loads(await request.body())
    return lambda connection: {"request": said} | work(connection)


async def _parsed(request: Request, model: type[M]) -> M:
    try:
        return model.model_validate_json(await request.body())
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False)[0]
        path = ".".join(str(part) for part in first["loc"])
        name = str(first["loc"][-1]) if first["loc"] else "body"
        if first["type"] == "missing":
            raise missing(path, name) from error
        raise invalid(path, name, str(first["input"])[:100], first["msg"]) from error


def _either(confirmation_id: str | None, numbers: tuple[object, ...]) -> None:
    if not confirmation_id and not numbers:
        raise missing("confirmationId", "confirmationId")
    if confirmation_id and numbers:
        raise SabreError(
            "INVALID_FLAGS_COMBINATION",
            "Properties confirmationId and tickets cannot be combined",
            status=400,
        )
