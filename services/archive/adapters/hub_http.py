"""The hub, asked over its internal routes."""

from base64 import urlsafe_b64encode
from typing import Final

from services.archive.ports import HubUnavailable
from shared.contracts.buses import BusRevision
from shared.contracts.hub import ClientOf
from shared.outside.neighbors import Neighbor

LONGEST_SUBJECT: Final = 340
"""Characters of a token's subject, 255 bytes at most, in base64."""


class HubOverHttp:
    """The `Hub` port."""

    def __init__(self, neighbor: Neighbor) -> None:
        self._neighbor = neighbor

    async def bus(self, name: str, revision: int | None = None) -> BusRevision | None:
        path = "/internal/hub/buses/{id}" + (f"/revisions/{revision}" if revision is not None else "")
        return await self._neighbor.get(BusRevision, path, name, HubUnavailable)

    async def partner_of(self, subject: str) -> str | None:
        packed = urlsafe_b64encode(subject.encode()).rstrip(b"=").decode()
        found = await self._neighbor.get(
            ClientOf, "/internal/hub/clients/{id}", packed, HubUnavailable, longest=LONGEST_SUBJECT
        )
        return found.partner if found else None
