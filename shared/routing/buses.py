"""All buses that are in force, and what they make of an event together."""

from collections.abc import Iterable
from dataclasses import dataclass

from shared.contracts.archive import ArchivedEvent
from shared.routing.bus import Bus, Routing
from shared.routing.copying import Original
from shared.rules.index import Index
from shared.rules.looking import TooMuchWork


@dataclass(frozen=True, slots=True)
class Undecided:
    """A bus whose rules have too much work with the event: it makes no copy of it, and the other buses do."""

    bus: str
    revision: int


class Buses:
    """The buses look at an event by an index over what they admit, then each by the index of its own rules: so a bus
    that is changed is compiled alone, and one that has too much work with an event costs none of the others."""

    def __init__(self, buses: Iterable[Bus]) -> None:
        self.by_name = {bus.name: bus for bus in sorted(buses, key=lambda bus: bus.name)}
        self._index = Index([(bus, bus.rules.admits) for bus in self.by_name.values() if bus.terms.enabled])

    def route(self, event: ArchivedEvent) -> list[Routing | Undecided]:
        """Of the buses that match the event, by their names."""
        original = Original(event)
        found = (
            each if isinstance(each, Undecided) else _matched(each, original) for each in self._admitting(original)
        )
        return [each for each in found if isinstance(each, Undecided) or each.matches]

    def _admitting(self, original: Original) -> list[Bus | Undecided]:
        try:
            return [*self._index.match(original.document)]
        except TooMuchWork:
            return [admits for bus in self.by_name.values() if (admits := _admits(bus, original)) is not None]


def _admits(bus: Bus, original: Original) -> Bus | Undecided | None:
    try:
        return bus if bus.admits_it(original) else None
    except TooMuchWork:
        return Undecided(bus.name, bus.revision)


def _matched(bus: Bus, original: Original) -> Routing | Undecided:
    try:
        return bus.matched(original)
    except TooMuchWork:
        return Undecided(bus.name, bus.revision)
