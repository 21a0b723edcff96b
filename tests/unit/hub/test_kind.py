"""Which schema may take the place of those that a type has had."""

import random
from typing import Any

import pytest

from services.hub.domain.kind import MOST_BEFORE, Incompatible, Kind, replaced
from shared.schemas.compatibility import incompatible
from shared.schemas.schema import Schema

FIELDS = ("points", "till", "paid")
TYPES = ("string", "integer", "boolean")


def of(**fields: str) -> dict[str, Any]:
    return {"type": "object", "properties": {name: {"type": type_} for name, type_ in fields.items()}}


def put(old: Kind | None, document: dict[str, Any], *, force: bool = False) -> Kind:
    return replaced(old, Kind(id="retail.receipt.v1", schema_document=document), Schema(document), force=force)


def test_a_field_is_not_left_out_and_then_given_another_meaning() -> None:
    """Each step by itself breaks nobody; whoever reads what was archived by the first one is broken by the last."""
    without = put(put(None, of(points="integer")), of())
    with pytest.raises(Incompatible, match="before"):
        put(without, of(points="string"))
    assert put(without, of(points="integer")).schema_document == of(points="integer"), "back again is no harm"


def test_what_python_holds_to_be_equal_is_another_schema_all_the_same() -> None:
    one, true = ({"properties": {"n": {"const": value}}} for value in (1, True))
    with pytest.raises(Incompatible):
        put(put(None, one), true)


def test_after_force_nothing_that_was_before_counts() -> None:
    forced = put(put(None, of(points="integer")), of(points="string"), force=True)
    assert not forced.before
    assert put(forced, of(points="string", till="string")).before == (of(points="string"),)


def test_a_schema_that_says_the_same_once_more_is_remembered_once() -> None:
    again = put(put(None, of(points="integer")), of(points="integer"))
    assert not again.before


def test_a_type_has_no_end_of_schemas() -> None:
    kind = put(None, of(f0="string"))
    for number in range(1, MOST_BEFORE + 1):
        kind = put(kind, of(**{f"f{each}": "string" for each in range(number + 1)}))
    with pytest.raises(Incompatible, match=str(MOST_BEFORE)):
        put(kind, of(one="string"))
    assert len(kind.before) == MOST_BEFORE


@pytest.mark.parametrize("seed", range(20))
def test_whatever_is_tried_all_schemas_that_a_type_has_had_go_with_each_other(seed: int) -> None:
    draw = random.Random(seed)
    kind, had = put(None, of()), [of()]
    for _ in range(12):
        wanted = of(**{name: draw.choice(TYPES) for name in draw.sample(FIELDS, draw.randrange(4))})
        try:
            kind = put(kind, wanted)
        except Incompatible:
            continue
        had.append(wanted)
    assert len(had) > 1
    assert not any(incompatible(Schema(one), Schema(other)) for one in had for other in had)
