"""A line of each command as somebody would type it: what `--help` ends with."""

from collections.abc import Iterator
from typing import Any, Final

from typer.core import TyperCommand, TyperGroup

ID: Final = "0198f0c2-7d1e-7a30-9d0e-2b1f5c6a7e80"
DEPLOY: Final = "--action deploy --environment production --target checkout"
EVENT: Final = "examples/hub_event.json"
BUS: Final = "examples/hub_bus.yaml"

EXAMPLES: Final = {
    "run": "--port 0",
    "demo": "--hub",
    "status": "--watch",
    "purchases list": '--step "issue tickets" --older-than 15m',
    "purchases show": f"{ID} --follow",
    "purchases ask": ID,
    "dead list": "--service payment",
    "dead show": "4f2a90c1d7be",
    "dead retry": "--all --service payment",
    "dead discard": "4f2a90c1d7be --yes",
    "partners add": "my-shop --members ana,rui --target fuel/books",
    "partners list": "--json",
    "partners remove": "my-shop",
    "hub apply": f"examples/hub_partner.yaml {BUS} --dry-run",
    "hub diff": BUS,
    "hub rollback": "fuel 7",
    "hub list": "fuel",
    "hub send": f"{EVENT} --partner coles",
    "hub check": f"{EVENT} --partner coles",
    "hub trace": "coles 4711",
    "hub route": "--from -24h",
    "hub tail": "--partner coles --bus fuel --explain",
    "hub feed": "history/own --cursor read.cursor --follow",
    "hub listen": "history/own --forward http://127.0.0.1:9000/hook",
    "hub match": f"when.yaml {EVENT}",
    "hub convert": "pattern.json",
    "hub clients": "--json",
    "hub sealing": "--json",
    "hub backtest": f"{BUS} --from -2h",
    "hub backtests cancel": "01984f2a-90c1-7d7b-8e01-0123456789ab",
    "hub backtests list": "--json",
    "hub backtests pause": "01984f2a-90c1-7d7b-8e01-0123456789ab",
    "hub backtests resume": "01984f2a-90c1-7d7b-8e01-0123456789ab",
    "hub backtests show": "01984f2a-90c1-7d7b-8e01-0123456789ab --json",
    "hub archive find": "--partner coles --from -2h",
    "hub archive export": "events.jsonl --partner coles --from -1d",
    "hub archive stats": "--json",
    "hub archive verify": "--json",
    "hub targets list": "--bus fuel",
    "hub targets show": "fuel/books",
    "hub targets pause": "hooks/till",
    "hub targets resume": "hooks/till",
    "hub targets test": "hooks/till",
    "hub targets verify": "hooks/till",
    "hub targets rotate": "hooks/till --overlap-hours 48",
    "hub targets keys": "hooks/till",
    "hub targets deliveries": "hooks/till --from -1h",
    "hub targets skip": "hooks/till coles:4711:5f0c2b7a91d4",
    "hub dead list": "hooks/till",
    "hub dead show": "hooks/till 4f2a90c1d7be",
    "hub dead redrive": "hooks/till --all",
    "hub dead discard": "hooks/till --all --yes",
    "hub replay start": "again --target hooks/till --from -2h --dry-run",
    "hub replay list": "--json",
    "hub replay show": "again --follow",
    "hub replay pause": "again",
    "hub replay resume": "again",
    "hub replay rate": "again 50",
    "hub replay cancel": "again",
    "timers list": "--json",
    "timers move": f"{ID} ask +5m",
    "timers cancel": f"{ID} ask",
    "audit": "--events-of 7d",
    "config list": "--json",
    "config check": "checkout payment",
    "backup": "/var/backups/milesaga",
    "restore": "/var/backups/milesaga --service payment",
    "topology show": "--json",
    "topology plan": "--json",
    "topology apply": "--yes",
    "topology adopt": "--yes",
    "documents": "--port 8001",
    "release gate": f'{DEPLOY} --file deploy.sh --reason "checkout 1.4.2" -- ./deploy.sh',
    "release act": "PUT /v1/miles/accounts/ana --action miles.replace_account --body account.json --reason INC-7",
    "release request": f'{DEPLOY} --artifact checkout@sha256:5feceb66ffc8 --reason "checkout 1.4.2"',
    "release list": "--state pending",
    "release show": ID,
    "release approve": f"{ID} --as sre",
    "release deny": f'{ID} --reason "the migration is not reviewed"',
    "release withdraw": ID,
    "release revoke": f'{ID} --reason "found a fault"',
    "release break-glass": f'{ID} --incident INC-7 --reason "no sales since 03:10"',
    "release review": f'{ID} accepted --reason "it was right"',
    "release record": f"{ID} --exit-code 0",
    "release freeze": '--environment production --reason "Black Friday"',
    "release lift": ID,
    "release deactivate": 'p-sre --reason "left the house"',
    "release log show": "--from 17",
    "release log checkpoint": "this-month.note",
    "release log export": "log.jsonl",
    "release log receipt": f"{ID} receipt.json",
    "release log verify": "--bundle log.jsonl --key log.key --checkpoint last-month.note",
    "release policy check": "policy.toml --people people.toml",
    "deploy kubernetes": "--check",
    "deploy compose": "--check",
    "deploy grafana": "--check",
    "deploy secrets": "<.env",
    "bench": "--only hub",
}
"""What stands behind the command's words."""


def with_examples(words: str, command: Any) -> Any:
    """The command, or all that stand below it; each ends its help with its line."""
    for name, one in leaves(words, command):
        one.epilog = f"Such as: milesaga {name} {EXAMPLES[name]}"
    return command


def leaves(words: str, command: Any) -> Iterator[tuple[str, TyperCommand]]:
    """Every command below a group, by its words; or the command itself."""
    if isinstance(command, TyperGroup):
        for name, below in command.commands.items():
            yield from leaves(f"{words} {name}", below)
    else:
        yield words, command
