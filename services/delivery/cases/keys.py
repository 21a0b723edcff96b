"""What targets' requests are signed by: made, shown, given to whoever signs."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, TypeAlias

from services.delivery.domain.signing import Key, Scheme, new_key
from services.delivery.domain.target import Sealed, Secrets, with_newer
from services.delivery.ports import Sealing
from shared.contracts.buses import Signature
from shared.kernel.clock import Clock, running_seconds
from shared.store.documents import Conflict
from shared.store.repository import Repository

BELIEVED: Final = 1.0
"""Seconds for which what was read is signed by: a rotation is in force everywhere after that."""
MOST_KNOWN: Final = 10_000
"""Targets, and keys that were opened: more than a process works for."""


@dataclass(frozen=True, slots=True)
class Published:
    """A key as its receiver may see it. `until`: when it ends, where a newer one has taken its place."""

    public_key: str
    made_at: datetime
    until: datetime | None


class Keys:
    """The keys of one scheme of one process's targets. `owned_since` tells the revision by which a bus became its
    owner's."""

    def __init__(
        self,
        secrets: Repository[Secrets],
        sealing: Sealing,
        scheme: Scheme,
        clock: Clock,
        owned_since: Callable[[str], int],
    ) -> None:
        self._secrets = secrets
        self._sealing = sealing
        self._scheme = scheme
        self._clock = clock
        self._owned_since = owned_since
        self._known: dict[str, tuple[float, Secrets]] = {}
        self._opened: dict[str, Key] = {}

    async def live(self, target: str) -> list[Key]:
        """Those to sign by, the newest first; one is made where there is none. Raises Unavailable, Unopenable."""
        read_at, kept = self._known.get(target, (float("-inf"), None))
        if kept is None or running_seconds() - read_at > BELIEVED:
            began = running_seconds()
            kept = await self._kept(target, self._owned_since(target.partition("/")[0]))
            if len(self._known) > MOST_KNOWN:
                self._known.clear()
            self._known[target] = began, kept
        return [self._open(each, target) for each in kept.live(self._clock.now())]

    async def rotate(self, target: str, overlap: timedelta, since: int) -> str:
        """Another key, as it is shown to the partner whose the bus is since that revision; the one before signs as well
        for so long. Raises Conflict, Unavailable."""
        made, now = new_key(), self._clock.now()
        sealed = self._sealed(made, target, now)
        await self._secrets.change(target, lambda kept: with_newer(kept, target, sealed, now + overlap, since))
        self._known.pop(target, None)
        return self._scheme.key(made).shown

    async def published(self, target: str, since: int) -> Sequence[Published]:
        """The live ones of a scheme whose keys are public, the newest first, of the partner whose the bus is since that
        revision; one is made where there is none, so that it is known before it signs. Raises Unavailable, Unopenable.
        """
        if not self._scheme.public:
            raise ValueError(f"keys of {self._scheme.name} are secrets")
        kept = await self._kept(target, since)
        return [
            Published(self._open(each, target).shown, each.made_at, each.until) for each in kept.live(self._clock.now())
        ]

    async def _kept(self, target: str, since: int) -> Secrets:
        stored = await self._secrets.load(target)
        if stored is None or stored.value.since < since:
            made = self._sealed(new_key(), target, self._clock.now())
            first = Secrets(id=target, secrets=(made,), since=since, shown=self._scheme.public)
            try:
                stored = await self._secrets.save(first, version=stored.version if stored else 0)
            except Conflict:  # another replica was faster
                return await self._kept(target, since)
        return stored.value

    def _sealed(self, key: bytes, target: str, now: datetime) -> Sealed:
        return Sealed(key=self._sealing.key, text=self._sealing.seal(key, self._scheme.place(target)), made_at=now)

    def _open(self, sealed: Sealed, target: str) -> Key:
        if sealed.text not in self._opened:
            if len(self._opened) > MOST_KNOWN:
                self._opened.clear()
            opened = self._sealing.opened(sealed.key, sealed.text, self._scheme.place(target))
            self._opened[sealed.text] = self._scheme.key(opened)
        return self._opened[sealed.text]


Keyring: TypeAlias = Mapping[Signature, Keys]
"""The keys of each scheme: a target's file says by which it signs."""
