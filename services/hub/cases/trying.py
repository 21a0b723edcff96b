"""Rules are tried on events that nobody keeps: which would match, and why one does or does not."""

import asyncio
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, Final

from services.hub.cases.in_force import InForce
from services.hub.cases.registering import Registry
from services.hub.domain.admission import Admitted, Refusal
from services.hub.domain.partner import Partner
from shared.contracts.archive import ArchivedEvent
from shared.contracts.buses import RuleTerms
from shared.kernel.clock import Clock
from shared.kernel.turns import Turns
from shared.routing.bus import Bus
from shared.routing.copying import Original
from shared.routing.work import Work
from shared.rules.documents import document_of
from shared.rules.explaining import Finding, explain
from shared.rules.looking import TooMuchWork
from shared.rules.parsing import parse

NEVER: Final = "00000000-0000-0000-0000-000000000000"
"""The hub's name for what was not accepted."""


@dataclass(frozen=True, slots=True)
class Matching:
    """A rule that would match, of one revision of a bus; without a rule, one whose rules have too much work with it."""

    bus: str
    revision: int
    rule: RuleTerms | None


class Trying:
    """Asks the rules in force, and those that somebody is writing."""

    def __init__(self, registry: Registry, in_force: InForce, clock: Clock) -> None:
        self._registry = registry
        self._in_force = in_force
        self._clock = clock

    async def matching(
        self, partner: Partner, judged: Sequence[Admitted | Refusal], *, everything: bool
    ) -> list[list[Matching]]:
        """Of each event the rules that would match it, whatever their share: of the partner's own buses, or of all.
        Raises Later, Unavailable."""
        turns = Turns()
        async with self._in_force.using() as buses:
            seen = [bus for bus in buses.by_name.values() if everything or bus.terms.partner == partner.id]
            return [
                await self._of_all(seen, partner, admitted, turns) if isinstance(admitted, Admitted) else []
                for admitted in judged
            ]

    async def explained(self, pattern: Any, event: dict[str, Any], partner: str, kinds: Collection[str]) -> Finding:
        """Why the pattern matches the event, or does not. No value of a personal field is told, of types among `kinds`.
        Any other type is one of which nothing is known, so that the answer does not say which of its fields are
        personal, nor whether it is registered: of its event is told what whoever asks has sent. Raises Invalid of the
        pattern, TooMuchWork, Unavailable."""
        parsed = parse(pattern)
        known = await self._registry.known(set(kinds))
        personal = [pointer for each in known.values() for pointer in each.personal]
        # Reasons may take seconds, and nothing here is shared: others have their turn meanwhile.
        return await asyncio.to_thread(explain, parsed, document_of(event, partner), personal)

    async def _of_all(self, buses: Sequence[Bus], partner: Partner, admitted: Admitted, turns: Turns) -> list[Matching]:
        event = ArchivedEvent(hubid=NEVER, at=self._clock.now(), partner=partner.id, via="http", event=admitted.event)
        original = Original(event)
        work = Work(original.document)
        found: list[Matching] = []
        for bus in buses:
            found += _of(bus, original, work)
            await turns.give()
        return found


def _of(bus: Bus, original: Original, work: Work) -> list[Matching]:
    try:
        asking = bus.asking(original, work.of(bus.terms.partner))
        return [Matching(bus.name, bus.revision, rule) for rule in asking]
    except TooMuchWork:
        return [Matching(bus.name, bus.revision, None)]
