"""The factor by which every fare is multiplied from now on."""

from decimal import Decimal

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from services.sandbox.memory import Memory, fact, remember
from services.sandbox.problems import ProblemError, as_json, body_of
from services.sandbox.sabre.money import DEFAULT

FACT = "price_factor"


class Prices(BaseModel):
    model_config = ConfigDict(extra="forbid")

    factor: float = Field(gt=0, le=100)


class PriceLevel:
    """Remembered on disk, and at hand because every fare asks for it."""

    def __init__(self, memory: Memory, currency: str = DEFAULT) -> None:
        self._memory, self.currency = memory, currency
        self.factor = Decimal(1)

    async def load(self) -> None:
        kept = await self._memory.run(lambda connection: fact(connection, FACT))
        self.factor = Decimal(kept or "1")

    async def set(self, factor: float) -> None:
        exact = Decimal(str(factor))
        await self._memory.run(lambda connection: remember(connection, FACT, str(exact)))
        self.factor = exact


def router(level: PriceLevel) -> APIRouter:
    routes = APIRouter(prefix="/sandbox/prices", tags=["tests"])

    @routes.put("")
    async def set_prices(request: Request) -> Response:
        try:
            await level.set((await body_of(request, Prices)).factor)
        except ProblemError as error:
            return error.response(request.url.path)
        return as_json({"factor": float(level.factor)})

    @routes.get("")
    async def get_prices() -> Response:
        return as_json({"factor": float(level.factor)})

    return routes
