"""The table of delivery's page, cell by cell."""

from datetime import UTC, datetime, timedelta

import pytest

from services.delivery.domain.verdicts import Answer, Meaning, Verdict, counted, judge

NOW = datetime(2027, 1, 20, 10, tzinfo=UTC)


def of_status(status: int, retry_after: str | None = None) -> Verdict:
    return judge(Answer(status, retry_after), NOW)


def test_every_status_has_its_meaning() -> None:
    patience = {429}
    targets = {401, 403, 404, 405, 408, 425, *range(300, 400), *range(500, 600)}
    for status in range(200, 600):
        verdict = of_status(status)
        if status < 300:
            assert verdict == Verdict("delivered")
        else:
            meaning: Meaning = (
                "gone" if status == 410 else "wait" if status in patience else "target" if status in targets else "copy"
            )
            assert verdict == Verdict(meaning, f"http_{status}")


@pytest.mark.parametrize(
    "status", [400, 402, 406, 407, 409, 411, 412, 413, 414, 415, 416, 417, 418, 421, 422, 423, 451]
)
def test_what_is_wrong_with_the_copy(status: int) -> None:
    assert of_status(status).meaning == "copy"


@pytest.mark.parametrize(
    "word", ["dns", "connect", "connect_timeout", "tls", "timeout", "broken_line", "not_allowed", "malformed_request"]
)
def test_silence_is_the_endpoints_fault(word: str) -> None:
    assert judge(Answer(error=word), NOW) == Verdict("target", word)


def test_statuses_that_there_are_not_are_the_endpoints_fault() -> None:
    assert {of_status(status).meaning for status in (100, 199, 600, 999)} == {"target"}


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize(
    ("text", "rest"),
    [
        ("20", timedelta(seconds=20)),
        (" 20 ", timedelta(seconds=20)),
        ("0", timedelta(0)),
        ("3600", timedelta(hours=1)),
        ("3601", timedelta(hours=1)),
        ("9" * 40, timedelta(hours=1)),
        ("Wed, 20 Jan 2027 10:00:20 GMT", timedelta(seconds=20)),
        ("Wed, 20 Jan 2027 09:59:00 GMT", timedelta(0)),
        ("Wed, 20 Jan 2027 18:00:00 GMT", timedelta(hours=1)),
        ("Wednesday, 20-Jan-27 10:00:20 GMT", timedelta(seconds=20)),
        ("Wed Jan 20 10:00:20 2027", timedelta(seconds=20)),
    ],
)
def test_an_endpoint_may_ask_for_patience(status: int, text: str, rest: timedelta) -> None:
    assert of_status(status, text) == Verdict("wait", f"http_{status}", rest)


@pytest.mark.parametrize(
    "text",
    [
        *("", "soon", "-1", "1.5", "\u0662\u0660", "Wed, 99 Jan 2027 10:00:20 GMT"),
        *("Wed, 20 Jan 2027 10:00:20 +9999999999999", "Wed, 20 Jan 99999999999999999999 10:00:20 GMT"),
    ],
)
def test_what_cannot_be_read_asks_for_nothing(text: str) -> None:
    assert of_status(503, text) == Verdict("target", "http_503")
    assert of_status(429, text) == Verdict("wait", "http_429")


@pytest.mark.parametrize("status", [200, 400, 404, 410, 500, 502])
def test_others_ask_in_vain(status: int) -> None:
    assert of_status(status, "20") == of_status(status)


def test_faults_are_counted_by_few_words_whatever_an_endpoint_answers() -> None:
    words = {counted(of_status(status).fault) for status in range(100, 1_000)}
    assert {"none", "http_500", "http_429", "http_404", "http_other"} <= words
    assert len(words) < 70
    assert counted(judge(Answer(error="timeout"), NOW).fault) == "timeout"
