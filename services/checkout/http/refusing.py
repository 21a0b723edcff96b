"""What the checkout's refusals are on HTTP, the same for members and operators."""

from collections.abc import Iterator
from contextlib import contextmanager

from services.checkout.cases.looking import UnknownCheckout
from services.checkout.cases.starting import CannotStart
from services.checkout.cases.steering import NothingAwaited, TooLate, UnknownTimer
from services.checkout.domain.checkout import Checkout
from services.checkout.ports import CartsUnavailable
from shared.kernel.streams import TooManyStreams
from shared.web.problems import Fault, Problem, not_found, try_again

STATUS = {
    "cart_not_found": 404,
    "cart_locked": 409,
    "cart_expired": 409,
    "offer_expired": 409,
}
"""HTTP status of what is refused at once; 422 for everything else."""
STREAMS_RETRY_AFTER = {"Retry-After": "5"}

REFUSALS = (CannotStart, CartsUnavailable, UnknownCheckout, TooLate, NothingAwaited, TooManyStreams, UnknownTimer)


@contextmanager
def refusals_as_problems() -> Iterator[None]:
    try:
        yield
    except REFUSALS as refusal:
        raise _problem(refusal) from refusal


def _problem(refusal: Exception) -> Problem:
    match refusal:
        case CannotStart(code=code, detail=detail, pointer=pointer):
            return Problem(
                STATUS.get(code, 422), code, detail, errors=[Fault(detail, pointer=pointer)] if pointer else ()
            )
        case CartsUnavailable():
            return try_again("carts_unavailable", "The cart service does not answer: try again")
        case TooLate(checkout=checkout):
            return _too_late(checkout)
        case NothingAwaited():
            return Problem(409, "nothing_awaited", "No step of this purchase is waiting for an answer")
        case TooManyStreams():
            detail = "Too many event streams are open: end one, or try again later"
            return Problem(429, "too_many_streams", detail, headers=STREAMS_RETRY_AFTER)
        case _:
            return _unknown(refusal)


def _unknown(refusal: Exception) -> Problem:
    if isinstance(refusal, UnknownTimer):
        return Problem(404, "timer_not_found", "The purchase has no such timer now")
    return not_found("checkout")


def _too_late(checkout: Checkout) -> Problem:
    if checkout.record.ended:
        return Problem(409, "already_ended", f"The purchase has ended: {checkout.record.status}")
    return Problem(409, "too_late", "The tickets have been issued: the time to cancel has gone by")
