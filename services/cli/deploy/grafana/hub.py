"""Partners' events: accepted or refused, routed, and kept."""

from typing import Final

from services.cli.deploy.grafana.panels import Dashboard, Query, Row, graph, part_of_5xx, stat

_RATE: Final = "$__rate_interval"
_PARTNERS: Final = 'service=~"hub|archive|delivery"'
_DOOR: Final = Row(
    "At the door",
    (
        stat(
            "Events a second",
            'sum(rate(milesaga_hub_events_total{outcome="accepted"}[5m]))',
            text="Follows the partners' traffic.",
            unit="ops",
        ),
        stat(
            "Refused",
            'sum(rate(milesaga_hub_events_total{outcome="refused"}[5m]))'
            ' / sum(rate(milesaga_hub_events_total{outcome!="rate_limited"}[5m]))',
            text="Near none. A fifth of one partner's: runbook partner-refused.",
            unit="percentunit",
            alarming=0.2,
        ),
        graph(
            "Accepted a second, by partner",
            Query(f'sum by (partner) (rate(milesaga_hub_events_total{{outcome="accepted"}}[{_RATE}]))', "{{partner}}"),
            text="Follows the partners' traffic.",
            unit="ops",
            stacked=True,
        ),
        graph(
            "Not accepted a second",
            Query(
                f'sum by (partner, outcome) (rate(milesaga_hub_events_total{{outcome!="accepted"}}[{_RATE}]))',
                "{{partner}}: {{outcome}}",
            ),
            text="duplicate where answers were lost; rate_limited where a partner floods; refused near none.",
            unit="ops",
        ),
        graph(
            "Time to an answer: half, 99 of 100",
            Query(
                "histogram_quantile(0.5, sum by (le)"
                f' (rate(milesaga_http_seconds_bucket{{service="hub", route="/v1/events"}}[{_RATE}])))',
                "half",
            ),
            Query(
                "histogram_quantile(0.99, sum by (le)"
                f' (rate(milesaga_http_seconds_bucket{{service="hub", route="/v1/events"}}[{_RATE}])))',
                "99 of 100",
            ),
            text="Tens of milliseconds: a write that waits for the disk.",
            unit="s",
        ),
        graph(
            "Answered by 5xx, of all requests",
            Query(part_of_5xx(_PARTNERS, _RATE), "{{service}}"),
            text="None. One in a hundred: runbook hub-requests-fail.",
            unit="percentunit",
        ),
        graph(
            "Events of a page: half, 19 of 20",
            Query(f"histogram_quantile(0.5, sum by (le) (rate(milesaga_hub_page_events_bucket[{_RATE}])))", "half"),
            Query(
                f"histogram_quantile(0.95, sum by (le) (rate(milesaga_hub_page_events_bucket[{_RATE}])))",
                "19 of 20",
            ),
            text="1 while little comes, hundreds under load. Always 256: more replicas.",
        ),
    ),
)
_ROUTED: Final = Row(
    "Routed",
    (
        graph(
            "Matches a second, by rule",
            Query(
                f'sum by (bus, rule) (rate(milesaga_hub_rule_matches_total{{mode="on"}}[{_RATE}]))',
                "{{bus}}: {{rule}}",
            ),
            text="Follows the traffic; a rule that never matches is perhaps wrong.",
            unit="ops",
        ),
        graph(
            "Of shadow rules",
            Query(
                f'sum by (bus, rule) (rate(milesaga_hub_rule_matches_total{{mode="shadow"}}[{_RATE}]))',
                "{{bus}}: {{rule}}",
            ),
            text="What they would send.",
            unit="ops",
        ),
        graph(
            "Matched nothing, a second",
            Query(f"sum(rate(milesaga_hub_unmatched_total[{_RATE}]))", "events"),
            text="As many as nobody asked for.",
            unit="ops",
        ),
        graph(
            "Undecided, by bus, an hour",
            Query("sum by (bus) (increase(milesaga_hub_undecided_total[1h]))", "{{bus}}"),
            text="None: runbook events-undecided.",
        ),
        graph(
            "Pages that wait",
            Query('max by (queue) (milesaga_queue_messages{queue=~"hub|archive"})', "{{queue}}"),
            text="Near 0: to be routed, and to be kept.",
        ),
        graph(
            "Letters that could not be routed or kept",
            Query('max by (queue) (milesaga_queue_messages{queue=~"(hub|archive)[.]dead"})', "{{queue}}"),
            text="0: runbook dead-letters.",
        ),
    ),
)
_DELIVERED: Final = Row(
    "Delivered",
    (
        graph(
            "Waiting, the ten longest",
            Query("topk(10, max by (bus, target) (milesaga_target_waiting))", "{{bus}}/{{target}}"),
            text="Near 0. One that grows: see the dashboard of one target.",
        ),
        graph(
            "Oldest, the ten worst",
            Query("topk(10, max by (bus, target) (milesaga_target_oldest_seconds))", "{{bus}}/{{target}}"),
            text="Below a second. Minutes: runbook copies-wait-long.",
            unit="s",
        ),
        graph(
            "Targets, by state",
            Query("count by (state) (max by (bus, target, state) (milesaga_target_state))", "{{state}}"),
            text="healthy. failing and gone: runbook target-failing.",
            stacked=True,
        ),
        graph(
            "Requests a second, by fault",
            Query(f"sum by (fault) (rate(milesaga_target_attempts_total[{_RATE}]))", "{{fault}}"),
            text="none: the endpoint took the copy.",
            unit="ops",
            stacked=True,
        ),
        graph(
            "Dead copies, by target",
            Query("topk(10, max by (bus, target) (milesaga_target_dead))", "{{bus}}/{{target}}"),
            text="0: runbook copies-dead.",
        ),
        graph(
            "Processes that deliver",
            Query('count(milesaga_build_info{service="delivery"})', "processes"),
            text="More where many targets wait.",
        ),
    ),
)

HUB: Final = Dashboard(
    "hub", "partners' events", "What partners send, and what becomes of it.", (_DOOR, _ROUTED, _DELIVERED)
)
