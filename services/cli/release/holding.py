"""What stops everybody: freezes, and people who count no longer."""

from typing import Annotated

import typer

from services.cli import printing
from services.cli.client import named, reported, segment
from services.cli.options import AsJson
from services.cli.release.access import ROOT, Person, as_person
from services.cli.release.wishes import WrongWish, interval

Why = Annotated[str, typer.Option("--reason", help="Why; it is told to whoever waits.")]
Glob = Annotated[str | None, typer.Option(help="Only this; a * stands for any run of characters.")]


def freeze(
    *,
    reason: Why,
    window: Annotated[
        str | None, typer.Option("--when", metavar="FROM/UNTIL", help="From and until when; without it from now on.")
    ] = None,
    action: Glob = None,
    environment: Glob = None,
    target: Glob = None,
    person: Person = None,
    as_json: AsJson = False,
) -> None:
    """Let nothing begin. What runs already goes on."""
    given = {"action": action, "environment": environment, "target": target}
    try:
        times = {} if window is None else interval(window, "--when")
    except WrongWish as error:
        raise typer.BadParameter(str(error)) from error
    body = {"match": {name: glob for name, glob in given.items() if glob is not None}, "reason": reason} | times
    with reported(), as_person(person) as api:
        made = api.send("POST", f"{ROOT}/freezes", body)
    printing.tell(made) if as_json else printing.say(f"frozen: {made['id']}")


def lift(
    freeze_id: Annotated[str, typer.Argument(metavar="ID", help="The freeze's id.")],
    grant: Annotated[
        str | None, typer.Option(envvar="MILESAGA_GRANT", help="What allows it, where that is gated.")
    ] = None,
    person: Person = None,
) -> None:
    """Lift a freeze before its end. It gives power back, so in production it wants a grant."""
    path = f"{ROOT}/freezes/{segment(freeze_id)}"
    with reported(), named(f"freeze {freeze_id}"), as_person(person) as api:
        api.send("DELETE", path, headers={"Milesaga-Grant": grant} if grant else {})
    printing.say(f"{freeze_id} is lifted")


def deactivate(
    who: Annotated[str, typer.Argument(metavar="PERSON", help="The person's id.")],
    reason: Why,
    person: Person = None,
) -> None:
    """Let somebody's approvals count no longer, those that he has given too. Only the file of people undoes it."""
    path = f"{ROOT}/people/{segment(who)}/deactivate"
    with reported(), named(f"person {who}"), as_person(person) as api:
        api.send("POST", path, {"reason": reason})
    printing.say(f"{who} is deactivated")
