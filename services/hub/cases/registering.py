"""Partners and types: kept, changed under their revision, found by whoever publishes."""

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass, field

from services.hub.domain.kind import Kind, Known, replaced
from services.hub.domain.partner import Partner, following
from shared.bus.outbox import Outbox
from shared.contracts.delivery import ConfigureClients
from shared.kernel.clock import Clock
from shared.kernel.together import Together
from shared.kernel.values import changed
from shared.schemas.schema import Schema
from shared.store.documents import CollectionSpec, Conflict, Duplicate, Index, Lookup
from shared.store.repository import Repository, Stored

BY_CLIENT = "by_client"
BY_USER = "by_user"
CURE = "`milesaga hub clients --take NAME --from PARTNER` takes it from a partner that is not to have it"
PARTNERS = CollectionSpec(
    "partners",
    indexes=(Index(BY_USER, ("broker_user",), unique=True, cure=CURE),),
    lookups=(Lookup(BY_CLIENT, "clients", unique=True, cure=CURE),),
)
MOST_PARTNERS = 1_000
Check = Callable[[int | None], None]
"""Raises where the revision that is stored is not the one that is meant; 0 where nothing is."""

Agreed = Callable[[], AbstractAsyncContextManager[object]]
"""What is entered around an act to which others must have agreed."""


class ClientTaken(Exception):
    """A token's subject belongs to one partner only; `place` says which of the clients it is."""

    def __init__(self, place: int) -> None:
        super().__init__(f"client {place} is another partner's")
        self.place = place


class UserTaken(Exception):
    """A user of the broker belongs to one partner only."""


@dataclass
class Registry:
    """The partners and the types there are. Delivery is told whose clients somebody is with each change of it."""

    partners: Repository[Partner]
    kinds: Repository[Kind]
    outbox: Outbox
    clock: Clock
    redaction_key: bytes | None = field(default=None, repr=False)
    _known: dict[str, tuple[int, Known]] = field(default_factory=dict)
    """As they were compiled, with the revision that they are of."""

    def __post_init__(self) -> None:
        self._partners = Together(self._partners_of)
        self._kinds = Together(self._known_of)

    async def partner_of(self, client: str) -> Partner | None:
        """Whose the token's subject is."""
        return (await self._partners.of((client,))).get(client)

    async def partner_with(self, user: str) -> Partner | None:
        """Whose the user of the broker is."""
        found = await self.partners.find(BY_USER, (user,), limit=1)
        return found[0].value if found else None

    async def with_users(self) -> list[Partner]:
        """Those who may speak by the broker."""
        return [stored.value for stored in await self.partners.find(BY_USER, (), limit=MOST_PARTNERS)]

    async def put_partner(self, partner: Partner, check: Check, agreed: Agreed = nullcontext) -> Stored[Partner]:
        """`agreed` is entered where somebody will speak for it who did not. Of partners that are put at once with one
        client the store takes one. Raises ClientTaken, UserTaken, Conflict, and what `check` and `agreed` raise."""
        await self._refuse_taken(partner)
        stored = await self.partners.load(partner.id)
        check(stored.version if stored else None)
        async with agreed() if partner.hears_new(stored.value if stored else None) else nullcontext():
            try:
                return await self._save(partner, stored)
            except Duplicate as lost:  # to another partner, since we looked
                await self._refuse_taken(partner)
                raise Conflict(partner.id) from lost  # that one has been forgotten again

    async def _refuse_taken(self, partner: Partner) -> None:
        """Raises ClientTaken, UserTaken."""
        if partner.broker_user is not None:
            found = await self.partners.find(BY_USER, (partner.broker_user,), limit=2)
            if any(each.value.id != partner.id for each in found):
                raise UserTaken
        for place, client in enumerate(partner.clients):
            if any(each.value.id != partner.id for each in await self.partners.having(BY_CLIENT, client, limit=2)):
                raise ClientTaken(place)

    async def forget_partner(self, stored: Stored[Partner]) -> None:
        """Nobody is its client any more, and that is told; then it is forgotten. Raises Conflict."""
        await self.partners.delete(await self._save(changed(stored.value, clients=()), stored))

    async def clients_of(self, name: str, told: int = 0) -> ConfigureClients:
        """What delivery is to know of a partner, where its newest position is `told`. Where no position says that this
        is newer (an earlier release saved it, or the hub's store was restored) it gets one that does. Raises Conflict.
        """
        stored = await self.partners.load(name)
        if stored is None:
            return ConfigureClients(partner=name, position=following(told, self.clock.now()), clients=())
        if stored.value.position < max(told, 1):
            later = changed(stored.value, position=following(told, self.clock.now()))
            stored = await self.partners.save(later, version=stored.version)  # whoever asks tells it
        return _clients(stored.value)

    async def _save(self, partner: Partner, stored: Stored[Partner] | None) -> Stored[Partner]:
        before = stored.value.position if stored else 0
        after = changed(partner, position=following(before, self.clock.now()))
        entries = [self.outbox.entry(_clients(after))]
        saved = await self.partners.save(after, version=stored.version if stored else 0, messages=entries)
        self.outbox.send_soon(self.partners.collection, after.id, entries)
        return saved

    async def put_kind(self, kind: Kind, schema: Schema, check: Check, *, force: bool) -> Stored[Kind]:
        """Raises Incompatible, Conflict, and what `check` raises."""
        stored = await self.kinds.load(kind.id)
        check(stored.version if stored else None)
        # A proof takes seconds where a schema has many conditions: between its parts others have their turn.
        after = await asyncio.to_thread(replaced, stored.value if stored else None, kind, schema, force=force)
        return await self.kinds.save(after, version=stored.version if stored else 0)

    async def known(self, names: set[str]) -> dict[str, Known]:
        """Those of the types that are registered, compiled once for each revision."""
        return await self._kinds.of(names)

    async def _partners_of(self, clients: set[str]) -> dict[str, Partner]:
        found = {client: await self.partners.having(BY_CLIENT, client, limit=1) for client in clients}
        return {client: stored[0].value for client, stored in found.items() if stored}

    async def _known_of(self, names: set[str]) -> dict[str, Known]:
        versions = await self.kinds.versions(names)
        stale = {name for name, version in versions.items() if self._known.get(name, (0, None))[0] != version}
        for stored in await self.kinds.load_many(stale):
            self._known[stored.value.id] = stored.version, Known.of(stored.value, self.redaction_key)
        return {name: self._known[name][1] for name in versions if name in self._known}


def _clients(partner: Partner) -> ConfigureClients:
    return ConfigureClients(partner=partner.id, position=partner.position, clients=partner.clients)
