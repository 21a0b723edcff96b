"""Finding purchases among everybody's: by an index each, and never by reading them all."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from services.checkout.domain.checkout import Checkout, stored_time
from shared.saga.record import Status
from shared.store.documents import After
from shared.store.repository import Repository

PAGE: Final = 100
MOST_READ: Final = 500
"""Purchases that one search reads at most: who wants more goes on from where it ended."""

MOST_COUNTED: Final = 5_000
"""Purchases of one status; of more there is only said that there are."""


@dataclass(frozen=True)
class Search:
    """What is looked for: purchases of which all that is given holds."""

    status: Status | None = None
    member_id: str | None = None
    step: str | None = None
    """The step that is awaited."""
    code: str | None = None
    """Why it was refused."""
    locator: str | None = None
    ticket: str | None = None
    """Of a ticket, or of a seat's or bag's document."""
    begun_before: datetime | None = None
    changed_since: datetime | None = None

    def holds(self, checkout: Checkout) -> bool:
        """Is this purchase among what is looked for?"""
        refusal = checkout.record.refusal
        return (
            self.status in (None, checkout.record.status)
            and self.member_id in (None, checkout.member_id)
            and self.step in (None, checkout.record.current)
            and self.code in (None, refusal.code if refusal else None)
            and (self.locator is None or self.locator in checkout.state.locators)
            and (self.ticket is None or self.ticket in checkout.state.numbers)
            and (self.begun_before is None or checkout.created_at < self.begun_before)
            and (self.changed_since is None or checkout.updated_at >= self.changed_since)
        )


@dataclass(frozen=True)
class Standing:
    """How many purchases have a status, at least, and when the oldest of them was begun."""

    status: Status
    count: int
    more: bool
    oldest_at: str | None


@dataclass(frozen=True)
class _Way:
    """An index to walk, newest first, and the time by which it goes."""

    index: str
    prefix: tuple[str, ...]
    by_change: bool = False

    def place(self, checkout: Checkout) -> tuple[str, str]:
        return stored_time(checkout.updated_at if self.by_change else checkout.created_at), checkout.id


class Searching:
    """Purchases as operators look for them. What one index finds is looked through for the rest."""

    def __init__(self, repository: Repository[Checkout]) -> None:
        self._repository = repository

    async def find(self, wanted: Search, after: After, limit: int) -> tuple[Sequence[Checkout], After]:
        """At most so many from there on, newest first, and where the next ones follow; None where nothing does.

        There may be fewer, or none, before the end: no more than `MOST_READ` are read for one answer. Of one locator or
        number there are so few that they are one page.
        """
        if wanted.locator is not None or wanted.ticket is not None:
            named = await self._named(wanted)
            return sorted(filter(wanted.holds, named), key=lambda each: each.created_at, reverse=True)[:limit], None
        way = _way(wanted)
        if after is None and wanted.begun_before is not None and not way.by_change:
            after = (stored_time(wanted.begun_before), "")
        found: list[Checkout] = []
        for _ in range(MOST_READ // PAGE):
            page = await self._repository.find(way.index, way.prefix, limit=PAGE, after=after, descending=True)
            for stored in page:
                if way.by_change and wanted.changed_since and stored.value.updated_at < wanted.changed_since:
                    return found, None
                if wanted.holds(stored.value):
                    if len(found) == limit:
                        return found, after
                    found.append(stored.value)
                after = way.place(stored.value)
            if len(page) < PAGE:
                return found, None
        return found, after

    async def _named(self, wanted: Search) -> list[Checkout]:
        """Those of a locator, or of a ticket's or document's number, each once."""
        ways = {"by_locator": wanted.locator, "by_ticket": wanted.ticket, "by_document": wanted.ticket}
        found: dict[str, Checkout] = {}
        for lookup, text in ways.items():
            if text is not None:
                for stored in await self._repository.having(lookup, text, limit=PAGE):
                    found[stored.value.id] = stored.value
        return list(found.values())

    async def standing(self) -> list[Standing]:
        """Of every status, counted as far as `MOST_COUNTED`, without reading any purchase."""
        found = []
        for status in Status:
            times = await self._repository.collection.keys("by_status", (status.value,), limit=MOST_COUNTED + 1)
            oldest = str(times[0]) if times else None
            found.append(Standing(status, min(len(times), MOST_COUNTED), len(times) > MOST_COUNTED, oldest))
        return found


def _way(wanted: Search) -> _Way:
    """The index that leads to the fewest."""
    if wanted.member_id is not None:
        return _Way("by_member", (wanted.member_id,))
    if wanted.code is not None:
        return _Way("by_code", (wanted.code,))
    if wanted.step is not None:
        return _Way("by_step", (wanted.step,))
    if wanted.changed_since is not None:
        return _Way("by_change", (), by_change=True)
    if wanted.status is not None:
        return _Way("by_status", (wanted.status.value,))
    return _Way("by_creation", ())
