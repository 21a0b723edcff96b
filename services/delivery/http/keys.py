"""What webhooks' requests are signed by, over HTTP."""

from datetime import datetime, timedelta
from typing import Annotated, Any

from fastapi import Response
from pydantic import Field, StrictInt

from services.delivery.cases.keys import Keyring
from services.delivery.cases.looking import Looking
from services.delivery.domain.target import target_id
from services.delivery.http.owning import PATH, BusName, TargetName, only_webhooks, openable, own
from shared.web.answers import answer
from shared.web.auth import Caller
from shared.web.bodies import Body, Shown
from shared.web.docs import READING, WRITING, answers
from shared.web.routes import Routes

PUBLIC_KEY = "whpk_Xl5k8Nz0Zk1xSUr9pXy2LbVQ7m3Tq0a4cF6dG8hJ9kM="


class Rotate(Body):
    """How the key before ends."""

    overlap_hours: Annotated[
        StrictInt,
        Field(ge=0, le=168, description="So long the one before signs as well; ten at once, at most", examples=[24]),
    ] = 24


class ShownSecret(Shown):
    """A new key, of the scheme by which the webhook signs: what its receiver needs of it."""

    secret: Annotated[
        str | None,
        Field(description="`whsec_` and base64, not shown again; null for `ed25519`", examples=["whsec_MfKQ9r8G"]),
    ]
    public_key: Annotated[
        str | None, Field(description="`whpk_` and base64, for everybody; null for `hmac`", examples=[PUBLIC_KEY])
    ]


class ShownKey(Shown):
    """A key of Ed25519, for whoever verifies (`v1a` of Standard Webhooks)."""

    public_key: Annotated[
        str, Field(description="`whpk_` and base64 of the 32 bytes of RFC 8032", examples=[PUBLIC_KEY])
    ]
    made_at: Annotated[datetime, Field(description="When it was made")]
    until: Annotated[datetime | None, Field(description="When it ends; null for the newest")]


class ShownPublicKeys(Shown):
    """Public keys of a webhook: while there are two, each request is signed by both."""

    keys: Annotated[list[ShownKey], Field(description="Those that are live, the newest first")]


def routes(router: Routes, looking: Looking, keyring: Keyring, reader: Any, writer: Any) -> None:
    """`/v1/hub/targets/{bus}/{target}/secret` and `/keys`."""

    @router.post(f"{PATH}/secret", response_model=None, responses=answers(ShownSecret, *WRITING))
    async def rotate_secret(bus: BusName, target: TargetName, body: Rotate, caller: Caller = writer) -> Response:
        """Another secret, or another key pair, for a webhook's signatures: a secret is shown this once."""
        known = await own(looking, bus, caller, "ops:write", target)
        only_webhooks(known, target)
        scheme = known.targets[target].signature
        overlap = timedelta(hours=body.overlap_hours)
        shown = await keyring[scheme].rotate(target_id(bus, target), overlap, known.owned_since)
        is_public = scheme == "ed25519"
        return answer(ShownSecret(secret=None if is_public else shown, public_key=shown if is_public else None))

    @router.get(f"{PATH}/keys", response_model=None, responses=answers(ShownPublicKeys, *READING, 409))
    async def list_keys(bus: BusName, target: TargetName, caller: Caller = reader) -> Response:
        """The public keys by which a webhook's requests are verified where it is signed with `ed25519`. There is one
        before that, so that a receiver can know it in time."""
        known = await own(looking, bus, caller, "ops:read", target)
        only_webhooks(known, target)
        with openable():
            published = await keyring["ed25519"].published(target_id(bus, target), known.owned_since)
        return answer(ShownPublicKeys(keys=[ShownKey.model_validate(each) for each in published]))
