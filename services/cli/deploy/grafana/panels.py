"""What dashboards are made of: rows of panels, each a question to Prometheus, laid out from left to right."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeAlias

Json: TypeAlias = dict[str, Any]

WIDTH: Final = 24
"""Of Grafana's grid."""
SCHEMA: Final = 41
"""Of the dashboards' model; later releases of Grafana migrate it."""
TAG: Final = "milesaga"
SOURCE: Final = {"type": "prometheus", "uid": "${datasource}"}
"""Chosen on the dashboard: a Grafana may know several."""
CALM, ALARMING = "green", "red"

Unit: TypeAlias = Literal["short", "s", "percentunit", "bytes", "ops"]


@dataclass(frozen=True, slots=True)
class Query:
    """`legend` names the labels that tell the lines apart: `{{step}}`."""

    expr: str
    legend: str = ""


@dataclass(frozen=True, slots=True)
class Panel:
    """One question. `text` says what is normal, and what is not.

    `alarming`: the value from which a stat is red.
    """

    title: str
    kind: Literal["timeseries", "stat", "bargauge", "table"]
    queries: tuple[Query, ...]
    text: str
    unit: Unit = "short"
    width: int = 8
    height: int = 8
    stacked: bool = False
    alarming: float | None = None


@dataclass(frozen=True, slots=True)
class Row:
    title: str
    panels: tuple[Panel, ...]


@dataclass(frozen=True, slots=True)
class Dashboard:
    """`variables`: what is chosen on it beside the source, as name and the query for its values."""

    name: str
    title: str
    text: str
    rows: tuple[Row, ...]
    variables: tuple[tuple[str, str], ...] = ()


def part_of_5xx(matchers: str, window: str) -> str:
    """Of the HTTP requests of each service; 0 where none of its requests was answered so."""
    every = f"sum by (service) (rate(milesaga_http_requests_total{{{matchers}}}[{window}]))"
    wrong = f'sum by (service) (rate(milesaga_http_requests_total{{{matchers}, status=~"5.."}}[{window}]))'
    return f"({wrong} or 0 * {every}) / {every}"


def graph(title: str, *queries: Query, text: str, unit: Unit = "short", width: int = 8, stacked: bool = False) -> Panel:
    return Panel(title, "timeseries", queries, text, unit, width, stacked=stacked)


def stat(title: str, expr: str, *, text: str, unit: Unit = "short", alarming: float | None = None) -> Panel:
    return Panel(title, "stat", (Query(expr),), text, unit, width=4, height=4, alarming=alarming)


def bars(title: str, query: Query, *, text: str, width: int = 12) -> Panel:
    return Panel(title, "bargauge", (query,), text, width=width)


def table(title: str, expr: str, *, text: str, width: int = 12) -> Panel:
    return Panel(title, "table", (Query(expr),), text, width=width)


def rendered(dashboard: Dashboard) -> Json:
    """As Grafana reads it."""
    return {
        "uid": f"milesaga-{dashboard.name}",
        "title": f"Milesaga: {dashboard.title}",
        "description": dashboard.text,
        "tags": [TAG],
        "schemaVersion": SCHEMA,
        "editable": False,
        "graphTooltip": 1,
        "refresh": "30s",
        "time": {"from": "now-3h", "to": "now"},
        "timezone": "browser",
        "links": [{"type": "dashboards", "title": "Milesaga", "tags": [TAG], "asDropdown": True, "keepTime": True}],
        "annotations": {"list": []},
        "templating": {"list": [_source(), *(_variable(*each) for each in dashboard.variables)]},
        "panels": list(_laid_out(dashboard.rows)),
    }


def _source() -> Json:
    return {"name": "datasource", "label": "Prometheus", "type": "datasource", "query": "prometheus"}


def _variable(name: str, query: str) -> Json:
    return {
        "name": name,
        "label": name,
        "type": "query",
        "datasource": SOURCE,
        "query": {"query": query, "refId": "variable"},
        "definition": query,
        "refresh": 2,
        "sort": 1,
    }


def _laid_out(rows: Sequence[Row]) -> Iterator[Json]:
    """Numbered from 1; panels that do not fit beside the others go below them."""
    number, top = 0, 0
    for row in rows:
        number += 1
        yield {"id": number, "type": "row", "title": row.title, "panels": [], "gridPos": _place(0, top, WIDTH, 1)}
        top, left, tallest = top + 1, 0, 0
        for panel in row.panels:
            if left + panel.width > WIDTH:
                top, left, tallest = top + tallest, 0, 0
            number += 1
            yield {"id": number, **_panel(panel), "gridPos": _place(left, top, panel.width, panel.height)}
            left, tallest = left + panel.width, max(tallest, panel.height)
        top += tallest


def _place(left: int, top: int, width: int, height: int) -> Json:
    return {"x": left, "y": top, "w": width, "h": height}


def _panel(panel: Panel) -> Json:
    return {
        "type": panel.kind,
        "title": panel.title,
        "description": panel.text,
        "datasource": SOURCE,
        "targets": [_target(panel, number, query) for number, query in enumerate(panel.queries)],
        "fieldConfig": {"defaults": _defaults(panel), "overrides": []},
        "options": _OPTIONS[panel.kind],
        **({"transformations": [_WITHOUT_TIME]} if panel.kind == "table" else {}),
    }


def _target(panel: Panel, number: int, query: Query) -> Json:
    over_time = panel.kind == "timeseries"
    return {
        "refId": chr(ord("A") + number),
        "datasource": SOURCE,
        "expr": query.expr,
        "legendFormat": query.legend,
        "instant": not over_time,
        "range": over_time,
        "format": "table" if panel.kind == "table" else "time_series",
    }


def _defaults(panel: Panel) -> Json:
    steps: list[Json] = [{"color": CALM, "value": None}]
    if panel.alarming is not None:
        steps.append({"color": ALARMING, "value": panel.alarming})
    defaults: Json = {"unit": panel.unit, "thresholds": {"mode": "absolute", "steps": steps}}
    if panel.kind == "timeseries":
        stacking = {"mode": "normal" if panel.stacked else "none"}
        fill = 20 if panel.stacked else 5
        defaults["custom"] = {"axisSoftMin": 0, "fillOpacity": fill, "showPoints": "never", "stacking": stacking}
    return defaults


_LAST: Final = {"calcs": ["lastNotNull"], "fields": "", "values": False}
_OPTIONS: Final[dict[str, Json]] = {
    "timeseries": {"legend": {"displayMode": "list", "placement": "bottom"}, "tooltip": {"mode": "multi"}},
    "stat": {"colorMode": "background", "graphMode": "none", "reduceOptions": _LAST},
    "bargauge": {"orientation": "horizontal", "displayMode": "basic", "reduceOptions": _LAST},
    "table": {"showHeader": True},
}
_WITHOUT_TIME: Final = {"id": "organize", "options": {"excludeByName": {"Time": True, "__name__": True}}}
