"""What a request to the outside came to: the one table of HTTP's statuses and of the client's errors.

What is certain to have had no effect is `NotSent` or `Misconfigured`; everything else is `OutcomeUnknown`.
"""

from datetime import timedelta

import httpx

from shared.kernel.errors import Misconfigured, NotSent, OutcomeUnknown

Verdict = NotSent | OutcomeUnknown | Misconfigured

NOTHING_WENT_OUT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError)
"""No connection, a failed TLS handshake among its reasons: the request was not begun."""
NO_ADDRESS = (httpx.InvalidURL, httpx.UnsupportedProtocol)

NOT_TAKEN = frozenset({401, 425, 429})
"""Not let in, too early, too many: turned away before anything was done."""
MOVED = frozenset({301, 307, 308})
"""Another address must be asked. Other redirects may follow upon an effect."""
UNDECIDED = frozenset({408, 409})
"""Given up half-way; another request of the same name is still under way."""

LONGEST_WAIT = timedelta(minutes=15)
"""A `Retry-After` beyond that is not believed."""


def of_error(what: str, error: Exception) -> Verdict:
    """A request that brought no answer, or only a part of one."""
    text = f"{what}: {type(error).__name__}"
    if isinstance(error, NOTHING_WENT_OUT):
        return NotSent(text)
    if isinstance(error, NO_ADDRESS):
        return Misconfigured(text)
    return OutcomeUnknown(text)


def of_status(what: str, status: int, headers: httpx.Headers) -> Verdict | None:
    """An answer's status; None for success, which its body has to confirm."""
    text = f"{what}: HTTP {status}"
    if httpx.codes.is_success(status):
        return None
    if status in NOT_TAKEN:
        return NotSent(text, again_in=_retry_after(headers))
    if status in MOVED or (httpx.codes.is_client_error(status) and status not in UNDECIDED):
        return Misconfigured(text)
    return OutcomeUnknown(text)


def is_failure(verdict: Verdict | None, status: int | None) -> bool:
    """Does this speak against the provider's health? Silence and 5xx do; a refusal of any kind is a sign of life."""
    if status is not None:
        return httpx.codes.is_server_error(status)
    return isinstance(verdict, NotSent | OutcomeUnknown)


def _retry_after(headers: httpx.Headers) -> timedelta | None:
    """In seconds; as a date it depends on whose clock is right."""
    text = headers.get("Retry-After", "").strip()
    if not (text.isascii() and text.isdecimal() and len(text) <= len("9999")):
        return None
    return min(timedelta(seconds=int(text)), LONGEST_WAIT)
