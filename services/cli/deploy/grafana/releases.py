"""Release control: what waits for people, what was decided, and whether it can be proved."""

from typing import Final

from services.cli.deploy.grafana.panels import Dashboard, Query, Row, graph, stat

_RATE: Final = "$__rate_interval"
_WAITING: Final = Row(
    "What waits",
    (
        stat(
            "Wait for people",
            'max(milesaga_release_requests{state="pending"})',
            text="A few.",
        ),
        stat(
            "Run, or nobody knows",
            'sum(max by (state) (milesaga_release_requests{state=~"executing|unknown"}))',
            text="unknown: runbook release-unknown.",
        ),
        stat(
            "Reviews overdue",
            'max(milesaga_release_reviews{state="overdue"})',
            text="0: runbook review-overdue.",
            alarming=1,
        ),
        stat(
            "Not vouched for",
            "max(milesaga_release_unvouched_seconds)",
            text="Below an hour. More: runbook checkpoint-late.",
            unit="s",
            alarming=4500,
        ),
        graph(
            "Requests by state",
            Query("max by (state) (milesaga_release_requests)", "{{state}}"),
            text="pending and approved a few; unknown 0.",
        ),
        graph(
            "Processes with older files",
            Query("max by (instance) (milesaga_release_files_outdated)", "{{instance}}"),
            text="0 but during a roll-out of files: runbook release-files-outdated.",
        ),
    ),
)
_DECIDED: Final = Row(
    "What was decided",
    (
        graph(
            "Entries of the log a minute, by kind",
            Query("sum by (kind) (increase(milesaga_release_entries_total[1m]))", "{{kind}}"),
            text="Follows what people do; refused and broke_glass near none.",
        ),
        graph(
            "Gated acts a minute, by action and outcome",
            Query(
                "sum by (action, outcome) (increase(milesaga_gated_acts_total[1m]))",
                "{{action}}: {{outcome}}",
            ),
            text="redeemed. unreachable: runbook gate-unreachable.",
        ),
        graph(
            "Time to an answer: 19 of 20, by route",
            Query(
                "histogram_quantile(0.95, sum by (le, route) (rate(milesaga_http_seconds_bucket"
                f'{{service="releases", route!~".*/events"}}[{_RATE}])))',
                "{{route}}",
            ),
            text="Tenths of a second; a request that is waited for as long as it is waited for.",
            unit="s",
        ),
        graph(
            "The chat, by outcome",
            Query(
                f'sum by (outcome) (rate(milesaga_provider_requests_total{{provider="slack"}}[{_RATE}]))',
                "{{outcome}}",
            ),
            text="answered. Command line and HTTP decide while it is away.",
            unit="ops",
        ),
    ),
)

RELEASES: Final = Dashboard(
    "releases", "releases", "Who asked, who agreed, what ran, and whether it is proved.", (_WAITING, _DECIDED)
)
