"""The targets there are and how they stand, as this process last read them."""

from collections.abc import AsyncIterator, Mapping
from typing import Final, TypeAlias

from services.delivery.cases.turns import BLOCKS
from services.delivery.domain.order import Progress
from services.delivery.domain.state import TargetState
from services.delivery.domain.target import NOBODY, KnownBus, target_id
from shared.contracts.buses import BY_KEY, LISTED, WITH_QUEUES, TargetTerms, marked
from shared.store.documents import After, CollectionSpec, Index
from shared.store.repository import Repository, Stored

MARKS: Final = "by_mark"
BUSES: Final = CollectionSpec("buses", indexes=(Index(MARKS, ("mark",)),))
CLIENTS: Final = CollectionSpec("clients", indexes=(Index(MARKS, ("mark",)),))
TARGETS: Final = CollectionSpec("targets")
LAST: Final = "\U0010ffff"
"""Behind all lanes, and all ids."""

Place: TypeAlias = tuple[str, str]
"""Of a bus, and its name there."""


class Known:
    """Read again where something has changed."""

    def __init__(
        self, buses: Repository[KnownBus], states: Repository[TargetState], progress: Repository[Progress]
    ) -> None:
        self.buses = buses
        self.progress = progress
        self.blocked: frozenset[str] = frozenset()
        """Ordered targets of which a lane stands before a copy that is dead."""
        self.states = states
        self._buses: dict[str, KnownBus] = {}
        self._states: dict[str, Stored[TargetState]] = {}
        self.queued: Mapping[Place, TargetTerms] = {}
        """Targets that have a queue of their own."""
        self.webhooks: Mapping[Place, TargetTerms] = {}

    async def look(self) -> None:
        """Raises Unavailable."""
        keys = await self.buses.collection.keys(MARKS, (), limit=LISTED)
        marks = {marked(str(key))[0]: str(key) for key in keys}
        changed = [name for name, mark in marks.items() if name not in self._buses or self._buses[name].mark != mark]
        if changed:
            self._buses |= {each.value.id: each.value for each in await self.buses.load_many(changed)}
        self._buses = {name: bus for name, bus in self._buses.items() if name in marks}
        self.queued = {
            (bus.id, name): terms
            for bus in self._buses.values()
            for name, terms in bus.targets.items()
            if terms.kind in WITH_QUEUES
        }
        self.webhooks = {place: terms for place, terms in self.queued.items() if terms.webhook is not None}
        await self._look_at_states()
        ordered = frozenset(target_id(*place) for place, terms in self.webhooks.items() if terms.order == BY_KEY)
        self.blocked = ordered.intersection([each async for each in self._all_blocked()]) if ordered else frozenset()

    def owner(self, bus: str) -> str:
        """Its partner, as far as is known."""
        return self._buses[bus].partner if bus in self._buses else NOBODY

    def owned_since(self, bus: str) -> int:
        """The revision by which it became its owner's, as far as is known."""
        return self._buses[bus].owned_since if bus in self._buses else 0

    def state(self, place: Place) -> TargetState:
        id_ = target_id(*place)
        stored = self._states.get(id_)
        return stored.value if stored is not None else TargetState(id=id_)

    async def _look_at_states(self) -> None:
        ids = [target_id(*place) for place in self.webhooks]
        versions = await self.states.versions(ids) if ids else {}
        stale = [
            id_ for id_, version in versions.items() if id_ not in self._states or self._states[id_].version != version
        ]
        if stale:
            self._states |= {each.value.id: each for each in await self.states.load_many(stale)}
        self._states = {id_: stored for id_, stored in self._states.items() if id_ in versions}

    async def _all_blocked(self) -> AsyncIterator[str]:
        """Each target once, however many of its lanes stand."""
        after: After = None
        while found := await self.progress.find(BLOCKS, (), limit=1, after=after):
            target = found[0].value.target
            yield target
            after = target, LAST, LAST
