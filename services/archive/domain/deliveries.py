"""What is on record of one target's copies, page by page."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Final

from services.archive.domain.balance import stands
from services.archive.domain.lines import records_of
from shared.contracts.archive import Attempt, Records, RoutedCopy, Stands
from shared.contracts.copies import delivery_id
from shared.segments.lines import Line
from shared.segments.merging import Budget

MOST_SHOWN: Final = 100
"""Attempts of one delivery: the newest. A target may say that a copy is tried each second for a fortnight."""


@dataclass(frozen=True, slots=True)
class Since:
    """Since when a bus is its owner's: what was routed by an earlier revision, or sent by a replay before, was
    another's."""

    revision: int
    at: datetime | None


EVER: Final = Since(0, None)
"""For whoever may see everything."""


@dataclass(frozen=True, slots=True)
class WantedDeliveries:
    """Of events with hubids in [`first`, `last`), from `since` on."""

    bus: str
    target: str
    first: str
    last: str
    since: str
    limit: int
    stands: Stands | None = None
    owned: Since = EVER


@dataclass(frozen=True, slots=True)
class Delivery:
    """One copy of an event for a target, as far as it is on record; of its attempts the newest. One of a replay is on
    record when it was tried first."""

    hubid: str
    deliveryid: str
    stands: Stands
    revision: int | None
    rules: tuple[str, ...]
    replay: str | None
    tries: int
    attempts: tuple[Attempt, ...]


class Page:
    """`found` when it is filled, and `since`, the hubid that the next page begins with; None where none follows. All of
    one event stand on one page."""

    def __init__(self, wanted: WantedDeliveries) -> None:
        self._wanted = wanted
        self.first = max(wanted.first, wanted.since)
        self.found: list[Delivery] = []
        self.since: str | None = None

    def filling(self, lines: Iterable[Line], budget: Budget) -> Iterator[None]:
        """Step by step, an event each, as far as the budget goes by which the lines are read: they are in the order of
        hubids."""
        for hubid, told in groupby(lines, key=lambda line: line.id):
            if len(self.found) >= self._wanted.limit:
                budget.end(hubid)
                break
            own = [line for line in told if line.owner == self._wanted.bus]
            self.found += [
                each
                for each in deliveries_of(records_of(hubid, own), self._wanted)
                if self._wanted.stands in {None, each.stands}
            ]
            yield
        self.since = budget.reached


def deliveries_of(records: Records, wanted: WantedDeliveries) -> list[Delivery]:
    """Of one event: the live one, then those of replays in the order of their first tries."""
    bus, target = wanted.bus, wanted.target
    routed = [each for each in records.routed if (each.bus, each.target, each.shadow) == (bus, target, False)]
    own = [each for each in routed if each.revision >= wanted.owned.revision]
    by_replay: dict[str | None, list[Attempt]] = {None: []} if own else {}
    for attempt in records.attempts:  # by time
        is_live = attempt.replay is None and bool(routed)
        if (attempt.bus, attempt.target) == (bus, target) and (bool(own) if is_live else _since(attempt, wanted.owned)):
            by_replay.setdefault(attempt.replay, []).append(attempt)
    return [
        _delivery(records.hubid, wanted, replay, attempts, own[-1] if own and replay is None else None)
        for replay, attempts in by_replay.items()
    ]


def _since(attempt: Attempt, since: Since) -> bool:
    return since.at is None or attempt.at >= since.at


def _delivery(
    hubid: str, wanted: WantedDeliveries, replay: str | None, attempts: list[Attempt], routed: RoutedCopy | None
) -> Delivery:
    last = attempts[-1] if attempts else None
    return Delivery(
        hubid=hubid,
        deliveryid=last.deliveryid if last is not None else delivery_id(hubid, wanted.bus, wanted.target),
        stands=stands(last),
        revision=routed.revision if routed is not None else None,
        rules=routed.rules if routed is not None else (),
        replay=replay,
        tries=sum(each.attempt > 0 for each in attempts),
        attempts=tuple(attempts[-MOST_SHOWN:]),
    )
