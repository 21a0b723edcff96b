"""How the way of one event looks on a terminal."""

from rich.table import Table

from services.cli import printing, view
from services.cli.client import Json


def print_trace(shown: Json) -> None:
    """From its acceptance to each target, with what was tried."""
    printing.say(f"{shown['event_id']} of {shown['partner']}: {shown['state']} {view.moment(shown['accepted_at'])}")
    page = shown["page"] or "not known any more"
    printing.say(f"hubid {shown['id']}, page {page}, archived: {'yes' if shown['archived'] else 'not yet'}")
    for each in shown["undecided"]:
        printing.say(f"bus {each['bus']}, revision {each['revision']}: too much work for its rules; no copy was made")
    if not shown["targets"]:
        printing.say("no copy is on record, where it is kept for thirty days")
        return
    table = Table("target", "revision", "rules", "state", "attempts", "last one")
    for leg in shown["targets"]:
        tried = leg["attempts"]
        table.add_row(
            f"{leg['bus']}/{leg['target']}",
            "" if leg["revision"] is None else str(leg["revision"]),
            f"replay {leg['replay']}" if leg.get("replay") else ", ".join(leg["rules"]),
            leg["state"].replace("_", " "),
            str(len(tried)),
            _attempt(tried[-1]) if tried else "",
        )
    printing.console().print(table)


def _attempt(tried: Json) -> str:
    """`2027-01-20 10:00:00 failed, 503, 12 ms`."""
    what = [tried["outcome"], *(str(tried[name]) for name in ("status", "fault") if tried[name]), f"{tried['ms']} ms"]
    return f"{view.moment(tried['at'])} {', '.join(what)}"
