"""Events that were never routed are routed, over HTTP."""

from typing import Annotated, Final, Literal

from fastapi import Response
from pydantic import Field

from services.hub.cases.routing_again import RoutingAgain
from services.hub.ports import ArchiveUnavailable
from shared.bus.outbox import NotPublished
from shared.contracts.hubids import HUBID
from shared.web.answers import answer
from shared.web.auth import Authenticator
from shared.web.bodies import Body, Shown
from shared.web.docs import CREATING, answers
from shared.web.problems import try_again
from shared.web.routes import Routes

MOST: Final = 50
"""Each is looked for in the archive."""


class RoutingBody(Body):
    """Events to be routed."""

    hubids: Annotated[
        list[Annotated[str, Field(pattern=HUBID)]],
        Field(
            min_length=1,
            max_length=MOST,
            description="The hub's names for them",
            examples=[["01948f0c-2a00-7000-8000-000000000001"]],
        ),
    ]


class ShownAgain(Shown):
    """What is done about an event."""

    hubid: Annotated[str, Field(description="The hub's name for it")]
    status: Annotated[
        Literal["sent", "routed", "missing"],
        Field(
            description="`sent` to the router; `routed` before, so that nothing is done; `missing` where it is not "
            "archived"
        ),
    ]


class ShownRoutingAgain(Shown):
    """Of each event that was named."""

    events: Annotated[list[ShownAgain], Field(description="In the order in which they were named, each once")]


def routes(router: Routes, again: RoutingAgain, authenticator: Authenticator) -> None:
    """`/v1/hub/routing`."""

    @router.post(
        "/v1/hub/routing",
        dependencies=[authenticator.requires_one(("ops:write",))],
        status_code=202,
        response_model=None,
        responses=answers(ShownRoutingAgain, *CREATING, status=202),
    )
    async def route(body: RoutingBody) -> Response:
        """Route archived events of whose routing nothing is on record. What was routed before is left alone, so the
        same request again is harmless."""
        try:
            said = await again.route(body.hubids)
        except ArchiveUnavailable as error:
            raise try_again("archive_unavailable", "The archive does not answer; try again") from error
        except NotPublished as error:
            raise try_again("broker_unavailable", "The broker does not answer; try again") from error
        return answer(ShownRoutingAgain(events=[ShownAgain.model_validate(each) for each in said]), 202)
