"""`milesaga hub dead`: copies that were given up, by target: looked at, sent once more, given up for good."""

from typing import Annotated

import typer
from rich.table import Table

from services.cli import printing, view
from services.cli.client import Json, named, operator, reported, segment
from services.cli.hub.archived import moment
from services.cli.hub.settling import settled
from services.cli.hub.targets import Target, path, tell_fields
from services.cli.options import AsJson
from services.cli.release import wishes
from services.cli.release.access import Person
from services.cli.release.act import PRODUCTION
from services.cli.release.agreed import Consent, Reason

app = typer.Typer(no_args_is_help=True, add_completion=False, help="Dead letters of targets: list, show, settle them.")

Ids = Annotated[
    list[str] | None, typer.Argument(metavar="[ID..]", help="Handles, as `milesaga hub dead list` has them.")
]
OneFault = Annotated[str | None, typer.Option("--fingerprint", help="All of one fault.")]
Since = Annotated[str | None, typer.Option("--from", help="Those that died since: a time, or so long ago, -2h.")]
Before = Annotated[str | None, typer.Option("--until", help="Those that died before.")]
Every = Annotated[bool, typer.Option("--all", help="All there are.")]


@app.command("list")
def list_letters(target: Target, as_json: AsJson = False) -> None:
    """List the letters of a target, the oldest first."""
    with reported(), named(f"target {target}"), operator() as api:
        letters = list(api.pages(f"{path(target)}/dead", "letters"))
    if as_json:
        printing.tell({"letters": letters})
        return
    table = Table("id", "fault", "type", "event", "tries", "given up")
    for each in letters:
        event = (each["type"] or "?", each["event_id"] or "?")
        table.add_row(
            each["id"], each["fingerprint"], *event, str(each["attempts"]), view.moment(each["last_failed_at"])
        )
    printing.console().print(table)


@app.command("show")
def show_letter(
    target: Target, letter: Annotated[str, typer.Argument(metavar="ID", help="Its handle.")], as_json: AsJson = False
) -> None:
    """Show one letter, with its event."""
    with reported(), named(f"letter {letter} of {target}"), operator() as api:
        shown = api.get(f"{path(target)}/dead/{segment(letter)}")
    tell_fields(shown, as_json=as_json)


@app.command("redrive")
def redrive(  # noqa: PLR0917 - typer calls by name
    target: Target,
    ids: Ids = None,
    fingerprint: OneFault = None,
    start: Since = None,
    until: Before = None,
    every: Every = False,
    reason: Reason = None,
    environment: wishes.Environment = PRODUCTION,
    key: wishes.Key = None,
    patience: wishes.Patience = wishes.PATIENCE,
    reach: wishes.Reach = wishes.REACH,
    person: Person = None,
    as_json: AsJson = False,
) -> None:
    """Send letters once more, each under a new webhook id, its time begun anew; exit 1 where some cannot be. Where acts
    are gated others must have agreed to more than one."""
    chosen = _chosen(ids, fingerprint, start, until, every=every)
    went = settled(target, "redrive", chosen, Consent(reason, key, patience, reach, person), environment)
    if as_json:
        printing.tell({"redriven": went.done, "left": went.left}, indent=None)
    else:
        printing.say(f"{went.done} sent once more")
    if went.left:
        printing.complain(f"{went.left} stay: nothing can be sent of them; replay their events")
    raise typer.Exit(int(bool(went.left or went.more)))


@app.command("discard")
def discard(  # noqa: PLR0917 - typer calls by name
    target: Target,
    ids: Ids = None,
    fingerprint: OneFault = None,
    start: Since = None,
    until: Before = None,
    every: Every = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    reason: Reason = None,
    environment: wishes.Environment = PRODUCTION,
    key: wishes.Key = None,
    patience: wishes.Patience = wishes.PATIENCE,
    reach: wishes.Reach = wishes.REACH,
    person: Person = None,
    as_json: AsJson = False,
) -> None:
    """Remove letters for good; their events stay in the archive. Where acts are gated others must have agreed to it."""
    chosen = _chosen(ids, fingerprint, start, until, every=every)
    if not yes:
        typer.confirm(f"Remove these letters of {target} for good?", abort=True)
    went = settled(target, "discard", chosen, Consent(reason, key, patience, reach, person), environment)
    printing.tell({"discarded": went.done}, indent=None) if as_json else printing.say(f"{went.done} removed")
    raise typer.Exit(int(went.more))


def _chosen(
    ids: list[str] | None, fingerprint: str | None, start: str | None, until: str | None, *, every: bool
) -> Json:
    """As the API has it. Raises typer.BadParameter where it is not one choice."""
    within = {name: moment(text) for name, text in (("from", start), ("until", until)) if text is not None}
    ways: list[Json] = [{"ids": ids} if ids else {}, {"fingerprint": fingerprint} if fingerprint else {}, within]
    given = [each for each in (*ways, {"all": True} if every else {}) if each]
    if len(given) != 1:
        raise typer.BadParameter("name letters, or give one of --fingerprint, --from and --until, --all.")
    return given[0]
