"""A copy as a request, read back by the rules of CloudEvents' HTTP binding."""

from datetime import UTC, datetime
from urllib.parse import unquote

import h11
import pytest

from services.delivery.domain.webhook import content, trace_of
from shared.contracts.buses import TargetTerms
from shared.contracts.copies import Copy

EVENT = {"specversion": "1.0", "id": "4711", "source": "/coles/tills/7", "type": "retail.receipt.issued.v1"}


def a_copy(**attributes: str) -> Copy:
    return Copy(
        hubid="01a21f54-2023-7751-a18c-34b502e493fb",
        accepted_at=datetime(2027, 1, 20, 10, tzinfo=UTC),
        partner="coles",
        bus="fuel",
        target="bi",
        rule="all",
        deliveryid="msg_1",
        attributes=EVENT | attributes,
        body=b"{}",
    )


def binary(copy: Copy) -> dict[str, str]:
    return content(copy, TargetTerms(webhook="https://bi.example/hook", format="binary")).headers


@pytest.mark.parametrize(
    "value", [" ", "  4711", "4711 ", "a b", '"', "100%", "é", "\U0001f600", "\u2028", "\u202e", "a\u00a0"]
)
def test_an_attribute_of_any_characters_is_a_header_that_can_be_sent_and_read_back(value: str) -> None:
    headers = binary(a_copy(id=value, subject=value))
    h11.Request(method="POST", target="/", headers=[("Host", "bi.example"), *headers.items()])
    assert headers["ce-id"].isascii()
    assert " " not in headers["ce-id"]
    assert unquote(headers["ce-id"]) == unquote(headers["ce-subject"]) == value


@pytest.mark.parametrize(
    ("told", "sent"),
    [
        ('text/plain; charset="utf-8"', 'text/plain; charset="utf-8"'),
        (" application/json ", "application/json"),
        (" ", ""),
        ("application/ü", "application/%C3%BC"),
    ],
)
def test_the_datas_kind_is_the_requests(told: str, sent: str) -> None:
    headers = binary(a_copy(datacontenttype=told))
    h11.Request(method="POST", target="/", headers=[("Host", "bi.example"), *headers.items()])
    assert headers["Content-Type"] == sent
    assert "ce-datacontenttype" not in headers


TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


@pytest.mark.parametrize("said", ["", "é", "a b", "x" * 300_000, f"{TRACE}\u2028", TRACE.upper(), f" {TRACE}"])
def test_what_is_no_trace_is_told_in_the_event_alone(said: str) -> None:
    """A header of it could not be sent: whoever publishes would have other partners' endpoints taken to fail."""
    assert trace_of(a_copy(traceparent=said)) == {}
    assert trace_of(a_copy(traceparent=TRACE)) == {"traceparent": TRACE}
