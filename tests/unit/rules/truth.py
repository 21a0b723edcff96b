"""The operators' truth table, cell by cell: `+` where a test holds of a value, `.` where it does not."""

import json
from collections.abc import Iterator
from typing import Any

from shared.rules.looking import MISSING

VALUES: dict[str, Any] = {
    "none": MISSING,
    "null": None,
    "true": True,
    "0": 0,
    "1": 1,
    "1.0": 1.0,
    "2.5": 2.5,
    '""': "",
    '"x"': "x",
    '"X"': "X",
    '"xay"': "xay",
    '"1"': "1",
    "ip": "10.0.0.7",
    "time": "2027-01-01T00:00:00Z",
    "[]": [],
    "[null]": [None],
    '[1,"x"]': [1, "x"],
    '[["x"]]': [["x"]],
    "{}": {},
    '{"x":1}': {"x": 1},
    "[{}]": [{}],
}
"""Columns; `none`: the field is not there."""

TABLE = """
                                      none null true 0  1  1.0 2.5 "" "x" "X" "xay" "1" ip time [] [null] [1,"x"] [["x"]] {} {"x":1} [{}]
"x"                                   .    .    .    .  .  .   .   .  +   .   .     .   .  .    .  .      +       +       .  .       .
""                                    .    .    .    .  .  .   .   +  .   .   .     .   .  .    .  .      .       .       .  .       .
1                                     .    .    .    .  +  +   .   .  .   .   .     .   .  .    .  .      +       .       .  .       .
2.5                                   .    .    .    .  .  .   +   .  .   .   .     .   .  .    .  .      .       .       .  .       .
0                                     .    .    .    +  .  .   .   .  .   .   .     .   .  .    .  .      .       .       .  .       .
true                                  .    .    +    .  .  .   .   .  .   .   .     .   .  .    .  .      .       .       .  .       .
false                                 .    .    .    .  .  .   .   .  .   .   .     .   .  .    .  .      .       .       .  .       .
null                                  .    +    .    .  .  .   .   .  .   .   .     .   .  .    .  +      .       .       .  .       .
{"prefix":"x"}                        .    .    .    .  .  .   .   .  +   .   +     .   .  .    .  .      +       +       .  .       .
{"prefix":""}                         .    .    .    .  .  .   .   +  +   +   +     +   +  +    .  .      +       +       .  .       .
{"prefix":{"equals-ignore-case":"X"}} .    .    .    .  .  .   .   .  +   +   +     .   .  .    .  .      +       +       .  .       .
{"suffix":"x"}                        .    .    .    .  .  .   .   .  +   .   .     .   .  .    .  .      +       +       .  .       .
{"suffix":{"equals-ignore-case":"Y"}} .    .    .    .  .  .   .   .  .   .   +     .   .  .    .  .      .       .       .  .       .
{"equals-ignore-case":"X"}            .    .    .    .  .  .   .   .  +   +   .     .   .  .    .  .      +       +       .  .       .
{"wildcard":"x*"}                     .    .    .    .  .  .   .   .  +   .   +     .   .  .    .  .      +       +       .  .       .
{"wildcard":"*"}                      .    .    .    .  .  .   .   +  +   +   +     +   +  +    .  .      +       +       .  .       .
{"cidr":"10.0.0.0/8"}                 .    .    .    .  .  .   .   .  .   .   .     .   +  .    .  .      .       .       .  .       .
{"before":"2027-01-01T00:00:01Z"}     .    .    .    .  .  .   .   .  .   .   .     .   .  +    .  .      .       .       .  .       .
{"before":"2027-01-01T00:00:00Z"}     .    .    .    .  .  .   .   .  .   .   .     .   .  .    .  .      .       .       .  .       .
{"after":"2026-12-31T23:59:59Z"}      .    .    .    .  .  .   .   .  .   .   .     .   .  +    .  .      .       .       .  .       .
{"after":"2027-01-01T00:00:00Z"}      .    .    .    .  .  .   .   .  .   .   .     .   .  .    .  .      .       .       .  .       .
{"numeric":[">=",0]}                  .    .    .    +  +  +   +   .  .   .   .     .   .  .    .  .      +       .       .  .       .
{"numeric":["=",1]}                   .    .    .    .  +  +   .   .  .   .   .     .   .  .    .  .      +       .       .  .       .
{"numeric":[">",0,"<",2]}             .    .    .    .  +  +   .   .  .   .   .     .   .  .    .  .      +       .       .  .       .
{"numeric":["<",1]}                   .    .    .    +  .  .   .   .  .   .   .     .   .  .    .  .      .       .       .  .       .
{"numeric":["<=",1]}                  .    .    .    +  +  +   .   .  .   .   .     .   .  .    .  .      +       .       .  .       .
{"numeric":[">",1]}                   .    .    .    .  .  .   +   .  .   .   .     .   .  .    .  .      .       .       .  .       .
{"anything-but":"x"}                  .    +    +    +  +  +   +   +  .   +   +     +   +  +    .  +      +       .       +  +       +
{"anything-but":["x","xay"]}          .    +    +    +  +  +   +   +  .   +   .     +   +  +    .  +      +       .       +  +       +
{"anything-but":1}                    .    +    +    +  .  .   +   +  +   +   +     +   +  +    .  +      +       +       +  +       +
{"anything-but":null}                 .    .    +    +  +  +   +   +  +   +   +     +   +  +    .  .      +       +       +  +       +
{"anything-but":true}                 .    +    .    +  +  +   +   +  +   +   +     +   +  +    .  +      +       +       +  +       +
{"anything-but":{"prefix":"x"}}       .    +    +    +  +  +   +   +  .   +   .     +   +  +    .  +      +       .       +  +       +
{"anything-but":{"suffix":["y","1"]}} .    +    +    +  +  +   +   +  +   +   .     .   +  +    .  +      +       +       +  +       +
{"anything-but":{"equals-ignore-case":"X"}} . +  +    +  +  +   +   +  .   .   +     +   +  +    .  +      +       .       +  +       +
{"anything-but":{"wildcard":"x*"}}    .    +    +    +  +  +   +   +  .   +   .     +   +  +    .  +      +       .       +  +       +
{"exists":true}                       .    +    +    +  +  +   +   +  +   +   +     +   +  +    +  +      +       +       +  +       +
{"exists":false}                      +    .    .    .  .  .   .   .  .   .   .     .   .  .    .  .      .       .       .  .       .
{"size":["=",0]}                      .    .    .    .  .  .   .   +  .   .   .     .   .  .    +  .      .       .       .  .       .
{"size":["=",1]}                      .    .    .    .  .  .   .   .  +   +   .     +   .  .    .  +      .       +       .  .       +
{"size":[">",1]}                      .    .    .    .  .  .   .   .  .   .   +     .   +  +    .  .      +       .       .  .       .
{"all-of":["x",1]}                    .    .    .    .  .  .   .   .  .   .   .     .   .  .    .  .      +       .       .  .       .
{"all-of":["x"]}                      .    .    .    .  .  .   .   .  .   .   .     .   .  .    .  .      +       .       .  .       .
{"all-of":[null]}                     .    .    .    .  .  .   .   .  .   .   .     .   .  .    .  +      .       .       .  .       .
{"equals-field":"/x"}                 .    .    .    .  .  .   .   .  +   .   .     .   .  .    .  .      +       +       .  .       .
{"equals-field":"/one"}               .    .    .    .  +  +   .   .  .   .   .     .   .  .    .  .      +       .       .  .       .
{"equals-field":"/null"}              .    +    .    .  .  .   .   .  .   .   .     .   .  .    .  +      .       .       .  .       .
{"equals-field":"/nothing"}           .    .    .    .  .  .   .   .  .   .   .     .   .  .    .  .      .       .       .  .       .
{"equals-field":"/list"}              .    .    +    .  .  .   .   .  +   .   .     .   .  .    .  .      +       +       .  .       .
{"equals-field":"/list/1/0"}          .    .    +    .  .  .   .   .  .   .   .     .   .  .    .  .      .       .       .  .       .
{"equals-field":"/object"}            .    .    .    .  .  .   .   .  .   .   .     .   .  .    .  .      .       .       .  .       .
{"x":[1]}                             .    .    .    .  .  .   .   .  .   .   .     .   .  .    .  .      .       .       .  +       .
{"x":[{"exists":false}]}              +    +    +    +  +  +   +   +  +   +   +     +   +  +    +  +      +       +       +  .       +
{"x":[{"anything-but":2}]}            .    .    .    .  .  .   .   .  .   .   .     .   .  .    .  .      .       .       .  +       .
{"$not":{"x":[1]}}                    +    +    +    +  +  +   +   +  +   +   +     +   +  +    +  +      +       +       +  .       +
"""  # noqa: E501 - a table

BESIDE: dict[str, Any] = {"x": "x", "one": 1, "null": None, "list": ["x", [True]], "object": {"x": 1}, "c/d~": "x"}
"""What stands in the event beside the field, for `equals-field` to look at."""


def rows() -> Iterator[tuple[Any, dict[str, bool]]]:
    """What is asked of the field (a test, or a pattern), and by column whether it holds."""
    header, *lines = [line.split() for line in TABLE.strip().splitlines()]
    assert header == list(VALUES)
    for wanted, *marks in lines:
        assert set(marks) <= {"+", "."}
        yield json.loads(wanted), {name: mark == "+" for name, mark in zip(header, marks, strict=True)}


def pattern_for(wanted: Any) -> Any:
    """A rule that asks so of the field `f`."""
    is_pattern = isinstance(wanted, dict) and next(iter(wanted)) in {"x", "$not"}
    return {"f": wanted if is_pattern else [wanted]}


def event_with(value: Any) -> dict[str, Any]:
    return BESIDE if value is MISSING else BESIDE | {"f": value}
