"""All buses that are in force, and what they make of an event together."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from shared.contracts.archive import ArchivedEvent
from shared.routing.bus import Bus, Routing
from shared.routing.copying import Original
from shared.routing.work import Work
from shared.rules.index import Index
from shared.rules.looking import TooMuchWork


@dataclass(frozen=True, slots=True)
class Undecided:
    """A bus whose rules have too much work with the event: it makes no copy of it, and the other buses do."""

    bus: str
    revision: int


class Buses:
    """The buses look at an event by an index over what they admit, then each by the index of its own rules: so a bus
    that is changed is compiled alone, and one that has too much work with an event costs no other partner's."""

    def __init__(self, buses: Iterable[Bus]) -> None:
        self.by_name = {bus.name: bus for bus in sorted(buses, key=lambda bus: bus.name)}
        self._index = Index([(bus, bus.rules.admits) for bus in self.by_name.values() if bus.terms.enabled])

    def route(self, event: ArchivedEvent) -> list[Routing | Undecided]:
        """Of the buses that match the event, by their names."""
        return [*self.each(event)]

    def each(self, event: ArchivedEvent) -> Iterator[Routing | Undecided]:
        """The same one by one: between two of them others may have their turn."""
        original = Original(event)
        work = Work(original.document)
        for each in self._admitting(original, work):
            found = each if isinstance(each, Undecided) else _matched(each, original, work)
            if isinstance(found, Undecided) or found.matches:
                yield found

    def _admitting(self, original: Original, work: Work) -> Iterator[Bus | Undecided]:
        try:
            yield from self._index.match(original.document)
        except TooMuchWork:
            found = (_admits(bus, original, work) for bus in self.by_name.values())
            yield from (each for each in found if each is not None)


def _admits(bus: Bus, original: Original, work: Work) -> Bus | Undecided | None:
    try:
        return bus if bus.admits_it(original, work.of(bus.terms.partner)) else None
    except TooMuchWork:
        return Undecided(bus.name, bus.revision)


def _matched(bus: Bus, original: Original, work: Work) -> Routing | Undecided:
    try:
        return bus.matched(original, look=work.of(bus.terms.partner))
    except TooMuchWork:
        return Undecided(bus.name, bus.revision)
