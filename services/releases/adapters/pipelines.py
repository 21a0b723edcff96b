"""Identity tokens of continuous integration: GitHub Actions, GitLab, and whoever else is an OpenID Connect issuer."""

from typing import Any

from services.releases.ports import IssuerSilent, NotProved
from shared.kernel.clock import Clock
from shared.web.problems import Problem
from shared.web.tokens import IssuedTokens, good_until

UNAVAILABLE = 503


class IssuedIdentities:
    """The `Pipelines` port. `claim` names the person: `actor` at GitHub, `user_login` at GitLab."""

    def __init__(self, tokens: IssuedTokens, claim: str, clock: Clock) -> None:
        self._tokens = tokens
        self._claim = claim
        self._clock = clock

    async def login(self, token: str) -> str:
        try:
            claims: dict[str, Any] = await self._tokens.claims(token)
            good_until(claims, self._clock.now().timestamp())
        except Problem as problem:
            if problem.status == UNAVAILABLE:
                raise IssuerSilent from problem
            raise NotProved(problem.detail) from problem
        found = claims.get(self._claim)
        if not isinstance(found, str) or not found:
            raise NotProved(f"The token has no claim {self._claim}")
        return found
