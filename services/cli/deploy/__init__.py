"""`milesaga deploy`: what runs the services elsewhere, made from the list of services; in a clone of the repository."""

from collections.abc import Callable
from typing import Annotated

import typer

from services.cli import printing
from services.cli.deploy.tree import REPOSITORY, Tree, differing, write

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    help="Files that run the services elsewhere, made from the list of services.",
)


@app.callback()
def deploy() -> None:
    """Keep a command's name where it is the only one."""


Check = Annotated[bool, typer.Option("--check", help="Write nothing; exit 1 where a file is not as it would be made.")]


def made(tree: Callable[[], Tree], *, check: bool) -> None:
    """Write a tree, or tell how the repository's differs from it."""
    if not (REPOSITORY / "pyproject.toml").is_file():
        printing.complain("milesaga deploy: run it in a clone of the repository, whose files it makes.")
        raise typer.Exit(1)
    changed = differing(tree()) if check else write(tree())
    for path in changed:
        printing.say(f"{path}: {'differs' if check else 'written'}")
    raise typer.Exit(int(check and bool(changed)))
