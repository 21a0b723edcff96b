"""What becomes of a message that could not be handled now: a delay tier, or the dead letters with the reason.

Attempt number and first failure travel in headers of our own: RabbitMQ's `x-death` does not survive a client's
republishing on RabbitMQ 4. Jitter is the random choice between a tier and the one below, never a time to live per
message, because a queue expires its messages at the head only.
"""

import traceback
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from shared.bus.arrival import Arrival
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
    SENDER,
    carried,
    moment,
    number,
)
from shared.bus.topology import TIERS, dead_queue, tier_exchange
from shared.contracts.messages import OutboxMessage
from shared.kernel.errors import Later
from shared.kernel.ids import Ids
from shared.kernel.randomness import Random

BUDGET = timedelta(hours=24)
PATIENT_TRIES = 4
"""So often a message that says itself when it wants to come again is believed before it waits a tier longer."""
_NAMES = tuple(TIERS)
_DELAYS = tuple(TIERS.values())


@dataclass(frozen=True, slots=True)
class Failed:
    """A delivery that was not handled: where it came from, and as it was."""

    queue: str
    arrival: Arrival
    body: bytes
    error: Exception


class Unreadable(Exception):
    """The message is not one of ours, or not whole: trying again would not help."""


class RetryPolicy:
    """Decides between another try and the dead letters."""

    def __init__(self, ids: Ids, random: Random, budget: timedelta = BUDGET) -> None:
        self._ids = ids
        self._random = random
        self._budget = budget

    def next_stop(self, failed: Failed, now: datetime) -> OutboxMessage:
        """The message as it goes on: to a tier while there is budget, else to the dead letters."""
        kept = carried(failed.arrival.headers)
        attempts = number(kept.get(ATTEMPTS)) + 1
        first = min(moment(kept.get(FIRST_FAILED_AT)) or now, now)
        headers = {
            **kept,
            ATTEMPTS: str(attempts),
            FIRST_FAILED_AT: first.isoformat(),
            LAST_FAILED_AT: now.isoformat(),
            **origin(failed.arrival),
            QUEUE: failed.queue,
        }
        tier = self._tier(failed.error, attempts)
        if isinstance(failed.error, Unreadable) or now + TIERS[tier] - first > self._budget:
            return self._message("", dead_queue(failed.queue), {**headers, **blame(failed.error)}, failed.body, now)
        return self._message(tier_exchange(tier), failed.queue, headers, failed.body, now)

    def _tier(self, error: Exception, attempts: int) -> str:
        if isinstance(error, Later):
            long_enough = next((i for i, delay in enumerate(_DELAYS) if delay >= error.delay), len(_NAMES) - 1)
            return _NAMES[max(long_enough, min((attempts - 1) // PATIENT_TRIES, len(_NAMES) - 1))]
        step = min(attempts, len(_NAMES)) - 1
        return self._random.choice(_NAMES[max(step - 1, 0) : step + 1])

    def _message(
        self, exchange: str, routing_key: str, headers: Mapping[str, str], body: bytes, now: datetime
    ) -> OutboxMessage:
        return OutboxMessage(
            id=headers.get("cloudEvents:id") or self._ids.new(),
            exchange=exchange,
            routing_key=routing_key,
            headers=headers,
            body=body,
            mandatory=True,
            saved_at=now,
        )


def origin(arrival: Arrival) -> dict[str, str]:
    """Where a message first came from, as headers for its way through our own queues."""
    told = {EXCHANGE: arrival.exchange, ROUTING_KEY: arrival.routing_key, SENDER: arrival.sender}
    return {name: value for name, value in told.items() if value or name != SENDER}


def blame(error: Exception) -> dict[str, str]:
    """Who failed, and where: the same fault has the same fingerprint, in the next release too, so that lines are not
    counted. No values, which may be personal."""
    cause = error.__cause__ if isinstance(error, Later) and error.__cause__ else error
    frames = traceback.extract_tb(cause.__traceback__)
    place = f"{Path(frames[-1].filename).stem}.{frames[-1].name}" if frames else "-"
    return {
        REASON: str(error)[:500] if isinstance(error, Unreadable | Later) else "the handler failed",
        EXCEPTION: type(cause).__name__,
        FINGERPRINT: f"{type(cause).__name__}@{place}",
    }
