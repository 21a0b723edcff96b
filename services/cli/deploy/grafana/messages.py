"""What waits on the broker, what is tried again, and what is dead."""

from typing import Final

from services.cli.deploy.grafana.panels import Dashboard, Query, Row, graph, stat, table

_DEAD: Final = Row(
    "Dead letters",
    (
        stat(
            "Dead letters",
            'sum(max by (service) (milesaga_queue_messages{queue=~".+[.]dead"}))',
            text="0: runbook dead-letters.",
            alarming=1,
        ),
        stat(
            "Suspects",
            'sum(max by (service) (milesaga_queue_messages{queue=~".+[.]suspect"}))',
            text="0. They are tried alone: runbook message-suspected.",
            alarming=1,
        ),
        graph(
            "As they stand, by service",
            Query('max by (service) (milesaga_queue_messages{queue=~".+[.]dead"})', "{{service}}"),
            text="0.",
        ),
        graph(
            "Dying a minute",
            Query(
                "60 * sum by (service, fingerprint) (rate(milesaga_deaths_total[$__rate_interval]))",
                "{{service}}: {{fingerprint}}",
            ),
            text="None. What kills its process is not counted here: nobody is left to count it.",
        ),
        table(
            "As they stand, by fault",
            "sort_desc(max by (service, fingerprint) (milesaga_dead_letters))",
            text="A hundred letters with one fingerprint are one fault.",
            width=24,
        ),
    ),
)
_QUEUES: Final = Row(
    "Queues",
    (
        graph(
            "Messages that wait",
            Query('max by (queue) (milesaga_queue_messages{queue!~".+[.](dead|suspect)"})', "{{queue}}"),
            text="Near 0.",
            width=12,
        ),
        graph(
            "Consumers",
            Query('max by (queue) (milesaga_queue_consumers{queue!~".+[.](dead|suspect)"})', "{{queue}}"),
            text="One for each replica.",
            width=12,
        ),
        graph(
            "Handled a second, by service",
            Query("sum by (service) (rate(milesaga_messages_total[$__rate_interval]))", "{{service}}"),
            text="Follows the traffic.",
            unit="ops",
            stacked=True,
        ),
        graph(
            "Not done, a second",
            Query(
                'sum by (service, outcome) (rate(milesaga_messages_total{outcome!="done"}[$__rate_interval]))',
                "{{service}}: {{outcome}}",
            ),
            text="later while a provider is left alone; all else near none.",
            unit="ops",
        ),
        graph(
            "19 of 20 handlers",
            Query(
                "histogram_quantile(0.95, sum by (service, le)"
                " (rate(milesaga_handler_seconds_bucket[$__rate_interval])))",
                "{{service}}",
            ),
            text="Milliseconds, or the provider's time.",
            unit="s",
        ),
    ),
)
_TIERS: Final = Row(
    "Tried again",
    (
        graph(
            "Waiting, by tier",
            Query("max by (tier) (milesaga_tier_messages)", "{{tier}}"),
            text="0; in the long tiers those of an outage.",
            width=12,
            stacked=True,
        ),
        graph(
            "Sent there a minute, by service",
            Query(
                "60 * sum by (service, tier) (rate(milesaga_retries_total[$__rate_interval]))", "{{service}}: {{tier}}"
            ),
            text="Near none, and to the short tiers.",
            width=12,
        ),
    ),
)
_SENT: Final = Row(
    "Sent",
    (
        graph(
            "Published a second",
            Query("sum(rate(milesaga_published_total[$__rate_interval]))", "messages"),
            text="Confirmed by the broker. Follows the traffic.",
            unit="ops",
        ),
        graph(
            "Oldest unsent",
            Query("max by (service) (milesaga_outbox_unsent_seconds)", "{{service}}"),
            text="Below 1.",
            unit="s",
        ),
        graph(
            "Unsent",
            Query("max by (service) (milesaga_outbox_unsent)", "{{service}}"),
            text="Those of the last second or two.",
        ),
        graph(
            "Processes with a broker",
            Query("sum(milesaga_broker_connected)", "with"),
            Query("count(milesaga_broker_connected)", "all"),
            text="All.",
            width=12,
        ),
        graph(
            "Connections that came up, an hour",
            Query("sum(increase(milesaga_broker_connections_total[1h]))", "connections"),
            text="None but for new processes.",
            width=12,
        ),
    ),
)

MESSAGES: Final = Dashboard(
    "messages",
    "queues and dead letters",
    "What waits on the broker, what is tried again, and what is dead.",
    (_DEAD, _QUEUES, _TIERS, _SENT),
)
