"""One request to Booking Management, and what HTTP says about its outcome."""

from typing import Any

import httpx

from services.ticketing.adapters.sabre.token import Tokens
from shared.kernel.errors import Misconfigured, NotSent, OutcomeUnknown

Json = dict[str, Any]


class SabreLine:
    """Posts to `/v1/trip/orders/<method>` with a token."""

    def __init__(self, client: httpx.AsyncClient, tokens: Tokens) -> None:
        self._client = client
        self._tokens = tokens

    async def post(self, method: str, body: Json) -> Json:
        """The answer's body, HTTP 200 or 400: both say in `errors` and `warnings` how it went.

        Raises NotSent, OutcomeUnknown, Misconfigured.
        """
        token = await self._tokens.current()
        response = await self._send(method, body, token)
        if response.status_code == httpx.codes.UNAUTHORIZED:
            self._tokens.drop(token)
            response = await self._send(method, body, await self._tokens.current())
        return _body(method, response)

    async def _send(self, method: str, body: Json, token: str) -> httpx.Response:
        try:
            return await self._client.post(
                f"/v1/trip/orders/{method}", json=body, headers={"Authorization": f"Bearer {token}"}
            )
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
            raise NotSent(f"{method}: {type(error).__name__}") from error
        except httpx.TransportError as error:
            raise OutcomeUnknown(f"{method}: {type(error).__name__}") from error


def _body(method: str, response: httpx.Response) -> Json:
    status = response.status_code
    if status in {httpx.codes.UNAUTHORIZED, httpx.codes.TOO_MANY_REQUESTS}:
        raise NotSent(f"{method}: HTTP {status}")
    if status >= httpx.codes.INTERNAL_SERVER_ERROR or status == httpx.codes.REQUEST_TIMEOUT:
        raise OutcomeUnknown(f"{method}: HTTP {status}")
    try:
        body = response.json()
    except ValueError:
        body = None
    if status == httpx.codes.OK:
        if not isinstance(body, dict):
            raise OutcomeUnknown(f"{method}: HTTP {status} without a JSON object")
        return body
    if status == httpx.codes.BAD_REQUEST and isinstance(body, dict) and body.get("errors"):
        return body
    raise Misconfigured(f"{method}: HTTP {status}")
