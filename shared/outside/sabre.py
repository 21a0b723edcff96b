"""What every service that speaks to Sabre has to know of it.

Source: developer.sabre.com, "Authentication", `POST /v2/auth/token`: Basic authentication with client id and secret
base64-encoded one by one, joined by a colon and encoded once more.
"""

import base64
from typing import Final

from shared.kernel.clock import Clock
from shared.outside.line import Line
from shared.outside.tokens import ClientCredentials

SABRE_URL: Final = "https://api.platform.sabre.com"
TOKEN_PATH: Final = "/v2/auth/token"  # noqa: S105 - a path


def sabre_credentials(line: Line, client_id: str, client_secret: str, clock: Clock) -> ClientCredentials:
    """Sabre's sessionless tokens. `client_id` is `V1:user:group:domain`."""
    joined = f"{_encoded(client_id)}:{_encoded(client_secret)}"
    return ClientCredentials(line, TOKEN_PATH, {"Authorization": f"Basic {_encoded(joined)}"}, clock)


def _encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()
