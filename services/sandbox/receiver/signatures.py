"""Whether a webhook is who it says: by the libraries that receivers have. None is ours, and none is what signs."""

import base64
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from nacl.exceptions import BadSignatureError
from nacl.signing import VerifyKey
from standardwebhooks import Webhook
from standardwebhooks.webhooks import WebhookVerificationError

from services.sandbox.receiver.terms import Terms

TOLERANCE = timedelta(minutes=5)


def verified(terms: Terms, headers: Mapping[str, str], body: bytes) -> str | None:
    """By which of its keys, as `secret 1` or `public key 1`; None for none. `headers` have small letters."""
    for number, secret in enumerate(terms.secrets, 1):
        if _by_secret(secret, headers, body):
            return f"secret {number}"
    for number, key in enumerate(terms.public_keys, 1):
        if _by_key(key, headers, body):
            return f"public key {number}"
    return None


def _by_secret(secret: str, headers: Mapping[str, str], body: bytes) -> bool:
    try:
        Webhook(secret).verify(body, dict(headers), json_parse=False)
    except (WebhookVerificationError, ValueError):  # ValueError: of what is no base64, or has no comma
        return False
    return True


def _by_key(key: str, headers: Mapping[str, str], body: bytes) -> bool:
    """`v1a` of Standard Webhooks 1.0, which its Python library does not know."""
    try:
        told, at = headers["webhook-id"], headers["webhook-timestamp"]
        if abs(datetime.now(UTC) - datetime.fromtimestamp(int(at), UTC)) > TOLERANCE:
            return False
        public = VerifyKey(base64.b64decode(key.removeprefix("whpk_")))
        signed = b".".join((told.encode(), at.encode(), body))
        kinds = (each.partition(",") for each in headers["webhook-signature"].split(" "))
        signatures = [base64.b64decode(text) for kind, _, text in kinds if kind == "v1a"]
    except (KeyError, ValueError, OverflowError):
        return False
    return any(_signs(public, signature, signed) for signature in signatures)


def _signs(public: VerifyKey, signature: bytes, signed: bytes) -> bool:
    try:
        public.verify(signed, signature)
    except (BadSignatureError, ValueError):  # ValueError: of what has another length
        return False
    return True
