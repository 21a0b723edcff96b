"""Partners and types: kept, changed under their revision, found by whoever publishes."""

from collections.abc import Callable
from dataclasses import dataclass, field

from services.hub.domain.kind import Kind, Known, replaced
from services.hub.domain.partner import Partner
from shared.schemas.schema import Schema
from shared.store.repository import Repository, Stored

BY_CLIENT = "by_client"
BY_USER = "by_user"
MOST_PARTNERS = 1_000
Check = Callable[[int | None], None]
"""Raises where the revision that is stored is not the one that is meant; 0 where nothing is."""


class ClientTaken(Exception):
    """A token's subject belongs to one partner only; `place` says which of the clients it is."""

    def __init__(self, place: int) -> None:
        super().__init__(f"client {place} is another partner's")
        self.place = place


class UserTaken(Exception):
    """A user of the broker belongs to one partner only."""


@dataclass
class Registry:
    """The partners and the types there are."""

    partners: Repository[Partner]
    kinds: Repository[Kind]
    redaction_key: bytes | None = field(default=None, repr=False)
    _known: dict[str, tuple[int, Known]] = field(default_factory=dict)
    """As they were compiled, with the revision that they are of."""

    async def partner_of(self, client: str) -> Partner | None:
        """Whose the token's subject is."""
        found = await self.partners.having(BY_CLIENT, client, limit=1)
        return found[0].value if found else None

    async def partner_with(self, user: str) -> Partner | None:
        """Whose the user of the broker is."""
        found = await self.partners.find(BY_USER, (user,), limit=1)
        return found[0].value if found else None

    async def with_users(self) -> list[Partner]:
        """Those who may speak by the broker."""
        return [stored.value for stored in await self.partners.find(BY_USER, (), limit=MOST_PARTNERS)]

    async def put_partner(self, partner: Partner, check: Check) -> Stored[Partner]:
        """Raises ClientTaken, UserTaken, Conflict, and what `check` raises."""
        if partner.broker_user is not None:
            found = await self.partners.find(BY_USER, (partner.broker_user,), limit=2)
            if any(each.value.id != partner.id for each in found):
                raise UserTaken
        for place, client in enumerate(partner.clients):
            if any(each.value.id != partner.id for each in await self.partners.having(BY_CLIENT, client, limit=2)):
                raise ClientTaken(place)
        stored = await self.partners.load(partner.id)
        check(stored.version if stored else None)
        return await self.partners.save(partner, version=stored.version if stored else 0)

    async def put_kind(self, kind: Kind, schema: Schema, check: Check, *, force: bool) -> Stored[Kind]:
        """Raises Incompatible, Conflict, and what `check` raises."""
        stored = await self.kinds.load(kind.id)
        check(stored.version if stored else None)
        changed = replaced(stored.value if stored else None, kind, schema, force=force)
        return await self.kinds.save(changed, version=stored.version if stored else 0)

    async def known(self, names: set[str]) -> dict[str, Known]:
        """Those of the types that are registered, compiled once for each revision."""
        versions = await self.kinds.versions(names)
        stale = {name for name, version in versions.items() if self._known.get(name, (0, None))[0] != version}
        for stored in await self.kinds.load_many(stale):
            self._known[stored.value.id] = stored.version, Known.of(stored.value, self.redaction_key)
        return {name: self._known[name][1] for name in versions if name in self._known}
