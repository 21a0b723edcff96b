"""What is personal in an event is taken out before it is accepted: nothing of it is on any disk afterwards."""

import hmac
import json
from collections.abc import Sequence
from hashlib import sha256
from typing import Any, Final

from services.hub.domain.kind import Redact
from shared.rules.pointers import steps_of

MARK: Final = "hmac:"
Json = dict[str, Any]


def redacted(event: Json, pointers: Sequence[str], redact: Redact, key: bytes | None) -> Json:
    """The event without what stands at the pointers; with `hash`, with a keyed digest in its place, which is equal for
    equal values. Without a key it is dropped. A list on the way stands open: a pointer is true of all its elements."""
    for pointer in pointers:
        event = _without(event, steps_of(pointer), redact, key)
    return event


def _without(node: Any, names: Sequence[str], redact: Redact, key: bytes | None) -> Any:
    if isinstance(node, list):
        return [_without(each, names, redact, key) for each in node]
    if not isinstance(node, dict) or names[0] not in node:
        return node
    name, *rest = names
    if rest:
        return node | {name: _without(node[name], rest, redact, key)}
    if redact == "hash" and key is not None:
        return node | {name: _digest(node[name], key)}
    return {each: value for each, value in node.items() if each != name}


def _digest(value: Any, key: bytes) -> str:
    written = json.dumps(value, sort_keys=True, separators=(",", ":")).encode()
    return MARK + hmac.new(key, written, sha256).hexdigest()
