"""Who asks: an operator, or a partner about what is its own."""

from typing import Final

from services.archive.cases.threads import BeingRead
from services.archive.ports import Hub, HubUnavailable
from shared.segments.lines import DamagedSegment
from shared.web.auth import Caller
from shared.web.problems import Problem, try_again

PAUSE: Final = 5
"""Seconds after which the next one may have its turn."""
JOBS_PAUSE: Final = 60
"""Seconds after which one of many jobs may have ended."""


async def partner_of(hub: Hub, caller: Caller, everything: str) -> str | None:
    """The partner; None for whoever may see everything by that scope. Raises 403 for nobody's client, 503."""
    if everything in caller.scopes:
        return None
    with hub_answers():
        partner = await hub.partner_of(caller.subject)
    if partner is None:
        raise Problem(403, "unknown_partner", "The token's subject is no partner's client")
    return partner


def too_many_jobs(detail: str) -> Problem:
    """As many as one owner may have."""
    return Problem(429, "too_many_jobs", detail, headers={"Retry-After": str(JOBS_PAUSE)})


class hub_answers:  # noqa: N801 - it stands where a function would
    """A hub that does not is a 503."""

    def __enter__(self) -> None:
        return

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, HubUnavailable):
            raise try_again("hub_unavailable", "The hub does not answer; try again") from error


class archive_reads:  # noqa: N801 - as above
    """A damaged segment is a 500 that names it, a folder that cannot be read a 503, a second reader of it all a 429."""

    def __enter__(self) -> None:
        return

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        match error:
            case DamagedSegment():
                detail = f"{error.segment}: {error.wrong}. `milesaga hub archive verify` looks at all segments"
                raise Problem(500, "segment_damaged", detail) from error
            case OSError():
                raise try_again("archive_unavailable", "The archive cannot be read; try again") from error
            case BeingRead():
                detail = "All of the archive, or much of it, is being read already: one at a time"
                raise Problem(429, "being_read", detail, headers={"Retry-After": str(PAUSE)}) from error
