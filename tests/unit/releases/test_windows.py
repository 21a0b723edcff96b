"""Windows open by the clocks of their zone."""

from datetime import UTC, datetime, timedelta

import pytest
from pydantic import ValidationError

from services.releases.domain.windows import NotOpening, Span, Window, opening

NIGHTLY = Window(cron="30 1 * * *", minutes=60, zone="Europe/Lisbon")
OFFICE = Window(cron="0 9 * * 1-5", minutes=480, zone="America/Sao_Paulo")


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("window", "now", "begins", "ends"),
    [
        (OFFICE, "2027-01-20T11:59", "2027-01-20T12:00", "2027-01-20T20:00"),
        (OFFICE, "2027-01-20T12:00", "2027-01-20T12:00", "2027-01-20T20:00"),
        (OFFICE, "2027-01-20T19:59", "2027-01-20T12:00", "2027-01-20T20:00"),
        (OFFICE, "2027-01-20T20:00", "2027-01-21T12:00", "2027-01-21T20:00"),
        (OFFICE, "2027-01-22T20:00", "2027-01-25T12:00", "2027-01-25T20:00"),
        (NIGHTLY, "2027-03-27T00:00", "2027-03-27T01:30", "2027-03-27T02:30"),
        (NIGHTLY, "2027-10-31T00:00", "2027-10-31T00:30", "2027-10-31T01:30"),
        (NIGHTLY, "2027-10-31T01:30", "2027-11-01T01:30", "2027-11-01T02:30"),
    ],
)
def test_a_window_is_open_from_its_beginning_to_before_its_end(
    window: Window, now: str, begins: str, ends: str
) -> None:
    assert window.opened(at(now)) == (at(begins), at(ends))


def test_a_night_without_that_hour_opens_once() -> None:
    """On 28 March 2027 Lisbon has no half past one."""
    begins, ends = NIGHTLY.opened(at("2027-03-28T00:00"))
    assert at("2027-03-28T00:30") <= begins <= at("2027-03-28T01:30")
    assert ends - begins == timedelta(hours=1)


def test_what_was_asked_for_and_what_the_rule_has_must_both_hold() -> None:
    span = Span(start=at("2027-01-20T13:00"), end=at("2027-01-20T14:00"))
    assert opening([OFFICE], span, at("2027-01-20T11:00")) == (at("2027-01-20T13:00"), at("2027-01-20T14:00"))
    assert opening([], Span(), at("2027-01-20T11:00")) == (at("2027-01-20T11:00"), None)
    late = Span(start=at("2027-01-20T21:00"), end=at("2027-01-20T22:00"))
    with pytest.raises(NotOpening):
        opening([OFFICE], late, at("2027-01-20T11:00"))
    with pytest.raises(NotOpening):
        opening([], span, at("2027-01-20T14:00"))


def test_a_window_that_never_opens_is_none() -> None:
    with pytest.raises(NotOpening):
        Window(cron="0 0 29 2 *", minutes=1).opened(at("2029-03-01T00:00"))


@pytest.mark.parametrize(
    "wrong",
    [
        {"cron": "x"},
        {"cron": "30 1 * * * *"},
        {"cron": "@daily"},
        {"cron": "0 0 30 2 *"},
        {"zone": "Mars/Base"},
        {"zone": "localtime"},
        {"minutes": 0},
        {"minutes": 10_081},
    ],
)
def test_what_is_no_window_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises((ValidationError, ValueError)):
        Window.model_validate({"cron": "0 0 * * *", "minutes": 1} | wrong)


def test_a_span_ends_after_its_beginning() -> None:
    with pytest.raises(ValidationError):
        Span(start=at("2027-01-20T14:00"), end=at("2027-01-20T14:00"))
