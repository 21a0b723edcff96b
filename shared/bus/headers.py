"""Headers as they come off the wire: anybody may have written anything there."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from shared.contracts.cloudevents import PREFIXES, text_of

RESERVED: Final = "milesaga-"
"""Headers of ours: what they say counts only on what came by our own queues."""
ATTEMPTS: Final = "milesaga-attempts"
FIRST_FAILED_AT: Final = "milesaga-first-failed-at"
LAST_FAILED_AT: Final = "milesaga-last-failed-at"
EXCHANGE: Final = "milesaga-exchange"
ROUTING_KEY: Final = "milesaga-routing-key"
SENDER: Final = "milesaga-sender"
QUEUE: Final = "milesaga-queue"
REASON: Final = "milesaga-reason"
EXCEPTION: Final = "milesaga-exception"
TRACEPARENT: Final = "milesaga-traceparent"
"""The last try's place in its trace: a stranger's own would be believed no more than anything else he says."""
HANDLE: Final = "milesaga-handle"
KEPT_KEY: Final = "milesaga-kept-key"
"""The routing key of a message that lies aside while its queue is made anew."""
FINGERPRINT: Final = "milesaga-fingerprint"
REDRIVEN_AT: Final = "milesaga-redriven-at"
"""When a copy of an event was taken from its target's dead letters, to be sent once more: its time runs from then."""

OURS: Final = (*PREFIXES, RESERVED)
BROKERS: Final = frozenset({"CC", "BCC"})
"""A publisher's headers that the broker obeys: it would deliver our own copies by a stranger's word, and closes the
channel when their value is no list."""
LARGEST_VALUE: Final = 2_048
LARGEST_FOREIGN: Final = 16_384
"""Characters of headers that are none of ours. All headers must fit one AMQP frame (128 KiB by default): a larger one
costs the whole connection."""
MOST: Final = 100
LONGEST: Final = 255
"""Bytes of a name."""
CUT: Final = "milesaga-headers-cut"
_DIGITS: Final = 6


def number(value: Any) -> int:
    """A count; 0 for whatever is none."""
    digits = text_of(value or 0)
    return int(digits) if digits.isascii() and digits.isdecimal() and len(digits) <= _DIGITS else 0


def moment(value: Any) -> datetime | None:
    """An aware time; None for whatever is none."""
    if isinstance(value, datetime):
        return value if value.tzinfo else value.replace(tzinfo=UTC)  # as AMQP timestamps are
    try:
        found = datetime.fromisoformat(text_of(value)) if value else None
    except ValueError:
        return None
    return found if found is None or found.tzinfo else None


def carried(headers: Mapping[str, Any]) -> dict[str, str]:
    """The headers that a message keeps on its way: the broker's own stay behind, what is too large is cut."""
    kept: dict[str, str] = {}
    foreign = cut = 0
    for given, value in headers.items():
        if given.startswith("x-") or given in BROKERS:
            continue
        name = given.encode()[:LONGEST].decode("utf-8", "ignore")
        written = text_of(value)
        foreign += 0 if name.startswith(OURS) else len(name) + len(written)
        if len(kept) >= MOST or foreign > LARGEST_FOREIGN:
            cut += 1
            continue
        cut += len(written) > LARGEST_VALUE
        kept[name] = written[:LARGEST_VALUE]
    return {**kept, CUT: str(cut)} if cut else kept
