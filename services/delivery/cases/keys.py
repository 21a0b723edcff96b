"""Targets' secrets: made, shown once, given to whoever signs."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

from services.delivery.domain.signing import new_secret, shown
from services.delivery.domain.target import Sealed, Secrets, with_newer
from services.delivery.ports import Sealing
from shared.kernel.clock import Clock, running_seconds
from shared.store.documents import Conflict
from shared.store.repository import Repository

BELIEVED: Final = 1.0
"""Seconds for which what was read is signed by: a rotation is in force everywhere after that."""


class Keys:
    """The secrets of one process's targets. `owned_since` tells the revision by which a bus became its owner's."""

    def __init__(
        self, secrets: Repository[Secrets], sealing: Sealing, clock: Clock, owned_since: Callable[[str], int]
    ) -> None:
        self._secrets = secrets
        self._sealing = sealing
        self._clock = clock
        self._owned_since = owned_since
        self._known: dict[str, tuple[float, Secrets]] = {}
        self._opened: dict[str, bytes] = {}

    async def live(self, target: str) -> list[bytes]:
        """Those to sign by, the newest first; one is made where there is none. Raises Unavailable, Unopenable."""
        read_at, kept = self._known.get(target, (float("-inf"), None))
        if kept is None or running_seconds() - read_at > BELIEVED:
            began = running_seconds()
            kept = await self._kept(target)
            self._known[target] = began, kept
        return [self._open(each.text, target) for each in kept.live(self._clock.now())]

    async def rotate(self, target: str, overlap: timedelta, since: int) -> str:
        """Another secret, as it is shown to the partner whose the bus is since that revision; the one before is signed
        by as well for so long. Raises Conflict, Unavailable."""
        secret, now = new_secret(), self._clock.now()
        sealed = self._sealed(secret, target, now)
        await self._secrets.change(target, lambda kept: with_newer(kept, target, sealed, now + overlap, since))
        self._known.pop(target, None)
        return shown(secret)

    async def _kept(self, target: str) -> Secrets:
        stored, since = await self._secrets.load(target), self._owned_since(target.partition("/")[0])
        if stored is None or stored.value.since < since:
            made = self._sealed(new_secret(), target, self._clock.now())
            first = Secrets(id=target, secrets=(made,), since=since)
            try:
                stored = await self._secrets.save(first, version=stored.version if stored else 0)
            except Conflict:  # another replica was faster
                return await self._kept(target)
        return stored.value

    def _sealed(self, secret: bytes, target: str, now: datetime) -> Sealed:
        return Sealed(key=self._sealing.key, text=self._sealing.seal(secret, target), made_at=now)

    def _open(self, text: str, target: str) -> bytes:
        if text not in self._opened:
            if len(self._opened) > 10_000:  # noqa: PLR2004 - more than there are targets
                self._opened.clear()
            self._opened[text] = self._sealing.opened(text, target)
        return self._opened[text]
