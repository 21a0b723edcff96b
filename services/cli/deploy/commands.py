"""The commands of `milesaga deploy`: one for each place that it can be run in."""

import sys

from services.cli.deploy import Check, app, made
from services.cli.deploy.compose.secrets import missing
from services.house import HOUSE


@app.command("compose")
def compose(check: Check = False) -> None:
    """Write docker-compose.yml, and the configuration of what stands around the services there."""
    from services.cli.deploy.compose import tree  # noqa: PLC0415 - templates, which `secrets` does without

    made(lambda: tree(HOUSE), check=check)


@app.command("secrets")
def secrets() -> None:
    """Print the lines that a composed stack's `.env`, read from standard input, lacks."""
    sys.stdout.write(missing(HOUSE, "" if sys.stdin.isatty() else sys.stdin.read()))


@app.command("kubernetes")
def kubernetes(check: Check = False) -> None:
    """Write deploy/kubernetes: what it repeats for every service."""
    from services.cli.deploy.kubernetes import tree  # noqa: PLC0415 - imports every service's settings

    made(lambda: tree(HOUSE), check=check)


@app.command("grafana")
def grafana(check: Check = False) -> None:
    """Write deploy/grafana/dashboards."""
    from services.cli.deploy.grafana import tree  # noqa: PLC0415 - only who makes them reads them

    made(tree, check=check)
