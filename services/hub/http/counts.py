"""What was accepted, counted over HTTP."""

from typing import Annotated

from fastapi import Query, Response
from pydantic import Field

from services.hub.cases.counting import CountingEvents, TooLongAgo
from shared.contracts.archive import MinuteOfEvents
from shared.web.answers import answer
from shared.web.auth import Authenticator
from shared.web.bodies import Moment, Shown
from shared.web.docs import READING, answers
from shared.web.pages import Cursor, NextCursor, decode_cursor, next_cursor
from shared.web.problems import invalid_parameter
from shared.web.routes import Routes


class ShownAccepted(Shown):
    """Accepted events, as far as they were counted for this page. What is said of a minute on several pages adds up."""

    minutes: Annotated[list[MinuteOfEvents], Field(description="By partner, class of keeping and minute")]
    next_cursor: NextCursor = None


def routes(router: Routes, counting: CountingEvents, authenticator: Authenticator) -> None:
    """`/v1/hub/accepted`."""

    @router.get(
        "/v1/hub/accepted",
        dependencies=[authenticator.requires_one(("ops:read",))],
        response_model=None,
        responses=answers(ShownAccepted, *READING),
    )
    async def accepted(
        start: Annotated[
            Moment, Query(alias="from", description="Accepted then or later.", examples=["2027-01-20T10:00:00Z"])
        ],
        end: Annotated[Moment, Query(alias="to", description="Accepted before.", examples=["2027-01-20T11:00:00Z"])],
        cursor: Cursor = None,
    ) -> Response:
        """Count, for some seconds, what was accepted in a time that began 47 hours ago at most. All of it is counted
        when `next_cursor` is null."""
        try:
            minutes, following = await counting.accepted(start, end, decode_cursor(cursor, (str, str)))  # type: ignore[arg-type]
        except TooLongAgo as error:
            raise invalid_parameter("from", "must be 47 hours ago at most") from error
        return answer(ShownAccepted(minutes=list(minutes), next_cursor=next_cursor(following)))
