"""The gate of grants in the service that keeps it."""

import logging

from services.releases.cases.releasing import Releasing, Shown
from services.releases.domain.commands import By
from services.releases.ports import BadGrant
from shared.store.documents import Unavailable
from shared.web.auth import Authenticator
from shared.web.grants import Act, Declined, Redeemed

log = logging.getLogger(__name__)


class OwnGate:
    """The `Gate` port, without a way between."""

    def __init__(self, releasing: Releasing, authenticator: Authenticator, environment: str) -> None:
        self._releasing = releasing
        self._authenticator = authenticator
        self._environment = environment

    async def redeem(self, grant: str, act: Act, key: str) -> Redeemed | Declined:
        try:
            by = await self._by(act)
            done = await self._releasing.redeem(
                by, Shown(grant, act.digest, act.target, key, act.action, self._environment)
            )
        except BadGrant:
            return Declined("grant_void", "It is no grant for this act")
        refusal = done.decision.refusal
        if refusal is not None:
            return Declined("grant_void" if refusal.code == "not_found" else refusal.code, refusal.detail)
        if done.request is None:
            return Declined("grant_void", "It is no grant of this log")
        return Redeemed(done.request.id, done.request.execution, by.person)

    async def ended(self, redeemed: Redeemed, *, well: bool) -> None:
        """Where the log's store is away it cannot be kept either: the log's clock finds the silence."""
        try:
            by = By(redeemed.subject, "http")
            await self._releasing.outcome(by, redeemed.request, redeemed.name, 0 if well else 1, "")
        except Unavailable:
            log.warning("how a gated act ended cannot be told", extra={"document_id": redeemed.name})

    async def _by(self, act: Act) -> By:
        caller = await self._authenticator.caller(act.token)
        return By(self._releasing.log.rules.people.of_subject(caller.subject), "http")
