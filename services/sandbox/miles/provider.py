"""The programme's members, and what the world was told of their miles."""

from services.sandbox.miles import members
from services.sandbox.miles.client import Miles
from services.sandbox.provider import Beliefs, Provider, StandIn, Surroundings

SCHEMA = "CREATE TABLE IF NOT EXISTS members (member_id TEXT PRIMARY KEY, body TEXT NOT NULL);"


class MilesStandIn(StandIn):
    def __init__(self, around: Surroundings) -> None:
        self._miles = Miles(around.settings.miles_url or around.settings.public_url, around.issuer)
        self.routers = (members.router(around.memory, self._miles),)

    async def stop(self) -> None:
        await self._miles.close()

    async def inquire(self) -> Beliefs:
        return {"miles": await self._miles.used()}


MILES = Provider(name="miles", open=MilesStandIn, schema=SCHEMA)
