"""How long miles live."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo

from shared.kernel.zones import begins, day_in

EXPIRY_SHARE = 0.1
"""The part of all accounts that one pass of expiry may change: more at once is a wrong clock, or a wrong setting."""
_MONTHS = 12


@dataclass(frozen=True, slots=True)
class Calendar:
    """The programme's: its days begin and end where the programme is."""

    zone: tzinfo

    def end_of(self, day: date) -> datetime:
        """The moment at which miles that are good through a day expire: midnight after it."""
        return begins(day + timedelta(days=1), self.zone)

    def end_of_month_after(self, months: int, earned_at: datetime) -> datetime:
        """The end of the month that lies so many months ahead.

        Miles of one month expire together, so that an account has a few dozen lots and not one for each purchase.
        """
        earned = self.day(earned_at)
        month = earned.month - 1 + months + 1
        return begins(date(earned.year + month // _MONTHS, month % _MONTHS + 1, 1), self.zone)

    def end_after(self, length: timedelta, given_at: datetime) -> datetime:
        """The end of the day that lies so many days ahead, so that what is given on one day ends together."""
        return self.end_of(self.day(given_at) + length)

    def last_day(self, expires_at: datetime) -> date:
        """The last day on which miles can be spent."""
        return self.day(expires_at - timedelta(microseconds=1))

    def day(self, moment: datetime) -> date:
        """The day that it is in the programme."""
        return day_in(self.zone, moment)


def moment_name(expires_at: datetime) -> str:
    """For a lot's name: miles share a lot only if they expire at one moment, whatever the calendar was."""
    return f"{expires_at.astimezone(UTC):%Y-%m-%dT%H:%MZ}"
