"""`milesaga hub sealing`: how far a change of delivery's master key has come."""

import typer
from rich.table import Table

from services.cli import printing
from services.cli.client import operator, reported
from services.cli.options import AsJson


def sealing(as_json: AsJson = False) -> None:
    """Show which master keys seal what webhooks are signed by; exit 1 while a former or a missing one is needed."""
    with reported(), operator() as api:
        shown = api.get("/v1/hub/sealing")
    missing = [each for each in shown["keys"] if each["which"] == "unknown"]
    if as_json:
        printing.tell(shown)
    else:
        table = Table("master key", "", "sealed")
        for each in shown["keys"]:
            table.add_row(each["name"], each["which"], str(each["sealed"]))
        printing.console().print(table)
        _say(shown["keys"], shown["waits"], needed=shown["former_is_needed"])
    for each in missing:
        printing.complain(f"{each['name']} is not given: {each['target']} and others cannot be signed for")
    raise typer.Exit(int(bool(missing) or shown["former_is_needed"]))


def _say(keys: list[dict[str, object]], waits: int, *, needed: bool) -> None:
    if not any(each["which"] == "former" for each in keys):
        return
    waiting = f", {waits} of the processes do not seal by the newest yet" if waits else ""
    printing.say(
        f"DELIVERY_FORMER_MASTER_KEY is needed still{waiting}"
        if needed
        else "DELIVERY_FORMER_MASTER_KEY is needed no more"
    )
