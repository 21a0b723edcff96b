"""Times of acceptance and hubids, which order the same: a hubid is a UUIDv7. Source: RFC 9562, §5.7."""

import uuid
from datetime import UTC, datetime, timedelta
from typing import Final

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
MILLISECOND: Final = timedelta(milliseconds=1)
MINUTE: Final = timedelta(minutes=1)
HUBID: Final = r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$"
AFTER_ALL: Final = "g"
"""No hubid is as great."""


def least_of(moment: datetime) -> str:
    """The least hubid of that millisecond."""
    return str(uuid.UUID(int=max(0, (moment - EPOCH) // MILLISECOND) << 80))


def moment_of(hubid: str) -> datetime:
    """When the event was accepted. Raises ValueError for no hubid."""
    return EPOCH + (uuid.UUID(hubid).int >> 80) * MILLISECOND


def minute_of(hubid: str) -> int:
    """The minute of its acceptance, counted from 1970. Every event of a day is asked for it: no UUID is made."""
    return int(hubid[:8] + hubid[9:13], 16) // 60_000


def minute_at(number: int) -> datetime:
    """When such a minute begins."""
    return EPOCH + number * MINUTE
