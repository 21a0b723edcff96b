"""Stripe's error object."""

from typing import Any

DECLINE_CODES = frozenset(
    {
        "generic_decline",
        "insufficient_funds",
        "lost_card",
        "stolen_card",
        "do_not_honor",
        "fraudulent",
        "pickup_card",
        "restricted_card",
        "call_issuer",
        "transaction_not_allowed",
        "card_velocity_exceeded",
        "currency_not_supported",
    }
)


class StripeError(Exception):
    """`kept` says whether the idempotency key remembers it: only what an endpoint decided, never what it did
    not look at."""

    def __init__(
        self,
        status: int,
        type_: str,
        message: str,
        code: str | None = None,
        *,
        kept: bool = False,
        **more: Any,
    ) -> None:
        super().__init__(message)
        self.status, self.kept = status, kept
        error: dict[str, Any] = {"type": type_, "message": message}
        if code is not None:
            error["code"] = code
            error["doc_url"] = f"https://stripe.com/docs/error-codes/{code.replace('_', '-')}"
        self.body: dict[str, Any] = {"error": error | more}


def invalid(message: str, param: str | None = None, code: str | None = None) -> StripeError:
    """A parameter that fails validation."""
    more: dict[str, Any] = {} if param is None else {"param": param}
    return StripeError(400, "invalid_request_error", message, code, **more)


def not_found(kind: str, id_: str) -> StripeError:
    return StripeError(404, "invalid_request_error", f"No such {kind}: '{id_}'", "resource_missing", param="id")


def declined(code: str, intent: dict[str, Any] | None = None) -> StripeError:
    """The card's bank said no; a decline code of its own or an error code of Stripe's."""
    bank = code if code in DECLINE_CODES else "generic_decline"
    outer = "card_declined" if code in DECLINE_CODES else code
    more: dict[str, Any] = {"decline_code": bank} if outer == "card_declined" else {}
    if intent is not None:
        more["payment_intent"] = intent
    message = "Your card has insufficient funds." if bank == "insufficient_funds" else "Your card was declined."
    return StripeError(402, "card_error", message, outer, kept=True, **more)


def unexpected_state(message: str, intent: dict[str, Any]) -> StripeError:
    return StripeError(
        400,
        "invalid_request_error",
        message,
        "payment_intent_unexpected_state",
        kept=True,
        payment_intent=intent,
    )
