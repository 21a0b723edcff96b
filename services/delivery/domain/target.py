"""What delivery knows of buses and targets."""

from collections.abc import Callable
from datetime import datetime
from typing import ClassVar, Final

from pydantic import AwareDatetime, BaseModel, ConfigDict, computed_field

from shared.contracts.buses import TargetTerms, mark_of
from shared.contracts.delivery import ConfigureTargets
from shared.kernel.values import changed

MOST_LIVE: Final = 10
"""Secrets of a target that sign at once: each is part of each request's head, and no server takes one of any length."""

NOBODY: Final = ""
"""The owner that is told of a bus that is no more."""


class KnownBus(BaseModel):
    """The targets of a bus by its newest revision that was told. Its name is its id."""

    model_config = ConfigDict(frozen=True)
    schema_version: ClassVar[int] = 1

    id: str
    revision: int
    partner: str
    owned_since: int = 0
    """The revision by which it became this partner's."""
    targets: dict[str, TargetTerms]

    @computed_field  # type: ignore[prop-decorator]
    @property
    def mark(self) -> str:
        """What changes with every revision: replicas look at it alone."""
        return mark_of(self.id, self.revision)


def told(known: KnownBus | None, command: ConfigureTargets) -> KnownBus:
    """The bus after a command; as it was where the command is no newer than what is known."""
    if known is not None and known.revision >= command.revision:
        return known
    stays = known is not None and command.partner in {known.partner, NOBODY}
    return KnownBus(
        id=command.bus,
        revision=command.revision,
        partner=known.partner if known is not None and stays else command.partner,
        owned_since=known.owned_since if known is not None and stays else command.revision,
        targets=dict(command.targets),
    )


class Sealed(BaseModel):
    """A secret as it is stored. `until` is when it ends; None while it is the newest."""

    model_config = ConfigDict(frozen=True)

    key: str
    """The name of the master key that it is sealed by."""
    text: str
    made_at: AwareDatetime
    until: AwareDatetime | None = None


class Secrets(BaseModel):
    """A target's secrets of one scheme, the newest first. `shown`: somebody has been given what verifies by the newest,
    or could have asked for it. `since`: they are of whoever has the bus since that revision; who had it before knows
    none of them."""

    model_config = ConfigDict(frozen=True)
    schema_version: ClassVar[int] = 1

    id: str
    secrets: tuple[Sealed, ...]
    shown: bool = False
    since: int = 0

    def live(self, now: datetime) -> tuple[Sealed, ...]:
        return tuple(each for each in self.secrets if each.until is None or each.until > now)


def with_newer(kept: Secrets | None, id_: str, secret: Sealed, until: datetime, since: int) -> Secrets:
    """After a rotation: those before end then, unless they end sooner; one that nobody was ever shown ends at once, and
    so do a former owner's, and the oldest where there would be more than MOST_LIVE."""
    goes_on = kept is not None and kept.shown and kept.since >= since
    before = kept.live(secret.made_at) if kept is not None and goes_on else ()
    older = tuple(changed(each, until=min(each.until or until, until)) for each in before)
    kept_on = tuple(each for each in older if each.until is not None and each.until > secret.made_at)
    return Secrets(id=id_, secrets=(secret, *kept_on)[:MOST_LIVE], shown=True, since=since)


def resealed(kept: Secrets, key: str, again: Callable[[Sealed], str], now: datetime) -> Secrets:
    """Each that is live as the master key of that name seals it, by the text that `again` gives; what has ended is
    forgotten."""
    if all(each.key == key for each in kept.secrets):
        return kept
    secrets = (each if each.key == key else changed(each, key=key, text=again(each)) for each in kept.live(now))
    return changed(kept, secrets=tuple(secrets))


def target_id(bus: str, target: str) -> str:
    return f"{bus}/{target}"


def place_of(id_: str) -> tuple[str, str]:
    """The bus and the target's name there."""
    bus, _, name = id_.partition("/")
    return bus, name
