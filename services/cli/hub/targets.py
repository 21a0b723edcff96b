"""`milesaga hub targets`: where copies go, and how each place fares."""

from datetime import timedelta
from itertools import islice
from typing import Annotated, Any

import typer
from rich.table import Table

from services.cli import printing, view
from services.cli.client import Json, named, operator, reported
from services.cli.hub.archived import SINCE, moment
from services.cli.options import AsJson
from shared.contracts.archive import Stands

app = typer.Typer(no_args_is_help=True, add_completion=False, help="Targets: list, show, and look after them.")

TARGETS = "/v1/hub/targets"
Target = Annotated[str, typer.Argument(metavar="BUS/TARGET", help="A target, as `milesaga hub targets list` shows it.")]


@app.command("list")
def list_targets(
    bus: Annotated[str | None, typer.Option("--bus", help="Of this bus alone.")] = None, as_json: AsJson = False
) -> None:
    """List the targets, what waits for each and how long, what is under way, and what is dead."""
    with reported(), operator() as api:
        found = list(api.pages(TARGETS, "targets", bus=bus))
    if as_json:
        printing.tell({"targets": found})
        return
    table = Table("target", "kind", "state", "since", "fault", "waiting", "oldest", "in flight", "dead", "partner")
    for each in found:
        waiting, dead = ("?" if each[name] is None else str(each[name]) for name in ("waiting", "dead"))
        place = f"{each['bus']}/{each['name']}"
        stance = each["state"], view.moment(each["since"]), each["fault"] or ""
        in_flight = "" if each["in_flight"] is None else str(each["in_flight"])
        table.add_row(place, each["kind"], *stance, waiting, _oldest(each), in_flight, dead, each["partner"])
    printing.console().print(table)


@app.command("show")
def show_target(target: Target, as_json: AsJson = False) -> None:
    """Show one target, and how it stands."""
    with reported(), named(f"target {target}"), operator() as api:
        shown = api.get(path(target))
    if not as_json:
        since, oldest = view.moment(shown["since"]) or None, _oldest(shown) or None
        shown = {name: value for name, value in shown.items() if name != "oldest_seconds"}
        shown |= {"since": since, "oldest": oldest}
    tell_fields(shown, as_json=as_json)


@app.command("pause")
def pause_target(target: Target, as_json: AsJson = False) -> None:
    """Have nothing sent: the copies wait, and this time does not count for them."""
    _tell(asked(target, "pause"), as_json=as_json)


@app.command("resume")
def resume_target(target: Target, as_json: AsJson = False) -> None:
    """Have copies sent again; an endpoint that was gone must agree once more."""
    _tell(asked(target, "resume"), as_json=as_json)


@app.command("test")
def try_target(target: Target, as_json: AsJson = False) -> None:
    """Send a signed `hub.test.v1`, and tell how it was answered; exit 1 where the endpoint does not take it."""
    _agreed(asked(target, "test"), as_json=as_json)


@app.command("verify")
def verify_target(target: Target, as_json: AsJson = False) -> None:
    """Ask the endpoint now whether it may be sent events; exit 1 where it does not agree."""
    _agreed(asked(target, "verify"), as_json=as_json)


@app.command("skip")
def skip_copy(
    target: Target,
    lane: Annotated[str, typer.Argument(help="The key's lane, as `milesaga hub targets show` names it.")],
    through: Annotated[
        int | None, typer.Option("--through", min=1, help="The last number that is not waited for.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Have a key go on behind the copy that blocks it, which stays among the dead letters."""
    shown = asked(target, "skip", {"lane": lane, "through": through})
    printing.tell(shown) if as_json else printing.say(f"{shown['lane']}: done through {shown['done']}")


@app.command("rotate")
def rotate_secret(
    target: Target,
    overlap: Annotated[int, typer.Option("--overlap-hours", min=0, help="So long the one before signs as well.")] = 24,
    as_json: AsJson = False,
) -> None:
    """Make a new key for a webhook's signatures, and print what verifies by it: a secret is shown this once."""
    with reported(), named(f"target {target}"), operator() as api:
        shown = api.send("POST", f"{path(target)}/secret", {"overlap_hours": overlap})
    printing.tell(shown) if as_json else printing.say(shown["secret"] or shown["public_key"])


@app.command("keys")
def list_keys(target: Target, as_json: AsJson = False) -> None:
    """List the public keys by which a webhook with `signature: ed25519` is verified, the newest first."""
    with reported(), named(f"target {target}"), operator() as api:
        shown = api.get(f"{path(target)}/keys")
    if as_json:
        printing.tell(shown)
        return
    table = Table("public key", "made", "until")
    for each in shown["keys"]:
        table.add_row(each["public_key"], view.moment(each["made_at"]), view.moment(each["until"]))
    printing.console().print(table)


@app.command("deliveries")
def list_deliveries(  # noqa: PLR0917 - typer calls by name
    target: Target,
    start: Annotated[str | None, typer.Option("--from", help=f"Accepted then or later: {SINCE}")] = None,
    end: Annotated[str | None, typer.Option("--to", help=f"Accepted before: {SINCE}")] = None,
    status: Annotated[Stands | None, typer.Option("--status", help="Those that stand so.")] = None,
    hubid: Annotated[str | None, typer.Option("--event", metavar="HUBID", help="Of this event alone.")] = None,
    most: Annotated[int, typer.Option("--most", min=1, help="At most so many.")] = 100,
    as_json: AsJson = False,
) -> None:
    """List what was delivered, waits or was given up, by the acceptance of the events; for thirty days."""
    query = {"status": status, "hubid": hubid}
    query |= {name: moment(text) for name, text in (("from", start), ("to", end)) if text is not None}
    with reported(), named(f"target {target}"), operator() as api:
        found = list(islice(api.pages(f"{path(target)}/deliveries", "deliveries", **query), most))
    if as_json:
        printing.tell({"deliveries": found})
        return
    table = Table("accepted", "event", "webhook id", "status", "tries", "last")
    for each in found:
        last = each["attempts"][-1] if each["attempts"] else {"status": None, "fault": None}
        said = " ".join(str(last[name]) for name in ("status", "fault") if last[name] is not None)
        place = view.moment(each["accepted_at"]), each["hubid"], each["delivery_id"]
        table.add_row(*place, each["status"], str(each["tries"]), said)
    printing.console().print(table)


def path(target: str) -> str:
    """Of its routes. Raises typer.BadParameter."""
    bus, slash, name = target.partition("/")
    if not (bus and slash and name) or "/" in name:
        raise typer.BadParameter(f"{target!r} is no target such as fuel/till.")
    return f"{TARGETS}/{bus}/{name}"


def tell_fields(shown: Json, *, as_json: bool) -> None:
    """One thing, field by field."""
    if as_json:
        printing.tell(shown)
        return
    table = Table(show_header=False)
    for name, value in shown.items():
        table.add_row(name.replace("_", " "), plain(value))
    printing.console().print(table)


def plain(value: Any) -> str:
    """A value of an answer, for people."""
    match value:
        case None:
            return "-"
        case bool():
            return "yes" if value else "no"
        case list():
            return "\n".join(plain(each) for each in value) or "-"
        case dict():
            return ", ".join(f"{name.replace('_', ' ')}: {plain(each)}" for name, each in value.items()) or "-"
    return str(value)


def asked(target: str, what: str, body: Json | None = None) -> Json:
    """The answer to a request that changes a target."""
    with reported(), named(f"target {target}"), operator() as api:
        return api.send("POST", f"{path(target)}/{what}", body)
    raise typer.Exit(1)


def _oldest(shown: Json) -> str:
    """Of a webhook."""
    seconds = shown["oldest_seconds"]
    return "" if seconds is None else str(timedelta(seconds=round(seconds)))


def _tell(shown: Json, *, as_json: bool) -> None:
    printing.tell(shown) if as_json else printing.say(f"{shown['bus']}/{shown['name']}: {shown['state']}")


def _agreed(shown: Json, *, as_json: bool) -> None:
    told = ", ".join(str(shown[name]) for name in ("status", "fault") if shown[name])
    verdict = "agrees" if shown["agrees"] else "does not agree"
    printing.tell(shown) if as_json else printing.say(f"the endpoint {verdict}{f' ({told})' if told else ''}")
    raise typer.Exit(int(not shown["agrees"]))
