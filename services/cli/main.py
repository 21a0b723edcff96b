"""The command line `milesaga`. A command's module is imported when the command is called: a service starts with no
more than it needs."""

import importlib
from typing import Annotated, Any, Final, NamedTuple

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command

from services.cli import printing
from services.cli.examples import with_examples
from shared.runtime.version import VERSION


class Lazy(NamedTuple):
    """Where a command lives: a typer application, or a function that is one command."""

    module: str
    name: str
    help: str


COMMANDS: Final = {
    "run": Lazy("services.cli.run", "run", "Run services: all of them and the sandbox, or the named ones."),
    "demo": Lazy("services.cli.demo", "run", "Show purchases that go well, badly, and through a crash."),
    "status": Lazy("services.cli.status", "status", "How everything stands, on one screen."),
    "purchases": Lazy("services.cli.purchases", "app", "Purchases: list, show or follow them, ask for their steps."),
    "dead": Lazy("services.cli.dead", "app", "Dead letters: list, show, retry or discard them."),
    "partners": Lazy("services.cli.partners", "app", "Partners: add, list or remove them."),
    "hub": Lazy("services.cli.hub", "app", "The event hub: apply files, send, follow and find events."),
    "timers": Lazy("services.cli.timers", "app", "Timers: list, move or cancel them."),
    "audit": Lazy("services.cli.audit", "run", "Compare our books with the outside world's."),
    "config": Lazy("services.cli.config", "app", "Settings: list them, or check those that are set."),
    "backup": Lazy("services.cli.backup", "backup", "Copy the stores while the stack runs."),
    "restore": Lazy("services.cli.backup", "restore", "Put copies in the place of the stores."),
    "topology": Lazy("services.cli.topology", "app", "Exchanges, queues, bindings: show or apply them."),
    "documents": Lazy("services.cli.documents", "run", "Serve the documents of all services, and nothing else."),
    "release": Lazy("services.cli.release", "app", "Releases: ask, approve, run behind the gate, prove."),
    "deploy": Lazy("services.cli.deploy.commands", "app", "What runs the services elsewhere: write or check it."),
    "bench": Lazy("services.cli.bench", "run", "Measure speed and size."),
}


class LazyGroup(TyperGroup):
    """Imports a command's module when it is called, not when it is listed."""

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002 - click's signature
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:  # noqa: ARG002 - click's signature
        """What the list of commands needs."""
        lazy = COMMANDS.get(cmd_name)
        return None if lazy is None else TyperCommand(cmd_name, help=lazy.help)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """The command itself."""
        lazy = COMMANDS.get(args[0])
        if lazy is None:
            return super().resolve_command(ctx, args)
        found = getattr(importlib.import_module(lazy.module), lazy.name)
        if not isinstance(found, typer.Typer):
            application = typer.Typer(add_completion=False)
            application.command(args[0])(found)
            found = application
        return args[0], with_examples(args[0], get_command(found)), args[1:]


app = typer.Typer(cls=LazyGroup, no_args_is_help=True, pretty_exceptions_enable=False)


def _tell_version(wanted: bool) -> None:
    if wanted:
        printing.say(f"milesaga {VERSION}")
        raise typer.Exit


@app.callback()
def milesaga(
    version: Annotated[
        bool, typer.Option("--version", callback=_tell_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    """Sell flights for miles and money: services, sandbox and tools."""


def main() -> None:
    """The console script."""
    printing.bear_any_text()
    app(prog_name="milesaga")


if __name__ == "__main__":
    main()
