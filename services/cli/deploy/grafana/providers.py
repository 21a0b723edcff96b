"""What is asked of others, and what they answer."""

from typing import Final

from services.cli.deploy.grafana.panels import Dashboard, Query, Row, graph, table

_ANSWERS: Final = Row(
    "Answers",
    (
        graph(
            "Left alone",
            Query("max by (service, provider) (milesaga_provider_left_alone)", "{{provider}} by {{service}}"),
            text="0, or absent where its breaker never opened.",
        ),
        graph(
            "Requests a second, by outcome",
            Query(
                "sum by (provider, outcome) (rate(milesaga_provider_requests_total[$__rate_interval]))",
                "{{provider}}: {{outcome}}",
            ),
            text="answered: a refusal, too.",
            unit="ops",
        ),
        graph(
            "Without an answer",
            Query(
                "sum by (service, provider)"
                ' (rate(milesaga_provider_requests_total{outcome=~"unknown|not_sent"}[$__rate_interval]))'
                " / sum by (service, provider)"
                ' (rate(milesaga_provider_requests_total{outcome!="parked"}[$__rate_interval]))',
                "{{provider}} by {{service}}",
            ),
            text="Near none: runbook provider-fails.",
            unit="percentunit",
        ),
        graph(
            "Unknown a minute, by operation",
            Query(
                "60 * sum by (provider, operation)"
                ' (rate(milesaga_provider_requests_total{outcome="unknown"}[$__rate_interval]))',
                "{{provider}} {{operation}}",
            ),
            text="Timeouts, broken lines, 5xx: nobody knows their effect before it is looked up.",
        ),
        graph(
            "Parked a minute",
            Query(
                "60 * sum by (service, provider)"
                ' (rate(milesaga_provider_requests_total{outcome="parked"}[$__rate_interval]))',
                "{{provider}} by {{service}}",
            ),
            text="While it is left alone, or as many requests are out as may be.",
        ),
        table(
            "Misconfigured",
            'sum by (service, provider, operation) (milesaga_provider_requests_total{outcome="misconfigured"}) > 0',
            text="None, since the processes began: a key, a right, or a request it does not understand.",
            width=8,
        ),
    ),
)
_SECONDS: Final = Row(
    "Seconds",
    (
        graph(
            "Half of them, by operation",
            Query(
                "histogram_quantile(0.5, sum by (provider, operation, le)"
                " (rate(milesaga_provider_seconds_bucket[$__rate_interval])))",
                "{{provider}} {{operation}}",
            ),
            text="Tenths of a second, some seconds for tickets.",
            unit="s",
            width=12,
        ),
        graph(
            "19 of 20, by operation",
            Query(
                "histogram_quantile(0.95, sum by (provider, operation, le)"
                " (rate(milesaga_provider_seconds_bucket[$__rate_interval])))",
                "{{provider}} {{operation}}",
            ),
            text="Well below the timeout.",
            unit="s",
            width=12,
        ),
    ),
)
_CONSEQUENCES: Final = Row(
    "What it comes to",
    (
        graph(
            "Asked again a minute, by step",
            Query("60 * sum by (step) (rate(milesaga_asks_total[$__rate_interval]))", "{{step}}"),
            text="More for each outage.",
        ),
        graph(
            "Turned back a minute, by step",
            Query("60 * sum by (step) (rate(milesaga_purchases_turned_back_total[$__rate_interval]))", "{{step}}"),
            text="A provider that refuses everything shows here, and nowhere above.",
        ),
        graph(
            "Waiting, by tier",
            Query("max by (tier) (milesaga_tier_messages)", "{{tier}}"),
            text="What is held back for a provider waits here.",
        ),
    ),
)

PROVIDERS: Final = Dashboard(
    "providers",
    "providers",
    "The airline, the card gateway, the mail server: what is asked of them, and what comes of it.",
    (_ANSWERS, _SECONDS, _CONSEQUENCES),
)
