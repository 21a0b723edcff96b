"""Copies on their way: into a target's queue, into a service's, into the dead letters of a target.

A service takes what lies in its own queue, and believes our headers there about the way it came. So a copy says that it
came by `copies`, under its type: no such exchange exists, and only a contract that names it takes a partner's event.
Where a rule gives the copy another type, which only operators write, it is a command of that service.
"""

from datetime import datetime
from typing import Final

from shared.bus.arrival import OUR_OWN
from shared.bus.headers import (
    ATTEMPTS,
    EXCEPTION,
    EXCHANGE,
    FINGERPRINT,
    FIRST_FAILED_AT,
    LAST_FAILED_AT,
    QUEUE,
    REASON,
    ROUTING_KEY,
)
from shared.bus.topology import dead_queue
from shared.contracts.buses import TargetTerms
from shared.contracts.cloudevents import PREFIXES
from shared.contracts.copies import WAY, Copy, dead_target_queue
from shared.contracts.messages import OutboxMessage

COMMANDS: Final = "commands"
HOUSES_OWN: Final = tuple(f"{prefix}{name}" for prefix in PREFIXES for name in ("correlationid", "causationid"))
"""Attributes that services of the house read as their own purchases' names: a partner does not choose them."""


def outgoing(copy: Copy, target: TargetTerms, now: datetime) -> OutboxMessage | None:
    """The message that brings it; None for a feed, which is read from the archive."""
    if target.feed:
        return None
    if target.service is None:
        return copy.message(now)
    message = copy.message(now, target.service)
    told = {name: value for name, value in message.headers.items() if name not in HOUSES_OWN}
    return OutboxMessage(
        id=message.id,
        exchange=message.exchange,
        routing_key=message.routing_key,
        headers={**told, **_way(copy, target)},
        body=message.body,
        mandatory=message.mandatory,
        saved_at=now,
    )


def dead(copy: Copy, target: TargetTerms, reason: str, detail: str, now: datetime) -> OutboxMessage | None:
    """The message that lays it among the dead letters of its target, or of the target's service, never having been
    tried; None for a feed, which has none. `reason` is a word."""
    if target.feed:
        return None
    message = copy.message(
        now, dead_queue(target.service) if target.service else dead_target_queue(copy.bus, copy.target)
    )
    told = {
        ATTEMPTS: "0",
        FIRST_FAILED_AT: now.isoformat(),
        LAST_FAILED_AT: now.isoformat(),
        QUEUE: copy.queue,
        REASON: f"{reason}: {detail}"[:500],
        EXCEPTION: reason,
        FINGERPRINT: f"{copy.bus}/{copy.target}:{reason}",
        **_way(copy, target),
    }
    return OutboxMessage(
        id=message.id,
        exchange=message.exchange,
        routing_key=message.routing_key,
        headers={**message.headers, **told},
        body=message.body,
        mandatory=message.mandatory,
        saved_at=now,
    )


def _way(copy: Copy, target: TargetTerms) -> dict[str, str]:
    """How it comes: without that word whoever reads it believes none of our headers."""
    if target.service is None:
        return {EXCHANGE: OUR_OWN, ROUTING_KEY: copy.queue}
    return {EXCHANGE: COMMANDS if copy.origintype else WAY, ROUTING_KEY: copy.attributes["type"]}
