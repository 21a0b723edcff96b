"""Times as the engines keep them: whole milliseconds, which is as fine as MongoDB's dates are."""

from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def rounded_down(moment: datetime) -> int:
    """Milliseconds since 1970, of an aware time."""
    return _microseconds(moment) // 1000


def rounded_up(moment: datetime) -> int:
    """Like `rounded_down`, but never before `moment`."""
    return -(-_microseconds(moment) // 1000)


def to_datetime(millis: int) -> datetime:
    return _EPOCH + timedelta(milliseconds=millis)


def _microseconds(moment: datetime) -> int:
    if moment.utcoffset() is None:
        raise ValueError(f"{moment} has no time zone")
    return (moment - _EPOCH) // _MICROSECOND
