"""When something may be done: windows that open by a cron expression in a zone, and stay open for some minutes."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Annotated, Final
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, AwareDatetime, Field, model_validator

from services.releases.domain.people import Strict
from shared.kernel.zones import zone_named

WEEK: Final = 7 * 24 * 60
FIELDS: Final = 5
"""Of six the first would be a second: `30 1 * * * *`, meant for half past one, opens every hour."""
FAR: Final = timedelta(days=400)
"""A window that does not open for so long never does."""


class NotOpening(ValueError):
    """No window opens within `FAR`."""


def _zone(name: str) -> str:
    return zone_named(name).key


def _cron(expression: str) -> str:
    from cronsim import CronSim, CronSimError  # noqa: PLC0415 - only who has windows needs it

    if len(expression.split()) != FIELDS:
        raise ValueError("must be a cron expression of five fields")
    try:
        CronSim(expression, datetime(2027, 1, 1, tzinfo=UTC))
    except CronSimError as error:
        raise ValueError(f"must be a cron expression of five fields: {error}") from error
    return expression


class Window(Strict):
    """It opens at every time of the expression, by the clocks of the zone, for so many minutes of time."""

    cron: Annotated[str, AfterValidator(_cron)]
    minutes: Annotated[int, Field(ge=1, le=WEEK)]
    zone: Annotated[str, AfterValidator(_zone)] = "UTC"

    def opened(self, now: datetime) -> tuple[datetime, datetime]:
        """The window that is open, else the one that opens next: from when until when. Raises NotOpening."""
        from cronsim import CronSim  # noqa: PLC0415 - as above

        length = timedelta(minutes=self.minutes)
        local = (now - length).astimezone(ZoneInfo(self.zone))
        for opening in CronSim(self.cron, local):
            begins = opening.astimezone(UTC)
            if begins - now > FAR:
                break
            if begins + length > now:
                return begins, begins + length
        raise NotOpening(self.cron)


class Span(Strict):
    """From a moment to before another."""

    start: AwareDatetime | None = None
    end: AwareDatetime | None = None

    @model_validator(mode="after")
    def _in_order(self) -> "Span":
        if self.start is not None and self.end is not None and self.start >= self.end:
            raise ValueError("a window ends after its beginning")
        return self


def opening(windows: Sequence[Window], asked: Span, now: datetime) -> tuple[datetime, datetime | None]:
    """From when, now or later, something may be done, and until when that lasts (None: no end).

    Any of the rule's windows will do, within the one that was asked for. Raises NotOpening.
    """
    earliest = max(now, asked.start) if asked.start is not None else now
    if asked.end is not None and earliest >= asked.end:
        raise NotOpening("the window that was asked for is over")
    if not windows:
        return earliest, asked.end
    begins, ends = min(_openings(windows, earliest))
    begins = max(begins, earliest)
    if asked.end is not None:
        if begins >= asked.end:
            raise NotOpening("no window opens within the one that was asked for")
        ends = min(ends, asked.end)
    return begins, ends


def _openings(windows: Sequence[Window], now: datetime) -> list[tuple[datetime, datetime]]:
    found = []
    for each in windows:
        try:
            found.append(each.opened(now))
        except NotOpening:
            continue
    if not found:
        raise NotOpening("no window opens")
    return found
