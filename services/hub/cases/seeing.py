"""What of the registry a partner may see: types are not everybody's, for their names and fields tell what others do."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from services.hub.cases.in_force import OWNERS
from services.hub.cases.registering import Registry
from services.hub.domain.bus import KeptBus
from services.hub.domain.partner import Partner
from services.hub.domain.sight import may_see
from shared.contracts.buses import BusTerms
from shared.store.repository import Repository

MOST: Final = 1_000
"""Buses of one partner."""


@dataclass(frozen=True)
class Seeing:
    """Every method raises Unavailable."""

    registry: Registry
    buses: Repository[KeptBus]

    async def type_of(self, client: str, kind: str) -> bool:
        """May whoever has this subject see a type of that name?"""
        partner = await self.registry.partner_of(client)
        return partner is not None and bool(await self.types(partner, [kind]))

    async def types(self, partner: Partner, kinds: Iterable[str], more: BusTerms | None = None) -> set[str]:
        """Those of the types that it may see. `more`: a bus that it would have beside its own."""
        wanted = set(kinds)
        unsure = {kind for kind in wanted if not partner.may_publish(kind)}
        if not unsure:
            return wanted
        kept = await self.buses.find(OWNERS, (partner.id,), limit=MOST)
        terms = [each.value.terms for each in kept if each.value.terms] + ([more] if more else [])
        named = {name for each in terms for name in each.publishers}
        publishers = {each.value.id: each.value for each in await self.registry.partners.load_many(named)}
        return {kind for kind in wanted if kind not in unsure or may_see(kind, partner, terms, publishers)}
