"""After a change of the master key, what the one before sealed is sealed again, until nothing needs it any more.

Safe at any moment and by any number of processes: each document is one write, by compare-and-set, and either key opens
what it holds before and after. The newest key seals nothing before every process that lives can open it.
"""

import logging
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from services.delivery.cases.living import Living
from services.delivery.domain.signing import SCHEMES, Scheme
from services.delivery.domain.target import Secrets, resealed
from services.delivery.ports import Sealing, Unopenable
from shared.contracts.buses import Signature
from shared.kernel.clock import Clock
from shared.store.documents import After, CollectionSpec, Index, Lookup
from shared.store.repository import Repository

log = logging.getLogger(__name__)

PAUSE: Final = 10.0
"""Seconds between two looks."""
PAGE: Final = 200
FORMER_KEY: Final = "DELIVERY_FORMER_MASTER_KEY"
QUIET: Final = 2
"""Looks in a row that find nothing: what was being written during the first is there at the second."""
WAYS: Final = (Index("by_id", ("id",)),)
SEALED_BY: Final = Lookup("by_key", "secrets", "key")
SPECS: Final[Mapping[Signature, CollectionSpec]] = {
    "hmac": CollectionSpec("secrets", WAYS, (SEALED_BY,)),
    "ed25519": CollectionSpec("key_pairs", WAYS, (SEALED_BY,)),
}
Stores = Mapping[Signature, Repository[Secrets]]


@dataclass(frozen=True, slots=True)
class Tally:
    """`by`: how many live keys of targets each master key sealed, by its name; `waits`: processes that live and cannot
    open the newest yet, or seal by another. `unknown`: names that nobody here can open, with one target of each."""

    newest: str
    former: str | None
    by: Mapping[str, int]
    unknown: Mapping[str, str]
    waits: int

    @property
    def former_is_needed(self) -> bool:
        return self.former is not None and bool(self.by.get(self.former) or self.waits)


class Resealing:
    """Of one process."""

    def __init__(self, stores: Stores, sealing: Sealing, living: Living, clock: Clock) -> None:
        self._stores = stores
        self._sealing = sealing
        self._living = living
        self._clock = clock
        self._quiet = 0
        self._looked = False
        self._passed: set[tuple[Signature, str]] = set()
        """What could not be sealed again, and has been told."""

    async def look(self) -> None:
        """One step. Raises Conflict, Unavailable: it goes on at the next look."""
        if not self._looked:
            self._complain(await self.tally())
            self._looked = True
        if self._sealing.former is None:
            return
        if self._sealing.key != self._sealing.newest:
            if not self._all_say(lambda word: self._sealing.newest in word.get("opens", ())):
                return
            self._sealing.turn()
        done = sum([await self._reseal(each, self._sealing.former) for each in self._stores])
        if done:
            log.info("secrets were sealed again", extra={"count": done})
        left = [await self._by(each, self._sealing.former, 1) for each in self._stores]
        is_quiet = not any(left) and self._all_say(lambda word: word.get("seals") == self._sealing.newest)
        self._quiet = self._quiet + 1 if is_quiet else 0
        if self._quiet == QUIET:
            log.warning("the former master key is needed no more", extra={"variable": FORMER_KEY})

    async def tally(self) -> Tally:
        """How all of it stands. Raises Unavailable."""
        newest, former = self._sealing.newest, self._sealing.former
        by: Counter[str] = Counter()
        unknown: dict[str, str] = {}
        async for kept in self._all():
            for sealed in kept.live(self._clock.now()):
                by[sealed.key] += 1
                if sealed.key not in {newest, former}:
                    unknown.setdefault(sealed.key, kept.id)
        words = [word_of(self._sealing), *(self._living.words or ())]
        waits = sum(newest not in word.get("opens", ()) or word.get("seals") != newest for word in words)
        return Tally(newest, former, by, unknown, waits)

    async def _all(self) -> AsyncIterator[Secrets]:
        for store in self._stores.values():
            after: After = None
            while found := await store.find(WAYS[0].name, (), limit=PAGE, after=after):
                for each in found:
                    yield each.value
                after = found[-1].value.id, found[-1].value.id

    async def _reseal(self, signature: Signature, former: str) -> int:
        """All that it sealed, page by page; how many. What cannot be opened is told, and passed over."""
        store, scheme, done = self._stores[signature], SCHEMES[signature], 0
        while found := await self._left(signature, former):
            for kept in found:
                try:
                    await store.change(kept.id, partial(self._again, scheme, kept))
                    done += 1
                except Unopenable as error:
                    told = {"document_id": kept.id, "reason": str(error)}
                    log.error("a secret cannot be sealed again", extra=told)  # noqa: TRY400 - why is in its text
                    self._passed.add((signature, kept.id))
        return done

    async def _left(self, signature: Signature, former: str) -> list[Secrets]:
        """A page of what is to be sealed again; what is passed over stays there, and takes nobody's place in it."""
        found = await self._by(signature, former, PAGE + len(self._passed))
        return [each for each in found if (signature, each.id) not in self._passed]

    def _again(self, scheme: Scheme, seen: Secrets, kept: Secrets | None) -> Secrets:
        place = scheme.place(seen.id)
        return resealed(
            kept or seen,
            self._sealing.newest,
            lambda each: self._sealing.seal(self._sealing.opened(each.key, each.text, place), place),
            self._clock.now(),
        )

    async def _by(self, signature: Signature, key: str, limit: int) -> list[Secrets]:
        return [each.value for each in await self._stores[signature].having(SEALED_BY.name, key, limit=limit)]

    def _all_say(self, what: Callable[[Mapping[str, Any]], bool]) -> bool:
        """Of every other process that lives, once it is known which do."""
        words = self._living.words
        return words is not None and self._living.counts and all(what(word) for word in words)

    def _complain(self, tally: Tally) -> None:
        for key, target in tally.unknown.items():
            reason = f"sealed by the master key {key}, which is neither the newest nor the former one here"
            log.error(
                "secrets cannot be opened",
                extra={"count": tally.by[key], "document_id": target, "reason": reason, "variable": FORMER_KEY},
            )


def word_of(sealing: Sealing) -> Mapping[str, Any]:
    """What a process says of its keys, by their names."""
    opens = [sealing.newest, *([sealing.former] if sealing.former is not None else [])]
    return {"opens": opens, "seals": sealing.key}
