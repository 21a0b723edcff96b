"""What a shop's portal does for its customers, over the public HTTP API and nothing else."""

import uuid
from datetime import UTC, date, datetime, timedelta
from typing import Final

from services.cli.client import MEMBER_SCOPE, OPERATOR_SCOPE, Api, ApiError, Json, sandbox_token

PEOPLE: Final = (
    {"given_name": "Ana", "surname": "Souza", "birth_date": "1990-05-01", "document": "FX123456"},
    {"given_name": "Bruno", "surname": "Lima", "birth_date": "1988-11-23", "document": "FY654321"},
)
DAYS_AHEAD: Final = 60


class Customer:
    """A member with a full account, logged in at the portal."""

    def __init__(self, url: str, miles: int) -> None:
        self.id = f"demo-{uuid.uuid4().hex[:8]}"
        with Api(url) as anybody:
            anybody.send("POST", "/sandbox/members", {"member_id": self.id, "tier": "gold", "lots": _lots(miles)})
        self.api = Api(url, sandbox_token(url, MEMBER_SCOPE, self.id))

    def balance(self) -> Json:
        return self.api.get("/v1/miles/balance")

    def miles_earned(self, reference: str) -> int:
        lines = self.api.pages("/v1/miles/statement", "lines")
        return sum(line["miles"] for line in lines if line["kind"] == "accrual" and line["reference"] == reference)

    def find_flight(self, adults: int) -> Json:
        """The cheapest non-stop flight from Sao Paulo to Lisbon that sells a seat and a bag."""
        day = (datetime.now(UTC).date() + timedelta(days=DAYS_AHEAD)).isoformat()
        query: dict[str, str | int] = {"from": "GRU", "to": "LIS", "date": day, "adults": adults, "cabin": "economy"}
        offers = self.api.get("/v1/offers", **query)["offers"]
        fitting = [offer for offer in offers if len(offer["segments"]) == 1 and _priced_seat(offer) and offer["bags"]]
        if not fitting:
            raise ApiError(f"No non-stop flight with seats and bags was offered from GRU to LIS on {day}.")
        return min(fitting, key=lambda offer: offer["price"]["amount"])

    def fill_cart(self, offer: Json, people: int, *, use_miles: int, extras: bool = False) -> Json:
        """A cart with the flight, and on request a seat for the first passenger and a bag for the last."""
        cart = self.api.send("POST", "/v1/carts", {"channel": "portal", "currency": "BRL"})
        flight = {"kind": "flight", "offer_id": offer["id"], "passengers": list(PEOPLE[:people])}
        items: list[Json] = [flight]
        if extras:
            seat = _priced_seat(offer)
            items.append({"kind": "seat", "offer_id": offer["id"], "segment": 0, "passenger": 0, "seat": seat})
            items.append({"kind": "bag", "offer_id": offer["id"], "passenger": people - 1, "pieces": 1})
        for item in items:
            self.api.send("POST", f"/v1/carts/{cart['id']}/items", item)
        wish = {"use_miles": use_miles}
        return self.api.send("PATCH", f"/v1/carts/{cart['id']}", wish, headers={"If-Match": "*"})

    def buy(self, cart: Json, card: str) -> Json:
        """Start the purchase of a cart; it goes on by itself."""
        body = {
            "cart_id": cart["id"],
            "payment": {"method": "card", "token": card, "installments": 1},
            "contact": {"email": f"{self.id}@example.com", "phone": None, "locale": "en"},
        }
        return self.api.send("POST", "/v1/checkouts", body, headers={"Idempotency-Key": uuid.uuid4().hex})


class OutsideWorld:
    """The sandbox's own routes: what the providers believe, and how they misbehave on request."""

    def __init__(self, url: str) -> None:
        self.api = Api(url, sandbox_token(url, OPERATOR_SCOPE))

    def books_of(self, reference: str) -> Json:
        """The rows of one purchase."""
        books = self.api.get("/sandbox/books")
        return {book: [row for row in rows if row.get("reference") == reference] for book, rows in books.items()}

    def misbehave(self, operation: str, mode: str, **details: str | int) -> None:
        """The airline system misbehaves once, at the next such call."""
        rule = {"provider": "sabre", "operation": operation, "mode": mode, "times": 1} | details
        self.api.send("PUT", "/sandbox/faults", {"rules": [rule]})

    def misbehaved(self) -> int:
        """How often the rule has struck."""
        return sum(rule.get("hits", 0) for rule in self.api.get("/sandbox/faults")["rules"])

    def behave(self) -> None:
        self.api.send("DELETE", "/sandbox/faults")

    def mails_of(self, reference: str) -> list[Json]:
        return list(self.api.get("/sandbox/mail/messages", reference=reference)["messages"])


def _lots(miles: int) -> list[Json]:
    """Two lots, so that those which expire first can be seen to go first."""
    today = datetime.now(UTC).date()
    first = miles // 4
    return [
        {"miles": first, "expires_on": _in_years(today, 1)},
        {"miles": miles - first, "expires_on": _in_years(today, 3)},
    ]


def _in_years(day: date, years: int) -> str:
    return (day + timedelta(days=365 * years)).isoformat()


def _priced_seat(offer: Json) -> str | None:
    """A seat that costs something, so that a document is issued for it."""
    seats = [seat["seat"] for seat in offer["seats"] if seat["segment"] == 0 and seat["price"]["amount"] > 0]
    return seats[0] if seats else None
