"""`milesaga release`: what is dangerous is asked for, agreed to, run once, and proved afterwards."""

from collections.abc import Callable
from typing import Any, Final

import typer

from services.cli.release import act, holding, log, policy, requests
from services.cli.release.gate.command import GateCommand, gate

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    help="Releases: ask, approve or deny, run behind the gate, prove what ran.",
)
app.command("gate", cls=GateCommand)(gate)
app.add_typer(log.app, name="log")
app.add_typer(policy.app, name="policy")

COMMANDS: Final[dict[str, Callable[..., Any]]] = {
    "act": act.act,
    "request": requests.ask,
    "list": requests.list_requests,
    "show": requests.show,
    "approve": requests.approve,
    "deny": requests.deny,
    "withdraw": requests.withdraw,
    "revoke": requests.revoke,
    "break-glass": requests.break_glass,
    "review": requests.review,
    "record": requests.record,
    "freeze": holding.freeze,
    "lift": holding.lift,
    "deactivate": holding.deactivate,
}
for name, command in COMMANDS.items():
    app.command(name)(command)
