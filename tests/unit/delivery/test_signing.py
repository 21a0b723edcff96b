"""Signatures, judged by a library that is not ours."""

import json
from datetime import UTC, datetime

import pytest
from standardwebhooks import Webhook
from standardwebhooks.webhooks import WebhookVerificationError

from services.delivery.domain.signing import new_secret, shown, signature

BODY = json.dumps({"id": "4711", "data": {"name": "Zoë"}}).encode()


def headers(body: bytes, *secrets: bytes) -> dict[str, str]:
    timestamp = int(datetime.now(UTC).timestamp())
    return {
        "webhook-id": "msg_1_a",
        "webhook-timestamp": str(timestamp),
        "webhook-signature": signature("msg_1_a", timestamp, body, secrets),
    }


def test_each_secret_that_is_live_verifies_and_no_other() -> None:
    old, new, other = new_secret(), new_secret(), new_secret()
    signed = headers(BODY, new, old)
    for secret in (old, new):
        assert Webhook(shown(secret)).verify(BODY, signed)["id"] == "4711"
    with pytest.raises(WebhookVerificationError):
        Webhook(shown(other)).verify(BODY, signed)


@pytest.mark.parametrize("place", range(len(BODY)))
def test_a_body_that_is_changed_by_a_byte_is_refused(place: int) -> None:
    secret = new_secret()
    signed = headers(BODY, secret)
    changed = bytes([*BODY[:place], BODY[place] ^ 1, *BODY[place + 1 :]])
    with pytest.raises((WebhookVerificationError, ValueError)):
        Webhook(shown(secret)).verify(changed, signed)


@pytest.mark.parametrize("name", ["webhook-id", "webhook-timestamp"])
def test_another_id_or_time_is_refused(name: str) -> None:
    secret = new_secret()
    signed = headers(BODY, secret)
    signed[name] = signed[name][:-1] + ("1" if signed[name][-1] != "1" else "2")
    with pytest.raises(WebhookVerificationError):
        Webhook(shown(secret)).verify(BODY, signed)


def test_a_secret_has_32_bytes_and_is_no_other() -> None:
    made = {new_secret() for _ in range(100)}
    assert {len(each) for each in made} == {32}
    assert len(made) == 100
