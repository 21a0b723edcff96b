"""Dashboards for Grafana, as code: `deploy/grafana/dashboards`, which Grafana reads by its provisioning."""

import json
from typing import Final

from services.cli.deploy.grafana.archive import ARCHIVE
from services.cli.deploy.grafana.funnel import FUNNEL
from services.cli.deploy.grafana.hub import HUB
from services.cli.deploy.grafana.messages import MESSAGES
from services.cli.deploy.grafana.overview import OVERVIEW
from services.cli.deploy.grafana.panels import Dashboard, rendered
from services.cli.deploy.grafana.providers import PROVIDERS
from services.cli.deploy.grafana.releases import RELEASES
from services.cli.deploy.grafana.service import SERVICE
from services.cli.deploy.grafana.target import TARGET
from services.cli.deploy.tree import Tree

TOP: Final = "deploy/grafana/dashboards"
DASHBOARDS: Final[tuple[Dashboard, ...]] = (
    OVERVIEW,
    FUNNEL,
    SERVICE,
    MESSAGES,
    PROVIDERS,
    HUB,
    TARGET,
    ARCHIVE,
    RELEASES,
)


def tree() -> Tree:
    """Every dashboard, by its path in the repository."""
    return {f"{TOP}/{each.name}.json": _as_json(each) for each in DASHBOARDS}


def _as_json(dashboard: Dashboard) -> str:
    return json.dumps(rendered(dashboard), indent=2, ensure_ascii=False) + "\n"
