"""Whoever asks why is told the clause, the place and what stood there."""

from typing import Any

import pytest

from shared.rules.explaining import ELEMENTS, SHOWN, Found, explain
from shared.rules.parsing import parse

RULE = parse({
    "type": ["retail.receipt.issued.v1"],
    "data": {
        "total": {"amount": [{"numeric": [">=", 3000]}]},
        "lines": {"category": ["grocery"], "amount": [{"numeric": [">", 100]}]},
        "$not": {"staff": [True]},
        "$or": [{"store": [{"prefix": "04"}]}, {"region": ["NSW", "VIC"]}],
    },
})  # fmt: skip


def a_receipt(**data: Any) -> dict[str, Any]:
    lines = [{"category": "tobacco", "amount": 900}, {"category": "grocery", "amount": 2500}]
    return {
        "type": "retail.receipt.issued.v1",
        "data": {"total": {"amount": 3400}, "lines": lines, "store": "0417"} | data,
    }


def told(event: dict[str, Any], *personal: str) -> list[tuple[bool, str, str, Found]]:
    return [(each.holds, each.clause, each.at, each.found) for each in explain(RULE, event, personal).decided()]


def test_a_match_is_told_by_each_clause_and_what_it_found() -> None:
    assert told(a_receipt()) == [
        (True, "/type/0", "/type", Found("a string", "retail.receipt.issued.v1", told=True)),
        (True, "/data/total/amount/0", "/data/total/amount", Found("a number", 3400, told=True)),
        (True, "/data/lines/category/0", "/data/lines/1/category", Found("a string", "grocery", told=True)),
        (True, "/data/lines/amount/0", "/data/lines/1/amount", Found("a number", 2500, told=True)),
        (True, "/data/$or/0/store/0", "/data/store", Found("a string", "0417", told=True)),
        (False, "/data/$not/staff", "/data/staff", Found("nothing")),
    ]


@pytest.mark.parametrize(
    ("event", "reasons"),
    [
        (
            a_receipt() | {"type": "other"},
            [(False, "/type", "/type", Found("a string", "other", told=True))],
        ),
        (
            a_receipt(total={"amount": 2999}),
            [(False, "/data/total/amount", "/data/total/amount", Found("a number", 2999, told=True))],
        ),
        (
            a_receipt(total=None),
            [(False, "/data/total/amount", "/data/total/amount", Found("nothing"))],
        ),
        (
            a_receipt(lines=[{"category": "grocery", "amount": 100}, {"category": "tobacco", "amount": 900}]),
            [
                (False, "/data/lines/amount", "/data/lines/0/amount", Found("a number", 100, told=True)),
                (False, "/data/lines/category", "/data/lines/1/category", Found("a string", "tobacco", told=True)),
            ],
        ),
        (
            a_receipt(lines=[]),
            [(False, "/data/lines/category", "/data/lines/category", Found("nothing"))],
        ),
        (
            a_receipt(store=417, region=["QLD"]),
            [
                (False, "/data/$or/0/store", "/data/store", Found("a number", 417, told=True)),
                (False, "/data/$or/1/region", "/data/region", Found("a list")),
            ],
        ),
        (
            a_receipt(staff=[False, True]),
            [(True, "/data/$not/staff/0", "/data/staff/1", Found("true or false", value=True, told=True))],
        ),
    ],
)
def test_of_no_match_the_first_clause_that_failed_is_told(event: dict[str, Any], reasons: list[Any]) -> None:
    assert told(event) == reasons


def test_a_field_that_failed_is_told_with_all_its_tests() -> None:
    finding = explain(parse({"a": ["x", {"prefix": "y"}]}), {"a": 5})
    (reason,) = finding.decided()
    assert (finding.holds, reason.wanted) == (False, ["x", {"prefix": "y"}])


def test_what_is_personal_is_told_by_its_kind() -> None:
    event = {"data": {"member": {"email": "ana@example.com", "tier": "gold"}, "lines": [{"note": "for Ana", "n": 1}]}}
    pattern = parse({"data": {"member": {"email": ["x"]}}})
    (reason,) = explain(pattern, event, ["/data/member/email"]).decided()
    assert reason.found == Found("a string")
    (reason,) = explain(pattern, event, ["/data/member"]).decided()
    assert reason.found == Found("a string")
    (reason,) = explain(pattern, event, ["/data/member/tier"]).decided()
    assert reason.found == Found("a string", "ana@example.com", told=True)
    lines = parse({"data": {"lines": {"note": ["x"]}}})
    for pointer in ("/data/lines/0/note", "/data/lines/7/note", "/data/lines/note"):
        (reason,) = explain(lines, event, [pointer]).decided()
        assert reason.found == Found("a string")
    assert "Ana" not in str(explain(lines, event, ["/data/lines/0/note"]))


def test_lists_and_objects_are_told_by_their_kind_and_long_texts_are_cut() -> None:
    (reason,) = explain(parse({"a": [{"size": [">", 5]}]}), {"a": [1, 2]}).decided()
    assert (reason.at, reason.found) == ("/a", Found("a list"))
    (reason,) = explain(parse({"a": ["x"]}), {"a": {"b": 1}}).decided()
    assert reason.found == Found("an object")
    (reason,) = explain(parse({"a": ["x"]}), {"a": "y" * 5000}).decided()
    assert reason.found == Found("a string", "y" * SHOWN, told=True)


def test_of_a_long_list_the_first_elements_are_told() -> None:
    finding = explain(parse({"a": {"b": ["x"]}}), {"a": [{"b": number} for number in range(5000)]})
    assert [reason.at for reason in finding.decided()] == [f"/a/{number}/b" for number in range(ELEMENTS)]


def test_a_reason_is_a_sentence() -> None:
    assert str(explain(RULE, a_receipt(total={"amount": 5}))) == (
        "/data/total/amount: 5 is not what /data/total/amount asks"
    )
    assert str(explain(parse({"a": [{"exists": False}]}), {})) == "/a: nothing is what /a/0 asks"
