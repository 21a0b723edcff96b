"""Parameters that several of the archive's routes have."""

from typing import Annotated

from fastapi import Path, Query

from shared.contracts.buses import NAME
from shared.web.bodies import Moment

BusName = Annotated[str, Path(pattern=NAME, description="The bus.", examples=["fuel"])]
Start = Annotated[
    Moment | None, Query(alias="from", description="Accepted then or later.", examples=["2027-01-20T10:00:00Z"])
]
End = Annotated[Moment | None, Query(alias="to", description="Accepted before.", examples=["2027-01-20T11:00:00Z"])]
