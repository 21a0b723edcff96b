"""Sabre's ways of saying no."""

from typing import Any

from fastapi import Response

from services.sandbox.problems import as_json

SEGMENT_STATUSES = frozenset({"UC", "US", "UN", "NO", "LL"})

CATEGORY = {
    "BOOKING_NOT_FOUND": "BAD_REQUEST",
    "MANDATORY_DATA_MISSING": "BAD_REQUEST",
    "INVALID_VALUE": "BAD_REQUEST",
    "INVALID_FLAGS_COMBINATION": "BAD_REQUEST",
    "ANCILLARY_NOT_FOUND": "INVALID_DATA",
    "BOOKING_NOT_FULFILLED": "CHECK_ERROR",
    "UNABLE_TO_VOID_TICKET": "CANCELLATION_ERROR",
    "UNABLE_TO_REFUND_TICKET": "CANCELLATION_ERROR",
    "UNABLE_TO_CANCEL_FLIGHTS": "CANCELLATION_ERROR",
    "FULFILLMENT_NOT_CONFIRMED": "PROCESSING_WARNING",
    "UNABLE_TO_RETRIEVE_TICKETS": "PROCESSING_WARNING",
    "PARTIAL_FULFILLMENT": "PROCESSING_WARNING",
    "PRICE_CHANGE": "PROCESSING_WARNING",
    "UNABLE_TO_CHECK_TICKET": "WARNING",
}
WARNINGS = frozenset({"FULFILLMENT_NOT_CONFIRMED", "UNABLE_TO_RETRIEVE_TICKETS"})


class SabreError(Exception):
    """Booking Management's refusal: HTTP 200 with `errors`, or 400 when the body breaks the contract."""

    def __init__(self, type_: str, description: str, *, status: int = 200, **field: str) -> None:
        super().__init__(description)
        self.status = status
        self.error = entry(type_, description, **field)

    def body(self) -> dict[str, Any]:
        return {"errors": [self.error]}


def entry(type_: str, description: str, category: str | None = None, **field: str) -> dict[str, str]:
    """One of `errors` or `warnings`; `field` may hold fieldPath, fieldName, fieldValue."""
    chosen = category or CATEGORY.get(type_, "APPLICATION_ERROR")
    return {"category": chosen, "type": type_, "description": description, **field}


def missing(path: str, name: str) -> SabreError:
    return SabreError("MANDATORY_DATA_MISSING", f"{name} is mandatory", status=400, fieldPath=path, fieldName=name)


def invalid(path: str, name: str, value: object, why: str) -> SabreError:
    return SabreError("INVALID_VALUE", why, status=400, fieldPath=path, fieldName=name, fieldValue=str(value))


def not_confirmed(status: str, path: str) -> SabreError:
    """A segment that the airline did not confirm: UC and its kin mean that the offer is gone."""
    return SabreError(
        "UNABLE_TO_BOOK_FLIGHTS_WRONG_STATUS_CODE",
        f"The flight segment status is {status}",
        fieldPath=path,
        fieldName="flightStatusCode",
        fieldValue=status,
    )


def refused(code: str) -> dict[str, Any]:
    """A refusal by order, as the body that Sabre would send with HTTP 200."""
    if code in SEGMENT_STATUSES:
        return not_confirmed(code, "flightDetails.flights[0]").body()
    told = entry(code, f"The operation was refused: {code}")
    return {"warnings": [told]} if code in WARNINGS else {"errors": [told]}


def gateway_body(status: str, code: str, message: str, type_: str = "Validation") -> dict[str, Any]:
    """What Sabre's gateway says, and the shopping services with it."""
    return {"status": status, "type": type_, "errorCode": code, "message": message}


def gateway_error(status: int, code: str, message: str, type_: str = "Validation") -> Response:
    """What the gateway answers before a service sees the request."""
    word = "NotProcessed" if status < 500 else "Unknown"  # noqa: PLR2004
    return as_json(gateway_body(word, code, message, type_), status)
