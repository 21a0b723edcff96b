"""One target of a bus: what waits for it, and how its endpoint answers."""

from typing import Final

from services.cli.deploy.grafana.panels import Dashboard, Query, Row, graph, stat

_RATE: Final = "$__rate_interval"
_ONE: Final = 'bus="$bus", target="$target"'
_STANDS: Final = Row(
    "How it stands",
    (
        stat(
            "Well",
            f'sum(max by (state) (milesaga_target_state{{{_ONE}, state=~"healthy|limited"}})) or vector(0)',
            text="1. 0 is failing, gone, paused, or has not agreed yet: see its states below.",
        ),
        stat(
            "Waiting",
            f"max(milesaga_target_waiting{{{_ONE}}})",
            text="Near 0; it grows while the endpoint fails or the target is paused.",
        ),
        stat(
            "Oldest",
            f"max(milesaga_target_oldest_seconds{{{_ONE}}})",
            text="Below a second: runbook copies-wait-long.",
            unit="s",
            alarming=900,
        ),
        stat("Dead", f"max(milesaga_target_dead{{{_ONE}}})", text="0: runbook copies-dead.", alarming=1),
        stat(
            "Taken a second",
            f'sum(rate(milesaga_target_attempts_total{{{_ONE}, fault="none"}}[5m]))',
            text="Follows the events that its rules match; `rate` in its file is the most.",
            unit="ops",
        ),
        stat(
            "Not taken",
            f'sum(rate(milesaga_target_attempts_total{{{_ONE}, fault!="none"}}[5m]))'
            f" / sum(rate(milesaga_target_attempts_total{{{_ONE}}}[5m])) or vector(0)",
            text="Near none, of all requests.",
            unit="percentunit",
            alarming=0.5,
        ),
    ),
)
_OVER_TIME: Final = Row(
    "Over time",
    (
        graph(
            "State",
            Query(f"max by (state) (milesaga_target_state{{{_ONE}}})", "{{state}}"),
            text="healthy; limited where the endpoint asks for patience. failing: runbook target-failing.",
            stacked=True,
        ),
        graph(
            "Copies that wait",
            Query(f"max(milesaga_target_waiting{{{_ONE}}})", "waiting"),
            text="Near 0. After an outage they fall as slowly as the slow start wants it.",
        ),
        graph(
            "Age of the oldest",
            Query(f"max(milesaga_target_oldest_seconds{{{_ONE}}})", "oldest"),
            text="Below a second; `retry_for` in its file is the end of a copy.",
            unit="s",
        ),
        graph(
            "Requests under way",
            Query(f"sum(milesaga_target_in_flight{{{_ONE}}})", "under way"),
            text="At most `concurrency` in its file; at that for long, the endpoint is slower than its events come.",
        ),
        graph(
            "Requests a second, by fault",
            Query(f"sum by (fault) (rate(milesaga_target_attempts_total{{{_ONE}}}[{_RATE}]))", "{{fault}}"),
            text="none: taken. While it is failing one request in 5, 10, .. 300 s.",
            unit="ops",
            stacked=True,
        ),
        graph(
            "Time of an answer: half, 19 of 20",
            Query(
                f"histogram_quantile(0.5, sum by (le) (rate(milesaga_target_seconds_bucket{{{_ONE}}}[{_RATE}])))",
                "half",
            ),
            Query(
                f"histogram_quantile(0.95, sum by (le) (rate(milesaga_target_seconds_bucket{{{_ONE}}}[{_RATE}])))",
                "19 of 20",
            ),
            text="The endpoint's own. At `timeout` a request counts as not taken; a slow one holds up itself alone.",
            unit="s",
        ),
        graph(
            "Dead copies",
            Query(f"max(milesaga_target_dead{{{_ONE}}})", "dead"),
            text="0: each is a copy that its partner does not have.",
        ),
    ),
)

TARGET: Final = Dashboard(
    "target",
    "one target",
    "What waits for one target of a bus, and how its endpoint answers.",
    (_STANDS, _OVER_TIME),
    variables=(
        ("bus", "label_values(milesaga_target_state, bus)"),
        ("target", 'label_values(milesaga_target_state{bus="$bus"}, target)'),
    ),
)
