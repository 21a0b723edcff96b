"""The offers service over its internal HTTP routes."""

import asyncio
import re
from collections.abc import Mapping
from typing import Any

import httpx
from pydantic import ValidationError

from services.cart.domain.items import PriceNow, Quote
from services.cart.ports import OffersUnavailable

_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
"""What an id may look like before it goes into a path."""
OK, NOT_FOUND = 200, 404


class OffersOverHttp:
    """The `Offers` port. A broken line is tried once more; whoever met silence comes again."""

    def __init__(self, http: httpx.AsyncClient, headers: Mapping[str, str], timeout_seconds: float) -> None:
        """`http` has the base URL, `headers` the internal token; `timeout_seconds` bounds a question as a whole."""
        self._http = http
        self._timeout_seconds = timeout_seconds
        self._headers = dict(headers)

    async def find(self, offer_id: str) -> Quote | None:
        found = await self._get(offer_id, "")
        try:
            return Quote.model_validate(found) if found is not None else None
        except ValidationError as error:
            raise OffersUnavailable("the offers service answered in an unknown shape") from error

    async def price_now(self, offer_id: str) -> PriceNow | None:
        found = await self._get(offer_id, "/price")
        try:
            for_sale = found is not None and found["available"] and not found["expired"]
            return PriceNow.model_validate(found) if for_sale else None
        except (ValidationError, KeyError) as error:
            raise OffersUnavailable("the offers service answered in an unknown shape") from error

    async def _get(self, offer_id: str, what: str) -> dict[str, Any] | None:
        if not _ID.fullmatch(offer_id):
            return None
        try:
            async with asyncio.timeout(self._timeout_seconds):
                answer = await self._answer(f"/internal/offers/{offer_id}{what}")
        except (httpx.HTTPError, TimeoutError) as error:
            raise OffersUnavailable(f"the offers service is silent: {type(error).__name__}") from error
        if answer.status_code == NOT_FOUND:
            return None
        if answer.status_code != OK:
            raise OffersUnavailable(f"the offers service answered {answer.status_code}")
        body: dict[str, Any] = answer.json()
        return body

    async def _answer(self, path: str) -> httpx.Response:
        try:
            return await self._http.get(path, headers=self._headers)
        except (httpx.NetworkError, httpx.RemoteProtocolError):
            # Most likely an idle line that the other side closed just now.
            return await self._http.get(path, headers=self._headers)
