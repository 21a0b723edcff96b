"""Who is calling, as the log knows people; what stands beside a request."""

from typing import Annotated, Final

from fastapi import Path

from services.releases.cases.log import Done
from services.releases.cases.releasing import Releasing
from services.releases.domain.commands import By
from services.releases.domain.request import Request
from services.releases.http.refusing import checked
from services.releases.http.views import ShownRequest, shown
from shared.web.auth import Caller
from shared.web.problems import not_found

ASK: Final = "releases:request"
APPROVE: Final = "releases:approve"
READ: Final = ("releases:read", "ops:read")
ADMIN: Final = "releases:admin"
BREAK: Final = "releases:break_glass"
RequestId = Annotated[
    str,
    Path(
        max_length=64,
        pattern=r"^[A-Za-z0-9-]+$",
        description="The request.",
        examples=["3f0c1d3a-8b1e-5c55-9d0a-2f0f5e1c7b11"],
    ),
]


def by(releasing: Releasing, caller: Caller) -> By:
    """The person of the token's subject."""
    return By(releasing.log.rules.people.of_subject(caller.subject), "http")


async def existing(releasing: Releasing, id_: str) -> Request:
    found = await releasing.log.folding.find(id_)
    if found is None:
        raise not_found("request")
    return found


async def whole(releasing: Releasing, request: Request) -> ShownRequest:
    """With its payload, and its texts."""
    head = await releasing.log.books.head()
    payload = await releasing.payloads.load(request.digest)
    return shown(
        request,
        releasing.log,
        head.standing,
        payload=dict(payload.value.payload) if payload else None,
        body=await releasing.text(request.body),
        reason=await releasing.text(request.reason),
        closed_reason=await releasing.text(request.closed_reason),
    )


async def changed(releasing: Releasing, done: Done) -> ShownRequest:
    """The request after what was done to it."""
    request = checked(done).request
    if request is None:
        raise not_found("request")
    return await whole(releasing, request)
