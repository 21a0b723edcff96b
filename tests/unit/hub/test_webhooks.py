"""A webhook that could never be sent as its file has it is refused with the file."""

from typing import Any

import pytest

from services.hub.domain.webhooks import without_effect, wrong_webhooks
from shared.contracts.buses import BusTerms

HOOK = "https://bi.coles.example/hook"


def pointers(url: str = HOOK, **headers: str) -> list[str]:
    target: Any = {"webhook": url, "headers": headers}
    terms = BusTerms.model_validate({"partner": "coles", "targets": {"bi": target}})
    return [fault.pointer for fault in wrong_webhooks(terms)]


@pytest.mark.parametrize("url", [HOOK, "http://127.0.0.1:8000/sandbox/receiver/bi", "https://x.example?a=%20b&c=[]"])
def test_a_url_is_taken(url: str) -> None:
    assert pointers(url) == []


@pytest.mark.parametrize(
    "url",
    [
        "bi.coles.example/hook",
        "ftp://bi.coles.example/hook",
        "file:///etc/passwd",
        "https://",
        "https:///hook",
        "https://user:password@bi.coles.example/",
        "https://@bi.coles.example/",
        "https://bi.coles.example\\@127.0.0.1/",
        "https://bi.coles.example/#a",
        "https://bi.coles.example:0/",
        "https://bi.coles.example:99999/",
        "https://bi coles.example/",
        "https://bi.coles.example/\r\nX: y",
        "https://bi.coles.example/\n",
        "https://\uff11\uff12\uff17.0.0.1/",
        "https://[::1/",
    ],
)
def test_what_is_no_url_of_an_endpoint_is_not(url: str) -> None:
    assert pointers(url) == ["/targets/bi/webhook"]


@pytest.mark.parametrize("value", ["Bearer abc", "", "a\tb", '"quoted"'])
def test_a_header_is_taken(value: str) -> None:
    assert pointers(Authorization=value) == []


@pytest.mark.parametrize("value", ["x\r\nB: y", "x\n", "\0", " x", "x ", "\xf6"])
def test_a_header_of_several_lines_or_other_letters_is_not(value: str) -> None:
    assert pointers(Authorization=value) == ["/targets/bi/headers/Authorization"]


@pytest.mark.parametrize(
    "name",
    [
        "",
        "a b",
        "a:",
        "A\r\nB",
        "x" * 101,
        "Host",
        "Content-Length",
        "webhook-Signature",
        "Ce-id",
        "Traceparent",
        "Content-Encoding",
        "WebHook-Request-Rate",
        "proxy-authorization",
    ],
)
def test_neither_is_a_name_that_is_none_or_is_ours(name: str) -> None:
    assert pointers(**{name: "x"}) == ["/targets/bi/headers/" + name]


def idle(**target: Any) -> list[str]:
    terms = BusTerms.model_validate({"partner": "coles", "targets": {"bi": target}})
    return [fault.pointer.removeprefix("/targets/bi/") for fault in without_effect(terms)]


@pytest.mark.parametrize("kind", [{"queue": True}, {"feed": True}, {"service": "dockets"}])
def test_what_is_about_requests_says_nothing_of_other_targets(kind: dict[str, Any]) -> None:
    assert idle(**kind) == []
    assert idle(**kind, rate=5, burst=5, concurrency=2, timeout=3, headers={"A": "b"}, order="by-key") == [
        "headers", "rate", "burst", "concurrency", "timeout", "order",
    ]  # fmt: skip
    assert idle(**kind, retry_for="24h", format="structured") == [], "as it is by itself"


@pytest.mark.parametrize("time", ["1m", "60s", "24h", "14d", "336h"])
def test_a_copy_may_be_tried_for_so_long(time: str) -> None:
    assert idle(webhook=HOOK, retry_for=time) == []


@pytest.mark.parametrize("time", ["1s", "59s", "15d", "337h", "999999d"])
def test_and_neither_shorter_nor_longer(time: str) -> None:
    assert idle(webhook=HOOK, retry_for=time) == ["retry_for"]


def test_a_burst_is_one_of_a_rate() -> None:
    assert idle(webhook=HOOK, burst=5) == ["burst"]
    assert idle(webhook=HOOK, burst=5, rate=1) == []
