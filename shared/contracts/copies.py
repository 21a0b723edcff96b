"""A copy: an event on its way to one target, as it lies in that target's queue.

CloudEvents' binary mode on AMQP: the partner's attributes unchanged, the data (or what a template made of it) as body,
and beside them the hub's own extensions, so that every service of the house and every reader of CloudEvents takes it.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any, Final, Self

from pydantic_core import from_json, to_json

from shared.contracts.cloudevents import PREFIXES, text_of
from shared.contracts.messages import OutboxMessage

FAMILY: Final = "target"
"""The first word of every target's queue."""
WAY: Final = "copies"
"""The exchange that a service's contracts of partners' events name. None of that name exists: nobody can publish there,
and what comes so was put into the service's own queue by a bus."""
REPLAYED: Final = "replay/"
EXTENSIONS: Final = (
    "hubid",
    "hubat",
    "partner",
    "bus",
    "rule",
    "deliveryid",
    "replayid",
    "lane",
    "laneseq",
    "origintype",
    "base64",
)
"""What the hub says beside the partner's attributes; from `replayid` on only where there is something to say."""


def target_queue(bus: str, target: str) -> str:
    return f"{FAMILY}.{bus}.{target}"


def dead_target_queue(bus: str, target: str) -> str:
    return f"{target_queue(bus, target)}.dead"


def replay_lane(replay: str, since: int, number: int) -> str:
    """One of a replay's lanes for a target that keeps keys in order since a revision. No lane of live copies is named
    so: those begin with a partner's name and a colon."""
    return f"{REPLAYED}{replay}:{since}:{number}"


def is_replays(lane: str) -> bool:
    return lane.startswith(REPLAYED)


def delivery_id(hubid: str, bus: str, target: str, again: str = "") -> str:
    """The name of a copy, over all of its attempts, and so the webhook's id. `again` names a replay or a redrive.

    It has no dot, for Standard Webhooks signs `id.timestamp.body`.
    """
    made = f"msg_{hubid.replace('-', '')}_{_place(bus, target)}"
    return f"{made}_{again}" if again else made


@lru_cache(maxsize=1_000)
def _place(bus: str, target: str) -> str:
    return hashlib.sha256(f"{bus}/{target}".encode()).hexdigest()[:8]


@dataclass(frozen=True, slots=True)
class Copy:
    """`attributes` are the event's own, extension attributes among them, as text; `body` is JSON text, empty where the
    event has no data, and base64 as a JSON string where it is binary: `base64` says so. `rule` decided what is sent.
    `accepted_at` is aware."""

    hubid: str
    accepted_at: datetime
    partner: str
    bus: str
    target: str
    rule: str
    deliveryid: str
    attributes: Mapping[str, str]
    body: bytes
    replayid: str = ""
    lane: str = ""
    laneseq: int = 0
    origintype: str = ""
    base64: bool = False

    @property
    def queue(self) -> str:
        return target_queue(self.bus, self.target)

    def headers(self) -> dict[str, str]:
        """As AMQP headers."""
        own = {
            "hubid": self.hubid,
            "hubat": self.accepted_at.isoformat(),
            "partner": self.partner,
            "bus": self.bus,
            "rule": self.rule,
            "deliveryid": self.deliveryid,
            "replayid": self.replayid,
            "lane": self.lane,
            "laneseq": str(self.laneseq) if self.laneseq else "",
            "origintype": self.origintype,
            "base64": "true" if self.base64 else "",
        }
        told = {**self.attributes, **own, "target": self.target}
        return {f"{PREFIXES[0]}{name}": value for name, value in told.items() if value}

    def message(self, now: datetime, queue: str | None = None) -> OutboxMessage:
        """Ready for its target's queue, or for another one."""
        return OutboxMessage(
            id=self.deliveryid,
            exchange="",
            routing_key=queue or self.queue,
            headers=self.headers(),
            body=self.body,
            mandatory=True,
            saved_at=now,
        )

    @classmethod
    def of(cls, headers: Mapping[str, Any], body: bytes) -> Self:
        """Read back. Raises ValueError naming the attribute that is missing or wrong."""
        told = {
            name[len(prefix) :]: text_of(value)
            for name, value in headers.items()
            for prefix in PREFIXES
            if name.startswith(prefix)
        }
        for name in ("hubid", "hubat", "partner", "bus", "target", "rule", "deliveryid", "id", "source", "type"):
            if not told.get(name):
                raise ValueError(f"the attribute {name} is missing")
        own = {name: told.pop(name, "") for name in (*EXTENSIONS, "target")}
        accepted_at = datetime.fromisoformat(own["hubat"])
        if accepted_at.tzinfo is None:
            raise ValueError("the attribute hubat has no offset")
        return cls(
            hubid=own["hubid"],
            accepted_at=accepted_at,
            partner=own["partner"],
            bus=own["bus"],
            target=own["target"],
            rule=own["rule"],
            deliveryid=own["deliveryid"],
            attributes=told,
            body=body,
            replayid=own["replayid"],
            lane=own["lane"],
            laneseq=int(own["laneseq"] or 0),
            origintype=own["origintype"],
            base64=bool(own["base64"]),
        )

    def event(self) -> dict[str, Any]:
        """The CloudEvent in JSON's format, with the hub's extensions."""
        told = self._told()
        return {**told, "data_base64" if self.base64 else "data": from_json(self.body)} if self.body else told

    def structured(self) -> bytes:
        """The same as JSON text. The data stand there as they are: nobody need read them for that."""
        told = to_json(self._told())
        name = b"data_base64" if self.base64 else b"data"
        return b'%b,"%b":%b}' % (told[:-1], name, self.body) if self.body else told

    def _told(self) -> dict[str, Any]:
        told: dict[str, Any] = {name.removeprefix(PREFIXES[0]): value for name, value in self.headers().items()}
        told.pop("base64", None)
        return told
