"""One look: is it well?"""

from typing import Final

from services.cli.deploy.grafana.panels import Dashboard, Query, Row, graph, part_of_5xx, stat, table

_PURCHASES: Final = Row(
    "Purchases",
    (
        stat(
            "Begun a minute",
            "60 * sum(rate(milesaga_purchases_begun_total[$__rate_interval]))",
            text="Follows the shop's traffic.",
        ),
        stat(
            "Undone",
            "sum(rate(milesaga_purchases_turned_back_total[15m])) / sum(rate(milesaga_purchases_begun_total[15m]))",
            text="Of the last quarter of an hour. A few in a hundred: declined cards, seats gone.",
            unit="percentunit",
            alarming=0.3,
        ),
        stat(
            "Need attention",
            'sum(max by (service) (milesaga_purchases{status="needs_attention"}))',
            text="0. Each is a customer who waits: runbook purchase-needs-attention.",
            alarming=1,
        ),
        stat(
            "Oldest that runs",
            'max(milesaga_oldest_purchase_seconds{status="running"})',
            text="Seconds. More than some minutes is a provider that is silent.",
            unit="s",
            alarming=1800,
        ),
        stat("Silent steps", "sum(max by (service) (milesaga_unknowns))", text="0, for seconds a few.", alarming=10),
        stat(
            "Dead letters",
            'sum(max by (service) (milesaga_queue_messages{queue=~".+[.]dead"}))',
            text="0. Nobody has dealt with these: runbook dead-letters.",
            alarming=1,
        ),
        graph(
            "Begun and ended a minute",
            Query("60 * sum(rate(milesaga_purchases_begun_total[$__rate_interval]))", "begun"),
            Query("60 * sum by (status) (rate(milesaga_purchases_ended_total[$__rate_interval]))", "{{status}}"),
            text="As many end as begin; most of them completed.",
            width=12,
        ),
        graph(
            "Turned back a minute, by step",
            Query("60 * sum by (step) (rate(milesaga_purchases_turned_back_total[$__rate_interval]))", "{{step}}"),
            text="A jump at one step is that step's provider.",
            width=12,
            stacked=True,
        ),
    ),
)
_FIRING: Final = Row(
    "Alerts",
    (
        table(
            "Firing",
            'ALERTS{alertname=~"Milesaga.+", alertstate="firing"}',
            text="Each has a page in docs/runbooks.",
            width=24,
        ),
    ),
)
_WAITING: Final = Row(
    "What waits",
    (
        graph(
            "Queues",
            Query('max by (queue) (milesaga_queue_messages{queue!~".+[.](dead|suspect)"})', "{{queue}}"),
            text="Near 0. One that grows: too few replicas, or a slow provider.",
        ),
        graph(
            "Oldest unsent message",
            Query("max by (service) (milesaga_outbox_unsent_seconds)", "{{service}}"),
            text="Below 1. More than 10 is a broker that takes nothing, or a relay that does not run.",
            unit="s",
        ),
        graph(
            "Providers left alone",
            Query("max by (service, provider) (milesaga_provider_left_alone)", "{{provider}} by {{service}}"),
            text="1 while a provider does not answer and is not asked.",
        ),
    ),
)
_PROCESSES: Final = Row(
    "Processes",
    (
        table(
            "Running",
            "count by (service, version) (milesaga_build_info)",
            text="Processes of each service and version. One version; two during a roll-out.",
            width=8,
        ),
        graph(
            "5xx of HTTP requests",
            Query(part_of_5xx('service!="process"', "$__rate_interval"), "{{service}}"),
            text="None but 503 while a process starts or drains.",
            unit="percentunit",
        ),
        graph(
            "Without a broker",
            Query("count(milesaga_broker_connected == 0) or vector(0)", "processes"),
            text="0.",
        ),
        graph(
            "CPU",
            Query(
                "rate(process_cpu_seconds_total[$__rate_interval])"
                " and on (job, instance) max by (job, instance) (milesaga_build_info)",
                "{{instance}}",
            ),
            text="Cores. One process uses one at most.",
        ),
        graph(
            "Memory",
            Query(
                "process_resident_memory_bytes and on (job, instance) max by (job, instance) (milesaga_build_info)",
                "{{instance}}",
            ),
            text="Flat under a steady load.",
            unit="bytes",
        ),
        graph(
            "Clocks",
            Query("milesaga_clock_offset_seconds", "{{instance}}"),
            text="Within 1 of 0; from 60 on a process stops working.",
            unit="s",
        ),
    ),
)

OVERVIEW: Final = Dashboard(
    "overview",
    "overview",
    "Is it well? What is not has its own dashboard, and its runbook.",
    (_PURCHASES, _FIRING, _WAITING, _PROCESSES),
)
