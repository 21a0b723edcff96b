"""Questions to Prometheus, as alerts, dashboards and pages have them: whether they parse, and of what they ask."""

import json
import re
import shutil
import subprocess
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from services.cli.audit_metrics import write
from services.cli.deploy.tree import REPOSITORY
from services.cli.reconciliation import Result
from shared.telemetry.catalogue import CATALOGUE, PREFIX

RULES: Final = REPOSITORY / "deploy" / "prometheus" / "rules"
DASHBOARDS: Final = REPOSITORY / "deploy" / "grafana" / "dashboards"
WHY_NOT: Final = "no {}: it comes with Debian's package `prometheus`, which `make test` installs where it may"

PARTS: Final = ("_bucket", "_sum", "_count")
TARGETS: Final = frozenset(("job", "instance", "le"))
"""What Prometheus adds, and a histogram's own label."""
_NAME: Final = re.compile(rf"\b{PREFIX}[a-z0-9_]+")
_SELECTOR: Final = re.compile(rf"\b({PREFIX}[a-z0-9_]+)\{{([^}}]*)\}}")
_MATCHED: Final = re.compile(r'(\w+)\s*(?:=~|!~|!=|=)\s*"')
_GROUPING: Final = re.compile(r"\b(?:by|on|without|ignoring)\s*\(([^)]*)\)")


def program(name: str) -> str:
    """promtool or prometheus; skips where there is none."""
    found = shutil.which(name)
    if found is None:
        pytest.skip(WHY_NOT.format(name))
    return found


@cache
def declared() -> Mapping[str, frozenset[str]]:
    """The labels of every series there can be, by its name."""
    found: dict[str, frozenset[str]] = {}
    for metric in CATALOGUE:
        names = [f"{metric.exposed}{part}" for part in PARTS] if metric.kind == "histogram" else [metric.exposed]
        found |= dict.fromkeys(names, frozenset(metric.labels))
    with TemporaryDirectory() as folder:
        write(Path(folder) / "audit.prom", Result())
        text = (Path(folder) / "audit.prom").read_text()
    for family in text_string_to_metric_families(text):
        found[family.name] = frozenset(label for sample in family.samples for label in sample.labels)
    return found


def named(text: str) -> set[str]:
    """Our metrics that a text names."""
    return set(_NAME.findall(text))


def wrong_labels(expression: str) -> set[str]:
    """Labels that an expression matches or groups by, and that nothing in it has."""
    ours = named(expression)
    if not ours:
        return set()
    wrong = {
        label
        for name, matchers in _SELECTOR.findall(expression)
        for label in _MATCHED.findall(matchers)
        if label not in declared().get(name, frozenset())
    }
    known = TARGETS.union(*(declared().get(name, frozenset()) for name in ours))
    grouped = {label for labels in _GROUPING.findall(expression) for label in re.findall(r"\w+", labels)}
    return wrong | (grouped - known)


def groups(file: Path) -> list[dict[str, Any]]:
    """A file of rules."""
    found: list[dict[str, Any]] = yaml.safe_load(file.read_text())["groups"]
    return found


def alerts() -> dict[str, dict[str, Any]]:
    """Every alert, by its name."""
    rules = [rule for file in sorted(RULES.glob("*.yml")) for group in groups(file) for rule in group["rules"]]
    return {rule["alert"]: rule for rule in rules}


def dashboards() -> dict[str, dict[str, Any]]:
    return {file.name: json.loads(file.read_text()) for file in sorted(DASHBOARDS.glob("*.json"))}


def questions(dashboard: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """The expressions of a dashboard's panels, by the panel's title, as Grafana would ask them of the checkout."""
    for panel in dashboard["panels"]:
        for target in panel.get("targets", ()):
            yield panel["title"], _filled(target["expr"])


def _filled(expression: str) -> str:
    known = {"$__rate_interval": "5m", "$__range": "1h", "$service": "checkout", "$bus": "fuel", "$target": "bi"}
    return re.sub(r"\$\w+", lambda variable: known[variable[0]], expression)


def unreadable(expressions: Iterable[str]) -> str:
    """What promtool says against them, nothing where all can be read."""
    promtool = program("promtool")
    rules = [{"record": f"question:{number}", "expr": each} for number, each in enumerate(expressions)]
    with TemporaryDirectory() as folder:
        file = Path(folder) / "questions.yml"
        file.write_text(yaml.safe_dump({"groups": [{"name": "questions", "rules": rules}]}))
        checked = subprocess.run([promtool, "check", "rules", file], capture_output=True, text=True, check=False)
    return checked.stderr if checked.returncode else ""
