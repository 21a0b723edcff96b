"""Whose turn it is: one replay at a target at a time, and few in all."""

from datetime import datetime
from typing import ClassVar, Final

from pydantic import BaseModel, ConfigDict

from services.archive.domain.replay import AT_ONCE, Replay
from shared.kernel.clock import Clock
from shared.kernel.values import changed
from shared.store.documents import CollectionSpec
from shared.store.repository import Repository

TURNS: Final = CollectionSpec("turns")
ONLY: Final = "replays"


class Turns(BaseModel):
    """Targets by replay: of those that have their turn."""

    model_config = ConfigDict(frozen=True)
    schema_version: ClassVar[int] = 1

    id: str = ONLY
    taken: dict[str, tuple[str, ...]] = {}

    def may(self, replay: Replay) -> bool:
        others = {id_: targets for id_, targets in self.taken.items() if id_ != replay.id}
        if len(others) >= AT_ONCE:
            return False
        return not any(set(targets) & set(replay.targets) for targets in others.values())


class TakingTurns:
    """One document: turns are taken and given back by compare-and-set. Who died with a turn has it no longer when its
    replay is neither running nor held."""

    def __init__(self, turns: Repository[Turns], replays: Repository[Replay], clock: Clock) -> None:
        self._turns = turns
        self._replays = replays
        self._clock = clock

    async def take(self, replay: Replay) -> bool:
        """Is it its turn? Raises Unavailable, Conflict."""
        stored = await self._turns.load(ONLY)
        stale = await self._stale(set(stored.value.taken) - {replay.id}) if stored else set()

        def edit(turns: Turns | None) -> Turns:
            known = turns or Turns()
            left = {id_: targets for id_, targets in known.taken.items() if id_ not in stale}
            after = changed(known, taken=left)
            if after.may(replay):
                after = changed(after, taken={**left, replay.id: replay.targets})
            return known if turns is not None and after.taken == known.taken else after

        return replay.id in (await self._turns.change(ONLY, edit)).value.taken

    async def give_back(self, id_: str) -> None:
        """Raises Unavailable, Conflict."""

        def edit(turns: Turns | None) -> Turns:
            known = turns or Turns()
            if id_ not in known.taken:
                return known
            return changed(known, taken={each: targets for each, targets in known.taken.items() if each != id_})

        await self._turns.change(ONLY, edit)

    async def _stale(self, ids: set[str]) -> set[str]:
        now = self._clock.now()
        there = {stored.value.id: stored.value for stored in await self._replays.load_many(ids)}
        return {id_ for id_ in ids if id_ not in there or not _has_turn(there[id_], now)}


def _has_turn(replay: Replay, now: datetime) -> bool:
    is_held = bool(replay.holder) and replay.held_until is not None and replay.held_until > now
    return replay.state == "running" or is_held
