"""E-mail addresses, taken and sent to by one rule."""

import re

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis.strategies import from_regex
from pydantic import ValidationError

from services.notifications.adapters.smtp import recipient
from shared.contracts.checkout import CustomerContact
from shared.kernel.errors import Refused
from shared.kernel.mailbox import BEYOND_ASCII, LONGEST, PATTERN, deliverable


@pytest.mark.parametrize(
    ("typed", "sent_to"),
    [
        ("ana@example.org", "ana@example.org"),
        ("Ana.Maria+miles@Example.ORG", "Ana.Maria+miles@example.org"),
        ("o'neill@example.org", "o'neill@example.org"),
        ("joão@münchen.example", "joão@xn--mnchen-3ya.example"),
        ("ana@MÜNCHEN.example", "ana@xn--mnchen-3ya.example"),
        ("ana@mu\u0308nchen.example", "ana@xn--mnchen-3ya.example"),
        ("ana@xn--mnchen-3ya.example", "ana@xn--mnchen-3ya.example"),
        ("ana@straße.example", "ana@xn--strae-oqa.example"),
        ("ana@例え.テスト", "ana@xn--r8jz45g.xn--zckzah"),
    ],
)
def test_what_is_taken_is_sent_to_the_domain_that_was_meant(typed: str, sent_to: str) -> None:
    assert CustomerContact(email=typed).email == typed
    assert recipient(typed) == deliverable(typed) == sent_to


@pytest.mark.parametrize(
    "typed",
    [
        "nobody",
        "ana@",
        "@example.org",
        "ana@localhost",
        "ana@192.0.2.1",
        "ana@[192.0.2.1]",
        "ana@example.org.",
        "ana@exa..mple.org",
        "ana@.example.org",
        "ana@-example.org",
        "ana@ex_ample.org",
        "ana@ex\u200bample.org",
        "ana@☃.example",
        "ana@\uff11\uff12\uff13.example",
        "ana@xn--a.example",
        "ana@" + "a" * 64 + ".org",
        "a" * 65 + "@example.org",
        "ã" * 33 + "@example.org",
        "ana@" + ".".join(["a" * 60] * 5) + ".org",
        ".ana@example.org",
        "ana.@example.org",
        "an..a@example.org",
        "an a@example.org",
        "ana\u202e@example.org",
        "ana\x7f@example.org",
        "ana\ud800@example.org",
        "ana@example.org\r\nBcc: eve@example.org",
        "ana@example.org, eve@example.org",
        "<ana@example.org>",
        '"ana"@example.org',
        "eve@evil.example@example.org",
    ],
)
def test_what_mail_is_never_sent_to_is_never_taken(typed: str) -> None:
    with pytest.raises(ValidationError):
        CustomerContact(email=typed)
    with pytest.raises(Refused, match="invalid_address"):
        recipient(typed)


@given(from_regex(PATTERN.replace(BEYOND_ASCII, ""), fullmatch=True))
@settings(max_examples=100, derandomize=True, suppress_health_check=list(HealthCheck))
def test_what_the_pattern_for_documents_allows_in_ascii_can_be_sent_to(address: str) -> None:
    assume(len(address) <= LONGEST)
    assert deliverable(address) == address.rpartition("@")[0] + "@" + address.rpartition("@")[2].lower()


@pytest.mark.parametrize(
    "address",
    [
        "ana@example",
        "ana@10.0.0.1",
        "a..b@example.org",
        ".a@example.org",
        "a@-x.org",
        "a@ab--c.org",
        "a" * 65 + "@a.org",
    ],
)
def test_the_pattern_for_documents_knows_what_is_no_address(address: str) -> None:
    assert re.fullmatch(PATTERN, address) is None
    with pytest.raises(ValueError, match="must"):
        deliverable(address)


@pytest.mark.parametrize(
    "address",
    ["ana+1@example.org", "o'neil@a.b.example.org", "ana@straße.example", "a@xn--mnchen-3ya.de", "é@münchen.de"],
)
def test_the_pattern_for_documents_allows_what_can_be_sent_to(address: str) -> None:
    assert re.fullmatch(PATTERN, address)
    assert deliverable(address)
