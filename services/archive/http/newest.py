"""Jobs over HTTP, page by page, the newest first."""

from collections.abc import Sequence
from typing import Any, TypeVar

from services.archive.cases.owned import newest
from services.archive.domain.jobs import Job
from shared.store.documents import After
from shared.store.repository import Repository, Stored
from shared.web.pages import Listing

J = TypeVar("J", bound=Job)


def _made(stored: Stored[Any]) -> tuple[str, str]:
    return stored.value.model_dump(mode="json", include={"made_at"})["made_at"], stored.value.id


_NEWEST = Listing[Stored[Any]](_made, (str, str))


async def page_of(
    jobs: Repository[J], partner: str | None, cursor: str | None, limit: int
) -> tuple[Sequence[Stored[J]], str | None]:
    """Those of the partner, None: everybody's; and the cursor of the page that follows. Raises 422, Unavailable."""

    async def page(after: After, size: int) -> Sequence[Stored[J]]:
        return await newest(jobs, partner, after, size)

    return await _NEWEST.page(cursor, limit, page)
