"""Releases over HTTP: all of its routes."""

from typing import Any

from services.releases.cases.proving import Proving
from services.releases.cases.releasing import Releasing
from services.releases.http import executing, governing, internal, proving, requests
from shared.runtime.service import Runtime
from shared.web.grants import Gate
from shared.web.routes import Routes


def routes(releasing: Releasing, proofs: Proving, jwks: dict[str, Any], runtime: Runtime, gate: Gate | None) -> Routes:
    """Public under `/v1/releases`, for services under `/internal/releases`. `gate` guards the service's own acts."""
    router = Routes("releases")
    requests.routes(router, releasing, runtime)
    executing.routes(router, releasing, runtime.authenticator)
    governing.routes(router, releasing, runtime.authenticator, gate)
    proving.routes(router, proofs, jwks, runtime.authenticator)
    internal.routes(router, releasing, runtime.authenticator)
    return router
