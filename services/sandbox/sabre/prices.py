"""The factor by which every fare is multiplied from now on."""

from decimal import Decimal

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from services.sandbox.books import Books, fact, remember
from services.sandbox.problems import ProblemError, as_json, body_of
from services.sandbox.sabre.money import DEFAULT

FACT = "price_factor"


class Prices(BaseModel):
    model_config = ConfigDict(extra="forbid")

    factor: float = Field(gt=0, le=100)


class PriceLevel:
    """Kept with the books, and in memory because every fare asks for it."""

    def __init__(self, books: Books, currency: str = DEFAULT) -> None:
        self._books, self.currency = books, currency
        self.factor = Decimal(1)

    async def load(self) -> None:
        kept = await self._books.run(lambda connection: fact(connection, FACT))
        self.factor = Decimal(kept or "1")

    async def set(self, factor: float) -> None:
        exact = Decimal(str(factor))
        await self._books.run(lambda connection: remember(connection, FACT, str(exact)))
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
