"""Endpoints agree before anything is sent to them: by CloudEvents' handshake, or by taking a signed test."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from services.delivery.cases.keys import Keyring
from services.delivery.cases.sending import AGENT
from services.delivery.domain.signing import signature
from services.delivery.domain.target import place_of
from services.delivery.domain.verdicts import Answer, judge
from services.delivery.domain.webhook import STRUCTURED, headers_of_its_own
from services.delivery.ports import Endpoint, Poster
from shared.contracts.buses import TargetTerms
from shared.kernel.clock import Clock
from shared.kernel.ids import Ids

TEST: Final = "hub.test.v1"
MOST_A_MINUTE: Final = 6_000_000
_DIGITS: Final = 7


@dataclass(frozen=True, slots=True)
class Agreed:
    """How an endpoint answered. `per_minute`: no more than so many requests, where it says so."""

    agrees: bool
    status: int | None
    fault: str | None
    per_minute: int | None = None


@dataclass(frozen=True)
class Verifying:
    poster: Poster
    keyring: Keyring
    clock: Clock
    ids: Ids
    owner: Callable[[str], str]
    """Whose a bus is."""
    origin: str

    async def verify(self, target: str, terms: TargetTerms) -> Agreed:
        """By CloudEvents' handshake; an endpoint that does not know it is sent a test."""
        shaken = await self.shaken(target, terms)
        return shaken if shaken.agrees else await self.test(target, terms)

    async def shaken(self, target: str, terms: TargetTerms) -> Agreed:
        """By the handshake alone (HTTP 1.1 Web Hooks for Event Delivery 1.0.2, section 4)."""
        asked = {"WebHook-Request-Origin": self.origin, "User-Agent": AGENT}
        if terms.rate is not None:
            asked["WebHook-Request-Rate"] = str(terms.rate * 60)
        answer = await self.poster.ask(self._endpoint(target, terms), headers_of_its_own(terms) | asked)
        allowed = answer.headers.get("webhook-allowed-origin", "")
        if answer.status is not None and 200 <= answer.status < 300 and allowed in {"*", self.origin}:  # noqa: PLR2004
            return Agreed(True, answer.status, None, _rate(answer.headers.get("webhook-allowed-rate", "")))
        return Agreed(False, answer.status, "no_handshake")

    async def test(self, target: str, terms: TargetTerms) -> Agreed:
        """Send a signed test; a 2xx agrees."""
        id_ = f"msg_test_{self.ids.new().replace('-', '')}"
        now = self.clock.now()
        event = {
            "specversion": "1.0",
            "id": id_,
            "source": f"//{self.origin}",
            "type": TEST,
            "time": now.isoformat(),
            "data": {"target": target},
        }
        body = json.dumps(event).encode()
        timestamp, keys = int(now.timestamp()), await self.keyring[terms.signature].live(target)
        headers = {
            **headers_of_its_own(terms),
            "Content-Type": STRUCTURED,
            "User-Agent": AGENT,
            "webhook-id": id_,
            "webhook-timestamp": str(timestamp),
            "webhook-signature": signature(id_, timestamp, body, keys),
            "WebHook-Request-Origin": self.origin,
            "milesaga-attempt": "1",
        }
        answer: Answer = await self.poster.post(self._endpoint(target, terms), headers, body)
        verdict = judge(answer, self.clock.now())
        return Agreed(verdict.meaning == "delivered", answer.status, verdict.fault or None)

    def _endpoint(self, target: str, terms: TargetTerms) -> Endpoint:
        bus, _ = place_of(target)
        return Endpoint(self.owner(bus), str(terms.webhook), terms.timeout)


def _rate(text: str) -> int | None:
    told = text.strip()
    if not (told.isascii() and told.isdecimal() and len(told) <= _DIGITS):
        return None
    return min(int(told), MOST_A_MINUTE) or None
