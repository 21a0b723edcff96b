"""The mail server's terms have the names of every other provider's."""

import pytest

from services.notifications.settings import SandboxSmtpSettings
from shared.runtime.settings import read


def test_the_names_that_they_had_still_count_with_a_warning_each(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("NOTIFICATIONS_SMTP_CONNECTIONS", "3")
    monkeypatch.setenv("NOTIFICATIONS_SMTP_MAILS_PER_SECOND", "7")
    terms = read(SandboxSmtpSettings).terms
    assert (terms.calls_at_once, terms.calls_per_second) == (3, 7.0)
    assert [record.__dict__["renamed"] for record in caplog.records] == [
        "NOTIFICATIONS_SMTP_CALLS_AT_ONCE",
        "NOTIFICATIONS_SMTP_CALLS_PER_SECOND",
    ]


def test_without_any_there_are_fewer_lines_than_to_a_provider_over_http() -> None:
    terms = read(SandboxSmtpSettings).terms
    assert (terms.calls_at_once, terms.calls_per_second, terms.patience.total_seconds()) == (8, 50.0, 5.0)
