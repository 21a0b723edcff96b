"""`milesaga release policy`: whether the files say what could hold, before anything starts with them."""

from pathlib import Path
from typing import Annotated

import typer

from services.cli import printing
from services.releases.domain.counting import missing
from services.releases.domain.files import WrongFile, rules_of

app = typer.Typer(no_args_is_help=True, add_completion=False, help="The policy: check its file.")


@app.callback()
def policy() -> None:
    """Who must agree to what."""


@app.command("check")
def check(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="The policy, TOML.")],
    people: Annotated[Path, typer.Option(exists=True, dir_okay=False, help="The people, TOML.")],
) -> None:
    """Read both files as the service would. Exit 1 where it would not start, or where nobody could fill the seats."""
    files = {"policy": file, "people": people}
    try:
        rules = rules_of(file.read_bytes(), people.read_bytes())
    except WrongFile as error:
        printing.complain(f"{files[error.which]}: {error}")
        raise typer.Exit(1) from error
    groups = {each.id: frozenset(each.groups) for each in rules.people.person}
    short = [(rule.name, why) for rule in rules.policy.rule for why in missing(rule, groups)]
    for name, why in short:
        printing.complain(f"{file}: the rule {name} can never be satisfied: {why}")
    if short:
        raise typer.Exit(1)
    printing.say(
        f"version {rules.policy.version}, {len(rules.policy.rule)} rules; people version {rules.people.version}"
    )
