"""The commands of `milesaga deploy`: one for each place that it can be run in."""

from services.cli.deploy import Check, app, made
from services.house import HOUSE


@app.command("kubernetes")
def kubernetes(check: Check = False) -> None:
    """Write deploy/kubernetes: what it repeats for every service."""
    from services.cli.deploy.kubernetes import tree  # noqa: PLC0415 - imports every service's settings

    made(lambda: tree(HOUSE), check=check)
