"""Times of acceptance and hubids, which order the same: a hubid is a UUIDv7. Source: RFC 9562, §5.7."""

import uuid
from datetime import UTC, datetime, timedelta
from typing import Final

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
MILLISECOND: Final = timedelta(milliseconds=1)
AFTER_ALL: Final = "g"
"""No hubid is as great."""


def least_of(moment: datetime) -> str:
    """The least hubid of that millisecond."""
    return str(uuid.UUID(int=max(0, (moment - EPOCH) // MILLISECOND) << 80))


def moment_of(hubid: str) -> datetime:
    """When the event was accepted. Raises ValueError for no hubid."""
    return EPOCH + (uuid.UUID(hubid).int >> 80) * MILLISECOND
