"""A copy as a webhook's request: body and headers. Pure."""

import base64
import re
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote

from pydantic_core import from_json

from shared.contracts.buses import TargetTerms
from shared.contracts.cloudevents import PREFIXES
from shared.contracts.copies import Copy
from shared.contracts.delivery import is_ours

STRUCTURED: Final = "application/cloudevents+json; charset=utf-8"
JSON: Final = "application/json"
OCTETS: Final = "application/octet-stream"
PRINTABLE: Final = "".join(chr(code) for code in range(0x21, 0x7F) if chr(code) not in '"%')
TRACEPARENT: Final = re.compile(r"[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}")
"""W3C Trace Context, 3.2.2."""


@dataclass(frozen=True, slots=True)
class Content:
    """What is signed, and the headers that describe it."""

    body: bytes
    headers: dict[str, str]


def content(copy: Copy, terms: TargetTerms) -> Content:
    """By the target's `format`: CloudEvents 1.0.2 in HTTP's structured or binary mode, or the data alone."""
    if terms.format == "structured":
        return Content(copy.structured(), {"Content-Type": STRUCTURED})
    body = base64.b64decode(from_json(copy.body)) if copy.base64 else copy.body
    kind = copy.attributes.get("datacontenttype") or (OCTETS if copy.base64 else JSON)
    headers = {"Content-Type": quote(kind.strip(), safe=f'{PRINTABLE} "')}
    if terms.format == "binary":
        told = {name.removeprefix(PREFIXES[0]): value for name, value in copy.headers().items()}
        left_out = ("base64", "datacontenttype")
        headers |= {f"ce-{name}": _written(value) for name, value in told.items() if name not in left_out}
    return Content(body, headers)


def headers_of_its_own(terms: TargetTerms) -> dict[str, str]:
    """Those of the target's file that may be set."""
    return {name: value for name, value in terms.headers.items() if not is_ours(name)}


def trace_of(copy: Copy) -> dict[str, str]:
    """The header that names the event's trace. A partner may write anything into that attribute: what is none is told
    in the event alone, or each request with it would be one that cannot be sent, as if its endpoint were at fault."""
    said = copy.attributes.get("traceparent", "")
    return {"traceparent": said} if TRACEPARENT.fullmatch(said) else {}


def _written(value: str) -> str:
    """CloudEvents HTTP binding 3.1.3.2: what is not printable ASCII is percent-encoded, and spaces, quotes and per cent
    too: a header that begins or ends with a space is none that can be sent."""
    return quote(value, safe=PRINTABLE)
