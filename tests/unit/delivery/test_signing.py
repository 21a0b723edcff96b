"""Signatures, judged by libraries that are not ours."""

import base64
import json
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from standardwebhooks import Webhook
from standardwebhooks.webhooks import WebhookVerificationError

from services.delivery.domain.signing import Key, KeyPair, Secret, new_key, read, signature

BODY = json.dumps({"id": "4711", "data": {"name": "Zoë"}}).encode()


def headers(body: bytes, *keys: Key) -> dict[str, str]:
    timestamp = int(datetime.now(UTC).timestamp())
    return {
        "webhook-id": "msg_1_a",
        "webhook-timestamp": str(timestamp),
        "webhook-signature": signature("msg_1_a", timestamp, body, keys),
    }


def a_secret() -> Secret:
    return Secret(new_key())


def a_pair() -> KeyPair:
    return KeyPair(new_key())


def test_each_secret_that_is_live_verifies_and_no_other() -> None:
    old, new, other = a_secret(), a_secret(), a_secret()
    signed = headers(BODY, new, old)
    for secret in (old, new):
        assert Webhook(secret.shown).verify(BODY, signed)["id"] == "4711"
    with pytest.raises(WebhookVerificationError):
        Webhook(other.shown).verify(BODY, signed)


def verifies(pair: KeyPair, body: bytes, signed: dict[str, str]) -> bool:
    """As a receiver does that was given the public half."""
    public = Ed25519PublicKey.from_public_bytes(base64.b64decode(pair.shown.removeprefix("whpk_")))
    content = f"{signed['webhook-id']}.{signed['webhook-timestamp']}.".encode() + body

    def each() -> Iterator[bool]:
        for text in signed["webhook-signature"].split(" "):
            scheme, _, made = text.partition(",")
            assert scheme == "v1a"
            try:
                public.verify(base64.b64decode(made), content)
            except InvalidSignature:
                yield False
            else:
                yield True

    return any(each())


def test_each_key_pair_that_is_live_verifies_and_no_other() -> None:
    old, new, other = a_pair(), a_pair(), a_pair()
    signed = headers(BODY, new, old)
    assert (verifies(old, BODY, signed), verifies(new, BODY, signed), verifies(other, BODY, signed)) == (
        True,
        True,
        False,
    )


@pytest.mark.parametrize("place", range(len(BODY)))
def test_a_body_that_is_changed_by_a_byte_is_refused(place: int) -> None:
    secret, pair = a_secret(), a_pair()
    changed = bytes([*BODY[:place], BODY[place] ^ 1, *BODY[place + 1 :]])
    with pytest.raises((WebhookVerificationError, ValueError)):
        Webhook(secret.shown).verify(changed, headers(BODY, secret))
    assert not verifies(pair, changed, headers(BODY, pair))


@pytest.mark.parametrize("name", ["webhook-id", "webhook-timestamp"])
def test_another_id_or_time_is_refused(name: str) -> None:
    secret, pair = a_secret(), a_pair()
    for key in (secret, pair):
        signed = headers(BODY, key)
        signed[name] = signed[name][:-1] + ("1" if signed[name][-1] != "1" else "2")
        if key is pair:
            assert not verifies(pair, BODY, signed)
            continue
        with pytest.raises(WebhookVerificationError):
            Webhook(secret.shown).verify(BODY, signed)


PRIVATE = "whsk_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
WITH_ITS_PUBLIC_HALF = "whsk_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8DoQe/884Qvh1w3RjnS8CZZ+TWMJulDV8d3IZkElUxuA=="
PUBLIC = "whpk_A6EHv/POEL4dcN0Y50vAmWfk1jCbpQ1fHdyGZBJVMbg="
BY_LIBSODIUM = "v1a,2AW2JVk8x2znDt0eSVR2K11XNQNHLt5vQKO+Nl75nliF6hQ+Wc0n2G4bcXXc8rsI+rwHZCXQACsXXhcL8EJsAQ=="
"""What another library, PyNaCl 1.6, signs with that key: Ed25519 gives one signature alone."""


@pytest.mark.parametrize("private", [PRIVATE, WITH_ITS_PUBLIC_HALF])
def test_a_key_pair_signs_as_another_library_does(private: str) -> None:
    key = read(private)
    assert key.shown == PUBLIC
    assert signature("msg_1", 1_800_000_000, '{"id":"4711","data":{"name":"Zoë"}}'.encode(), [key]) == BY_LIBSODIUM


NO_KEYS = ("", "whsec_", "whsec_!", "whsk_!", "whsk_AAEC", f"{WITH_ITS_PUBLIC_HALF[:-4]}AA==", f"{PRIVATE}AAAA")


@pytest.mark.parametrize("text", NO_KEYS)
def test_what_is_no_key_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"base64|adding|bytes|data"):
        read(text)


def test_a_secret_is_read_as_it_is_shown() -> None:
    secret = a_secret()
    assert read(secret.shown) == secret


def test_a_key_has_32_bytes_and_is_no_other() -> None:
    made = {new_key() for _ in range(100)}
    assert {len(each) for each in made} == {32}
    assert len(made) == 100
