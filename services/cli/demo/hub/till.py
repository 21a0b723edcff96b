"""A partner's till, as it is seen from outside: it publishes receipts, and hears what became of them."""

import json
from collections.abc import Sequence
from typing import Final

from services.cli.client import Api, ApiError, Json, sandbox_token

BATCH: Final = {"Content-Type": "application/cloudevents-batch+json"}
ISSUED: Final = "retail.receipt.issued.v1"
REFUNDED: Final = "retail.receipt.refunded.v1"
CLIENT: Final = "coles-tills"


class Till:
    """Its events are named after the day's run, so that a demonstration may be played again over the same data."""

    def __init__(self, url: str, run: str) -> None:
        self.run = run
        self._api = Api(url, sandbox_token(url, "events:publish hub:read", CLIENT))

    def close(self) -> None:
        self._api.close()

    def receipt(self, number: int, **data: object) -> Json:
        """Of so many cents as it has a number, times seven."""
        name = f"{self.run}-{number:04}"
        body = {"store": f"{number % 40:04}", "receipt": name, "total": {"amount": number * 7}, **data}
        return self._event(name, ISSUED, body)

    def refund(self, number: int, cents: int) -> Json:
        """Of a part of what was paid."""
        name = f"{self.run}-r{number:04}"
        return self._event(name, REFUNDED, {"total": {"amount": number * 7}, "refund": {"amount": cents}})

    def publish(self, events: Sequence[Json]) -> list[Json]:
        """What became of each. Raises ApiError where the batch is refused."""
        body = json.dumps(list(events)).encode()
        results: list[Json] = self._api.request("POST", "/v1/events", content=body, headers=BATCH).json()["results"]
        return results

    def knows(self, event: Json) -> bool:
        """Does the hub know the event?"""
        try:
            self._api.get(f"/v1/events/coles/{event['id']}")
        except ApiError as error:
            if error.code != "not_found":
                raise
            return False
        return True

    @staticmethod
    def _event(name: str, kind: str, data: Json) -> Json:
        return {"specversion": "1.0", "id": name, "source": "/coles/tills/7", "type": kind, "data": data}
