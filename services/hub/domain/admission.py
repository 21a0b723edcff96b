"""Whether an event may come in: its attributes, its type, its data, its size. Nothing here waits or writes."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Any, Final

from pydantic_core import to_json

from services.hub.domain.kind import FOREVER, Known
from services.hub.domain.listening import is_ours
from services.hub.domain.partner import Partner, matches
from services.hub.domain.redaction import redacted
from shared.rules.faults import pointer_to
from shared.rules.pointers import value_at
from shared.web import cloudevents
from shared.web.problems import Fault

LARGEST_EVENT: Final = 256 * 1024
"""Bytes as compact JSON."""
MOST_EVENTS: Final = 500
LONGEST_KEY: Final = 200
"""Characters."""
LARGEST_BODY: Final = 4 * 1024 * 1024

_IN_ORDER: Final = json.JSONEncoder(sort_keys=True, separators=(",", ":"), check_circular=False)
"""What was read from a text holds itself nowhere."""

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why an entry is not taken; `event` is the id that another one stands in the way of, empty where none does."""

    status: int
    code: str
    detail: str
    faults: tuple[Fault, ...] = ()
    event: str = ""


@dataclass(frozen=True, slots=True)
class Admitted:
    """An event that may be accepted, as it will be kept: `text` is its JSON, compact, in UTF-8; `keep` is its class of
    keeping, `lane` the order that it is part of, by its key; empty where its type has none."""

    event: Json
    text: bytes
    keep: str = FOREVER
    lane: str = ""

    @property
    def kind(self) -> str:
        return str(self.event["type"])

    @property
    def digest(self) -> str:
        """Equal for events that say the same, however they were written, as far as it is kept."""
        return sha256(_IN_ORDER.encode(self.event).encode()).hexdigest()

    def cleared(self, known: Known) -> "Admitted":
        """As its type has it kept."""
        if not known.personal or known.redact is None:
            return self if known.keep == self.keep else replace(self, keep=known.keep)
        event = redacted(self.event, known.personal, known.redact, known.key)
        return Admitted(event, to_json(event), known.keep)


def judge(
    entry: Any,
    at: tuple[int, ...],
    partner: Partner,
    globs: tuple[str, ...],
    kinds: Mapping[str, Known],
    *,
    text: bytes | None = None,
) -> Admitted | Refusal:
    """`globs` are the types that the token allows, `kinds` those that are registered, `text` is the entry's compact
    JSON, where somebody has made that already."""
    missing, wrong = cloudevents.faults(entry, at)
    if missing:
        return _faulty(400, "attribute_missing", "An attribute that every event has is missing", missing)
    if wrong:
        return _faulty(422, "invalid_request", "An attribute is not as CloudEvents has it", wrong)
    event = cloudevents.present(entry)
    if text is None or len(event) < len(entry):
        text = to_json(event)
    if len(text) > LARGEST_EVENT:
        place = Fault(f"has more than {LARGEST_EVENT} bytes", pointer=pointer_to(at))
        return Refusal(413, "event_too_large", f"An event may have {LARGEST_EVENT} bytes", (place,))
    return _of_its_type(Admitted(event, text), at, partner, globs, kinds)


def _of_its_type(
    admitted: Admitted,
    at: tuple[int, ...],
    partner: Partner,
    globs: tuple[str, ...],
    kinds: Mapping[str, Known],
) -> Admitted | Refusal:
    kind, place = admitted.kind, pointer_to((*at, "type"))
    if not matches(globs, kind):
        fault = Fault("is not among those that the token's scopes allow", pointer=place)
        return Refusal(403, "missing_scope", "The token does not allow events of this type", (fault,))
    if (why := _not_its_own(kind, partner)) is not None:
        fault = Fault(why, pointer=place)
        return Refusal(403, "type_not_allowed", "The partner does not publish events of this type", (fault,))
    known = kinds.get(kind)
    if known is None:
        if not partner.strict_types:
            return admitted
        return Refusal(422, "unknown_type", "No such type is registered", (Fault("is not registered", pointer=place),))
    faults = [
        Fault(fault.detail, pointer=pointer_to((*at, "data")) + fault.pointer)
        for fault in known.schema.faults(admitted.event.get("data"))
    ]
    if known.personal and "data_base64" in admitted.event:
        faults = [Fault("hides what is personal", pointer=pointer_to((*at, "data_base64")))]
    if faults:
        return _faulty(422, "schema_violation", "Data is not as its type's schema has it", faults)
    cleared = admitted.cleared(known)
    return _in_its_lane(cleared, at, partner, known) if known.ordered_by else cleared


def _not_its_own(kind: str, partner: Partner) -> str | None:
    if is_ours(kind):
        return "begins with a word that our own types begin with"
    return None if partner.may_publish(kind) else "is not among those that the partner publishes"


def _in_its_lane(admitted: Admitted, at: tuple[int, ...], partner: Partner, known: Known) -> Admitted | Refusal:
    """By the key as it is kept: what is personal in it is digested already."""
    key = value_at(admitted.event, known.ordered_by)
    text = str(key) if type(key) is int else key
    if isinstance(text, str) and 0 < len(text) <= LONGEST_KEY and "\0" not in text:
        return replace(admitted, lane=f"{partner.id}:{text}")
    expected = f"must be text of 1 to {LONGEST_KEY} characters without NUL, or an integer: its type is ordered by it"
    return _faulty(
        422,
        "schema_violation",
        "The event has no key to be ordered by",
        [Fault(expected, pointer=pointer_to((*at, *known.ordered_by)))],
    )


def _faulty(status: int, code: str, detail: str, faults: list[Fault]) -> Refusal:
    return Refusal(
        status, code, f"{detail}: {', '.join(fault.pointer or 'the event' for fault in faults)}", tuple(faults)
    )
