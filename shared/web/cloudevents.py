"""CloudEvents as they come over HTTP: structured, batched, or with their attributes in headers.

Sources: CloudEvents 1.0.2, its JSON format and its HTTP protocol binding.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from urllib.parse import unquote_to_bytes

from shared.rules.faults import Invalid, pointer_to
from shared.rules.limits import DOCUMENT_DEPTH
from shared.rules.reading import written_from_json
from shared.rules.undoubted import Written
from shared.web.media import media_type
from shared.web.problems import Fault, Problem
from shared.web.strictly import not_taken

STRUCTURED: Final = "application/cloudevents+json"
BATCH: Final = "application/cloudevents-batch+json"
BINARY: Final = "application/json"
PREFIX: Final = "ce-"
REQUIRED: Final = ("specversion", "id", "source", "type")
TEXTS: Final = (*REQUIRED, "subject", "datacontenttype", "dataschema", "time")
DATA: Final = ("data", "data_base64")
LONGEST_TEXT: Final = 1_024
"""Characters of an attribute."""
MOST_ATTRIBUTES: Final = 64
LARGEST_ATTRIBUTES: Final = 64 * 1024
"""Bytes of all of them together, names too. They travel as headers of a message, in one frame of AMQP: a broker closes
the connection of whoever exceeds its frames, 128 KiB, and the house's own headers need their place beside them."""

Json = dict[str, Any]

_NAME: Final = re.compile(r"[a-z0-9]{1,64}")
TIME: Final = r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt][0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,9})?([Zz]|[+-][0-9]{2}:[0-9]{2})"
_TIME: Final = re.compile(TIME)
_URI: Final = r"[!#$%&'()*+,./0-9:;=?@A-Z\[\]_a-z~-]+"
_SCHEME: Final = r"[A-Za-z][A-Za-z0-9+.-]*:"
_URI_REFERENCE: Final = re.compile(_URI)
_ABSOLUTE: Final = re.compile(_SCHEME + _URI)
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_QUOTED: Final = re.compile(r"\\(.)")
BASE64: Final = r"([A-Za-z0-9+/]{4})*([A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?"
_BASE64: Final = re.compile(BASE64)
_ESCAPED: Final = re.compile(r"%(?![0-9A-Fa-f]{2})")
_INT32: Final = range(-(2**31), 2**31)


def _told(pattern: str, **more: Any) -> Json:
    text = {"type": "string", "minLength": 1, "maxLength": LONGEST_TEXT, "pattern": pattern}
    return text | more


_ANY: Final = r"^[^\u0000-\u001f\u007f-\u009f]+$"


def _may_be_null(text: Json) -> Json:
    return text | {"type": ["string", "null"]}


SCHEMA: Final[Json] = {
    "type": "object",
    "title": "CloudEvent",
    "required": list(REQUIRED),
    "maxProperties": MOST_ATTRIBUTES,
    "propertyNames": {"pattern": r"^([a-z0-9]{1,64}|data_base64)$"},
    "properties": {
        "specversion": {"const": "1.0"},
        "id": _told(_ANY, examples=["4711"]),
        "source": _told(f"^{_URI}$", examples=["/coles/tills/7"]),
        "type": _told(_ANY, examples=["retail.receipt.issued.v1"]),
        "subject": _may_be_null(_told(_ANY)),
        "datacontenttype": _may_be_null(_told(_ANY)),
        "dataschema": _may_be_null(_told(f"^{_SCHEME}{_URI}$")),
        "time": _may_be_null(_told(f"^{TIME}$")),
        "data": {"examples": [{"total": {"amount": 3000}}]},
        "data_base64": {"type": "string", "pattern": f"^{BASE64}$", "examples": ["AAE="]},
    },
    "not": {"required": list(DATA)},
    "additionalProperties": {
        "anyOf": [
            {"type": ["boolean", "null"]},
            {"type": "integer", "minimum": _INT32.start, "maximum": _INT32.stop - 1},
            {"type": "string", "maxLength": LONGEST_TEXT, "pattern": r"^[^\u0000-\u001f\u007f-\u009f]*$"},
        ]
    },
}
"""Of an event in JSON, for the OpenAPI document."""


@dataclass(frozen=True, slots=True)
class Received:
    """What a request holds: its entries as they were read, not looked at yet, and the compact JSON text of each, where
    it is made already."""

    entries: list[Any]
    texts: Sequence[bytes | None]
    is_batch: bool

    def at(self, place: int) -> tuple[int, ...]:
        """What a pointer into the body begins with, for an entry."""
        return (place,) if self.is_batch else ()


def read(headers: Mapping[str, str], body: bytes, most_bytes: int) -> Received:
    """The entries of a request; header names are lower case. Raises the Problem to answer: 400, 415."""
    media, is_utf8 = media_type(headers.get("content-type", ""))
    if not is_utf8:
        raise Problem(415, "unsupported_media_type", "The body must be in UTF-8")
    if media == BATCH:
        found = _json(body, most_bytes, DOCUMENT_DEPTH + 1)
        if not isinstance(found.value, list):
            raise Problem(400, "malformed_json", "A batch is a list of events")
        return Received(found.value, found.parts, is_batch=True)
    if media == STRUCTURED:
        found = _json(body, most_bytes, DOCUMENT_DEPTH)
        return Received([found.value], [found.text], is_batch=False)
    if media == BINARY and any(name.startswith(PREFIX) for name in headers):
        return Received([_binary(headers, body, most_bytes)], [None], is_batch=False)
    raise Problem(
        415, "unsupported_media_type", f"Send {STRUCTURED}, {BATCH}, or {BINARY} with the attributes as {PREFIX}headers"
    )


def faults(event: Any, at: tuple[str | int, ...] = ()) -> tuple[list[Fault], list[Fault]]:
    """What is wrong with an event's attributes: those that are missing, and those that are no such thing."""
    if not isinstance(event, dict):
        return [], [Fault("must be an object", pointer=pointer_to(at))]
    missing = [
        Fault("is required", pointer=pointer_to((*at, name))) for name in REQUIRED if event.get(name) in (None, "")
    ]
    told = {fault.pointer for fault in missing}
    wrong = [fault for fault in _wrong(event, at) if fault.pointer not in told]
    return missing, wrong


def present(event: Json) -> Json:
    """The event without attributes that are null: they are not set."""
    return {name: value for name, value in event.items() if value is not None or name in DATA}


def _wrong(event: Json, at: tuple[str | int, ...]) -> Iterator[Fault]:
    if len(event) > MOST_ATTRIBUTES:
        yield Fault(f"has more than {MOST_ATTRIBUTES} attributes", pointer=pointer_to(at))
        return
    if _bytes_of_attributes(event) > LARGEST_ATTRIBUTES:
        yield Fault(f"has attributes of more than {LARGEST_ATTRIBUTES} bytes together", pointer=pointer_to(at))
        return
    for name, value in event.items():
        if name not in DATA and value is not None and (detail := _wrong_attribute(name, value)):
            yield Fault(detail, pointer=pointer_to((*at, name[:LONGEST_TEXT])))
    if all(name in event for name in DATA):
        yield Fault("cannot stand beside data", pointer=pointer_to((*at, "data_base64")))
    elif not _is_base64(event.get("data_base64", "")):
        yield Fault("must be a text in base64 (RFC 4648), padded", pointer=pointer_to((*at, "data_base64")))


def _bytes_of_attributes(event: Json) -> int:
    """What is no text is short, or refused by its own name."""
    return sum(
        len(name.encode()) + (len(value.encode()) if isinstance(value, str) else 0)
        for name, value in event.items()
        if name not in DATA
    )


def _is_base64(text: Any) -> bool:
    return isinstance(text, str) and _BASE64.fullmatch(text) is not None


def _wrong_attribute(name: str, value: Any) -> str | None:
    if name not in TEXTS:
        return _wrong_extension(name, value)
    if not isinstance(value, str) or not value or len(value) > LONGEST_TEXT or _CONTROL.search(value):
        return f"must be a text of 1 to {LONGEST_TEXT} characters, none of them a control character"
    fits, detail = _FORMS.get(name, (bool, ""))
    return None if fits(value) else detail


def _wrong_extension(name: str, value: Any) -> str | None:
    if not _NAME.fullmatch(name):
        return "is no name of an attribute: small letters and digits"
    if isinstance(value, bool) or (isinstance(value, int) and value in _INT32):
        return None
    if isinstance(value, str) and len(value) <= LONGEST_TEXT and not _CONTROL.search(value):
        return None
    return f"must be true, false, a whole number of 32 bit, or a text of at most {LONGEST_TEXT} characters"


def _is_time(text: str) -> bool:
    if not _TIME.fullmatch(text):
        return False
    try:
        datetime.fromisoformat(text.upper())
    except ValueError:
        return False
    return True


_FORMS: Final[Mapping[str, tuple[Callable[[str], object], str]]] = {
    "specversion": ("1.0".__eq__, "must be 1.0"),
    "source": (_URI_REFERENCE.fullmatch, "must be a URI reference"),
    "dataschema": (_ABSOLUTE.fullmatch, "must be an absolute URI"),
    "time": (_is_time, "must be a time such as 2027-01-20T10:00:00Z"),
}


def _json(body: bytes, most: int, levels: int) -> Written:
    try:
        return written_from_json(body, most, levels)
    except Invalid as invalid:
        raise not_taken(invalid) from invalid


def _binary(headers: Mapping[str, str], body: bytes, most: int) -> Json:
    """The attributes are texts in headers; an empty body is no data."""
    event: Json = {}
    for header, value in headers.items():
        if not header.startswith(PREFIX):
            continue
        if (name := header.removeprefix(PREFIX)) in event:
            raise _wrong_header(header, "stands twice")
        event[name] = _decoded(header, value)
    for name in ("datacontenttype", *DATA):
        if name in event:
            raise _wrong_header(PREFIX + name, "is not told by such a header")
    event["datacontenttype"] = headers["content-type"]
    return event | ({"data": _json(body, most, DOCUMENT_DEPTH - 1).value} if body else {})


def _decoded(name: str, value: str) -> str:
    """Percent-encoded UTF-8, in quotation marks or without (HTTP binding, §3.1.3.2)."""
    if len(value) > 1 and value.startswith('"') and value.endswith('"'):
        value = _QUOTED.sub(r"\1", value[1:-1])
    if not value.isascii() or _ESCAPED.search(value):
        raise _wrong_header(name, "must be ASCII, other characters percent-encoded")
    try:
        return unquote_to_bytes(value).decode()
    except UnicodeDecodeError as error:
        raise _wrong_header(name, "must be UTF-8, percent-encoded") from error


def _wrong_header(name: str, detail: str) -> Problem:
    return Problem(422, "invalid_request", f"{name} {detail}", errors=[Fault(detail, header=name)])
