"""How a delivery came to us, which is all that it is trusted by: what a message says of itself proves nothing.

Outsiders may write to `public` alone, so an exchange and a routing key that the broker names are facts. What comes by
the default exchange was put there by us or by the broker for us: out of a tier, from the suspects, from the dead
letters. Only then do our own headers tell where it first came from.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from shared.bus.headers import EXCHANGE, RESERVED, ROUTING_KEY, SENDER
from shared.contracts.cloudevents import text_of

OUR_OWN: Final = ""
"""AMQP's default exchange: whoever writes there names a queue."""
LIMIT: Final = "delivery_limit"
"""The broker's reason for a death by too many deliveries."""
REJECTED: Final = "rejected"
"""That for one that a consumer did not want."""


@dataclass(frozen=True, slots=True)
class Arrival:
    """Where a message first came from, and the headers that may be believed.

    `sender` is the user that the broker checked when the message was published; empty when the message names none.
    """

    exchange: str
    routing_key: str
    headers: Mapping[str, Any]
    sender: str = ""

    @property
    def way(self) -> str:
        """For a reason that people read."""
        return f"{self.exchange[:100]!r} under {self.routing_key[:100]!r}"


def arrival(queue: str, direct: Arrival) -> Arrival:
    """Where a message in `queue`'s hands came from; `direct` is the delivery as the broker made it."""
    if direct.exchange == OUR_OWN and (death := died_in(queue, direct.headers)):
        direct = Arrival(_text(death.get("exchange")), _first_key(death), direct.headers, direct.sender)
    if direct.exchange == OUR_OWN and EXCHANGE in direct.headers:
        recorded = (text_of(direct.headers.get(name, "")) for name in (EXCHANGE, ROUTING_KEY, SENDER))
        exchange, routing_key, sender = recorded
        return Arrival(exchange, routing_key, direct.headers, sender)
    told = {name: value for name, value in direct.headers.items() if not name.startswith(RESERVED)}
    return Arrival(direct.exchange, direct.routing_key, told, direct.sender)


def died_in(queue: str, headers: Mapping[str, Any], reason: str = LIMIT) -> Mapping[str, Any]:
    """The broker's own entry on a message's death in a queue by too many deliveries, or for another reason; empty when
    there is none."""
    deaths = headers.get("x-death")
    entries = (entry for entry in deaths if isinstance(entry, dict)) if isinstance(deaths, list) else ()
    return next(
        (each for each in entries if (_text(each.get("queue")), _text(each.get("reason"))) == (queue, reason)), {}
    )


def _first_key(death: Mapping[str, Any]) -> str:
    keys = death.get("routing-keys")
    return _text(keys[0]) if isinstance(keys, list) and keys else ""


def _text(value: Any) -> str:
    return text_of(value) if isinstance(value, str | bytes) else ""
