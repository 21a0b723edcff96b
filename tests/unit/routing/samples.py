"""Events and buses as small as a test needs them."""

from datetime import UTC, datetime
from typing import Any

from shared.contracts.archive import ArchivedEvent
from shared.contracts.buses import BusTerms

AT = datetime(2027, 3, 1, 12, tzinfo=UTC)
ISSUED = "retail.receipt.issued.v1"


def an_event(hubid: str = "0195-1", kind: str = ISSUED, partner: str = "coles", **more: Any) -> ArchivedEvent:
    event = {"specversion": "1.0", "id": "4711", "source": "/coles/tills/7", "type": kind}
    told = event | ({"data": {"total": 3000}} if "data_base64" not in more else {}) | more
    return ArchivedEvent(hubid=hubid, at=AT, partner=partner, via="http", event=told)


def a_rule(name: str = "all", to: tuple[str, ...] = ("bi",), **more: Any) -> dict[str, Any]:
    return {"name": name, "when": {"type": [ISSUED]}, "to": list(to), **more}


def terms(*rules: dict[str, Any], **more: Any) -> BusTerms:
    """Each target that a rule names is a queue, unless `targets` says otherwise."""
    named = {target: {"queue": True} for rule in rules for target in rule["to"]}
    return BusTerms.model_validate({"partner": "coles", "rules": rules, "targets": named} | more)
