"""The dead letters of targets: looked at, sent once more, given up."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from services.delivery.cases.skipping import Skipping
from services.delivery.cases.telling import Telling
from services.delivery.domain.letters import copy_of, new_name, reborn, settled, told_of
from services.delivery.ports import Letters
from shared.bus.dead_letters import Choice, DeadLetter, Place
from shared.contracts.archive import Attempt
from shared.contracts.copies import Copy, target_queue
from shared.kernel.clock import Clock

MOST: Final = 500
"""Letters that one request shows, or settles as a rule."""


@dataclass(frozen=True, slots=True)
class Settled:
    """`done` letters went; `left` stay although they were chosen, for nothing can be sent of them; `more`: others may
    have been chosen that were not come to."""

    done: int
    left: int
    more: bool


@dataclass(frozen=True)
class Burying:
    letters: Letters
    telling: Telling
    skipping: Skipping
    clock: Clock

    async def listed(self, bus: str, target: str, limit: int, after: Place) -> Sequence[DeadLetter]:
        """Those that follow the place, the oldest first. Raises BrokerAway, InOtherHands."""
        return await self.letters.listed(target_queue(bus, target), limit, after)

    async def letter(self, bus: str, target: str, handle: str) -> DeadLetter | None:
        """The one with that handle. Raises BrokerAway, InOtherHands."""
        return await self.letters.letter(target_queue(bus, target), handle)

    async def redrive(self, bus: str, target: str, chosen: Choice, most: int = MOST, *, on_record: bool) -> Settled:
        """Lay the chosen letters into their target's queue again, each under a new name, its time begun anew. Where
        attempts are on record of the target, this is too. Raises BrokerAway, InOtherHands: some may have gone."""
        queue, now = target_queue(bus, target), self.clock.now()
        left = 0

        def goes(letter: DeadLetter) -> bool:
            nonlocal left
            if not chosen(letter):
                return False
            sendable = copy_of(letter) is not None
            left += not sendable
            return sendable

        def attempt(letter: DeadLetter) -> Attempt | None:
            copy = copy_of(letter) if on_record else None
            return settled(copy, new_name(letter, copy), "redriven", now) if copy is not None else None

        done = await self._told(
            lambda noted: self.letters.redrive(queue, noted, lambda letter: reborn(letter, now), most), goes, attempt
        )
        return Settled(done, left, more=done >= most)

    async def discard(self, bus: str, target: str, chosen: Choice, most: int = MOST) -> Settled:
        """Remove the chosen letters for good; of an ordered target, what waited behind one goes on. Raises BrokerAway,
        InOtherHands, Conflict, Unavailable: some may have gone."""
        queue, now = target_queue(bus, target), self.clock.now()
        gone: list[Copy] = []

        def attempt(letter: DeadLetter) -> Attempt | None:
            copy = told_of(letter)
            if copy is None:
                return None
            gone.append(copy)
            return settled(copy, copy.deliveryid, "discarded", now)

        try:
            done = await self._told(lambda noted: self.letters.discard(queue, noted, most), chosen, attempt)
        finally:
            for copy in gone:
                await self.skipping.discarded(bus, target, copy)
        return Settled(done, 0, more=done >= most)

    async def _told(
        self,
        settle: Callable[[Choice], Awaitable[int]],
        chosen: Choice,
        attempt: Callable[[DeadLetter], Attempt | None],
    ) -> int:
        """Settle what is chosen, and have it on record, also what may have gone before the broker did."""
        attempts: list[Attempt] = []

        def noted(letter: DeadLetter) -> bool:
            goes = chosen(letter)
            if goes and (made := attempt(letter)) is not None:
                attempts.append(made)
            return goes

        try:
            return await settle(noted)
        finally:
            for each in attempts:
                self.telling.tell(each)
            await self.telling.flush()


def among(handles: frozenset[str]) -> Choice:
    return lambda letter: letter.handle in handles


def of_fault(fingerprint: str) -> Choice:
    return lambda letter: letter.fingerprint == fingerprint


def died_within(start: datetime | None, end: datetime | None) -> Choice:
    """By the last failure, in [`start`, `end`)."""

    def chosen(letter: DeadLetter) -> bool:
        at = letter.last_failed_at
        return at is not None and (start is None or at >= start) and (end is None or at < end)

    return chosen


def every(_: DeadLetter) -> bool:
    return True
