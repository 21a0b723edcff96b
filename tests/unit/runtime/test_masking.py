"""What an operator sees of a message."""

from datetime import date
from typing import Any

from pydantic import Field

from shared.contracts.journey import Part
from shared.contracts.masking import masked
from shared.contracts.messages import Event, Personal


class Person(Part):
    name: Personal[str]
    born: Personal[date]
    seat: str


class Seen(Event):
    type = "tests.seen.v1"
    purchase_id: str
    people: list[Person]
    token: str = Field(repr=False)
    extra: dict[str, Any]
    nothing: None = None


def test_personal_and_secret_fields_are_hidden_at_every_depth_and_the_rest_is_shown() -> None:
    person = Person(name="Ana", born=date(1990, 1, 2), seat="12A")
    message = Seen(purchase_id="p1", people=[person], token="tok_1", extra={"by": person, "miles": 3})
    hidden = {"name": "•••", "born": "•••", "seat": "12A"}
    assert masked(message) == {
        "purchase_id": "p1",
        "people": [hidden],
        "token": "•••",
        "extra": {"by": hidden, "miles": 3},
        "nothing": None,
    }
