"""What clients ask."""

from typing import Annotated

from pydantic import Field

from services.offers import domain
from shared.web.bodies import Body, Day, WholeNumber

Airport = Annotated[str, Field(description="IATA code of an airport, such as GRU")]


class Search(Body):
    """The query of a search."""

    origin: Annotated[Airport, Field(alias="from")]
    destination: Annotated[Airport, Field(alias="to")]
    date: Annotated[Day, Field(description="Day of departure, such as 2027-01-20")]
    adults: Annotated[WholeNumber, Field(ge=1, le=9)] = 1
    cabin: domain.Cabin = "economy"
