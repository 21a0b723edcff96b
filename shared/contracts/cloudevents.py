"""The envelope around every message: CloudEvents 1.0.

On AMQP that is the binary content mode: the attributes are headers, the body is the model's JSON. Source: CloudEvents
AMQP Protocol Binding 1.0.2.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self

PREFIXES = ("cloudEvents:", "cloudEvents_")
LONGEST_ATTRIBUTE = 1_024
REQUIRED = ("specversion", "id", "source", "type")
ATTRIBUTES = (*REQUIRED, "time", "correlationid", "causationid", "traceparent")
CONTENT_TYPE = "application/json"


@dataclass(frozen=True, slots=True)
class Envelope:
    """The CloudEvents attributes of one message, with ours: correlation (the purchase), causation, trace.

    `sender` is no attribute and never written: the user that the broker checked, where the message named one.
    """

    id: str
    source: str
    type: str
    time: datetime | None = None
    correlation_id: str = ""
    causation_id: str = ""
    traceparent: str = ""
    sender: str = ""

    def headers(self) -> dict[str, str]:
        """As AMQP headers; empty attributes are left out."""
        attributes = {
            "specversion": "1.0",
            "id": self.id,
            "source": self.source,
            "type": self.type,
            "time": self.time.isoformat() if self.time else "",
            "correlationid": self.correlation_id,
            "causationid": self.causation_id,
            "traceparent": self.traceparent,
        }
        return {f"cloudEvents:{name}": value for name, value in attributes.items() if value}

    @classmethod
    def of(cls, headers: Mapping[str, Any], *, sender: str = "") -> Self:
        """Read back from AMQP headers, `cloudEvents:` or `cloudEvents_`.

        Raises ValueError naming the first attribute that is missing or wrong.
        """
        found = {name: text_of(value) for name in ATTRIBUTES if (value := _attribute(headers, name)) is not None}
        for name, value in found.items():
            if len(value) > LONGEST_ATTRIBUTE:
                raise ValueError(f"header cloudEvents:{name} has {len(value)} characters, at most {LONGEST_ATTRIBUTE}")
        for name in REQUIRED:
            if not found.get(name):
                raise ValueError(f"header cloudEvents:{name} is missing")
        if found["specversion"] != "1.0":
            raise ValueError(f"header cloudEvents:specversion is {found['specversion'][:20]!r}, expected '1.0'")
        return cls(
            id=found["id"],
            source=found["source"],
            type=found["type"],
            time=_time(found.get("time", "")),
            correlation_id=found.get("correlationid", ""),
            causation_id=found.get("causationid", ""),
            traceparent=found.get("traceparent", ""),
            sender=sender,
        )


def _attribute(headers: Mapping[str, Any], name: str) -> Any:
    first, second = PREFIXES
    value = headers.get(first + name)
    return headers.get(second + name) if value is None else value


def text_of(value: Any) -> str:
    """A header's value as text; brokers and clients write bytes as well."""
    if type(value) is str:
        return value
    return value.decode("utf-8", "replace") if isinstance(value, bytes | bytearray) else str(value)


def _time(text: str) -> datetime | None:
    if not text:
        return None
    try:
        return datetime.fromisoformat(text)
    except ValueError as error:
        raise ValueError(f"header cloudEvents:time is {text[:40]!r}, expected RFC 3339") from error
