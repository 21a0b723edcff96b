"""Replays as documents: asked for, changed, ended, and said to be."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final
from uuid import UUID, uuid5

from services.archive.cases.owned import INDEXES, has_so_many
from services.archive.domain.jobs import ENDS
from services.archive.domain.replay import MOST_OPEN, Replay, asked
from services.archive.ports import Hub
from shared.bus.outbox import Outbox
from shared.contracts.archive import ReplayEnded
from shared.contracts.messages import OutboxMessage
from shared.kernel.clock import Clock
from shared.kernel.values import changed
from shared.routing.bus import Bus, compiled
from shared.store.documents import CollectionSpec, Conflict
from shared.store.repository import Repository, Stored

REPLAYS: Final = CollectionSpec("replays", INDEXES)
NAMES: Final = UUID("7c9a6d1e-3f52-4b0a-9d39-5a1f0c2f6f10")
MOST_TRIES: Final = 20
LAG: Final = timedelta(seconds=5)
"""What was accepted less long ago may not be archived yet: that is waited for."""


class TooManyReplays(Exception):
    """Of its owner; some must end before."""


class AskedOtherwise(Exception):
    """The replay of the name is not, or is not any more, what is asked for: it differs in these fields."""

    def __init__(self, replay: Replay, fields: frozenset[str]) -> None:
        super().__init__(", ".join(sorted(fields)))
        self.replay = replay
        self.fields = fields


class NoTarget(Exception):
    """A target that cannot be replayed to; `place` says which of those asked for."""

    def __init__(self, place: int, target: str, why: str) -> None:
        super().__init__(f"{target} {why}")
        self.place = place
        self.why = why


def id_of(owner: str, name: str) -> str:
    """The same for the same name, so that asking twice is asking once."""
    return uuid5(NAMES, f"{owner}\0{name}").hex


@dataclass(frozen=True)
class Replaying:
    """What is asked of replays. What speaks to the store raises Unavailable."""

    replays: Repository[Replay]
    hub: Hub
    outbox: Outbox
    clock: Clock

    async def make(self, replay: Replay) -> Stored[Replay]:
        """A new one; or the one that was asked for by the same words before. Raises AskedOtherwise, TooManyReplays."""
        many = await has_so_many(self.replays, replay.owner, MOST_OPEN)
        if many and await self.replays.load(replay.id) is None:
            raise TooManyReplays
        try:
            return await self.replays.save(changed(replay, held_until=replay.end + LAG), version=0)
        except Conflict:
            stored = await self.replays.load(replay.id)
            if stored is None:  # its time was just over, and its name is free
                raise
            if fields := stored.value.differs(replay):
                raise AskedOtherwise(stored.value, fields) from None
            return stored

    async def buses(self, targets: Sequence[str], owner: str) -> list[Bus]:
        """Those of the targets, as they are in force. Raises NoTarget, HubUnavailable, WrongBus."""
        found: dict[str, Bus | None] = {}
        for place, target in enumerate(targets):
            name, _, wanted = target.partition("/")
            if name not in found:
                told = await self.hub.bus(name)
                found[name] = compiled(told.bus, told.revision, told.terms, told.ordered) if told else None
            bus = found[name]
            if bus is None or owner not in {"", bus.terms.partner} or wanted not in bus.terms.targets:
                raise NoTarget(place, target, "must be a target that there is")
            if bus.target(wanted).feed:
                raise NoTarget(place, target, "is a feed: it is read from the archive itself")
            if owner and bus.target(wanted).service is not None:
                raise NoTarget(place, target, "is a service: replaying to it is for operators")
        return [bus for bus in found.values() if bus is not None]

    async def ask(self, id_: str, wanted: str | None, rate: int | None, check: Callable[[int], None]) -> Stored[Replay]:
        """Another state, another rate. Raises NotPossible, and what `check` raises of its revision."""

        def edit(replay: Replay) -> Replay:
            check(replay.revision)
            return asked(replay, wanted, rate, self.clock.now())

        return await self.change(id_, edit)

    async def change(self, id_: str, edit: Callable[[Replay], Replay]) -> Stored[Replay]:
        """Save what `edit` makes of it; where it is over by that, that is said. Raises what `edit` raises, KeyError
        where there is none."""
        for tries in range(MOST_TRIES, 0, -1):
            stored = await self.replays.load(id_)
            if stored is None:
                raise KeyError(id_)
            after = edit(stored.value)
            if after is stored.value:
                return stored
            messages = self._said(stored.value, after)
            try:
                saved = await self.replays.save(after, version=stored.version, messages=messages)
            except Conflict:
                if tries == 1:
                    raise
                continue
            if messages:
                self.outbox.send_soon(self.replays.collection, id_, messages)
            return saved
        raise AssertionError

    def _said(self, before: Replay, after: Replay) -> list[OutboxMessage]:
        if before.state in ENDS or after.state not in ENDS:
            return []
        told = ReplayEnded.model_validate(
            {
                "replay": after.id,
                "name": after.name,
                "state": after.state,
                "targets": after.targets,
                "copies": after.copies,
                "reason": after.reason,
            }
        )
        return [self.outbox.entry(told)]
