"""What is personal is taken out, wherever it stands, and of nothing else."""

from typing import Any

import pytest

from services.hub.domain.admission import Admitted, Refusal, judge
from services.hub.domain.kind import Known
from services.hub.domain.partner import Partner
from services.hub.domain.redaction import MARK, redacted
from shared.schemas.schema import Schema

KEY = b"k" * 32
PARTNER = Partner(id="coles", clients=("coles-tills",), publishes=("*",))


def an_event(**data: Any) -> dict[str, Any]:
    return {"specversion": "1.0", "id": "1", "source": "/x", "type": "a.b.v1", "data": data}


@pytest.mark.parametrize(
    ("pointer", "data", "left"),
    [
        ("/data/email", {"email": "ana@example.com", "total": 1}, {"total": 1}),
        ("/data/email", {"total": 1}, {"total": 1}),
        ("/data/member/email", {"member": {"email": "a", "tier": 1}}, {"member": {"tier": 1}}),
        ("/data/member/email", {"member": "a"}, {"member": "a"}),
        ("/data/member/email", {"member": None}, {"member": None}),
        ("/data/lines/who", {"lines": [{"who": "a", "n": 1}, {"n": 2}, 3]}, {"lines": [{"n": 1}, {"n": 2}, 3]}),
        ("/data/lines/who", {"lines": [[{"who": "a"}], []]}, {"lines": [[{}], []]}),
        ("/data/a~1b/c~0d", {"a/b": {"c~d": "a"}}, {"a/b": {}}),
        ("/data/email", {"email": ["a", "b"]}, {}),
    ],
)
def test_what_stands_at_a_pointer_is_dropped(pointer: str, data: dict[str, Any], left: dict[str, Any]) -> None:
    given = an_event(**data)
    assert redacted(given, [pointer], "drop", None) == an_event(**left)
    assert given == an_event(**data), "what was given is left as it is"


def test_a_digest_is_equal_for_equal_values_and_by_another_key_another() -> None:
    one, same, other = (
        redacted(an_event(email=email), ["/data/email"], "hash", KEY)["data"]["email"] for email in ("a", "a", "b")
    )
    assert one == same != other
    assert one.startswith(MARK)
    assert redacted(an_event(email="a"), ["/data/email"], "hash", b"x" * 32)["data"]["email"] != one


def test_without_a_key_nothing_is_kept() -> None:
    assert redacted(an_event(email="a"), ["/data/email"], "hash", None) == an_event()


def test_a_subject_is_personal_too() -> None:
    assert "subject" not in redacted(an_event() | {"subject": "ana"}, ["/subject"], "drop", None)


def known(**more: Any) -> dict[str, Known]:
    return {"a.b.v1": Known(Schema({}), personal=("/data/email",), redact="drop", **more)}


def test_an_admitted_event_has_nothing_personal_in_it_and_its_types_class() -> None:
    admitted = judge(an_event(email="ana@example.com"), (), PARTNER, ("*",), known(keep="P30D"))
    assert isinstance(admitted, Admitted)
    assert b"ana" not in admitted.text
    assert admitted.event == an_event()
    assert admitted.keep == "P30D"
    assert admitted.digest == judge(an_event(), (), PARTNER, ("*",), known()).digest  # type: ignore[union-attr]


def test_data_that_nobody_can_look_into_is_refused_where_something_is_personal() -> None:
    event = an_event()
    del event["data"]
    refused = judge(event | {"data_base64": "AAE="}, (), PARTNER, ("*",), known())
    assert isinstance(refused, Refusal)
    assert (refused.code, refused.faults[0].pointer) == ("schema_violation", "/data_base64")
