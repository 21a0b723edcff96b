"""What clients ask."""

from typing import Annotated

from pydantic import Field

from services.offers import domain
from shared.web.bodies import Body, Day, WholeNumber

IATA = "^[A-Z]{3}$"
Airport = Annotated[
    str, Field(description="IATA code of an airport", examples=["GRU"], json_schema_extra={"pattern": IATA})
]


class Search(Body):
    """The query of a search."""

    origin: Annotated[Airport, Field(alias="from")]
    destination: Annotated[Airport, Field(alias="to")]
    date: Annotated[Day, Field(description="Day of departure at the airport", examples=["2027-01-20"])]
    adults: Annotated[WholeNumber, Field(ge=1, le=9, description="How many passengers, all adults", examples=[1])] = 1
    cabin: Annotated[domain.Cabin, Field(description="The cabin of all flights")] = "economy"
