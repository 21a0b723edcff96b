"""Each alert fires and clears, asks of what there is, and has a page that says what to do."""

import re
import subprocess
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from services.cli.deploy.tree import REPOSITORY
from services.house import HOUSE
from tests.kit.promql import RULES, alerts, declared, named, program, unreadable, wrong_labels

HISTORIES: Final = Path(__file__).parent / "alerts"
PAGES: Final = REPOSITORY / "docs" / "runbooks"
INDEX: Final = PAGES / "README.md"
HEADINGS: Final = ["What it means", "What to look at", "What to do"]
UNITS: Final = {"m": 1, "h": 60}

ALERTS: Final = alerts()
TOLD: Final = {file: yaml.safe_load(file.read_text()) for file in sorted(HISTORIES.glob("*.yml"))}


def minute(time: str) -> int:
    return int(time[:-1]) * UNITS[time[-1]]


def looks_at(alert: str) -> list[list[bool]]:
    """For each history that looks at the alert: does it fire, in the order of time?"""
    found = []
    for history in (each for told in TOLD.values() for each in told["tests"]):
        looks = [look for look in history["alert_rule_test"] if look["alertname"] == alert]
        found.append([bool(look.get("exp_alerts")) for look in sorted(looks, key=lambda it: minute(it["eval_time"]))])
    return [looks for looks in found if looks]


@pytest.mark.parametrize("file", TOLD, ids=lambda file: file.stem)
def test_alerts_fire_and_clear_in_the_histories_that_are_told_of_them(file: Path) -> None:
    done = subprocess.run(
        [program("promtool"), "test", "rules", file.name], cwd=HISTORIES, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_file_of_rules_is_one_that_the_histories_name() -> None:
    tried = {(HISTORIES / rules).resolve() for told in TOLD.values() for rules in told["rule_files"]}
    assert tried == set(RULES.glob("*.yml"))


@pytest.mark.parametrize("alert", ALERTS)
def test_an_alert_has_a_history_in_which_it_is_silent_fires_and_is_silent_again(alert: str) -> None:
    assert [False, True, False] in looks_at(alert)


@pytest.mark.parametrize("rule", ALERTS.values(), ids=ALERTS)
def test_an_alert_says_how_bad_it_is_what_is_wrong_and_where_its_page_lies(rule: dict[str, Any]) -> None:
    assert re.fullmatch(r"Milesaga([A-Z][a-z]+)+", rule["alert"]), "others' alerts come to the same receiver"
    assert rule["labels"] in ({"severity": "critical"}, {"severity": "warning"})
    assert set(rule["annotations"]) == {"summary", "runbook"}
    page = REPOSITORY / rule["annotations"]["runbook"]
    assert page.parent == PAGES
    assert page.read_text().startswith(f"# {rule['alert']}\n")


@pytest.mark.parametrize("page", sorted(set(PAGES.glob("*.md")) - {INDEX}), ids=lambda page: page.stem)
def test_a_page_is_an_alerts_and_says_what_it_means_what_to_look_at_and_what_to_do(page: Path) -> None:
    text = page.read_text()
    assert page in {REPOSITORY / rule["annotations"]["runbook"] for rule in ALERTS.values()}
    assert re.findall(r"^## (.+)$", text, re.MULTILINE) == HEADINGS
    assert all(part.strip() for part in re.split(r"^## .+$", text, flags=re.MULTILINE)[1:])


def test_the_index_has_every_alert_with_its_severity_and_its_page() -> None:
    rows = re.findall(r"^\| \[(\w+)\]\((.+?)\) \| (\w+) \|", INDEX.read_text(), re.MULTILINE)
    told = {alert: (f"docs/runbooks/{page}", severity) for alert, page, severity in rows}
    assert told == {name: (rule["annotations"]["runbook"], rule["labels"]["severity"]) for name, rule in ALERTS.items()}
    assert len(rows) == len(told)


@pytest.mark.parametrize("rule", ALERTS.values(), ids=ALERTS)
def test_an_alert_asks_of_metrics_and_labels_that_there_are(rule: dict[str, Any]) -> None:
    assert named(rule["expr"]) <= set(declared())
    assert wrong_labels(rule["expr"]) == set()


@pytest.mark.parametrize("page", sorted(PAGES.glob("*.md")), ids=lambda page: page.stem)
def test_a_page_names_metrics_and_pages_that_there_are(page: Path) -> None:
    text = page.read_text()
    assert named(text) <= set(declared()), named(text) - set(declared())
    links = [link.partition("#")[0] for link in re.findall(r"\]\(([^)]+)\)", text)]
    assert [link for link in links if not (page.parent / link).is_file()] == []


def test_every_question_on_the_pages_can_be_asked() -> None:
    found = [
        code
        for page in sorted(PAGES.glob("*.md"))
        for code in re.findall(r"`([^`]+)`", page.read_text())
        if named(code) or "process_" in code
    ]
    assert len(found) > len(ALERTS)
    assert unreadable(found) == ""
    assert [(code, wrong_labels(code)) for code in found if wrong_labels(code)] == []


def test_only_services_that_never_rest_are_missed() -> None:
    excepted = re.search(r'service!~"([^"]+)"', ALERTS["MilesagaServiceGone"]["expr"])
    assert excepted
    assert set(excepted[1].split("|")) == {each.name for each in HOUSE if each.may_rest}


def test_a_label_that_nothing_has_is_found() -> None:
    assert wrong_labels('sum by (stage) (milesaga_purchases{stats="running"})') == {"stage", "stats"}
    assert wrong_labels('sum by (status, instance) (milesaga_purchases{status="running"})') == set()


def test_kubernetes_has_the_same_alerts_and_every_prometheus_reads_them() -> None:
    groups = [group for file in sorted(RULES.glob("*.yml")) for group in yaml.safe_load(file.read_text())["groups"]]
    kubernetes = REPOSITORY / "deploy" / "kubernetes"
    rule = yaml.safe_load((kubernetes / "components" / "operators" / "alerts.yaml").read_text())
    assert (rule["kind"], rule["spec"]["groups"]) == ("PrometheusRule", groups)
    assert yaml.safe_load((kubernetes / "overlays" / "dev" / "alerts.yml").read_text())["groups"] == groups
    promtool = program("promtool")
    for configuration in (RULES.parent / "prometheus.yml", kubernetes / "overlays" / "dev" / "prometheus.yml"):
        done = subprocess.run([promtool, "check", "config", configuration], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        assert sum(map(int, re.findall(r"(\d+) rules found", done.stdout))) == len(ALERTS)
