"""One request to Booking Management, and the tokens for it (Sabre Dev Studio, Authentication v2)."""

from shared.kernel.errors import Misconfigured
from shared.outside.line import Json, Line, Request
from shared.outside.tokens import ClientCredentials, TokenIssuer, in_base64

TOKENS = TokenIssuer("/v2/auth/token", encoded=in_base64)
BAD_REQUEST = 400


class SabreLine:
    """Posts to `/v1/trip/orders/<method>` with a token."""

    def __init__(self, line: Line, credentials: ClientCredentials) -> None:
        self._line = line.adapted(credentials=credentials, explained=frozenset({BAD_REQUEST}))

    async def post(self, method: str, body: Json) -> Json:
        """The answer's body, HTTP 200 or 400: both say in `errors` and `warnings` how it went.

        Raises NotSent, OutcomeUnknown, Misconfigured.
        """
        answer = await self._line.send(Request("POST", f"/v1/trip/orders/{method}", operation=method, json=body))
        if answer.status == BAD_REQUEST and not answer.body.get("errors"):
            raise Misconfigured(f"{method}: HTTP {BAD_REQUEST}")
        return answer.body
