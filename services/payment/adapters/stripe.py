"""Stripe's card payments: PaymentIntents with manual capture.

Sources: docs.stripe.com/api/payment_intents, /api/charges, /api/refunds, /api/errors, /api/idempotent_requests. Amounts
are minor units and currencies lower case. HTTP status tells refusals from unknown outcomes; an `Idempotency-Key`
replays the first status and body for 24 hours.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Final

from services.payment.domain import Authorization, Standing, masked
from services.payment.ports import CardOrder
from shared.kernel.currencies import decimals
from shared.kernel.errors import Misconfigured, NotSent, OutcomeUnknown, Refused
from shared.kernel.money import Money
from shared.outside.line import Json, Line, Request, Response

INTENTS = "/v1/payment_intents"
CHARGES = "/v1/charges"
REFUNDS = "/v1/refunds"
PAGE = 100
SINGLE_USE = "tok_"
"""A single-use token made from a card; a `pm_` is a payment method that exists already."""

DECIMALS: Final = {"ISK": 2, "UGX": 2, "MGA": 0}
"""Where Stripe counts a currency otherwise than ISO 4217 (docs.stripe.com/currencies, "special cases")."""
CENTS: Final = 2
"""Of three decimals Stripe takes two: the last one must be 0."""

EXPANDED = {"expand[0]": "payment_method"}
ALL_EXPANDED = {"expand[0]": "data.payment_method"}
WHOLE = {"expand[0]": "data.payment_intent.payment_method"}

BAD_REQUEST, PAYMENT_REQUIRED, NOT_FOUND = 400, 402, 404
EXPLAINED = frozenset({BAD_REQUEST, PAYMENT_REQUIRED, NOT_FOUND})
"""Refusals of the request itself, whose body says why."""

_STANDINGS = {
    "requires_payment_method": Standing.FAILED,
    "requires_confirmation": Standing.REQUIRES_ACTION,
    "requires_action": Standing.REQUIRES_ACTION,
    "processing": Standing.PENDING,
    "requires_capture": Standing.AUTHORIZED,
    "succeeded": Standing.CAPTURED,
    "canceled": Standing.CANCELED,
}
BY_ITSELF: Final = frozenset({"automatic", "expired"})
"""Why Stripe cancels an intent that nobody asked it to cancel."""
_DECLINES = {
    "insufficient_funds": "insufficient_funds",
    "authentication_required": "authentication_required",
}


class StripeRefusal(Exception):
    """A 4xx about the request itself: it had no effect."""

    def __init__(self, status: int, error: Json) -> None:
        super().__init__(str(error.get("code") or error.get("type") or status))
        self.status = status
        self.code = str(error.get("code") or "")
        self.decline_code = str(error.get("decline_code") or "")
        self.param = str(error.get("param") or "")
        self.intent: Json | None = error.get("payment_intent")


class StripeGateway:
    """`Gateway` over Stripe's API."""

    def __init__(self, line: Line, secret_key: str) -> None:
        self._line = line.adapted(headers={"Authorization": f"Bearer {secret_key}"}, explained=EXPLAINED)

    async def authorize(self, order: CardOrder, key: str) -> Authorization:
        try:
            intent = await self._send("authorize", "POST", INTENTS, data=authorize_form(order), key=key)
        except StripeRefusal as refusal:
            raise _declined(refusal) from refusal
        return to_authorization(intent)

    async def capture(self, authorization: str, amount: Money, key: str) -> Authorization:
        form = {"amount_to_capture": stripe_amount(amount)}
        try:
            path = f"{INTENTS}/{authorization}/capture"
            return to_authorization(await self._send("capture", "POST", path, data=form, key=key))
        except StripeRefusal as refusal:
            if refusal.code != "payment_intent_unexpected_state":
                raise Refused("capture_refused", f"the gateway refused the capture ({refusal})") from refusal
            found = to_authorization(refusal.intent) if refusal.intent else await self.read(authorization)
            if found.standing is Standing.AUTHORIZED:
                raise NotSent(f"capture: {refusal}") from refusal
            return found

    async def void(self, authorization: str) -> None:
        await self._repeatable("cancel", f"{INTENTS}/{authorization}/cancel", {})

    async def refund(self, authorization: str, request: str = "") -> None:
        made = await self._repeatable(
            "refund", REFUNDS, {"payment_intent": authorization, "metadata[request]": request}
        )
        _given_back([made], request)

    async def read(self, authorization: str) -> Authorization:
        return to_authorization(await self._read("retrieve", f"{INTENTS}/{authorization}", EXPANDED))

    async def refunded(self, authorization: str, request: str = "") -> bool:
        found = await self._read("list refunds", REFUNDS, {"payment_intent": authorization, "limit": str(PAGE)})
        if not _given_back(found["data"], request):
            return False
        # Somebody may have given back a part of it in the dashboard.
        back: int = sum(refund["amount"] for refund in found["data"] if refund["status"] == "succeeded")
        taken: int = (await self._read("retrieve", f"{INTENTS}/{authorization}", EXPANDED))["amount_received"]
        return back >= taken

    async def find(self, reference: str) -> tuple[Authorization, ...]:
        """Whatever holds or took money, or was declined, is a charge of the purchase's group: lists are never behind.

        An intent that never came to a charge holds nothing. It is found in the search, which may lie minutes behind, or
        among the newest ones.
        """
        search = {"query": f"metadata['reference']:'{reference}'", "limit": str(PAGE)}
        searched = await self._listed("search", f"{INTENTS}/search", search | ALL_EXPANDED)
        newest = await self._listed("list intents", INTENTS, {"limit": str(PAGE)} | ALL_EXPANDED)
        charges = await self._listed("list charges", CHARGES, {"transfer_group": reference, "limit": str(PAGE)} | WHOLE)
        charged = [charge["payment_intent"] for charge in charges if isinstance(charge.get("payment_intent"), dict)]
        intents = {intent["id"]: intent for intent in (*searched, *newest, *charged) if _is_of(intent, reference)}
        return tuple(map(to_authorization, intents.values()))

    async def _listed(self, operation: str, path: str, query: Mapping[str, str]) -> list[Json]:
        """One page: a purchase is called for a few times, so a second one could only hold what is not its own."""
        found: list[Json] = (await self._read(operation, path, query))["data"]
        return found

    async def _repeatable(self, operation: str, path: str, form: Mapping[str, str]) -> Json:
        """Without an idempotency key, which would replay a passing error for a day: the state guards the effect."""
        try:
            return await self._send(operation, "POST", path, data=form)
        except StripeRefusal as refusal:
            raise NotSent(f"{operation}: {refusal}") from refusal

    async def _read(self, operation: str, path: str, query: Mapping[str, str]) -> Json:
        try:
            return await self._send(operation, "GET", path, query=query)
        except StripeRefusal as refusal:
            raise Misconfigured(f"read: {refusal}") from refusal

    async def _send(
        self,
        operation: str,
        method: str,
        path: str,
        *,
        data: Mapping[str, str] | None = None,
        query: Mapping[str, str] | None = None,
        key: str = "",
    ) -> Json:
        headers = {"Idempotency-Key": key} if key else {}
        request = Request(method, path, operation=operation, form=data, query=query, headers=headers)
        return _body(await self._line.send(request))


def authorize_form(order: CardOrder) -> dict[str, str]:
    """The form of a PaymentIntent that holds money now and takes it later."""
    form = {
        "amount": stripe_amount(order.amount),
        "currency": order.amount.currency.lower(),
        "capture_method": "manual",
        "confirm": "true",
        "payment_method_types[0]": "card",
        "metadata[reference]": order.reference,
        "metadata[attempt]": str(order.attempt),
        "transfer_group": order.reference,
    }
    if order.token.startswith(SINGLE_USE):
        form |= {"payment_method_data[type]": "card", "payment_method_data[card][token]": order.token}
    else:
        form["payment_method"] = order.token
    if order.installments > 1:
        plan = "payment_method_options[card][installments][plan]"
        form |= {
            f"{plan}[type]": "fixed_count",
            f"{plan}[interval]": "month",
            f"{plan}[count]": str(order.installments),
        }
    return form | EXPANDED


def stripe_amount(money: Money) -> str:
    """An amount as Stripe counts it. Refused: `amount_not_chargeable`, one that is finer than Stripe can charge."""
    digits = _digits(money.currency)
    counted = money.decimal().scaleb(digits)
    finest = 10 ** max(0, digits - CENTS)
    if counted % finest:
        raise Refused("amount_not_chargeable", f"the card gateway cannot charge {money} exactly")
    return str(int(counted))


def money_of(counted: int, currency: str) -> Money:
    """What an amount is that Stripe has counted."""
    return Money.of(Decimal(counted).scaleb(-_digits(currency)), currency)


def _digits(currency: str) -> int:
    return DECIMALS.get(currency, decimals(currency))


def _is_of(intent: Json, reference: str) -> bool:
    return bool((intent.get("metadata") or {}).get("reference") == reference)


def to_authorization(intent: Json) -> Authorization:
    """A PaymentIntent in our words."""
    metadata = intent.get("metadata") or {}
    standing = _STANDINGS.get(intent["status"], Standing.PENDING)
    if standing is Standing.CANCELED and intent.get("cancellation_reason") in BY_ITSELF:
        standing = Standing.EXPIRED
    failed = standing is Standing.FAILED
    attempt = str(metadata.get("attempt", ""))
    return Authorization(
        id=intent["id"],
        attempt=int(attempt) if attempt.isdecimal() else 0,
        standing=standing,
        amount=money_of(intent["amount"], intent["currency"].upper()),
        masked=_masked(intent),
        failure=_decline_code(intent.get("last_payment_error") or {}) if failed else "",
        made_at=datetime.fromtimestamp(intent["created"], UTC) if "created" in intent else None,
    )


def _given_back(refunds: Sequence[Json], request: str) -> bool:
    """See `Gateway.refunded`. What is `pending` may still fail, for days."""
    if any(refund["status"] == "succeeded" for refund in refunds):
        return True
    for refund in refunds:
        if refund["status"] not in {"failed", "canceled"}:
            raise OutcomeUnknown(f"the refund is {refund['status']}")
        if (refund.get("metadata") or {}).get("request") == request:
            raise Refused("refund_failed", f"the gateway could not refund it ({refund.get('failure_reason')})")
    return False


def _body(answer: Response) -> Json:
    if answer.status not in EXPLAINED:
        return answer.body
    fault = answer.body.get("error")
    if not isinstance(fault, dict):
        raise OutcomeUnknown(f"stripe: HTTP {answer.status} without a reason")
    if fault.get("type") == "idempotency_error":
        # Another body went out under this key: what became of that one is not known.
        raise OutcomeUnknown("stripe: idempotency_error")
    raise StripeRefusal(answer.status, fault)


def _declined(refusal: StripeRefusal) -> Refused | Misconfigured:
    if refusal.status == PAYMENT_REQUIRED:
        code = _decline_code({"code": refusal.code, "decline_code": refusal.decline_code})
        return Refused(code, "the card's issuer declined")
    if refusal.param.startswith("payment_method") or refusal.code == "token_already_used":
        return Refused("invalid_token", "the gateway does not know the card token")
    return Misconfigured(f"authorize: {refusal}")


def _decline_code(error: Json) -> str:
    """Of an issuer's dozens of reasons some must not be told (`stolen_card`): most are a plain decline."""
    for reason in (error.get("decline_code"), error.get("code")):
        if reason in _DECLINES:
            return _DECLINES[reason]
    return "card_declined"


def _masked(intent: Json) -> str:
    """Brand and last digits, from the payment method that the request asked to expand."""
    method = intent.get("payment_method")
    card = (method.get("card") or {}) if isinstance(method, dict) else {}
    return masked(str(card.get("brand") or ""), str(card.get("last4") or ""))
