"""What the house must know of the hub."""

from shared.runtime.description import Description
from shared.runtime.judged import Share, Slowest

POSTED = 'method="POST",route="/v1/events"'

SERVICE = Description(
    name="hub",
    settings=("services.hub.settings:HubSettings",),
    bindings=(("commands", "hub.#"),),
    families=("target",),
    listens=("events", "public"),
    commands=("archive", "delivery"),
    # each by itself: where a gateway tries beginnings first, `/v1/hub` would hide patterns of others below it
    public=(
        "/v1/events",
        "/v1/hub/accepted",
        "/v1/hub/buses",
        "/v1/hub/match",
        "/v1/hub/partners",
        "/v1/hub/routing",
        "/v1/hub/types",
    ),
    internal=True,
    asks=("archive", "releases"),
    scales_by="requests",
    judged_by=(
        Share(
            "refused-events",
            "milesaga_hub_events_total",
            of='outcome!="rate_limited"',
            bad='outcome="refused"',
            alike=("partner",),
            most=0.05,
        ),
        # tokens that are not taken any more, too: those events are nobody's yet
        Share("accept-errors", "milesaga_http_requests_total", of=POSTED, bad='status=~"5..|401|403"', most=0.01),
        Slowest("accept-p99", "milesaga_http_seconds", of=POSTED, least=0.1, most=2),
    ),
)
