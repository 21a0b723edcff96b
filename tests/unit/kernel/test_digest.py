"""One form of JSON."""

import hashlib
from typing import Any

import pytest

from shared.kernel.digest import DEEPEST, LARGEST, NoCanonicalForm, canonical, digest, digest_of_bytes, read_canonical


def test_the_example_of_the_rfc_without_its_fractions() -> None:
    """RFC 8785 section 3.2.2: the string has every kind of character that is escaped, or is not."""
    told = '\u20ac$\u000f\u000aA\u0027\u0042\u0022\u005c\\"/'
    value = {"string": told, "numbers": [333333333, 4, 0, -1], "literals": [None, True, False]}
    expected = (
        '{"literals":[null,true,false],"numbers":[333333333,4,0,-1],"string":"\u20ac$\\u000f\\nA\'B\\"\\\\\\\\\\"/"}'
    )
    assert canonical(value).decode() == expected


def test_keys_are_in_the_order_of_their_utf_16() -> None:
    """RFC 8785 section 3.2.3: beyond the basic plane that is another order than that of code points."""
    keys = ["\u20ac", "\r", "\ufb33", "1", "\U0001f600", "\u0080", "\u00f6"]
    expected = ["\r", "1", "\u0080", "\u00f6", "\u20ac", "\U0001f600", "\ufb33"]
    assert canonical(dict.fromkeys(keys, 0)) == canonical(dict.fromkeys(expected, 0))
    places = [canonical(dict.fromkeys(keys, 0)).decode().index(key if key != "\r" else "\\r") for key in expected]
    assert places == sorted(places)


def test_a_digest_names_its_kind() -> None:
    assert digest({}) == f"sha256:{hashlib.sha256(b'{}').hexdigest()}"
    assert digest_of_bytes(b"{}") == digest({})


@pytest.mark.parametrize("value", [{"b": 1, "a": [None, True, "\u20ac"]}, {"\U0001f600": 1, "\ufb33": 2}, 0, "", []])
def test_what_is_canonical_is_read(value: Any) -> None:
    assert read_canonical(canonical(value)) == value


@pytest.mark.parametrize(
    "text",
    [
        b'{"b":1,"a":2}',
        b'{"a":1,"a":1}',
        b"1.0",
        b"1e2",
        b"-0",
        b"NaN",
        b'"\\u0061"',
        b'"\\ud800"',
        b" 1",
        b"",
        b"\xff",
    ],
)
def test_what_is_written_otherwise_is_not_read(text: bytes) -> None:
    with pytest.raises(NoCanonicalForm):
        read_canonical(text)


def test_what_is_too_large_too_deep_or_out_of_order_is_not_read() -> None:
    for text in (str(LARGEST + 1).encode(), b"[" * 100_000, '{"\ufb33":1,"\U0001f600":2}'.encode()):
        with pytest.raises(NoCanonicalForm):
            read_canonical(text)


def deep(levels: int) -> Any:
    value: Any = 1
    for _ in range(levels):
        value = [value]
    return value


def test_depth_has_a_bound() -> None:
    assert canonical(deep(DEEPEST))
    with pytest.raises(NoCanonicalForm):
        canonical(deep(DEEPEST + 1))


@pytest.mark.parametrize(
    "value", [1.0, LARGEST + 1, -LARGEST - 1, "\ud800", {"\udfff": 1}, {1: 2}, b"x", {1}, object()]
)
def test_what_has_no_one_form_is_refused(value: Any) -> None:
    with pytest.raises(NoCanonicalForm):
        canonical({"value": value})
