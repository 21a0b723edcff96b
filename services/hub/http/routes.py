"""The hub's routes."""

from services.hub.http import buses, counts, events, internal, matching, registry, routing
from services.hub.http.counter import Counter
from shared.web.auth import Authenticator
from shared.web.grants import Gate
from shared.web.routes import Routes


def routes(counter: Counter, authenticator: Authenticator, gate: Gate | None) -> Routes:
    """Public, under `/v1/events` and `/v1/hub`; for services under `/internal/hub`."""
    router = Routes("hub")
    events.routes(router, counter, authenticator)
    registry.routes(
        router,
        counter.registry,
        counter.applying.seeing,
        authenticator,
        counter.hearing.hear_partners,
        may_hash=counter.may_hash,
        gate=gate,
    )
    counts.routes(router, counter.counting, authenticator)
    routing.routes(router, counter.routing_again, authenticator)
    matching.routes(router, counter.trying, counter.registry, counter.applying.seeing, authenticator)
    buses.routes(router, counter.applying, counter.registry, authenticator)
    internal.routes(router, counter.applying, counter.registry, authenticator)
    return router
