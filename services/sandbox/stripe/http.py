"""Stripe's HTTP: keys, forms, idempotency, and which fault hits what."""

import json
import sqlite3
from collections.abc import Callable
from datetime import datetime
from typing import Any

from fastapi import APIRouter, Request, Response

from services.sandbox.faults import Faults, Rule, answer
from services.sandbox.memory import Memory
from services.sandbox.oauth import basic_credentials
from services.sandbox.plain import PlainRoute
from services.sandbox.problems import as_json
from services.sandbox.stripe import charges, finding, form, intents, refunds
from services.sandbox.stripe.errors import StripeError, declined, invalid
from services.sandbox.stripe.expanding import expanded
from services.sandbox.stripe.idempotency import LONGEST_KEY, Endpoint, Reply, digest, once

REFUSALS = {
    "authorize": "card_declined",
    "capture": "charge_expired_for_capture",
    "void": "payment_intent_unexpected_state",
    "refund": "charge_disputed",
    "read": "rate_limit",
}
TEST_KEY = "sk_test_"

Asked = Callable[[form.Form], Endpoint]


class Stripe:
    """One gateway account."""

    def __init__(self, memory: Memory, faults: Faults, public_url: str, now: Callable[[], datetime]) -> None:
        self._memory, self._faults, self._now = memory, faults, now
        self._challenges = f"{public_url.rstrip('/')}/sandbox/stripe/3ds"
        self._in_flight: set[str] = set()

    async def create_intent(self, request: Request) -> Response:
        return await self._post(
            request,
            "authorize",
            lambda said: lambda connection: intents.create(connection, said, self._now(), self._challenges),
        )

    async def capture(self, request: Request, id_: str) -> Response:
        return await self._post(
            request, "capture", lambda said: lambda connection: intents.capture(connection, id_, said)
        )

    async def cancel(self, request: Request, id_: str) -> Response:
        return await self._post(
            request, "void", lambda said: lambda connection: intents.cancel(connection, id_, said, self._now())
        )

    async def refund(self, request: Request) -> Response:
        return await self._post(
            request, "refund", lambda said: lambda connection: refunds.create(connection, said, self._now())
        )

    async def read(self, request: Request, asked: Asked) -> Response:
        rule = await self._faults.fire("stripe", "read")

        async def act() -> Response:
            try:
                _authenticated(request)
                shown = await self._memory.run(asked(request.query_params))
                return as_json(expanded(shown, request.query_params))
            except StripeError as error:
                return as_json(error.body, error.status)

        async def refuse() -> Response:
            error = _refusal("read", rule)
            return as_json(error.body, error.status)

        return await answer(request, rule, act, refuse=refuse, broken=_broken)

    async def complete(self, request: Request, act: Callable[[sqlite3.Connection, bool], dict[str, Any]]) -> Response:
        """The card's bank ends what it was asked for, well or not."""
        try:
            body = await request.body()
            result = json.loads(body).get("result", "succeeded") if body else "succeeded"
            if result not in {"succeeded", "failed"}:
                raise invalid("result must be succeeded or failed", "result")
            shown = await self._memory.run(lambda connection: act(connection, result == "succeeded"))
        except (ValueError, AttributeError):
            error = invalid("the body is no JSON object")
            return as_json(error.body, error.status)
        except StripeError as error:
            return as_json(error.body, error.status)
        return as_json(shown)

    async def expire(self, id_: str) -> Response:
        try:
            return as_json(await self._memory.run(lambda connection: intents.expire(connection, id_, self._now())))
        except StripeError as error:
            return as_json(error.body, error.status)

    async def _post(self, request: Request, operation: str, asked: Asked) -> Response:
        """A key is in flight from here until the line is answered or closed."""
        try:
            _authenticated(request)
            key = _key(request)
            said = form.parse(await request.body())
            self._refuse_in_flight(key)
        except StripeError as error:
            return as_json(error.body, error.status)
        if key is not None:
            self._in_flight.add(key)
        try:
            return await self._once(request, operation, key, said, asked)
        finally:
            self._in_flight.discard(key or "")

    def _refuse_in_flight(self, key: str | None) -> None:
        if key in self._in_flight:
            message = "There is currently another in-progress request using this Idempotent Key."
            raise StripeError(409, "idempotency_error", message, "idempotency_key_in_use")

    async def _once(self, request: Request, operation: str, key: str | None, said: form.Form, asked: Asked) -> Response:
        rule = await self._faults.fire("stripe", operation)
        same = digest(request.url.path, said)

        async def settle(endpoint: Endpoint) -> Response:
            reply = await self._memory.run(lambda connection: once(connection, key, same, endpoint, self._now()))
            return _shown(reply)

        async def act() -> Response:
            endpoint = asked(said)
            return await settle(lambda connection: expanded(endpoint(connection), said))

        async def refuse() -> Response:
            def refused(_: sqlite3.Connection) -> dict[str, Any]:
                raise _refusal(operation, rule)

            return await settle(refused)

        return await answer(request, rule, act, refuse=refuse, broken=_broken)


def router(stripe: Stripe) -> APIRouter:
    routes = APIRouter(prefix="/sandbox/stripe", tags=["stripe"], route_class=PlainRoute)
    routes.post("/v1/payment_intents")(stripe.create_intent)
    routes.post("/v1/payment_intents/{id_}/capture")(stripe.capture)
    routes.post("/v1/payment_intents/{id_}/cancel")(stripe.cancel)
    routes.post("/v1/refunds")(stripe.refund)
    routes.post("/payment_intents/{id_}/expire")(stripe.expire)

    @routes.post("/3ds/{id_}/complete")
    async def complete_challenge(request: Request, id_: str) -> Response:
        return await stripe.complete(
            request, lambda connection, passed: intents.complete_challenge(connection, id_, passed=passed)
        )

    @routes.post("/refunds/{id_}/complete")
    async def complete_refund(request: Request, id_: str) -> Response:
        return await stripe.complete(
            request, lambda connection, passed: refunds.complete(connection, id_, passed=passed)
        )

    routes.include_router(_reading(stripe))
    return routes


def _reading(stripe: Stripe) -> APIRouter:
    routes = APIRouter()

    @routes.get("/v1/charges")
    async def list_charges(request: Request) -> Response:
        return await stripe.read(request, lambda said: lambda connection: charges.listed(connection, said))

    @routes.get("/v1/payment_intents")
    async def list_intents(request: Request) -> Response:
        return await stripe.read(request, lambda said: lambda connection: finding.listed(connection, said))

    @routes.get("/v1/payment_intents/search")
    async def search_intents(request: Request) -> Response:
        return await stripe.read(request, lambda said: lambda connection: finding.search(connection, said))

    @routes.get("/v1/payment_intents/{id_}")
    async def get_intent(request: Request, id_: str) -> Response:
        return await stripe.read(request, lambda _: lambda connection: intents.load(connection, id_).body)

    @routes.get("/v1/refunds")
    async def list_refunds(request: Request) -> Response:
        return await stripe.read(request, lambda said: lambda connection: refunds.listed(connection, said))

    @routes.get("/v1/refunds/{id_}")
    async def get_refund(request: Request, id_: str) -> Response:
        return await stripe.read(request, lambda _: lambda connection: refunds.retrieve(connection, id_))

    return routes


def _shown(reply: Reply) -> Response:
    return as_json(reply.body, reply.status, {"Idempotent-Replayed": "true"} if reply.replayed else None)


def _authenticated(request: Request) -> None:
    """A secret key as bearer token, or as the user of HTTP Basic."""
    header = request.headers.get("authorization", "")
    user = (basic_credentials(header) or ("", ""))[0]
    key = header[len("Bearer ") :] if header.startswith("Bearer ") else user
    if not key.startswith(TEST_KEY) or len(key) == len(TEST_KEY):
        raise StripeError(401, "invalid_request_error", "Invalid API Key provided")


def _key(request: Request) -> str | None:
    key = request.headers.get("idempotency-key")
    if key is not None and not 1 <= len(key) <= LONGEST_KEY:
        raise StripeError(400, "idempotency_error", f"Idempotency keys have 1 to {LONGEST_KEY} characters")
    return key


def _refusal(operation: str, rule: Rule | None) -> StripeError:
    code = (rule.code if rule else None) or REFUSALS[operation]
    status = rule.http_status if rule is not None else None
    if code == "rate_limit":
        status = 429
    if status is not None:
        type_ = "api_error" if status >= 500 else "invalid_request_error"  # noqa: PLR2004
        return StripeError(status, type_, f"Refused with HTTP {status}", "rate_limit" if status == 429 else None)  # noqa: PLR2004
    if operation == "authorize":
        return declined("generic_decline" if code == "card_declined" else code)
    return StripeError(400, "invalid_request_error", f"The request was refused: {code}", code, kept=True)


def _broken() -> Response:
    return as_json({"error": {"type": "api_error", "message": "Something went wrong on Stripe's end"}}, 500)
