"""The sandbox under a real server on a free port, with a ledger of the test's own behind the public address."""

import asyncio
import base64
import socket
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any, Self

import httpx
import jwt
import uvicorn
from fastapi import FastAPI, HTTPException, Request, Response

from services.sandbox.app import Sandbox
from services.sandbox.settings import SandboxSettings
from tests import days
from tests.eventually import eventually

Json = dict[str, Any]

TRIP = "/sandbox/sabre/v1/trip/orders"
STRIPE = "/sandbox/stripe/v1"
KEY = {"Authorization": "Bearer sk_test_component"}


class Ledger:
    """The miles service as the sandbox sees it: it opens accounts, lists entries, and checks who asks."""

    def __init__(self, issuer: str, now: Callable[[], datetime]) -> None:
        self.issuer = issuer
        self._now = now
        self.keys: Callable[[], Json] = dict
        self.accounts: dict[str, Json] = {}
        self.entries: list[Json] = []
        self.app = FastAPI()
        self.app.put("/v1/miles/accounts/{member_id:path}")(self.open_account)
        self.app.get("/v1/miles/entries")(self.list_entries)

    async def open_account(self, member_id: str, request: Request) -> Json:
        self._check(request, "ops:write")
        self.accounts[member_id] = await request.json()
        return {}

    async def list_entries(self, request: Request, cursor: int = 0) -> Json:
        self._check(request, "ops:read")
        after = cursor + 2
        more = str(after) if after < len(self.entries) else None
        return {"entries": self.entries[cursor:after], "next_cursor": more}

    def _check(self, request: Request, scope: str) -> None:
        token = request.headers["authorization"].removeprefix("Bearer ")
        if scope not in read_token(token, self.keys(), self.issuer, self._now())["scope"].split():
            raise HTTPException(403)


class Chatting:
    """The app behind the chat: it hears callbacks, to the byte, and answers as it is told."""

    def __init__(self) -> None:
        self.heard: list[tuple[dict[str, str], bytes]] = []
        self.answer: Callable[[], Response] = Response
        self.seconds = 0.0
        self.behind: httpx.AsyncClient | None = None
        """Who answers in its place, where somebody does."""
        self.app = FastAPI()
        self.app.post("/v1/webhooks/chat/slack/interactions")(self.hear)

    async def hear(self, request: Request) -> Response:
        headers, body = dict(request.headers), await request.body()
        self.heard.append((headers, body))
        await asyncio.sleep(self.seconds)
        if self.behind is None:
            return self.answer()
        told = await self.behind.post(request.url.path, content=body, headers=headers)
        return Response(told.content, told.status_code)


class World:
    """A sandbox while it is entered; it may be stopped meanwhile, and started again over the same folder."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.socket = listening_socket()
        self.port: int = self.socket.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self.later = timedelta(0)
        self.ledger = Ledger(f"{self.url}/sandbox/oauth", self.now)
        self.chatting = Chatting()
        self.http = httpx.AsyncClient(base_url=self.url, timeout=20.0)
        self._server: uvicorn.Server | None = None
        self._serving: asyncio.Task[None] | None = None
        self.sandbox: Sandbox

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()
        await self.http.aclose()

    def now(self) -> datetime:
        return days.now() + self.later

    async def start(self) -> None:
        settings = SandboxSettings(enabled=True, home=self.home, public_url=self.url, environment="test", smtp_port=0)
        self.sandbox = Sandbox(settings, self.now, Random(7))
        await self.sandbox.start()
        app = FastAPI()
        app.include_router(self.ledger.app.router)
        app.include_router(self.chatting.app.router)
        app.mount("/", self.sandbox.app)
        if self.socket.fileno() == -1:
            self.socket = listening_socket(self.port)
        self._server = uvicorn.Server(uvicorn.Config(app, log_level="error", lifespan="off"))
        self._serving = asyncio.create_task(self._server.serve([self.socket]))
        await eventually(lambda: self._server is not None and self._server.started)
        self.ledger.keys = (await self.get("/sandbox/oauth/jwks.json")).copy

    async def stop(self) -> None:
        if self._server is None or self._serving is None:
            return
        self._server.should_exit = True
        await self._serving
        await self.sandbox.stop()
        self._server = self._serving = None

    async def restart(self) -> None:
        await self.stop()
        await self.start()

    async def get(self, path: str, **parameters: str) -> Json:
        response = await self.http.get(path, params=parameters)
        assert response.status_code == 200, response.text
        shown: Json = response.json()
        return shown

    async def books(self) -> Json:
        return await self.get("/sandbox/books")

    async def fault(self, *rules: Json) -> None:
        response = await self.http.put("/sandbox/faults", json={"rules": rules})
        assert response.status_code == 200, response.text

    async def sabre_token(self) -> str:
        response = await self.http.post(
            "/sandbox/sabre/v2/auth/token",
            data={"grant_type": "client_credentials"},
            headers={"Authorization": "Basic " + base64.b64encode(b"agency:secret").decode()},
        )
        assert response.status_code == 200, response.text
        return str(response.json()["access_token"])

    async def sabre(self, path: str, body: Json) -> httpx.Response:
        headers = {"Authorization": f"Bearer {await self.sabre_token()}"}
        return await self.http.post(f"/sandbox/sabre{path}", json=body, headers=headers)

    async def trip(self, method: str, body: Json) -> Json:
        response = await self.sabre(f"/v1/trip/orders/{method}", body)
        assert response.status_code == 200, response.text
        shown: Json = response.json()
        return shown

    async def intent(self, key: str | None = None, **changed: str) -> httpx.Response:
        form = {
            "amount": "125000",
            "currency": "brl",
            "capture_method": "manual",
            "confirm": "true",
            "payment_method": "tok_visa",
            "metadata[reference]": "checkout-1",
        } | changed
        return await self.stripe("/payment_intents", form, key)

    async def stripe(self, path: str, form: dict[str, str] | None = None, key: str | None = None) -> httpx.Response:
        headers = KEY | ({"Idempotency-Key": key} if key is not None else {})
        return await self.http.post(STRIPE + path, data=form or {}, headers=headers)

    async def complete_refund(self, intent: str, result: str = "succeeded") -> Json:
        """The card's bank ends the newest refund of an intent."""
        newest = (await self.stripe_get("/refunds", payment_intent=intent))["data"][0]["id"]
        response = await self.http.post(f"/sandbox/stripe/refunds/{newest}/complete", json={"result": result})
        assert response.status_code == 200, response.text
        shown: Json = response.json()
        return shown

    async def expire_intent(self, intent: str) -> None:
        """The authorisation's life is over."""
        response = await self.http.post(f"/sandbox/stripe/payment_intents/{intent}/expire")
        assert response.status_code == 200, response.text

    async def stripe_get(self, path: str, **parameters: str) -> Json:
        response = await self.http.get(STRIPE + path, params=parameters, headers=KEY)
        assert response.status_code == 200, response.text
        shown: Json = response.json()
        return shown


def listening_socket(port: int = 0) -> socket.socket:
    """Made as TCP by name, or asyncio leaves Nagle's algorithm on and every answer takes 40 ms."""
    made = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    made.bind(("127.0.0.1", port))
    return made


def read_token(token: str, keys: Json, issuer: str, now: datetime) -> Json:
    """What a relying service does with it, whose clock stands beside the sandbox's."""
    kid = jwt.get_unverified_header(token)["kid"]
    key = next(jwt.PyJWK(key) for key in keys["keys"] if key["kid"] == kid)
    claims: Json = jwt.decode(
        token,
        key,
        algorithms=["RS256"],
        audience="milesaga",
        issuer=issuer,
        options={"verify_iat": False, "verify_exp": False},
    )
    if not claims["iat"] <= now.timestamp() < claims["exp"]:
        raise jwt.ExpiredSignatureError(f"{claims} at {now}")
    return claims


def shop_request(origin: str, destination: str, day: str, *, adults: int = 2, cabin: str = "Y") -> Json:
    return {
        "OTA_AirLowFareSearchRQ": {
            "Version": "5",
            "OriginDestinationInformation": [
                {
                    "RPH": "1",
                    "DepartureDateTime": f"{day}T00:00:00",
                    "OriginLocation": {"LocationCode": origin},
                    "DestinationLocation": {"LocationCode": destination},
                }
            ],
            "TravelPreferences": {"CabinPref": [{"Cabin": cabin, "PreferLevel": "Preferred"}]},
            "TravelerInfoSummary": {
                "AirTravelerAvail": [{"PassengerTypeQuantity": [{"Code": "ADT", "Quantity": adults}]}]
            },
            "TPA_Extensions": {"IntelliSellTransaction": {"RequestType": {"Name": "50ITINS"}}},
        }
    }
