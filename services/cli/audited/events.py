"""Partners' events in a window of time: is the archive whole, and does each copy that was asked for stand somewhere?"""

from datetime import UTC, datetime, timedelta
from typing import Final

import httpx

from services.cli.audited.book import Finding
from services.cli.books import Balance, Events, Target
from services.cli.client import Api, ApiError, Json
from services.cli.patience import patiently
from services.cli.verified import LATER, verified

ARCHIVE: Final = "archive"
COPIES: Final = "copies"
STATS: Final = "/v1/hub/archive/stats"


def read(api: Api, window: timedelta) -> Events | None:
    """Of the events that were accepted since; None where the stack has no archive. Of an archive that is not whole
    nothing is counted. Raises ApiError."""
    now = datetime.now(UTC)
    try:
        verdict = verified(api)
    except ApiError as error:
        if error.status != httpx.codes.NOT_FOUND:
            raise
        return None
    if wrong := {str(each["segment"]): str(each["wrong"]) for each in verdict.wrong}:
        return Events(wrong, Balance(), ())
    span = {"from": (now - window).isoformat(), "to": now.isoformat()}
    shown = patiently(lambda: api.get(STATS, **span), LATER)
    targets = [Target.model_validate(each) for each in _targets(api)]
    return Events({}, Balance.model_validate(shown["balance"]), targets)


def findings(events: Events) -> list[Finding]:
    """Every difference. A webhook's copy that nobody tried lies in its queue, and one that is dead in its dead letters:
    where fewer lie there than must, somebody has taken them."""
    found = [Finding(name, ARCHIVE, "as it was written", wrong) for name, wrong in events.wrong.items()]
    targets = {f"{each.bus}/{each.name}": each for each in events.targets}
    for place, copies in events.balance.copies.items():
        outcomes = events.balance.outcomes.get(place, {})
        if (stand := sum(outcomes.values())) != copies:
            found.append(Finding(place, COPIES, f"{copies} copies", f"{stand} of them are somewhere"))
        if (target := targets.get(place)) is not None and target.kind == "webhook":
            found += _missing(place, outcomes.get("waiting", 0), target.waiting, "waiting")
            found += _missing(place, outcomes.get("dead", 0), target.dead, "among the dead letters")
    return found


def _missing(place: str, expected: int, there: int | None, where: str) -> list[Finding]:
    if there is None or there >= expected:
        return []
    return [Finding(place, COPIES, f"{expected} copies {where}", f"{there} in the queue")]


def _targets(api: Api) -> list[Json]:
    """None where no delivery is there to be asked."""
    try:
        return list(api.pages("/v1/hub/targets", "targets"))
    except ApiError as error:
        if error.status != httpx.codes.NOT_FOUND:
            raise
        return []
