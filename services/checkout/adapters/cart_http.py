"""The cart service's internal HTTP route."""

from collections.abc import Mapping
from urllib.parse import quote

import httpx

from services.checkout.ports import CartSummary, CartsUnavailable
from shared.contracts.checkout import Total

NOT_FOUND = 404


class HttpCarts:
    """Reads carts from the service that owns them."""

    def __init__(self, client: httpx.AsyncClient, headers: Mapping[str, str]) -> None:
        self._client = client
        self._headers = dict(headers)

    async def find(self, cart_id: str) -> CartSummary | None:
        try:
            answer = await self._client.get(f"/internal/carts/{quote(cart_id, safe='')}", headers=self._headers)
            if answer.status_code == NOT_FOUND:
                return None
            cart = answer.raise_for_status().json()
        except httpx.HTTPError as error:
            raise CartsUnavailable("the cart service does not answer") from error
        return CartSummary(
            id=cart["id"],
            member_id=cart["member_id"],
            status=cart["status"],
            items=cart["items"],
            has_expired_offers=bool(cart["expired_offers"]),
            total=Total.model_validate(cart["total"]),
        )
