"""What this process remembers of the sagas it moved last.

Most answers come to the process that saved the saga a moment ago. It may begin from what it saved instead of reading
it again: should another process have been faster, compare-and-set says so. Only what still runs is remembered, because
what has ended may be deleted.
"""

from typing import Any, Final, Generic, TypeVar

from shared.saga.record import Record
from shared.store.repository import Stored

P = TypeVar("P", bound=Any)

REMEMBERED: Final = 500
PAUSE: Final = 100
"""So many reads after a mistake: where replicas share the work, guessing costs more than looking."""


class Recollection(Generic[P]):
    """Bounded; the longest untouched is forgotten first."""

    def __init__(self) -> None:
        self._stored: dict[str, Stored[P]] = {}
        self._pause = 0

    def of(self, run_id: str) -> Stored[P] | None:
        """The run as it was last saved here. It may have been saved elsewhere since: save it, or look again."""
        if self._pause > 0:
            self._pause -= 1
            return None
        return self._stored.get(run_id)

    def keep(self, run_id: str, stored: Stored[P], record: Record) -> None:
        self._stored.pop(run_id, None)
        if not record.ended:
            self._stored[run_id] = stored
            if len(self._stored) > REMEMBERED:
                del self._stored[next(iter(self._stored))]

    def was_wrong(self, run_id: str) -> None:
        """Another process had saved it."""
        self._stored.pop(run_id, None)
        self._pause = PAUSE
