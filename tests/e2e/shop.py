"""A shop that sells through the public HTTP API: members, carts, purchases, and a look into the sandbox's books."""

import asyncio
import json
import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Self

import httpx

from tests.eventually import eventually

Json = dict[str, Any]

SCOPES = "offers carts checkouts miles"
ENDED = {"completed", "refused", "cancelled"}
PEOPLE = (
    {"given_name": "Ana", "surname": "Souza", "birth_date": "1990-05-01", "document": "FX123456"},
    {"given_name": "Bruno", "surname": "Lima", "birth_date": "1988-11-23", "document": "FY654321"},
)
CARD: Json = {"method": "card", "token": "tok_visa", "installments": 1}
CONTACT: Json = {"email": "ana@example.com", "phone": None, "locale": "en"}
MILES = 50_000
PAUSE = 0.05


def in_days(days: int) -> str:
    return (datetime.now(UTC).date() + timedelta(days=days)).isoformat()


@dataclass(frozen=True)
class Event:
    """A server-sent event."""

    id: str
    kind: str
    data: Json


class Member:
    """Somebody logged in."""

    def __init__(self, member_id: str, http: httpx.AsyncClient) -> None:
        self.id = member_id
        self.http = http

    async def get(self, path: str, **params: Any) -> Json:
        response = await self.http.get(path, params=params)
        assert response.status_code == 200, response.text
        body: Json = response.json()
        return body

    async def offers(self, *, adults: int = 1, day: str | None = None, to: str = "LIS") -> list[Json]:
        query = {"from": "GRU", "to": to, "date": day or in_days(60), "adults": adults, "cabin": "economy"}
        found: list[Json] = (await self.get("/v1/offers", **query))["offers"]
        return found

    async def offer(self, *, adults: int = 1) -> Json:
        """The first non-stop flight."""
        return next(offer for offer in await self.offers(adults=adults) if len(offer["segments"]) == 1)

    async def empty_cart(self, currency: str = "BRL") -> Json:
        response = await self.http.post("/v1/carts", json={"channel": "portal", "currency": currency})
        assert response.status_code == 201, response.text
        body: Json = response.json()
        return body

    async def add(self, cart_id: str, item: Json) -> httpx.Response:
        return await self.http.post(f"/v1/carts/{cart_id}/items", json=item)

    async def cart(self, offer: Json | None = None, *, people: int = 1, use_miles: int = 0) -> Json:
        """A cart with one flight."""
        offer = offer or await self.offer(adults=people)
        cart = await self.empty_cart()
        item = {"kind": "flight", "offer_id": offer["id"], "passengers": list(PEOPLE[:people])}
        response = await self.add(cart["id"], item)
        assert response.status_code == 201, response.text
        return await self.use(cart["id"], use_miles) if use_miles else dict(response.json())

    async def use(self, cart_id: str, miles: int) -> Json:
        response = await self.patch(cart_id, {"use_miles": miles})
        assert response.status_code == 200, response.text
        body: Json = response.json()
        return body

    async def patch(self, cart_id: str, body: Json) -> httpx.Response:
        return await self.http.patch(f"/v1/carts/{cart_id}", json=body, headers={"If-Match": "*"})

    async def post_checkout(self, cart: str, *, key: str | None = None, **changes: Any) -> httpx.Response:
        body = {"cart_id": cart, "payment": CARD, "contact": CONTACT} | changes
        return await self.http.post("/v1/checkouts", json=body, headers={"Idempotency-Key": key or uuid.uuid4().hex})

    async def buy(self, cart: Json, card: str = "tok_visa") -> str:
        """Start a purchase; its id."""
        response = await self.post_checkout(cart["id"], payment=CARD | {"token": card})
        assert response.status_code == 202, response.text
        return str(response.json()["id"])

    async def checkout(self, checkout_id: str) -> Json:
        return await self.get(f"/v1/checkouts/{checkout_id}")

    async def ended(self, checkout_id: str, within: float = 40.0) -> Json:
        """The purchase, once it has come to its end; the API may be away meanwhile."""
        return await eventually(lambda: self._at_its_end(checkout_id), within)

    async def _at_its_end(self, checkout_id: str) -> Json:
        await asyncio.sleep(PAUSE)
        try:
            response = await self.http.get(f"/v1/checkouts/{checkout_id}")
        except httpx.HTTPError as error:
            raise AssertionError(f"no answer: {error!r}") from error
        assert response.status_code == 200, response.text
        found: Json = response.json()
        states = {step["name"]: step["status"] for step in found["steps"]}
        assert found["status"] in ENDED, f"{found['status']}: {states}"
        return found

    async def balance(self) -> Json:
        return await self.get("/v1/miles/balance")

    async def events(self, checkout_id: str, last_event_id: str | None = None) -> AsyncIterator[Event]:
        """The purchase's event stream, until the server ends it."""
        headers = {"Last-Event-ID": last_event_id} if last_event_id is not None else {}
        path = f"/v1/checkouts/{checkout_id}/events"
        async with self.http.stream("GET", path, headers=headers, timeout=30.0) as response:
            assert response.status_code == 200, await response.aread()
            fields: dict[str, str] = {}
            async for line in response.aiter_lines():
                if line:
                    name, _, value = line.partition(":")
                    fields[name] = value.strip()
                elif "data" in fields:
                    yield Event(fields.get("id", ""), fields.get("event", ""), json.loads(fields["data"]))
                    fields = {}


class Shop:
    """The public API of one stack, with its sandbox."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._http = httpx.AsyncClient(base_url=url, timeout=30.0, trust_env=False)
        self._clients: list[httpx.AsyncClient] = [self._http]

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        for client in self._clients:
            await client.aclose()

    async def token(self, scope: str, member: str | None = None) -> str:
        form = {"grant_type": "client_credentials", "client_id": "portal", "client_secret": "sandbox", "scope": scope}
        response = await self._http.post("/sandbox/oauth/token", data=form | ({"member": member} if member else {}))
        assert response.status_code == 200, response.text
        return str(response.json()["access_token"])

    async def member(self, miles: int = MILES, *, scope: str = SCOPES, subject: str | None = None) -> Member:
        """A new member with so many miles."""
        member_id = subject or f"m-{uuid.uuid4().hex[:12]}"
        lots = [{"miles": miles, "expires_on": in_days(700)}] if miles else []
        body = {"member_id": member_id, "tier": "gold", "lots": lots}
        response = await self._http.post("/sandbox/members", json=body)
        assert response.status_code == 201, response.text
        return Member(member_id, await self.client(await self.token(scope, member_id)))

    async def client(self, token: str) -> httpx.AsyncClient:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        client = httpx.AsyncClient(
            base_url=self.url,
            headers=headers,
            timeout=30.0,
            trust_env=False,
            limits=httpx.Limits(max_connections=50),
        )
        self._clients.append(client)
        return client

    async def operator(self) -> httpx.AsyncClient:
        return await self.client(await self.token("ops:read ops:write"))

    async def misbehave(self, provider: str, operation: str, mode: str, **details: Any) -> None:
        """The provider misbehaves at its next such call, once unless `times` says otherwise."""
        await self.all_misbehave([{"provider": provider, "operation": operation, "mode": mode, "times": 1} | details])

    async def all_misbehave(self, rules: list[Json]) -> None:
        response = await self._http.put("/sandbox/faults", json={"rules": rules})
        assert response.status_code == 200, response.text

    async def hits(self) -> int:
        """How often the rules have struck."""
        rules = (await self._http.get("/sandbox/faults")).json()["rules"]
        return sum(rule["hits"] for rule in rules)

    async def behave(self) -> None:
        assert (await self._http.delete("/sandbox/faults")).status_code == 204
        assert (await self._http.put("/sandbox/prices", json={"factor": 1})).is_success

    async def prices(self, factor: float) -> None:
        response = await self._http.put("/sandbox/prices", json={"factor": factor})
        assert response.is_success, response.text

    async def books(self, reference: str | None = None) -> Json:
        """What the outside world believes, of one purchase or of all."""
        response = await self._http.get("/sandbox/books")
        assert response.status_code == 200, response.text
        books: Json = response.json()
        if reference is None:
            return books
        return {name: [row for row in rows if row.get("reference") == reference] for name, rows in books.items()}

    async def entries(self, reference: str) -> list[Json]:
        operator = await self.operator()
        response = await operator.get("/v1/miles/entries", params={"reference": reference})
        assert response.status_code == 200, response.text
        return list(response.json()["entries"])
