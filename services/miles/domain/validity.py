"""How long miles live."""

from datetime import UTC, date, datetime, time, timedelta

EXPIRY_SHARE = 0.1
"""The part of all accounts that one pass of expiry may change: more at once is a wrong clock, or a wrong setting."""
_MONTHS = 12


def end_of_month_after(months: int, earned_at: datetime) -> datetime:
    """The end of the month that lies so many months ahead.

    Miles of one month expire together, so that an account has a few dozen lots and not one for each purchase.
    """
    month = earned_at.astimezone(UTC).month - 1 + months + 1
    year = earned_at.astimezone(UTC).year + month // _MONTHS
    return datetime(year, month % _MONTHS + 1, 1, tzinfo=UTC)


def end_of(day: date) -> datetime:
    """The moment at which miles that are good through a day expire: midnight UTC after it."""
    return datetime.combine(day, time(), UTC) + timedelta(days=1)


def last_day(expires_at: datetime) -> date:
    """The last day on which miles can be spent."""
    return (expires_at.astimezone(UTC) - timedelta(microseconds=1)).date()
