"""Buses that this service missed: applied before it was there, or since the moment its store is a copy of."""

import logging
from dataclasses import dataclass
from typing import Final

from services.delivery.cases.configuring import Configuring
from services.delivery.domain.target import NOBODY
from services.delivery.ports import Buses, HubUnavailable
from shared.contracts.delivery import ConfigureTargets

log = logging.getLogger(__name__)

PAUSE: Final = 60.0
"""Seconds between two looks. What the hub tells comes sooner."""


@dataclass(frozen=True)
class CatchingUp:
    configuring: Configuring
    hub: Buses

    async def look(self) -> None:
        """Take up each bus of which the hub has a newer revision. Raises Conflict, Unavailable."""
        try:
            newest = await self.hub.revisions()
            known = await self.configuring.revisions()
            for name, revision in newest.items():
                if known.get(name, 0) < revision:
                    await self._take_up(name, revision)
        except HubUnavailable as error:
            log.info("the hub was not asked for its buses", extra={"reason": str(error)[:100]})

    async def _take_up(self, name: str, revision: int) -> None:
        bus = await self.hub.bus(name)
        if bus is None:  # it is no more
            missed = ConfigureTargets(bus=name, revision=revision, partner=NOBODY, targets={})
        else:
            terms = bus.terms
            missed = ConfigureTargets(bus=name, revision=bus.revision, partner=terms.partner, targets=terms.targets)
        await self.configuring.configure(missed)
