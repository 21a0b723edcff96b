"""Which copies a replay makes of an event: by the rules of today, or whatever they say."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from services.archive.domain.lanes import Given, Numbering
from shared.bus.copies import dead, outgoing
from shared.contracts.archive import ArchivedEvent
from shared.contracts.messages import OutboxMessage
from shared.routing.bus import Bus
from shared.routing.compiling import EVERYBODY
from shared.routing.copying import Broken, Original
from shared.rules.looking import TooMuchWork
from shared.rules.matching import matches
from shared.rules.parsing import parse
from shared.segments.lines import Block


@dataclass(frozen=True, slots=True)
class Chosen:
    """Of one event: messages by target, as `bus/name`; `broken` of them are dead from the beginning. `given`: what the
    replay's lanes have been given, with these."""

    event: ArchivedEvent
    given: Given
    messages: Sequence[tuple[str, OutboxMessage]] = ()
    broken: int = 0
    undecided: bool = False


class Selection:
    """Of one replay. `targets` are names by bus, each of which the bus has."""

    def __init__(
        self,
        buses: Iterable[Bus],
        targets: Mapping[str, Sequence[str]],
        when: dict[str, Any] | None,
        replay: str,
        *,
        everything: bool = False,
    ) -> None:
        """`everything`: whatever the rules say, all that the buses may see. Raises Invalid where `when` is no
        pattern."""
        self._buses = list(buses)
        self._targets = targets
        self._when = parse(when) if when is not None else None
        self._replay = replay
        self._everything = everything

    def may_be_in(self, block: Block) -> bool:
        """Has it events that one of the buses looks at?"""
        return any(sees(bus, partner) for bus in self._buses for partner in block.owners)

    def of(self, event: ArchivedEvent, now: datetime, given: Given) -> Chosen:
        """Its copies, in the order of buses and targets. `given`: what the lanes have been given before."""
        numbering = Numbering(self._replay, given)
        try:
            if self._when is not None and not matches(self._when, Original(event).document):
                return Chosen(event, given)
            made = [one for bus in self._buses for one in self._made(bus, event, now, numbering)]
        except TooMuchWork:
            return Chosen(event, given, undecided=True)
        messages = [(target, message) for target, message, _ in made]
        return Chosen(event, numbering.given, messages, sum(broken for *_, broken in made))

    def _made(
        self, bus: Bus, event: ArchivedEvent, now: datetime, numbering: Numbering
    ) -> Iterable[tuple[str, OutboxMessage, bool]]:
        if not sees(bus, event.partner):
            return
        wanted = self._targets[bus.name]
        broken: Sequence[Broken] = ()
        if self._everything:
            copies = [bus.copy(event, target, self._replay) for target in wanted]
        else:
            routing = bus.route(event, only=wanted, again=self._replay)
            copies, broken = list(routing.copies), routing.broken
        for copy in copies:
            since = bus.ordered.get(copy.target)
            if since is not None and event.position is not None:
                copy = numbering.numbered(copy, event.position.lane, since)  # noqa: PLW2901 - it is the same one
            message = outgoing(copy, bus.target(copy.target), now)
            if message is not None:
                yield f"{bus.name}/{copy.target}", message, False
        for each in broken:
            message = dead(each.copy, bus.target(each.copy.target), each.reason, each.detail, now)
            if message is not None:
                yield f"{bus.name}/{each.copy.target}", message, True


def sees(bus: Bus, partner: str) -> bool:
    """A partner's bus never sees what others publish, unless an operator has opened it: not in a replay either."""
    allowed = bus.terms.publishers
    return partner == bus.terms.partner or partner in allowed or EVERYBODY in allowed
