"""What clients send. Unknown fields are refused; numbers are numbers."""

import re
from datetime import date
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, StrictInt

from services.cart.domain.cart import Channel
from shared.kernel.currencies import DECIMALS
from shared.kernel.money import Currency
from shared.kernel.names import NoRule, printed
from shared.web.bodies import DAY_PATTERN, Body, day_only

_MARKS = (
    r"!-~\u00a1-\u00ac\u00ae-\u05ff\u0606-\u061b\u061d-\u06dc\u06de-\u070e\u0710-\u088f\u0892-\u08e1\u08e3-\u167f"
    r"\u1681-\u180d\u180f-\u1fff\u2010-\u2027\u2030-\u205e\u2070-\u2fff\u3001-\ud7ff\uf900-\ufefe\uff00-\uffef"
)
"""Neither blank, nor control, format or private characters; what Unicode may yet assign is taken as it comes."""
VISIBLE = rf"^[ {_MARKS}]*[{_MARKS}][ {_MARKS}]*$"
"""Text that can be printed, and is not blank: the rule itself, so that the document says all of it."""
_LETTERS = (
    r"A-Za-z\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u0137\u0139-\u017e\u01a0\u01a1\u01af\u01b0\u01cd-\u01dc\u0218-\u021b"
    r"\u1ea0-\u1ef9\u0400-\u042b\u042d-\u044b\u044d-\u045f\u0490\u0491\u0621-\u063a\u0641-\u064a"
)
TICKETABLE = rf"^[{_LETTERS} '.,-]*[{_LETTERS}][{_LETTERS} '.,-]*$"
"""Letters that have a rule, as near as a pattern can say it."""
_VISIBLE = re.compile(VISIBLE)


def _visible(text: str) -> str:
    if not _VISIBLE.fullmatch(text):
        raise ValueError("must be printable text")
    return text


def _ticketable(text: str) -> str:
    try:
        printed(text)
    except NoRule as none:
        which = f"no {none.letter!r}, for which there is no rule" if none.letter else "a letter"
        raise ValueError(f"must be a name that a ticket can show in the letters A to Z, with {which}") from None
    return text


def _day(text: str) -> str:
    try:
        return date.fromisoformat(day_only(text)).isoformat()
    except ValueError:
        raise ValueError("must be a date such as 1990-05-01") from None


Name = Annotated[
    str,
    Field(min_length=1, max_length=60, json_schema_extra={"pattern": TICKETABLE}),
    AfterValidator(_visible),
    AfterValidator(_ticketable),
]
Identifier = Annotated[str, Field(min_length=1, max_length=64)]
Index = Annotated[StrictInt, Field(ge=0, le=99)]


class NewCart(Body):
    """An empty cart."""

    channel: Annotated[Channel, Field(description="Where the customer is")]
    currency: Annotated[Currency, Field(json_schema_extra={"enum": sorted(DECIMALS)}, examples=["BRL"])]


class NewPassenger(Body):
    """Who flies, as the travel document says."""

    given_name: Annotated[Name, Field(description="As the travel document has it", examples=["Ana"])]
    surname: Annotated[Name, Field(description="As the travel document has it", examples=["Souza"])]
    birth_date: Annotated[
        str,
        Field(
            max_length=10,
            description="Day of birth",
            examples=["1990-05-01"],
            json_schema_extra={"format": "date", "pattern": DAY_PATTERN},
        ),
        AfterValidator(_day),
    ]
    document: Annotated[
        str,
        Field(
            min_length=1,
            max_length=40,
            description="Number of the travel document",
            examples=["FX123456"],
            json_schema_extra={"pattern": VISIBLE},
        ),
        AfterValidator(_visible),
    ]


class NewFlight(Body):
    """The flights of an offer, for exactly the offer's number of passengers."""

    kind: Annotated[Literal["flight"], Field(description="A flight item")]
    offer_id: Annotated[Identifier, Field(description="An offer that lives", examples=["0198f0c2-5a61-7c3e"])]
    passengers: Annotated[
        list[NewPassenger], Field(min_length=1, max_length=9, description="Exactly as many as the offer is for")
    ]


class NewSeat(Body):
    """One of the offer's seats; `segment` and `passenger` are indexes into the flight item's."""

    kind: Annotated[Literal["seat"], Field(description="A seat item")]
    offer_id: Annotated[
        Identifier, Field(description="The offer of a flight in the cart", examples=["0198f0c2-5a61-7c3e"])
    ]
    segment: Annotated[Index, Field(description="Index into the flight's segments", examples=[0])]
    passenger: Annotated[Index, Field(description="Index into the flight's passengers", examples=[0])]
    seat: Annotated[str, Field(min_length=2, max_length=5, description="Row and letter", examples=["12A"])]


class NewBag(Body):
    """Checked bags of one passenger."""

    kind: Annotated[Literal["bag"], Field(description="A bag item")]
    offer_id: Annotated[
        Identifier, Field(description="The offer of a flight in the cart", examples=["0198f0c2-5a61-7c3e"])
    ]
    passenger: Annotated[Index, Field(description="Index into the flight's passengers", examples=[0])]
    pieces: Annotated[StrictInt, Field(ge=1, le=9, description="How many, as the offer sells them", examples=[1])]


NewItem = Annotated[NewFlight | NewSeat | NewBag, Field(discriminator="kind")]


class CartChange(Body):
    """What to change; what is left out, or null, stays. Promo codes are not taken yet: null."""

    use_miles: Annotated[
        StrictInt | None,
        Field(
            description="How many miles pay the fares, at most what the fares cost in miles",
            examples=[30000],
            json_schema_extra={"minimum": 0},
        ),
    ] = None
    promo_code: Annotated[Any, Field(description="Not built yet: must be null", json_schema_extra={"type": "null"})] = (
        None
    )
