"""One service: what it takes, how long it takes, what it needs for that."""

from typing import Final

from services.cli.deploy.grafana.panels import Dashboard, Query, Row, graph, table

_PROCESSES: Final = 'and on (job, instance) max by (job, instance) (milesaga_build_info{service="$service"})'

_MESSAGES: Final = Row(
    "Messages",
    (
        graph(
            "Handled a second, by outcome",
            Query(
                'sum by (outcome) (rate(milesaga_messages_total{service="$service"}[$__rate_interval]))', "{{outcome}}"
            ),
            text="done. later while a provider is left alone; retried and requeued near none; dead none.",
            unit="ops",
            stacked=True,
        ),
        graph(
            "19 of 20, by type",
            Query(
                "histogram_quantile(0.95, sum by (type, le)"
                ' (rate(milesaga_handler_seconds_bucket{service="$service"}[$__rate_interval])))',
                "{{type}}",
            ),
            text="From a delivery to its outcome: milliseconds, or the provider's time.",
            unit="s",
        ),
        graph(
            "Queues",
            Query('max by (queue) (milesaga_queue_messages{service="$service"})', "{{queue}}"),
            Query('max by (queue) (milesaga_queue_consumers{service="$service"})', "consumers of {{queue}}"),
            text="Its own near 0; .suspect and .dead 0. A consumer for each replica, none on .dead.",
        ),
        graph(
            "Retried a minute, by tier",
            Query(
                '60 * sum by (tier) (rate(milesaga_retries_total{service="$service"}[$__rate_interval]))', "{{tier}}"
            ),
            text="Near none, and in the short tiers.",
        ),
        graph(
            "Oldest unsent message",
            Query('max(milesaga_outbox_unsent_seconds{service="$service"})', "seconds"),
            text="Below 1.",
            unit="s",
        ),
        graph(
            "Unsent messages",
            Query('max(milesaga_outbox_unsent{service="$service"})', "messages"),
            text="Those of the last second or two.",
        ),
        table(
            "Dead letters, by fault",
            'max by (fingerprint) (milesaga_dead_letters{service="$service"}) > 0',
            text="None.",
            width=24,
        ),
    ),
)
_HTTP: Final = Row(
    "HTTP",
    (
        graph(
            "Requests a second, by route",
            Query(
                'sum by (method, route) (rate(milesaga_http_requests_total{service="$service"}[$__rate_interval]))',
                "{{method}} {{route}}",
            ),
            text="A service without routes has none.",
            unit="ops",
        ),
        graph(
            "Requests a second, by status",
            Query(
                'sum by (status) (rate(milesaga_http_requests_total{service="$service"}[$__rate_interval]))',
                "{{status}}",
            ),
            text="2xx and the callers' own 4xx.",
            unit="ops",
        ),
        graph(
            "19 of 20, by route",
            Query(
                "histogram_quantile(0.95, sum by (method, route, le)"
                ' (rate(milesaga_http_seconds_bucket{service="$service", route!~".*/events"}[$__rate_interval])))',
                "{{method}} {{route}}",
            ),
            text="Tens of milliseconds; a search as long as the airline's. Event streams are left out.",
            unit="s",
        ),
    ),
)
_NEEDS: Final = Row(
    "What it needs",
    (
        graph(
            "Store: 99 of 100, by operation",
            Query(
                "histogram_quantile(0.99, sum by (operation, le)"
                ' (rate(milesaga_store_seconds_bucket{service="$service"}[$__rate_interval])))',
                "{{operation}}",
            ),
            text="Milliseconds; a save waits for the disk.",
            unit="s",
        ),
        graph(
            "Store: conflicts a minute",
            Query(
                '60 * sum by (collection) (rate(milesaga_store_conflicts_total{service="$service"}[$__rate_interval]))',
                "{{collection}}",
            ),
            text="A few in a thousand saves.",
        ),
        graph(
            "Store: unavailable a minute",
            Query(
                '60 * sum(rate(milesaga_store_unavailable_total{service="$service"}[$__rate_interval]))', "operations"
            ),
            text="None.",
        ),
        graph(
            "Providers, by outcome",
            Query(
                "sum by (provider, outcome)"
                ' (rate(milesaga_provider_requests_total{service="$service"}[$__rate_interval]))',
                "{{provider}}: {{outcome}}",
            ),
            text="answered.",
            unit="ops",
        ),
        graph(
            "Timers: the longest late",
            Query('max by (collection) (milesaga_timer_overdue_seconds{service="$service"})', "{{collection}}"),
            text="Below 2; a sweep of old carts may take a minute.",
            unit="s",
        ),
        graph(
            "Timers: overdue",
            Query('max by (collection) (milesaga_timers_overdue{service="$service"})', "{{collection}}"),
            text="0.",
        ),
    ),
)
_HOSTS: Final = Row(
    "Its processes",
    (
        graph(
            "Processes, by version",
            Query('count by (version) (milesaga_build_info{service="$service"})', "{{version}}"),
            text="One version; two during a roll-out.",
        ),
        graph(
            "CPU",
            Query(f"rate(process_cpu_seconds_total[$__rate_interval]) {_PROCESSES}", "{{instance}}"),
            text="Cores. One process uses one at most; beside others in one process it is theirs, too.",
        ),
        graph(
            "Memory",
            Query(f"process_resident_memory_bytes {_PROCESSES}", "{{instance}}"),
            text="Flat under a steady load.",
            unit="bytes",
        ),
    ),
)

SERVICE: Final = Dashboard(
    "service",
    "one service",
    "What one service takes, how long it takes, what it needs for that.",
    (_MESSAGES, _HTTP, _NEEDS, _HOSTS),
    variables=(("service", "label_values(milesaga_build_info, service)"),),
)
