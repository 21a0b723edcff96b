"""What routes answer: JSON straight from the model, the revision it has, where it lies."""

from fastapi import Response
from pydantic import BaseModel

from shared.web.preconditions import etag

JSON = "application/json"


def answer(
    shown: BaseModel,
    status: int = 200,
    *,
    revision: int | None = None,
    location: str | None = None,
    sparse: bool = False,
) -> Response:
    """The model as JSON, written by pydantic itself: large answers are too much to go through Python twice.

    `revision` becomes the `ETag` that `If-Match` takes; `location` is the path of what was made; `sparse` leaves out
    what is null.
    """
    headers = {}
    if revision is not None:
        headers["ETag"] = etag(revision)
    if location is not None:
        headers["Location"] = location
    return Response(shown.model_dump_json(by_alias=True, exclude_none=sparse), status, headers, JSON)


def nothing() -> Response:
    """Done, and there is nothing to show."""
    return Response(status_code=204)
