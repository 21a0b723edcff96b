"""One form of JSON, and its hash: the same value has the same bytes wherever it is written (RFC 8785).

Numbers are integers of at most 53 bits: RFC 8785 writes others as ECMAScript does, and nothing whose hash is to be
proved holds a fraction.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

LARGEST: Final = 2**53 - 1
DEEPEST: Final = 32
"""Levels of a value: what is deeper is no request of ours."""
PREFIX: Final = "sha256:"

_write = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode


_write_sorted = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"), sort_keys=True).encode
BEYOND_THE_PLANE: Final = 0xF0
"""From this byte on UTF-8 begins characters that UTF-16 has in two halves: only they are sorted otherwise by it."""


class NoCanonicalForm(ValueError):
    """A fraction, an integer beyond 53 bits, half of a surrogate pair, a key that is no text, or too many levels."""


def canonical(value: Any) -> bytes:
    """The value as RFC 8785 writes it, in UTF-8. Raises NoCanonicalForm."""
    try:
        return _write(_ordered(value, DEEPEST)).encode()
    except UnicodeEncodeError as error:
        raise NoCanonicalForm("half of a surrogate pair is no text") from error


def read_canonical(text: bytes) -> Any:
    """The value that has exactly this canonical form. Raises NoCanonicalForm."""
    try:
        found = json.loads(text, parse_float=_no_fraction, parse_int=_whole, parse_constant=_no_fraction)
        again = canonical(found) if text and max(text) >= BEYOND_THE_PLANE else _write_sorted(found).encode()
    except (ValueError, RecursionError) as error:
        raise NoCanonicalForm("it is no JSON that has a canonical form") from error
    if again != text:
        raise NoCanonicalForm("it is not in its canonical form")
    return found


def digest(value: Any) -> str:
    """`sha256:` and the hash of the canonical form, in hexadecimal. Raises NoCanonicalForm."""
    return f"{PREFIX}{hashlib.sha256(canonical(value)).hexdigest()}"


def digest_of_bytes(content: bytes) -> str:
    """The same of bytes as they are."""
    return f"{PREFIX}{hashlib.sha256(content).hexdigest()}"


def _ordered(value: Any, levels: int) -> Any:
    """The value with its keys in the order of their UTF-16 code units, and nothing in it that has no canonical form."""
    if value is None or isinstance(value, str | bool):
        return value
    if isinstance(value, int):
        if abs(value) > LARGEST:
            raise NoCanonicalForm(f"an integer beyond {LARGEST}")
        return value
    if levels == 0:
        raise NoCanonicalForm(f"more than {DEEPEST} levels")
    if isinstance(value, Mapping):
        if not all(isinstance(key, str) for key in value):
            raise NoCanonicalForm("a key that is no text")
        return {key: _ordered(value[key], levels - 1) for key in sorted(value, key=_code_units)}
    if isinstance(value, Sequence) and not isinstance(value, bytes | bytearray):
        return [_ordered(each, levels - 1) for each in value]
    raise NoCanonicalForm(f"{type(value).__name__} has no canonical form")


def _whole(text: str) -> int:
    found = int(text)
    if abs(found) > LARGEST:
        raise NoCanonicalForm(f"an integer beyond {LARGEST}")
    return found


def _no_fraction(_: str) -> Any:
    raise NoCanonicalForm("a fraction")


def _code_units(key: str) -> bytes:
    return key.encode("utf-16-be", "surrogatepass")
