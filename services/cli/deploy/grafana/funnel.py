"""How far purchases come, how long each step takes, and where they turn round."""

from typing import Final

from services.cli.deploy.grafana.panels import Dashboard, Query, Row, bars, graph, table

_FAR: Final = Row(
    "How far they come",
    (
        bars(
            "Steps done",
            Query('sort_desc(sum by (step) (increase(milesaga_steps_total{outcome="done"}[$__range])))', "{{step}}"),
            text="In the time shown. From step to step fewer: what is missing was refused, skipped, or stands.",
        ),
        bars(
            "Turned back at",
            Query("sort_desc(sum by (step) (increase(milesaga_purchases_turned_back_total[$__range])))", "{{step}}"),
            text="In the time shown. A step that stands out: its provider refuses.",
        ),
        graph(
            "Begun and ended a minute",
            Query("60 * sum(rate(milesaga_purchases_begun_total[$__rate_interval]))", "begun"),
            Query("60 * sum by (status) (rate(milesaga_purchases_ended_total[$__rate_interval]))", "{{status}}"),
            text="As many end as begin.",
        ),
        graph(
            "Completed of ended",
            Query(
                'sum(rate(milesaga_purchases_ended_total{status="completed"}[$__rate_interval]))'
                " / sum(rate(milesaga_purchases_ended_total[$__rate_interval]))",
                "completed",
            ),
            text="Most of them.",
            unit="percentunit",
        ),
        graph(
            "Undo rate",
            Query(
                "sum(rate(milesaga_purchases_turned_back_total[$__rate_interval]))"
                " / sum(rate(milesaga_purchases_begun_total[$__rate_interval]))",
                "turned back",
            ),
            text="A few in a hundred.",
            unit="percentunit",
        ),
    ),
)
_LONG: Final = Row(
    "How long steps take",
    (
        graph(
            "Half of them, by step",
            Query(
                "histogram_quantile(0.5, sum by (step, le) (rate(milesaga_step_seconds_bucket[$__rate_interval])))",
                "{{step}}",
            ),
            text="About the provider's own time.",
            unit="s",
            width=12,
        ),
        graph(
            "19 of 20, by step",
            Query(
                "histogram_quantile(0.95, sum by (step, le) (rate(milesaga_step_seconds_bucket[$__rate_interval])))",
                "{{step}}",
            ),
            text="Tickets are the slowest. Far above the half: queues, or silence.",
            unit="s",
            width=12,
        ),
    ),
)
_STANDING: Final = Row(
    "What stands",
    (
        graph(
            "Open, by status",
            Query("max by (status) (milesaga_purchases)", "{{status}}"),
            text="running: traffic times a purchase's duration. needs_attention: 0.",
        ),
        graph(
            "Oldest, by status",
            Query("max by (status) (milesaga_oldest_purchase_seconds)", "{{status}}"),
            text="running: seconds.",
            unit="s",
        ),
        graph(
            "Silent steps",
            Query("max(milesaga_unknowns)", "purchases"),
            text="0, for seconds a few.",
        ),
        graph(
            "Asked again a minute, by step",
            Query("60 * sum by (step) (rate(milesaga_asks_total[$__rate_interval]))", "{{step}}"),
            text="Near none.",
        ),
        graph(
            "Undoing and undone a minute",
            Query(
                '60 * sum by (outcome) (rate(milesaga_steps_total{outcome=~"undoing|undone"}[$__rate_interval]))',
                "{{outcome}}",
            ),
            text="As many undone as undoing.",
        ),
        graph(
            "Silence of the longest",
            Query("max(milesaga_oldest_unknown_seconds)", "seconds"),
            text="0. It is asked again with growing pauses, five minutes at most.",
            unit="s",
        ),
        table(
            "Came to need attention, by step",
            "sum by (step) (milesaga_purchases_called_for_help_total) > 0",
            text="None. Since the processes began.",
        ),
        graph(
            "Holds, by age",
            Query("max by (service, age) (milesaga_holds)", "{{service}} up to {{age}}"),
            text="All of it under 5m. Authorized money older than 6d is about to lapse.",
            width=12,
        ),
    ),
)

FUNNEL: Final = Dashboard(
    "funnel", "purchases", "How far purchases come, and where they turn round.", (_FAR, _LONG, _STANDING)
)
