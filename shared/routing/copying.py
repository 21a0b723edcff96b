"""What a target is sent of an event."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

from pydantic_core import to_json

from shared.contracts.archive import ArchivedEvent
from shared.contracts.copies import EXTENSIONS, Copy, delivery_id
from shared.rules.documents import BINARY, DATA, document_of
from shared.rules.templates import Taking, Template, TemplateFailed

LARGEST_RESULT: Final = 512 * 1024
"""Bytes of what a template makes."""
TEMPLATE_FAILED: Final = "template_failed"
TOO_MANY_COPIES: Final = "too_many_copies"
NOT_ITS_OWN: Final = frozenset((*EXTENSIONS, "target", DATA, BINARY))
"""What an event says of itself by these names is no attribute of a copy."""
OF_DATA: Final = frozenset(("datacontenttype", "dataschema"))
"""Attributes that are not true of what a template makes of the data."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a copy goes; `again` names the replay that makes it."""

    bus: str
    target: str
    again: str = ""


@dataclass(frozen=True, slots=True)
class Broken:
    """A copy that is not to be sent: it belongs to its target's dead letters, and without a body, since what the event
    holds was not meant for the target as it is. `reason` is `template_failed` or `too_many_copies`."""

    copy: Copy
    reason: str
    detail: str


class Original:
    """An accepted event, of which copies are made."""

    def __init__(self, event: ArchivedEvent) -> None:
        self.accepted = event

    @cached_property
    def document(self) -> dict[str, Any]:
        """As rules see it."""
        return document_of(self.accepted.event, self.accepted.partner)

    def copy(self, place: Place, rule: str, template: Template | None = None, as_type: str | None = None) -> Copy:
        """`rule` is the one that decides what is sent, by its template and its `as`. Raises TemplateFailed."""
        if template is None:
            return self._copy(place, rule, as_type, self._attributes, self._body, base64=self._is_base64)
        body = to_json(template(self.document, self._at_most(LARGEST_RESULT)))
        if len(body) > LARGEST_RESULT:
            raise _too_large()
        return self._copy(place, rule, as_type, self._of_itself, body)

    def _at_most(self, most: int) -> Taking:
        """So many bytes. A template of a few bytes may ask for a large event a hundred times, for each of many targets:
        what cannot be sent is not made."""
        left = most

        def taking(value: Any) -> None:
            nonlocal left
            left -= self._size(value)
            if left < 0:
                raise _too_large()

        return taking

    def _size(self, value: Any) -> int:
        """Bytes at least of a part of the document, looked at once however often it is asked for."""
        if not isinstance(value, dict | list):
            return len(value) if isinstance(value, str) else 1
        if (size := self._sizes.get(id(value))) is None:
            size = self._sizes[id(value)] = len(to_json(value))
        return size

    @cached_property
    def _sizes(self) -> dict[int, int]:
        """By identity, which holds for as long as the document is kept here."""
        return {}

    def broken(self, place: Place, rule: str, as_type: str | None, reason: str, detail: str) -> Broken:
        return Broken(self._copy(place, rule, as_type, self._of_itself, b""), reason, detail)

    def _copy(
        self,
        place: Place,
        rule: str,
        as_type: str | None,
        attributes: Mapping[str, str],
        body: bytes,
        *,
        base64: bool = False,
    ) -> Copy:
        event = self.accepted
        return Copy(
            hubid=event.hubid,
            accepted_at=event.at,
            partner=event.partner,
            bus=place.bus,
            target=place.target,
            rule=rule,
            deliveryid=delivery_id(event.hubid, place.bus, place.target, place.again),
            attributes=attributes if as_type is None else {**attributes, "type": as_type},
            body=body,
            replayid=place.again,
            origintype="" if as_type is None else attributes["type"],
            base64=base64,
        )

    @cached_property
    def _attributes(self) -> Mapping[str, str]:
        event = self.accepted.event
        return {name: _text(value) for name, value in event.items() if name not in NOT_ITS_OWN and value is not None}

    @cached_property
    def _of_itself(self) -> Mapping[str, str]:
        """Without those that speak of its data."""
        return {name: value for name, value in self._attributes.items() if name not in OF_DATA}

    @property
    def _is_base64(self) -> bool:
        return DATA not in self.accepted.event and BINARY in self.accepted.event

    @cached_property
    def _body(self) -> bytes:
        event = self.accepted.event
        name = BINARY if self._is_base64 else DATA
        return to_json(event[name]) if name in event else b""


def _too_large() -> TemplateFailed:
    return TemplateFailed(f"the result has more than {LARGEST_RESULT} bytes")


def _text(value: Any) -> str:
    """CloudEvents' canonical text of an attribute."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if isinstance(value, str) else str(value)
