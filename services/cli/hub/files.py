"""`milesaga hub apply`, `diff`, `rollback`, `list`: partners, types and buses as files have them."""

import difflib
from collections.abc import Iterable
from typing import Annotated

import typer
import yaml
from rich.table import Table

from services.cli import printing, view
from services.cli.client import Json, named, operator, reported, segment
from services.cli.hub.changing import Change, carry_out, looked_up, planned
from services.cli.hub.reading import Files, complain, documents
from services.cli.hub.things import Thing, as_written, things, written
from services.cli.options import AsJson
from services.cli.release import wishes
from services.cli.release.access import Person
from services.cli.release.act import PRODUCTION
from services.cli.release.agreed import Consent, Reason

BusName = Annotated[str, typer.Argument(metavar="BUS", help="A bus's name.")]


def apply(  # noqa: PLR0917 - typer calls by name
    files: Files,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Tell what would change, and change nothing.")] = False,
    reason: Reason = None,
    environment: wishes.Environment = PRODUCTION,
    key: wishes.Key = None,
    patience: wishes.Patience = wishes.PATIENCE,
    reach: wishes.Reach = wishes.REACH,
    person: Person = None,
    as_json: AsJson = False,
) -> None:
    """Apply what files describe: partners, then types, then buses. A refusal puts back what was changed before it.
    Where acts are gated others must have agreed to clients and users whom a partner had not."""
    wanted = _wanted(files)
    with reported(), operator() as api:
        changes = [looked_up(api, thing) for thing in wanted]
        plans = planned(api, changes)
        if not dry_run:
            consent = Consent(reason, key, patience, reach, person)
            carry_out(api, [each for each in changes if each.what != "same"], consent, environment)
    if as_json:
        told = [_told(change, plans.get(str(change.thing))) for change in changes]
        printing.tell({"applied": not dry_run, "things": told})
        return
    _print(changes, plans, dry_run=dry_run)


def diff(files: Files) -> None:
    """Show how files differ from what is in force."""
    wanted = _wanted(files)
    with reported(), operator() as api:
        changes = [looked_up(api, thing) for thing in wanted]
    for change in changes:
        for line in _difference(change):
            printing.say(line)


def roll_back(
    bus: BusName,
    revision: Annotated[int, typer.Argument(min=1, help="As `milesaga hub list BUS` shows it.")],
    as_json: AsJson = False,
) -> None:
    """Apply once more what a bus said before, as its next revision."""
    with reported(), named(f"revision {revision} of a bus {bus}"), operator() as api:
        shown = api.send("POST", f"/v1/hub/buses/{segment(bus)}/rollback", {"revision": revision})
    if as_json:
        printing.tell(shown)
        return
    printing.say(f"{bus} says again what it said in revision {revision}: revision {shown['revision']}{_force(shown)}")


def list_buses(
    bus: Annotated[str | None, typer.Argument(metavar="[BUS]", help="This bus's revisions instead.")] = None,
    as_json: AsJson = False,
) -> None:
    """List the buses, or the revisions that one has had."""
    with reported(), operator() as api:
        if bus is None:
            found = list(api.pages("/v1/hub/buses", "buses"))
        else:
            with named(f"bus {bus}"):
                now = api.get(f"/v1/hub/buses/{segment(bus)}")
                found = [now, *api.pages(f"/v1/hub/buses/{segment(bus)}/revisions", "revisions")]
    if as_json:
        printing.tell({"buses" if bus is None else "revisions": found})
        return
    table = Table("bus", "revision", "partner", "rules", "targets", "enabled", "by", "since")
    for each in found:
        terms = each["terms"] or {}
        table.add_row(
            each.get("id") or each.get("bus"),
            str(each["revision"]),
            terms.get("partner", "(deleted)"),
            str(len(terms.get("rules", ()))),
            ", ".join(terms.get("targets", ())),
            "yes" if terms.get("enabled") else "no",
            each["by"],
            view.moment(each["at"]),
        )
    printing.console().print(table)


def _wanted(files: Iterable[str]) -> list[Thing]:
    with reported():
        found = things(documents(files))
        if found.wrong:
            complain(found.wrong)
            raise typer.Exit(1)
        if not found.things:
            complain(["nothing is described there"])
            raise typer.Exit(1)
        return found.things
    raise typer.Exit(1)


def _told(change: Change, plan: Json | None) -> Json:
    told = {"kind": change.thing.kind, "name": change.thing.name, "change": change.what, "plan": plan}
    return told | (
        {"revision": change.after.get("revision"), "active": change.after.get("active")} if change.after else {}
    )


def _print(changes: list[Change], plans: dict[str, Json], *, dry_run: bool) -> None:
    for change in changes:
        plan = plans.get(str(change.thing), {})
        told = f", revision {change.after['revision']}{_force(change.after)}" if "revision" in change.after else ""
        printing.say(f"{change.thing}: {change.what}{told}")
        for line in [*_difference(change)] if change.what == "changed" else ():
            printing.say(f"  {line}")
        for queue in plan.get("queues", ()):
            printing.say(f"  queue {queue}")
        if plan.get("cost") is not None:
            printing.say(f"  its rules cost {plan['cost']}")
    if dry_run:
        printing.say("nothing was changed: a dry run")


def _force(shown: Json) -> str:
    if shown.get("active") is None:
        return ""
    return ", in force everywhere" if shown["active"] else ", not yet in force everywhere"


def _difference(change: Change) -> Iterable[str]:
    before = _text(as_written(change.thing.kind, change.before)) if change.before else []
    after = _text(written(change.thing))
    return difflib.unified_diff(before, after, f"{change.thing} (in force)", str(change.thing.source), lineterm="")


def _text(body: Json) -> list[str]:
    return str(yaml.safe_dump(body, sort_keys=True, allow_unicode=True, width=120)).splitlines()
