"""What is on record of one target's copies, page by page."""

from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import Final

from services.archive.domain.balance import stands
from services.archive.domain.lines import records_of
from shared.contracts.archive import Attempt, Delivery, Records, RoutedCopy, WantedDeliveries
from shared.contracts.copies import delivery_id
from shared.segments.lines import Line

MOST_READ: Final = 20_000
"""Lines for one page: one that finds little ends all the same."""
MOST_SHOWN: Final = 100
"""Attempts of one delivery: the newest. A target may say that a copy is tried each second for a fortnight."""


class Page:
    """`found` when it is filled, and `after`, which the next one follows."""

    def __init__(self, wanted: WantedDeliveries) -> None:
        self._wanted = wanted
        self.first = f"{wanted.after}." if wanted.after and wanted.after >= wanted.first else wanted.first
        self.found: list[Delivery] = []
        self.after: str | None = None

    def filling(self, lines: Iterable[Line]) -> Iterator[None]:
        """Step by step, an event each. The lines are in the order of hubids."""
        read, last = 0, ""
        for hubid, told in groupby(lines, key=lambda line: line.id):
            if len(self.found) >= self._wanted.limit or read >= MOST_READ:
                self.after = last
                return
            of_event = list(told)
            own = [line for line in of_event if line.owner == self._wanted.bus]
            self.found += [
                each
                for each in deliveries_of(records_of(hubid, own), self._wanted)
                if self._wanted.stands in {None, each.stands}
            ]
            read, last = read + len(of_event), hubid
            yield


def deliveries_of(records: Records, wanted: WantedDeliveries) -> list[Delivery]:
    """Of one event: the live one, then those of replays in the order of their first tries."""
    bus, target = wanted.bus, wanted.target
    routed = [each for each in records.routed if (each.bus, each.target, each.shadow) == (bus, target, False)]
    if routed and all(each.revision < wanted.since for each in routed):
        return []
    by_replay: dict[str | None, list[Attempt]] = {None: []} if routed else {}
    for attempt in records.attempts:  # by time
        if (attempt.bus, attempt.target) == (bus, target):
            by_replay.setdefault(attempt.replay, []).append(attempt)
    return [
        _delivery(records.hubid, wanted, replay, attempts, routed[-1] if routed and replay is None else None)
        for replay, attempts in by_replay.items()
    ]


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
