"""How long copies of one target have waited. Pure."""

from datetime import datetime, timedelta
from typing import Final

from services.delivery.domain.patience import STEPS
from shared.bus.topology import TIERS

MOST: Final = 5_000
"""Copies; the oldest come first, so those beyond that are younger."""
RETURNS: Final = TIERS[STEPS[-1]] + timedelta(minutes=5)
"""Whatever waits for another try is here again by then, or somebody has taken it away."""


class Ages:
    """Copies that came and were not taken: when their time began, and when they were here last.

    What lies in a queue that is not read cannot be seen: it counts from the first look that found it there.
    """

    def __init__(self) -> None:
        self._seen: dict[str, tuple[datetime, datetime]] = {}
        self._unseen_since: datetime | None = None

    def came(self, copy: str, began: datetime, now: datetime) -> None:
        self._unseen_since = None
        if copy in self._seen or len(self._seen) < MOST:
            self._seen[copy] = began, now

    def ended(self, copy: str) -> None:
        """Taken, or dead."""
        self._seen.pop(copy, None)

    def oldest(self, waiting: int, now: datetime) -> timedelta:
        """While so many wait in the queue."""
        if not waiting:
            self._unseen_since = None
            self._seen = {copy: seen for copy, seen in self._seen.items() if now - seen[1] < RETURNS}
        elif not self._seen and self._unseen_since is None:
            self._unseen_since = now
        began = self.since
        return max(now - began, timedelta(0)) if began is not None else timedelta(0)

    @property
    def since(self) -> datetime | None:
        """When the oldest one's time began, as far as was seen at the last look; None where none waits."""
        return min((began for began, _ in self._seen.values()), default=self._unseen_since)
