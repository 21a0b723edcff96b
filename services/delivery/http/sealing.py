"""Which master key what webhooks are signed by is sealed by, for operators."""

from typing import Annotated, Any, Literal

from fastapi import Response
from pydantic import Field

from services.delivery.cases.resealing import Resealing, Tally
from shared.web.answers import answer
from shared.web.auth import Caller
from shared.web.bodies import Shown
from shared.web.docs import READING, answers
from shared.web.routes import Routes

NAME = "9f8a6c0d2e41b7f3"


class ShownMasterKey(Shown):
    """A master key by its name, which is derived from it and tells nothing of it."""

    name: Annotated[str, Field(description="Its name", examples=[NAME])]
    which: Annotated[
        Literal["newest", "former", "unknown"], Field(description="`unknown`: it sealed something, and is not given")
    ]
    sealed: Annotated[int, Field(description="Secrets and key pairs that only it opens")]
    target: Annotated[str | None, Field(description="Of an unknown one: a target that waits for it")]


class ShownSealing(Shown):
    """Whether the former master key is needed still."""

    keys: Annotated[list[ShownMasterKey], Field(description="Those that are given, and those that are missing")]
    waits: Annotated[int, Field(description="Processes that cannot open by the newest yet, or seal by another")]
    former_is_needed: Annotated[bool, Field(description="False: it can be taken away")]


def routes(router: Routes, resealing: Resealing, operator: Any) -> None:
    """`/v1/hub/sealing`."""

    @router.get("/v1/hub/sealing", response_model=None, responses=answers(ShownSealing, *READING))
    async def read_sealing(_: Caller = operator) -> Response:
        """How far a change of the master key has come."""
        return answer(shown(await resealing.tally()))


def shown(tally: Tally) -> ShownSealing:
    keys: list[tuple[str, Literal["newest", "former", "unknown"]]] = [(tally.newest, "newest")]
    if tally.former is not None:
        keys.append((tally.former, "former"))
    keys += [(name, "unknown") for name in sorted(tally.unknown)]
    return ShownSealing(
        keys=[
            ShownMasterKey(name=name, which=which, sealed=tally.by.get(name, 0), target=tally.unknown.get(name))
            for name, which in keys
        ],
        waits=tally.waits,
        former_is_needed=tally.former_is_needed,
    )
