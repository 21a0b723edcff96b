"""`milesaga hub replay`: events of the past once more, to some targets alone."""

import time
from typing import Annotated, Any, Final

import typer
from rich.table import Table

from services.cli import printing, view
from services.cli.client import Api, ApiError, Json, operator, reported
from services.cli.hub.archived import SINCE, moment
from services.cli.hub.reading import Wrong, value
from services.cli.options import AsJson

app = typer.Typer(no_args_is_help=True, add_completion=False, help="Replays: start, watch and steer them.")

REPLAYS: Final = "/v1/hub/replays"
OVER: Final = frozenset({"done", "cancelled", "failed"})
LOOKS: Final = 0.5
CHANGEABLE: Final = frozenset({"/dry_run", "/rate", "/from", "/to"})
"""In what a replay may differ from the one meant: in other fields it is another one."""
Name = Annotated[str, typer.Argument(metavar="NAME", help="A replay's name, or its id.")]
Rate = Annotated[int, typer.Option("--rate", min=1, help="Copies a second, at most.")]


@app.command("start")
def start_replay(  # noqa: PLR0917 - typer calls by name
    name: Annotated[str, typer.Argument(metavar="NAME", help="The same request again is the same replay.")],
    targets: Annotated[list[str], typer.Option("--target", metavar="BUS/TARGET", help="To it; may be repeated.")],
    start: Annotated[str, typer.Option("--from", help=f"Accepted then or later: {SINCE}")],
    end: Annotated[str, typer.Option("--to", help=f"Accepted before: {SINCE}")] = "now",
    when: Annotated[str | None, typer.Option("--when", metavar="FILE", help="A pattern they must match.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="Whatever today's rules say of them.")] = False,
    rate: Rate = 100,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Count them, and send nothing.")] = False,
    follow: Annotated[bool, typer.Option("--follow", help="Until it is over.")] = False,
    as_json: AsJson = False,
) -> None:
    """Send events of the past once more; they are counted before the first is sent."""
    body: Json = {"name": name, "from": moment(start), "to": moment(end), "targets": targets, "rate": rate}
    body |= {"matching": "all" if everything else "rules", "dry_run": dry_run}
    with reported(), operator() as api:
        if when is not None:
            body["when"] = _pattern(when)
        shown = _made(api, body)
        if follow:
            shown = _followed(api, shown, quiet=as_json)
    _tell(shown, as_json=as_json)
    raise typer.Exit(int(shown["state"] == "failed"))


@app.command("list")
def list_replays(as_json: AsJson = False) -> None:
    """List the replays, the newest first."""
    with reported(), operator() as api:
        found = list(api.pages(REPLAYS, "replays"))
    if as_json:
        printing.tell({"replays": found})
        return
    table = Table("name", "targets", "from", "to", "state", "sent", "of", "rate", "by")
    for each in found:
        total = str(each["counts"]["total"]) if each["counts"] else "?"
        span = view.moment(each["from"]), view.moment(each["to"])
        row = (each["name"], ", ".join(each["targets"]), *span, each["state"], str(each["copies"]), total)
        table.add_row(*row, str(each["rate"]), each["by"])
    printing.console().print(table)


@app.command("show")
def show_replay(
    name: Name,
    follow: Annotated[bool, typer.Option("--follow", help="Until it is over.")] = False,
    as_json: AsJson = False,
) -> None:
    """Show a replay, and how far it is."""
    with reported(), operator() as api:
        shown = _named(api, name)
        if follow:
            shown = _followed(api, shown, quiet=as_json)
    _tell(shown, as_json=as_json)


@app.command("pause")
def pause_replay(name: Name, as_json: AsJson = False) -> None:
    """Have a replay stand still: within a second no copy more is sent."""
    _change(name, {"state": "paused"}, as_json=as_json)


@app.command("resume")
def resume_replay(name: Name, as_json: AsJson = False) -> None:
    """Have a replay go on; of one that was a dry run, begin to send."""
    _change(name, {"state": "running"}, as_json=as_json)


@app.command("rate")
def change_rate(
    name: Name,
    rate: Annotated[int, typer.Argument(metavar="RATE", min=1, help="Copies a second, at most.")],
    as_json: AsJson = False,
) -> None:
    """Change how fast a replay sends."""
    _change(name, {"rate": rate}, as_json=as_json)


@app.command("cancel")
def cancel_replay(name: Name, as_json: AsJson = False) -> None:
    """End a replay for good: what was sent stays sent."""
    _change(name, {"state": "cancelled"}, as_json=as_json)


def _made(api: Api, body: Json) -> Json:
    """Raises ApiError, which names the commands that make a replay of that name what was asked for. A time such as
    `-2h` is another one each time: who asks in earnest for what a dry run counted means the times that it had."""
    try:
        return api.send("POST", REPLAYS, body)
    except ApiError as error:
        differs = {fault.get("pointer") for fault in error.problem.get("errors") or []}
        if error.code not in {"asked_otherwise", "name_taken"} or not differs <= CHANGEABLE:
            raise
        name, hints = body["name"], []
        if "/dry_run" in differs and not body["dry_run"]:
            hints.append(f"`milesaga hub replay resume {name}` sends what a dry run counted")
        if "/rate" in differs:
            hints.append(f"`milesaga hub replay rate {name} {body['rate']}` changes its rate")
        raise ApiError("\n".join([str(error), *hints]), status=error.status, code=error.code) from error


def _change(name: str, what: Json, *, as_json: bool) -> None:
    with reported(), operator() as api:
        path = f"{REPLAYS}/{_named(api, name)['id']}"
        tag = api.request("GET", path).headers["etag"]
        shown = api.send("PATCH", path, what, headers={"If-Match": tag})
    _tell(shown, as_json=as_json)


def _named(api: Api, name: str) -> Json:
    """The newest of that name, or the one of that id. Raises ApiError."""
    for each in api.pages(REPLAYS, "replays"):
        if name in {each["name"], each["id"]}:
            return each
    raise ApiError(f"There is no replay {name}.")


def _followed(api: Api, shown: Json, *, quiet: bool) -> Json:
    """Once it is over, or was counted by a dry run."""
    said = ""
    while shown["state"] not in OVER and not (shown["state"] == "ready" and shown["dry_run"]):
        if not quiet and (line := _line(shown)) != said:
            printing.say(said := line)
        time.sleep(LOOKS)
        shown = api.get(f"{REPLAYS}/{shown['id']}")
    return shown


def _line(shown: Json) -> str:
    total = f" of {shown['counts']['total']}" if shown["counts"] else ""
    waits = f", held up by {shown['waits_for']} since {view.moment(shown['waits_since'])}" if shown["waits_for"] else ""
    return f"{shown['name']}: {shown['state']}, {shown['copies']}{total} copies sent{waits}"


def _tell(shown: Json, *, as_json: bool) -> None:
    if as_json:
        printing.tell(shown)
        return
    printing.say(_line(shown) + (f" ({shown['reason']})" if shown["reason"] else ""))
    counts = shown["counts"]
    if counts is None:
        return
    table = Table("target", "type", "copies")
    for target, kinds in counts["copies"].items():
        for kind, count in kinds.items():
            table.add_row(target, kind, str(count))
    printing.console().print(table)
    seconds = f", {shown['seconds']:.0f} s at {shown['rate']}/s" if shown["seconds"] is not None else ""
    printing.say(f"{counts['events']} events{seconds}")
    if counts["broken"] or counts["undecided"]:
        printing.say(f"{counts['broken']} templates fail, with {counts['undecided']} events rules have too much work")


def _pattern(file: str) -> Any:
    found = value(file)
    if not isinstance(found, dict):
        raise Wrong(f"{file}: a pattern is expected")
    return found
