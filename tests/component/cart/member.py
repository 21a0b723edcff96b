"""A member who shops: searches, fills carts, and reads what comes back."""

from typing import Any

import httpx

from tests.kit.laptop import Laptop

SEARCH = {"from": "GRU", "to": "LIS", "date": "2027-01-20", "cabin": "economy"}


def passengers(count: int = 2) -> list[dict[str, str]]:
    people = [("Ana", "1990-05-01"), ("José Luís", "1988-02-29"), ("Zoë", "2001-12-31")]
    return [
        {"given_name": name, "surname": "Souza", "birth_date": born, "document": f"FX12345{number}"}
        for number, (name, born) in enumerate(people[:count])
    ]


class Member:
    """Answers are given as they come; `made` and `filled` are for carts that are only the way to something."""

    def __init__(self, laptop: Laptop, name: str) -> None:
        self.name = name
        headers = laptop.issuer.bearer(name)
        self._carts = laptop.client("cart", headers)
        self._offers = laptop.client("offers", headers)

    async def offers(self, adults: int = 2, **query: str) -> list[dict[str, Any]]:
        answer = await self._offers.get("/v1/offers", params={**SEARCH, "adults": str(adults), **query})
        assert answer.status_code == 200, answer.text
        found: list[dict[str, Any]] = answer.json()["offers"]
        return found

    async def post(self, path: str, body: Any, **headers: str) -> httpx.Response:
        return await self._carts.post(f"/v1/carts{path}", json=body, headers=headers)

    async def get(self, path: str = "", **query: str) -> httpx.Response:
        return await self._carts.get(f"/v1/carts{path}", params=query)

    async def patch(self, path: str, body: Any, if_match: str | None = "*") -> httpx.Response:
        headers = {"If-Match": if_match} if if_match is not None else {}
        return await self._carts.patch(f"/v1/carts{path}", json=body, headers=headers)

    async def delete(self, path: str, **headers: str) -> httpx.Response:
        return await self._carts.delete(f"/v1/carts{path}", headers=headers)

    async def add(self, cart: str, item: dict[str, Any], **headers: str) -> httpx.Response:
        return await self.post(f"/{cart}/items", item, **headers)

    async def made(self, currency: str = "BRL") -> str:
        answer = await self.post("", {"channel": "portal", "currency": currency})
        assert answer.status_code == 201, answer.text
        made: str = answer.json()["id"]
        return made

    async def filled(self, offer: dict[str, Any], use_miles: int = 0) -> str:
        """A cart with the offer's flights for two, and so many miles to pay them."""
        cart = await self.made()
        answer = await self.add(cart, flight(offer))
        assert answer.status_code == 201, answer.text
        if use_miles:
            assert (await self.patch(f"/{cart}", {"use_miles": use_miles})).status_code == 200
        return cart

    async def cart(self, cart: str) -> dict[str, Any]:
        answer = await self.get(f"/{cart}")
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found


def flight(offer: dict[str, Any], count: int = 2) -> dict[str, Any]:
    return {"kind": "flight", "offer_id": offer["id"], "passengers": passengers(count)}


def seat(offer: dict[str, Any], number: int = 0, passenger: int = 0) -> dict[str, Any]:
    """The offer's seat of that number."""
    found = offer["seats"][number]
    return {
        "kind": "seat",
        "offer_id": offer["id"],
        "segment": found["segment"],
        "passenger": passenger,
        "seat": found["seat"],
    }


def bag(offer: dict[str, Any], passenger: int = 0, pieces: int = 1) -> dict[str, Any]:
    return {"kind": "bag", "offer_id": offer["id"], "passenger": passenger, "pieces": pieces}
