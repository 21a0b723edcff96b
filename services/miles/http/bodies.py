"""What operators send. Unknown fields are refused."""

from datetime import date
from typing import Annotated

from pydantic import BeforeValidator, Field

from services.miles.domain.account import Tier
from shared.web.bodies import DAY_UNTIL_2999, Body, day_only

LAST_EXPIRY = date(2999, 12, 31)


class GrantedLot(Body):
    """Miles good through a day."""

    miles: Annotated[int, Field(ge=0, le=10**12, strict=True, description="How many", examples=[50000])]
    expires_on: Annotated[
        date,
        Field(
            le=LAST_EXPIRY,
            description="Their last day",
            examples=["2030-12-31"],
            json_schema_extra={"pattern": DAY_UNTIL_2999},
        ),
        BeforeValidator(day_only),
    ]


class AccountBody(Body):
    """What an account shall be."""

    tier: Annotated[Tier, Field(description="The member's tier")] = "member"
    lots: Annotated[list[GrantedLot], Field(max_length=200, description="All of the account's miles")]
