"""Partners' events in a window of time: is the archive whole, does it hold what was accepted, and does each copy stand
somewhere?"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Final, TypeAlias

import httpx

from services.archive.domain.segment import FOREVER, kept_for
from services.cli.audited.book import Finding
from services.cli.books import Balance, Events, Minute, Target, Unrouted
from services.cli.client import Api, ApiError, Json
from services.cli.verified import verified
from shared.contracts.hubids import least_of

ACCEPTED: Final = "accepted"
ARCHIVE: Final = "archive"
COPIES: Final = "copies"
ROUTED: Final = "routed"
STATS: Final = "/v1/hub/archive/stats"
DAY: Final = timedelta(days=1)
"""So much is asked for at a time; and for so long the hub knows for certain what it accepted."""
SOON_OVER: Final = timedelta(hours=1)
"""Before an event's time is over, nobody asks any more whether it is there: what is old goes while it is counted."""
ROUTED_WITHIN: Final = timedelta(minutes=10)
"""What was accepted later may be on its way to the router, and the record of it to the archive."""
NAMED: Final = 20
"""Events that were not routed, each by a difference of its own; of more than that it is told how many there are."""
Minutes: TypeAlias = Counter[tuple[str, str, datetime]]
"""By partner, class of keeping and minute."""


def read(api: Api, window: timedelta, now: datetime, routed_within: timedelta = ROUTED_WITHIN) -> Events | None:
    """Of the events that were accepted in the `window` before `now`; None where the stack has no archive. Of an archive
    that is not whole nothing is counted. `routed_within`: before `now`, whose routing is not asked for. Raises
    ApiError."""
    try:
        verdict = verified(api)
    except ApiError as error:
        if error.status != httpx.codes.NOT_FOUND:
            raise
        return None
    if wrong := {str(each["segment"]): str(each["wrong"]) for each in verdict.wrong}:
        return Events(wrong, Balance(), ())
    accepted = _accepted(api, max(now - window, now - DAY), now)
    balance = _together(_balances(api, now - window, now), least_of(now - routed_within))
    targets = [Target.model_validate(each) for each in _targets(api)]
    return Events({}, balance, targets, [each for each in accepted if _stays(each, now)])


def findings(events: Events) -> list[Finding]:
    """Every difference. A webhook's copy that nobody tried lies in its queue, and one that is dead in its dead letters:
    where fewer lie there than must, somebody has taken them."""
    found = [Finding(name, ARCHIVE, "as it was written", wrong) for name, wrong in events.wrong.items()]
    if not events.wrong:
        found += _not_the_same(events.accepted, events.balance.minutes)
    found += _not_routed(events.balance.unrouted)
    targets = {f"{each.bus}/{each.name}": each for each in events.targets}
    for place, copies in events.balance.copies.items():
        outcomes = events.balance.outcomes.get(place, {})
        if (stand := sum(outcomes.values())) != copies:
            found.append(Finding(place, COPIES, f"{copies} copies", f"{stand} of them are somewhere"))
        if (target := targets.get(place)) is not None and target.kind == "webhook":
            found += _missing(place, outcomes.get("waiting", 0), target.waiting, "waiting")
            found += _missing(place, outcomes.get("dead", 0), target.dead, "among the dead letters")
    return found


def _not_the_same(accepted: Iterable[Minute], archived: Iterable[Minute]) -> Iterator[Finding]:
    """Minute by minute, so that whoever reads it knows where to look."""
    ours, kept = _counted(accepted), _counted(archived)
    for partner, keep, minute in sorted(ours.keys() | kept.keys()):
        told, there = ours[partner, keep, minute], kept[partner, keep, minute]
        if told != there:
            place = f"{partner} {minute:%Y-%m-%dT%H:%MZ}" + (f" {keep}" if keep != FOREVER else "")
            yield Finding(place, ACCEPTED, f"{told} events, as were accepted", f"{there} in the archive")


def _not_routed(unrouted: Sequence[Unrouted]) -> Iterator[Finding]:
    expected = "a record of its routing"
    for each in unrouted[:NAMED]:
        yield Finding(f"{each.partner} {each.id}", ROUTED, expected, f"none: milesaga hub route {each.hubid}")
    if (more := len(unrouted) - NAMED) > 0:
        yield Finding("others", ROUTED, expected, f"none, of {more} more: milesaga hub route --from --to")


def _counted(minutes: Iterable[Minute]) -> Minutes:
    counted: Minutes = Counter()
    for each in minutes:
        counted[each.partner, each.keep, each.minute] += each.events
    return counted


def _stays(minute: Minute, now: datetime) -> bool:
    return minute.keep == FOREVER or minute.minute + kept_for(minute.keep) > now + SOON_OVER


def _accepted(api: Api, start: datetime, end: datetime) -> list[Minute]:
    span = {"from": start.isoformat(), "to": end.isoformat()}
    return [Minute.model_validate(each) for each in api.pages("/v1/hub/accepted", "minutes", **span)]


def _balances(api: Api, start: datetime, end: datetime) -> Iterator[Balance]:
    """Day by day, each page by page; the last one by minute and first."""
    until, newest = end, True
    while until > start:
        since = max(start, until - DAY)
        span = {"from": since.isoformat(), "to": until.isoformat(), "by_minute": str(newest).lower()}
        for page in api.whole_pages(STATS, **span):
            balance = Balance.model_validate(page["balance"])
            yield balance.model_copy(update={"minutes": [each for each in balance.minutes if _stays(each, end)]})
        until, newest = since, False


def _together(balances: Iterable[Balance], settled: str) -> Balance:
    """`settled`: what was accepted later than that hubid is perhaps still to be routed."""
    events, outcomes = dict[str, Counter[str]](), dict[str, Counter[str]]()
    copies: Counter[str] = Counter()
    minutes: list[Minute] = []
    unrouted: list[Unrouted] = []
    for each in balances:
        copies.update(each.copies)
        minutes += each.minutes
        unrouted += [one for one in each.unrouted if one.hubid < settled]
        for sums, told in ((events, each.events), (outcomes, each.outcomes)):
            for name, counts in told.items():
                sums.setdefault(name, Counter()).update(counts)
    return Balance(events=events, copies=copies, outcomes=outcomes, minutes=minutes, unrouted=unrouted)


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
