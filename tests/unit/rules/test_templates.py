"""What a target is sent is JSON, whatever stands in the event."""

import json
import random
from decimal import Decimal
from typing import Any

import pytest

from shared.rules.faults import Invalid
from shared.rules.limits import PLACES, TEMPLATE_BYTES, TEXT_BYTES
from shared.rules.looking import MISSING
from shared.rules.templates import TemplateFailed, template_of
from tests.unit.rules import obvious
from tests.unit.rules.chance import POINTERS, some_events

EVENT: dict[str, Any] = {
    "id": "4711",
    "data": {
        "total": 30.5,
        "count": 3,
        "paid": True,
        "note": None,
        "lines": [{"sku": "a"}, {"sku": "b"}],
        'q"': 'a"b\\',
    },
}


@pytest.mark.parametrize(
    ("template", "result"),
    [
        ({"$": "/data/total"}, 30.5),
        ({"$": "/data/lines"}, [{"sku": "a"}, {"sku": "b"}]),
        ({"$": "/data/lines/1/sku"}, "b"),
        ({"$": "/data/lines/2"}, None),
        ({"$": "/data/note"}, None),
        ({"$": "/data/note", "required": True}, None),
        ({"$": ""}, EVENT),
        ({"$event": True}, EVENT),
        ({"$text": "none"}, "none"),
        ({"$text": "{/data/count} of {/data/total}, {/data/paid}, {/data/note}."}, "3 of 30.5, true, ."),
        ({"$text": "{/data/lines}"}, '[{"sku":"a"},{"sku":"b"}]'),
        ({"$text": '{/data/q"}'}, 'a"b\\'),
        ({"$text": "{{{/id}}}{{}}"}, "{4711}{}"),
        ({"$text": "{/id}{/no/such}"}, None),
        ({"$text": "{/id}", "required": False}, "4711"),
        ({"$first": [{"$": "/no"}, {"$": "/data/note"}, {"$": "/id"}]}, None),
        ({"$first": [{"$": "/no"}, {"$text": "{/no}"}, {"$text": "{/id}"}, "x"]}, "4711"),
        ({"$first": [{"$": "/no"}, {"a": [{"$": "/id"}]}]}, {"a": ["4711"]}),
        ({"$first": [{"$": "/no"}]}, None),
        (
            {"a": [1, Decimal("1.5"), None, False, {"b": {"$": "/no"}}, {}]},
            {"a": [1, 1.5, None, False, {"b": None}, {}]},
        ),
        ([], []),
    ],
    ids=str,
)
def test_a_place_is_filled_with_its_type(template: Any, result: Any) -> None:
    found = template_of(template)(EVENT)
    assert json.dumps(found) == json.dumps(result)


@pytest.mark.parametrize(
    ("template", "place"),
    [
        ({"$": "/no", "required": True}, "the template"),
        ({"a": [{"$text": "{/id}{/no}", "required": True}]}, "/a/0"),
        ({"a": {"$first": [{"$": "/no"}, {"$": "/data/no"}], "required": True}}, "/a"),
    ],
)
def test_without_what_is_required_there_is_no_result(template: Any, place: str) -> None:
    with pytest.raises(TemplateFailed) as error:
        template_of(template)(EVENT)
    assert str(error.value) == f"the event has nothing for {place}"


@pytest.mark.parametrize(
    ("template", "pointer", "expected"),
    [
        ({"a": {"$x": 1}}, "/a", "one of $, $text, $first, $event, and required at most"),
        ({"$": "/a", "b": 1}, "", "one of $, $text, $first, $event, and required at most"),
        ({"$": "/a", "$text": "x"}, "", "one of $, $text, $first, $event, and required at most"),
        ({"$": "/a", "required": "yes"}, "/required", "true or false"),
        ({"$": "a"}, "/$", "a JSON Pointer into the event such as /data/x"),
        ({"$": 5}, "/$", "a string"),
        ({"$text": "{a}"}, "/$text", "a JSON Pointer into the event such as /data/x"),
        ({"$text": "{/a"}, "/$text", "a pointer in braces, or doubled braces"),
        ({"$text": "a}"}, "/$text", "a pointer in braces, or doubled braces"),
        ({"$first": []}, "/$first", "a list of 1 to 100"),
        ({"$first": [{"$": "a"}]}, "/$first/0/$", "a JSON Pointer into the event such as /data/x"),
        ({"$event": False}, "/$event", "true"),
        ([Decimal("0.10000000000000000555")], "/0", "a number that binary64 holds, such as 0.1"),
        ([float("nan")], "/0", "a finite number"),
        (["x" * TEMPLATE_BYTES], "", f"at most {TEMPLATE_BYTES} bytes"),
        ([{"$event": True}] * (PLACES + 1), f"/{PLACES}", f"at most {PLACES} places"),
        ([{"$text": "{/a}" * PLACES}], "/0/$text", f"at most {PLACES} places"),
    ],
    ids=lambda value: str(value)[:60],
)
def test_a_fault_names_its_place_and_what_should_stand_there(template: Any, pointer: str, expected: str) -> None:
    with pytest.raises(Invalid) as error:
        template_of(template)
    assert [(fault.pointer, fault.expected) for fault in error.value.faults] == [(pointer, expected)]


def test_a_text_does_not_grow_without_end() -> None:
    template = template_of({"$text": "{/a}" * (PLACES - 1)})
    assert len(template({"a": "x" * (TEXT_BYTES // PLACES)})) == TEXT_BYTES // PLACES * (PLACES - 1)
    with pytest.raises(TemplateFailed, match=f"a text has more than {TEXT_BYTES} characters"):
        template({"a": "x" * TEXT_BYTES})


def test_what_was_taken_from_random_events_is_what_stands_there() -> None:
    template = template_of([{"$": pointer} for pointer in POINTERS])
    for seed in range(500):
        for event in some_events(random.Random(seed), 3):
            found = [obvious.at(event, pointer) for pointer in POINTERS]
            assert template(event) == [None if value is MISSING else value for value in found]
