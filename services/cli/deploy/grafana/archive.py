"""Partners' events as they are kept, read and sent once more."""

from typing import Final

from services.cli.deploy.grafana.panels import Dashboard, Query, Row, graph, stat

_RATE: Final = "$__rate_interval"
_ROUTES: Final = 'service="archive", route=~"/v1/hub/.*"'
_KEPT: Final = Row(
    "Kept",
    (
        stat(
            "Behind",
            "max(milesaga_archive_lag_seconds)",
            text="Below 2 s. Five minutes: runbook archive-behind.",
            unit="s",
            alarming=300,
        ),
        stat(
            "Pages that wait to be kept",
            'max(milesaga_queue_messages{queue="archive"})',
            text="Near 0.",
            alarming=100,
        ),
        graph(
            "Behind, by process",
            Query("max by (instance) (milesaga_archive_lag_seconds)", "{{instance}}"),
            text="Below 2 s; it grows while nothing can be written, and falls while what waited is caught up with.",
            unit="s",
        ),
        graph(
            "Pages and records kept a second, by outcome",
            Query(
                f'sum by (outcome) (rate(milesaga_messages_total{{service="archive"}}[{_RATE}]))',
                "{{outcome}}",
            ),
            text="done. later: the disk is full, or read-only.",
            unit="ops",
        ),
        graph(
            "What it holds",
            Query("max(milesaga_archive_bytes)", "bytes"),
            text="Grows with the events; falls when a class of keeping is over.",
            unit="bytes",
        ),
        graph(
            "Growth an hour",
            Query("deriv(max(milesaga_archive_bytes)[1h:]) * 3600", "bytes"),
            text="A seventh of what partners send, about: events compress.",
            unit="bytes",
        ),
    ),
)
_READ: Final = Row(
    "Read, and sent once more",
    (
        graph(
            "Copies of replays a second",
            Query(f"sum(deriv(milesaga_replay_copies[{_RATE}]))", "copies"),
            text="None, but while a replay runs: then its rate, or less where its target is slow.",
            unit="ops",
        ),
        graph(
            "Requests a second, by route",
            Query(
                f"sum by (route) (rate(milesaga_http_requests_total{{{_ROUTES}}}[{_RATE}]))",
                "{{route}}",
            ),
            text="People who look for events, and programs that read feeds.",
            unit="ops",
        ),
        graph(
            "Time to an answer: 19 of 20, by route",
            Query(
                "histogram_quantile(0.95, sum by (le, route)"
                f" (rate(milesaga_http_seconds_bucket{{{_ROUTES}}}[{_RATE}])))",
                "{{route}}",
            ),
            text="Tenths of a second; of feeds as long as their readers let them wait.",
            unit="s",
        ),
        graph(
            "Refused or failed a minute, by route and status",
            Query(
                f'sum by (route, status) (increase(milesaga_http_requests_total{{{_ROUTES}, status=~"4..|5.."}}[1m]))',
                "{{route}} {{status}}",
            ),
            text="500: a segment is damaged, `milesaga hub archive verify` names it. 429: one at a time reads it all.",
        ),
    ),
)

ARCHIVE: Final = Dashboard(
    "archive", "archive and replays", "Partners' events: kept, read, sent again.", (_KEPT, _READ)
)
