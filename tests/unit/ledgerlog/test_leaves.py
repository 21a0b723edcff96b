"""A leaf has one form."""

import hashlib
from dataclasses import replace
from datetime import timedelta, timezone

import pytest

from shared.ledgerlog.leaves import BadLeaf, FreeText, Leaf, chain_hash
from tests.unit.ledgerlog.logs import START

LEAF = Leaf(1, START, "approved", "r-1", "bia", "chat", {"seats": {"sre": "bia"}, "digest": "sha256:00"}, "a" * 64)
WRITTEN = (
    '{"actor":"bia","at":"2027-01-20T10:00:00.000000+00:00","facts":{"digest":"sha256:00","seats":{"sre":"bia"}},'
    f'"kind":"approved","n":1,"prev":"{"a" * 64}","request":"r-1","via":"chat"}}'
)


def test_a_leaf_is_written_in_one_way_and_read_again() -> None:
    assert LEAF.written().decode() == WRITTEN
    assert Leaf.read(WRITTEN.encode()) == LEAF
    assert chain_hash(LEAF.written()) == hashlib.sha256(WRITTEN.encode()).hexdigest()


def test_a_time_has_one_zone() -> None:
    elsewhere = replace(LEAF, at=START.astimezone(timezone(timedelta(hours=-3))))
    assert elsewhere.written() == LEAF.written()


@pytest.mark.parametrize(
    "text",
    [
        WRITTEN.replace(",", ", ", 1),
        WRITTEN.replace('"n":1', '"n":1.0'),
        WRITTEN.replace('"n":1', '"n":true'),
        WRITTEN.replace('"n":1', '"n":"1"'),
        WRITTEN.replace("+00:00", "Z"),
        WRITTEN.replace("+00:00", "-03:00"),
        WRITTEN.replace("2027-01-20T10:00:00.000000+00:00", "0001-01-01T00:00:00.000000+14:00"),
        WRITTEN.replace("2027-01-20T10:00:00.000000+00:00", "9999-12-31T23:59:59.999999-14:00"),
        WRITTEN.replace('"kind":"approved",', ""),
        WRITTEN.replace('"kind"', '"more":1,"kind"'),
        WRITTEN.replace('"kind":"approved"', '"kind":"denied","kind":"approved"'),
        WRITTEN.replace('"actor":"bia"', '"actor":null'),
        WRITTEN.replace('"facts":{', '"facts":[{').replace('},"kind"', '}],"kind"'),
        WRITTEN.replace("bia", "b\\u0069a", 1),
        WRITTEN + " ",
        "[]",
        "",
        "[" * 100_000,
    ],
)
def test_what_is_not_exactly_a_leaf_is_refused(text: str) -> None:
    with pytest.raises(BadLeaf):
        Leaf.read(text.encode())


def test_a_text_is_found_by_its_salted_hash_alone() -> None:
    told = FreeText("00" * 32, "it burns")
    assert told.hash == hashlib.sha256(b"\x00" * 32 + b"it burns").hexdigest()
    assert FreeText("01" * 32, "it burns").hash != told.hash
