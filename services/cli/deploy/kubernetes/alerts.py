"""The alerts of `deploy/prometheus/rules`, once more: Kustomize reads nothing above an overlay's folder."""

from typing import Any, Final

import yaml

from services.cli.deploy.kubernetes.objects import Object, named
from services.cli.deploy.tree import REPOSITORY

SOURCE: Final = "deploy/prometheus/rules"


def groups() -> list[Any]:
    """All files' groups, in the order of the files' names."""
    return [
        group
        for file in sorted((REPOSITORY / SOURCE).glob("*.yml"))
        for group in yaml.safe_load(file.read_text())["groups"]
    ]


def prometheus_rule() -> Object:
    """For Prometheus' operator."""
    return named("PrometheusRule", "monitoring.coreos.com/v1", "alerts", spec={"groups": groups()})
