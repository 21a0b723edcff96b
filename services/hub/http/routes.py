"""The hub's routes."""

from services.hub.cases.applying import Applying
from services.hub.cases.publishing import Publishing
from services.hub.cases.registering import Registry
from services.hub.cases.tracing import Tracing
from services.hub.http import buses, events, registry
from shared.web.auth import Authenticator
from shared.web.routes import Routes


def routes(
    known: Registry, publishing: Publishing, tracing: Tracing, applying: Applying, authenticator: Authenticator
) -> Routes:
    """Public, under `/v1/events` and `/v1/hub`."""
    router = Routes("hub")
    events.routes(router, publishing, known, tracing, authenticator)
    registry.routes(router, known, authenticator)
    buses.routes(router, applying, known, authenticator)
    return router
