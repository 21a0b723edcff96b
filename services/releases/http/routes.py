"""Releases over HTTP: all of its routes."""

from dataclasses import dataclass
from typing import Any

from services.releases.cases.proving import Proving
from services.releases.cases.releasing import Releasing
from services.releases.http import executing, governing, internal, proving, requests
from services.releases.ports import Pipelines
from shared.runtime.service import Runtime
from shared.web.grants import Gate
from shared.web.routes import Routes


@dataclass(frozen=True)
class Office:
    """What the routes are the counter of.

    `gate` guards the service's own acts; `pipelines` know who is behind a robot.
    """

    releasing: Releasing
    proofs: Proving
    jwks: dict[str, Any]
    gate: Gate | None
    pipelines: Pipelines | None


def routes(office: Office, runtime: Runtime) -> Routes:
    """Public under `/v1/releases`, for services under `/internal/releases`."""
    router = Routes("releases")
    releasing, authenticator = office.releasing, runtime.authenticator
    requests.routes(router, releasing, office.pipelines, runtime)
    executing.routes(router, releasing, authenticator)
    governing.routes(router, releasing, authenticator, office.gate)
    proving.routes(router, office.proofs, office.jwks, authenticator)
    internal.routes(router, releasing, authenticator)
    return router
