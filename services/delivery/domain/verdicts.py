"""What an endpoint's answer, or its silence, means for the copy and for the target. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Final, Literal

Meaning = Literal["delivered", "target", "copy", "wait", "gone"]
"""`target`: the endpoint is at fault, for all copies; `copy`: this one is; `wait`: nobody, it asks for patience."""

TARGETS_FAULT: Final = frozenset((401, 403, 404, 405, 408, 425))
"""A broken deployment answers these to everything."""
TOO_MANY: Final = 429
AWAY: Final = 503
GONE: Final = 410
LONGEST_REST: Final = timedelta(hours=1)
"""So long an endpoint is left alone, at most, because it asks for it."""
STATUS: Final = "http_"
_KNOWN: Final = frozenset(f"{STATUS}{each.value}" for each in HTTPStatus)
_DIGITS: Final = 9


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of a request: a status with its `Retry-After`, or `error`, a word that says why there is none."""

    status: int | None = None
    retry_after: str | None = None
    error: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    """Names in small letters; for whoever looks at more than the status."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """`fault` is a word for fingerprints and metrics, empty when delivered; `rest` is asked for by the endpoint."""

    meaning: Meaning
    fault: str = ""
    rest: timedelta | None = None


def counted(fault: str) -> str:
    """A verdict's fault as one of few words: an endpoint may answer any number, and each would be a series for ever."""
    if fault.startswith(STATUS) and fault not in _KNOWN:
        return "http_other"
    return fault or "none"


def judge(answer: Answer, now: datetime) -> Verdict:
    """By the table of delivery's page. `now` is aware, for a `Retry-After` that names a moment."""
    status = answer.status
    if status is None:
        return Verdict("target", answer.error or "no_answer")
    fault = f"{STATUS}{status}"
    if 200 <= status < 300:  # noqa: PLR2004 - HTTP's
        return Verdict("delivered")
    rest = _rest(answer.retry_after, now)
    if status == TOO_MANY or (status == AWAY and rest is not None):
        return Verdict("wait", fault, rest)
    if status == GONE:
        return Verdict("gone", fault)
    if status in TARGETS_FAULT or not 400 <= status < 500:  # noqa: PLR2004 - HTTP's
        return Verdict("target", fault)
    return Verdict("copy", fault)


def _rest(text: str | None, now: datetime) -> timedelta | None:
    """What `Retry-After` says (RFC 9110), within bounds; None where it says nothing that can be read."""
    if text is None:
        return None
    told = text.strip()
    if told.isascii() and told.isdecimal():
        return LONGEST_REST if len(told) > _DIGITS else min(timedelta(seconds=int(told)), LONGEST_REST)
    try:
        moment = parsedate_to_datetime(told)
    except (ValueError, OverflowError):
        return None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return min(max(moment - now, timedelta(0)), LONGEST_REST)
