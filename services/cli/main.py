"""The command line `milesaga`. A command's module is imported when the command is called: a service starts with no
more than it needs."""

import importlib
from typing import Any, Final, NamedTuple

import typer
from typer.core import TyperGroup
from typer.main import get_command


class Lazy(NamedTuple):
    """Where a command lives: a typer application, or a function that is one command."""

    module: str
    name: str


COMMANDS: Final = {
    "run": Lazy("services.cli.run", "run"),
    "demo": Lazy("services.cli.demo", "run"),
    "purchases": Lazy("services.cli.purchases", "app"),
    "dead": Lazy("services.cli.dead", "app"),
    "timers": Lazy("services.cli.timers", "app"),
    "audit": Lazy("services.cli.audit", "run"),
    "topology": Lazy("services.cli.topology", "app"),
    "bench": Lazy("services.cli.bench", "run"),
}


class LazyGroup(TyperGroup):
    """Finds a command by importing its module."""

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002 - click's signature
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:  # noqa: ARG002 - click's signature
        lazy = COMMANDS.get(cmd_name)
        if lazy is None:
            return None
        found = getattr(importlib.import_module(lazy.module), lazy.name)
        if not isinstance(found, typer.Typer):
            application = typer.Typer(add_completion=False)
            application.command(cmd_name)(found)
            found = application
        return get_command(found)


app = typer.Typer(cls=LazyGroup, no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)


@app.callback()
def milesaga() -> None:
    """Sell flights for miles and money: services, sandbox and tools."""


def main() -> None:
    """The console script."""
    app()


if __name__ == "__main__":
    main()
